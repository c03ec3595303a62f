//! Grounding.
pub mod masking;
