//! Over plain TCP: what matters is the bytes.

mod basics;
mod client;
