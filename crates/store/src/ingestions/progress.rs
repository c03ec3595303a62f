//! What became of the files of an ingestion: counted from their revisions, so that it is always true.

use chrono::{DateTime, Utc};
use contract::{ApiKeyId, IngestionId};
use serde::{Deserialize, Serialize};

use crate::{Error, Ledger};

/// Failures named in one reading; all of them are counted.
const NAMED: i64 = 100;

/// How far an ingestion is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    pub id: IngestionId,
    pub source: String,
    /// `receiving` (files are missing), `running`, `paused`, `cancelled`, `done`.
    pub state: String,
    /// Files, the unchanged ones included.
    pub files: i64,
    pub unchanged: i64,
    /// Not sent yet.
    pub missing: i64,
    /// Waiting for, or in, extraction.
    pub extracting: i64,
    /// Extracted, and on their way into the index.
    pub embedding: i64,
    /// Visible to search (or were, until something newer came).
    pub live: i64,
    /// Overtaken by a newer version or a deletion before they were visible.
    pub superseded: i64,
    pub failed: i64,
    /// Documents that were deleted because they were not listed.
    pub removed: i64,
    /// Chunks of the live ones.
    pub chunks: i64,
    /// The first hundred.
    pub failures: Vec<Failure>,
    pub created_at: DateTime<Utc>,
    #[serde(skip)]
    pub created_by: Option<ApiKeyId>,
}

/// A file that could not be indexed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub path: String,
    pub error: String,
}

impl Progress {
    /// Whether nothing more will happen.
    pub fn is_final(&self) -> bool {
        matches!(self.state.as_str(), "done" | "cancelled")
    }
}

/// `None`: there is no such ingestion.
///
/// # Errors
/// [`Error`].
pub async fn progress(ledger: &Ledger, id: IngestionId) -> Result<Option<Progress>, Error> {
    let row = sqlx::query!(
        r#"SELECT s.name AS source, i.state, i.unchanged, i.removed, i.created_at, i.created_by,
                  count(f.path) AS "listed!",
                  count(f.path) FILTER (WHERE f.revision_id IS NULL) AS "missing!",
                  count(*) FILTER (WHERE r.state = 'building' AND r.stage = 'extract') AS "extracting!",
                  count(*) FILTER (WHERE r.state = 'building' AND r.stage <> 'extract') AS "embedding!",
                  count(*) FILTER (WHERE r.state IN ('live', 'retired')) AS "live!",
                  count(*) FILTER (WHERE r.state = 'superseded') AS "superseded!",
                  count(*) FILTER (WHERE r.state = 'failed') AS "failed!",
                  coalesce(sum(r.chunks) FILTER (WHERE r.state = 'live'), 0) AS "chunks!"
           FROM ingestions i JOIN sources s ON s.id = i.source_id
           LEFT JOIN ingestion_files f ON f.ingestion_id = i.id LEFT JOIN revisions r ON r.id = f.revision_id
           WHERE i.id = $1 GROUP BY i.id, s.name"#,
        id.0
    )
    .fetch_optional(&ledger.pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let failures = if row.failed == 0 {
        Vec::new()
    } else {
        sqlx::query_as!(
            Failure,
            r#"SELECT f.path, coalesce(r.last_error, 'unknown') AS "error!"
               FROM ingestion_files f JOIN revisions r ON r.id = f.revision_id
               WHERE f.ingestion_id = $1 AND r.state = 'failed' ORDER BY f.path LIMIT $2"#,
            id.0,
            NAMED
        )
        .fetch_all(&ledger.pool)
        .await?
    };
    let state = match row.state.as_str() {
        "open" if row.missing > 0 => "receiving",
        "open" if row.extracting + row.embedding > 0 => "running",
        "open" => "done",
        other => other,
    };
    Ok(Some(Progress {
        id,
        source: row.source,
        state: state.to_owned(),
        files: i64::from(row.unchanged) + row.listed,
        unchanged: row.unchanged.into(),
        missing: row.missing,
        extracting: row.extracting,
        embedding: row.embedding,
        live: row.live,
        superseded: row.superseded,
        failed: row.failed,
        removed: row.removed.into(),
        chunks: row.chunks,
        failures,
        created_at: row.created_at,
        created_by: row.created_by.map(ApiKeyId),
    }))
}
