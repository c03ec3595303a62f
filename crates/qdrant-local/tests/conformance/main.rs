//! What `knowledge` relies on, asked of the embedded server and of a real Qdrant.
//!
//! `VECTORA_TEST_QDRANT_URL` (and `VECTORA_TEST_QDRANT_API_KEY`) name a Qdrant of 1.15 or newer: each
//! case then runs against both. Without it the run says that the real one was skipped. The cases of
//! `embedded` and `restart` are about the embedded server alone.

mod collections;
mod embedded;
mod measure;
mod points;
mod refusals;
mod restart;
mod search;
mod servers;
