//! Qdrant's own gRPC API over Qdrant Edge, in this process.
//!
//! `vectora up` on one machine needs no Qdrant server: `knowledge` talks to this one with the same
//! client, and `QDRANT_URL` names a real one instead. A dozen calls are here, with Qdrant's messages
//! and status codes; every other call is `UNIMPLEMENTED` and says its name.
//!
//! | call | repeated | late or alone |
//! |---|---|---|
//! | create collection | `ALREADY_EXISTS` | the configuration is written with it, or nothing is |
//! | delete collection | `result: false` | waits for the searches in it, refuses new ones |
//! | exists, get, list | the same answer | no collection: `false`, `NOT_FOUND`, not in the list |
//! | upsert | the same end state | a point that exists is replaced whole |
//! | delete points | the same end state | unknown ids are no error |
//! | get, scroll, query, count | the same answer | see every write answered before |
//!
//! **What an answer to a write means.** `wait: true`: it is in the journal (as safe as the kernel is)
//! and searches see it. Without it: it is queued, in order, and may be lost with the process. The
//! journal is replayed after a `SIGKILL`; after a power failure the writes of the last
//! `flush_every` may be missing, as with Qdrant itself: `vectora index check` finds them.
//!
//! **Where things are.** `<directory>/lock`, and a directory a collection with Edge's files and
//! `journal`. Names that begin with a dot are halves: of a creation (`.creating-x`) or of a removal
//! (`.removed-x`); the next start removes them. A collection that does not open is answered for with
//! its reason; the others work.
//!
//! Read `server`, then `catalogue` (which collections there are), then `shard` (one of them).

mod auth;
mod catalogue;
mod collections;
mod convert;
mod error;
mod health;
mod journal;
mod points;
mod refused;
mod server;
mod shard;

pub use error::Error;
pub use server::{Options, Server};
