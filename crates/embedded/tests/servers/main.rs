//! The real servers, started and harmed. As root, everything runs a second time as `nobody`.

mod nats;
mod parent;
mod postgres;
mod support;
