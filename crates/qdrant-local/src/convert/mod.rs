//! Between Qdrant's messages and Edge's types, by hand: they share none.
//!
//! Each direction of one thing is beside the other. What a message asks for that Edge or this server
//! does not do is refused here, so that the rest never sees it; what does not change an answer
//! (time limits, consistency, search parameters of exact searches) is passed over.

mod collection;
mod id;
mod payload;
mod point;
mod query;
mod vector;

pub(crate) use collection::{info, settings};
pub(crate) use id::{point_id, point_ids, to_proto_id};
pub(crate) use payload::with_payload;
pub(crate) use point::{Schema, point, to_retrieved, to_scored};
pub(crate) use query::search;
pub(crate) use vector::with_vectors;
