//! The id in a path.

use std::str::FromStr;

use axum::extract::Path;
use axum::extract::rejection::PathRejection;

use crate::Problem;

/// A path's id as it came; see [`parse_id`].
pub type RawId = Result<Path<String>, PathRejection>;

/// A malformed id is the id of nothing: 404 as well. Of a UUID's spellings only the one given out is taken.
///
/// # Errors
/// 404 for a `noun` that cannot exist.
pub fn parse_id<T: FromStr>(id: RawId, noun: &'static str) -> Result<T, Problem> {
    id.ok()
        .filter(|Path(text)| text.len() == "00000000-0000-0000-0000-000000000000".len())
        .and_then(|Path(text)| text.parse().ok())
        .ok_or_else(|| Problem::not_found(noun))
}
