//! Generations of the index: an analyser, a chunker, perhaps an embedder, a collection. **The live row is the
//! switch**: a query reads it, and searches its collection by name.
//!
//! Creating, switching and retiring take an advisory lock alone; whoever writes batches or makes a revision live
//! takes it shared, as the first statement of the transaction, and reads the rows after it. So a revision is
//! either seen by the switch, or sees the switch.

mod build;
mod compare;

use contract::GenerationId;
use serde_json::Value;
use sqlx::PgConnection;

pub use self::build::{Progress, abandon, dropped, fill, progress, switch, to_drop};
pub use self::compare::{expected_points, mend, unexpected_points};
use crate::{Error, Ledger};

/// Advisory lock of everything about generations: "index" in ASCII.
const LOCK: i64 = 0x0069_6e64_6578;

/// A row of `index_generations`.
#[derive(Debug, Clone, PartialEq)]
pub struct Generation {
    pub id: GenerationId,
    /// Version of the analyser its vectors were made with; questions need the same one.
    pub analyser: String,
    pub chunker: String,
    /// Identity of the embedder of its dense vectors; questions need the same one. `None`: it has no such vectors.
    pub embedder: Option<String>,
    /// Of a dense vector.
    pub dims: Option<i32>,
    pub collection: String,
    /// `building`, `live` or `retired`.
    pub state: String,
    /// Its collection was made. One that is missing afterwards was lost.
    pub prepared: bool,
    /// Fitted to this knowledge base; `None`: not fitted yet.
    pub threshold: Option<f32>,
    /// What was fitted beside the threshold: how lexical and dense search go together.
    pub fusion: Option<Value>,
}

/// What a generation is made with.
#[derive(Debug, Clone, Copy)]
pub struct Recipe<'a> {
    pub analyser: &'a str,
    pub chunker: &'a str,
    /// Identity of the embedder, and the dimensions of its vectors.
    pub embedder: Option<(&'a str, i32)>,
    /// Collections are called `<prefix>_knowledge_<id>`.
    pub prefix: &'a str,
}

pub(crate) async fn lock_shared(conn: &mut PgConnection) -> Result<(), Error> {
    sqlx::query!("SELECT pg_advisory_xact_lock_shared($1)", LOCK).execute(conn).await?;
    Ok(())
}

async fn lock_alone(conn: &mut PgConnection) -> Result<(), Error> {
    sqlx::query!("SELECT pg_advisory_xact_lock($1)", LOCK).execute(conn).await?;
    Ok(())
}

/// Generations that are built or live. The caller holds the lock, or knows that it reads a moment.
pub(crate) async fn current(conn: &mut PgConnection) -> Result<Vec<Generation>, Error> {
    Ok(sqlx::query_as!(
        Generation,
        r#"SELECT id, analyser, chunker, embedder, dims, collection, state,
                  prepared_at IS NOT NULL AS "prepared!", threshold, fit -> 'fusion' AS fusion
           FROM index_generations WHERE state IN ('live', 'building') ORDER BY created_at"#
    )
    .fetch_all(conn)
    .await?)
}

/// The live generation; `None` before the first one.
///
/// # Errors
/// [`Error`].
pub async fn live(ledger: &Ledger) -> Result<Option<Generation>, Error> {
    let mut conn = ledger.pool.acquire().await?;
    Ok(current(&mut conn).await?.into_iter().find(|generation| generation.state == "live"))
}

/// The generation that is being built, if any.
///
/// # Errors
/// [`Error`].
pub async fn building(ledger: &Ledger) -> Result<Option<Generation>, Error> {
    let mut conn = ledger.pool.acquire().await?;
    Ok(current(&mut conn).await?.into_iter().find(|generation| generation.state == "building"))
}

/// The live generation, made if there is none: an installation begins with one.
///
/// # Errors
/// [`Error`].
pub async fn ensure(ledger: &Ledger, recipe: Recipe<'_>) -> Result<Generation, Error> {
    if let Some(live) = live(ledger).await? {
        return Ok(live);
    }
    let mut tx = ledger.begin().await?;
    lock_alone(&mut tx).await?;
    if let Some(live) = current(&mut tx).await?.into_iter().find(|generation| generation.state == "live") {
        return Ok(live);
    }
    let made = insert(&mut tx, recipe, "live").await?;
    tx.commit().await?;
    Ok(made)
}

/// The generation that is being built, made if there is none.
///
/// # Errors
/// [`Error`].
pub async fn begin(ledger: &Ledger, recipe: Recipe<'_>) -> Result<Generation, Error> {
    let mut tx = ledger.begin().await?;
    lock_alone(&mut tx).await?;
    if let Some(one) = current(&mut tx).await?.into_iter().find(|generation| generation.state == "building") {
        return Ok(one);
    }
    let made = insert(&mut tx, recipe, "building").await?;
    tx.commit().await?;
    Ok(made)
}

async fn insert(conn: &mut PgConnection, recipe: Recipe<'_>, state: &str) -> Result<Generation, Error> {
    let id = GenerationId::new();
    let collection = format!("{}_knowledge_{}", recipe.prefix, id.0.simple());
    let (embedder, dims) = recipe.embedder.unzip();
    sqlx::query!(
        "INSERT INTO index_generations (id, analyser, chunker, embedder, dims, collection, state, live_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, CASE $7 WHEN 'live' THEN clock_timestamp() END)",
        id.0,
        recipe.analyser,
        recipe.chunker,
        embedder,
        dims,
        collection,
        state
    )
    .execute(conn)
    .await?;
    Ok(Generation {
        id,
        analyser: recipe.analyser.to_owned(),
        chunker: recipe.chunker.to_owned(),
        embedder: embedder.map(str::to_owned),
        dims,
        collection,
        state: state.to_owned(),
        prepared: false,
        threshold: None,
        fusion: None,
    })
}

/// Its collection exists now.
///
/// # Errors
/// [`Error`].
pub async fn prepared(ledger: &Ledger, id: GenerationId) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE index_generations SET prepared_at = clock_timestamp() WHERE id = $1 AND prepared_at IS NULL",
        id.0
    )
    .execute(&ledger.pool)
    .await?;
    Ok(())
}

/// Keeps a fitted threshold with its curve.
///
/// # Errors
/// [`Error`].
pub async fn fit(
    ledger: &Ledger,
    id: GenerationId,
    threshold: Option<f32>,
    fit: &Value,
) -> Result<(), Error> {
    sqlx::query!("UPDATE index_generations SET threshold = $2, fit = $3 WHERE id = $1", id.0, threshold, fit)
        .execute(&ledger.pool)
        .await?;
    Ok(())
}

/// The last fit of a generation, as it was kept.
///
/// # Errors
/// [`Error`].
pub async fn last_fit(ledger: &Ledger, id: GenerationId) -> Result<Option<Value>, Error> {
    Ok(sqlx::query_scalar!("SELECT fit FROM index_generations WHERE id = $1", id.0)
        .fetch_optional(&ledger.pool)
        .await?
        .flatten())
}
