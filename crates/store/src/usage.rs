//! Tokens models took, by day and model: what daily budgets are compared with.
//!
//! A call is counted when it has ended, whatever becomes of its turn: a reply that is thrown away is paid all the same.
//! **A repeat** counts again, because it was paid again.

use sqlx::types::chrono::{DateTime, Utc};

use crate::{Error, Ledger};

/// What calls of one model took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    pub provider: String,
    pub model: String,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub calls: u64,
}

/// Adds what was used since the last time, to the day of the ledger's clock (UTC).
///
/// # Errors
/// [`Error`]; at an unknown outcome it may be counted twice when it is added again: a budget errs on the safe side.
pub async fn add(ledger: &Ledger, used: &[Usage]) -> Result<(), Error> {
    let providers: Vec<String> = used.iter().map(|one| one.provider.clone()).collect();
    let models: Vec<String> = used.iter().map(|one| one.model.clone()).collect();
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let prompts: Vec<i64> = used.iter().map(|one| count(one.prompt_tokens)).collect();
    let completions: Vec<i64> = used.iter().map(|one| count(one.completion_tokens)).collect();
    let calls: Vec<i64> = used.iter().map(|one| count(one.calls)).collect();
    sqlx::query!(
        "INSERT INTO model_usage AS u (day, provider, model, prompt_tokens, completion_tokens, calls)
         SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date, provider, model, sum(p), sum(c), sum(n)
         FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[]) AS g(provider, model, p, c, n)
         GROUP BY provider, model ORDER BY provider, model
         ON CONFLICT (day, provider, model) DO UPDATE SET
             prompt_tokens = u.prompt_tokens + EXCLUDED.prompt_tokens,
             completion_tokens = u.completion_tokens + EXCLUDED.completion_tokens, calls = u.calls + EXCLUDED.calls",
        &providers,
        &models,
        &prompts,
        &completions,
        &calls
    )
    .execute(&ledger.pool)
    .await?;
    Ok(())
}

/// Tokens used today by provider, and when today ends.
///
/// # Errors
/// [`Error`].
pub async fn today(ledger: &Ledger) -> Result<(Vec<(String, u64)>, DateTime<Utc>), Error> {
    let rows = sqlx::query!(
        r#"SELECT provider, sum(prompt_tokens + completion_tokens)::bigint AS "used!" FROM model_usage
           WHERE day = (clock_timestamp() AT TIME ZONE 'UTC')::date GROUP BY provider"#
    )
    .fetch_all(&ledger.pool)
    .await?;
    let ends = sqlx::query_scalar!(
        r#"SELECT ((clock_timestamp() AT TIME ZONE 'UTC')::date + 1)::timestamp AT TIME ZONE 'UTC' AS "ends!""#
    )
    .fetch_one(&ledger.pool)
    .await?;
    let used = rows.into_iter().map(|row| (row.provider, u64::try_from(row.used).unwrap_or(0))).collect();
    Ok((used, ends))
}
