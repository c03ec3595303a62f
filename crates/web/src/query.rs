//! The query of a URL, with errors that say which parameter is wrong and why.

use std::error::Error;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::Problem;

/// The query as a `T`. A misspelt parameter would silently do nothing, so a `T` denies unknown fields.
#[derive(Debug)]
pub struct QueryParams<T>(pub T);

impl<T, S> FromRequestParts<S> for QueryParams<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Query(query) = Query::<T>::try_from_uri(&parts.uri).map_err(|rejection| {
            // The rejection's own text says "failed to …" first; its source names the parameter.
            let named = rejection.source().map_or_else(|| rejection.to_string(), ToString::to_string);
            Problem::bad_request("invalid-query", format!("the query is not what this route takes: {named}"))
        })?;
        Ok(Self(query))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Page {
        q: String,
        limit: Option<u32>,
    }

    async fn page(query: &str) -> Result<Page, String> {
        let (mut parts, ()) = Request::get(format!("/?{query}")).body(()).unwrap().into_parts();
        let read = QueryParams::<Page>::from_request_parts(&mut parts, &()).await;
        read.map(|QueryParams(page)| page).map_err(|problem| problem.detail().to_owned())
    }

    #[tokio::test]
    async fn a_query_is_read_and_what_is_wrong_with_it_is_named() {
        let right = page("q=%D0%BA%D0%BB%D1%8E%D1%87+a&limit=3").await.expect("a page");
        assert_eq!((right.q.as_str(), right.limit), ("ключ a", Some(3)));
        for (query, named) in [
            ("", "missing field `q`"),
            ("q=a&limt=3", "unknown field `limt`"),
            ("q=a&limit=x", "limit: invalid digit"),
        ] {
            let detail = page(query).await.expect_err(query);
            assert!(detail.contains(named), "{query}: {detail}");
        }
    }
}
