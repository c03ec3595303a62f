//! The limiter all senders share: GCRA, one row per bot and one per chat.
//!
//! Generic Cell Rate Algorithm (ITU-T I.371): a bucket keeps the theoretical arrival time of the next
//! message; a message may go when that time is at most `burst - 1` intervals ahead of now.

use std::time::Duration;

use serde::Deserialize;
use sqlx::PgConnection;

use crate::Error;
use crate::work::seconds;

/// One bucket's rate.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Between two messages, in the long run.
    #[serde(with = "humantime_serde")]
    pub interval: Duration,
    /// Messages that may go at once after a pause; at least 1.
    pub burst: u32,
}

/// Draws a slot from `bucket` and returns how long to wait for it; zero means now.
pub(crate) async fn draw(conn: &mut PgConnection, bucket: &str, rate: Rate) -> Result<Duration, Error> {
    let wait = sqlx::query_scalar!(
        "INSERT INTO limiters AS l (bucket, tat)
         VALUES ($1, clock_timestamp() + $2 * interval '1 second')
         ON CONFLICT (bucket) DO UPDATE
             SET tat = greatest(l.tat, clock_timestamp()) + $2 * interval '1 second'
         RETURNING EXTRACT(EPOCH FROM tat - $2 * $3::int * interval '1 second' - clock_timestamp())::float8
             AS \"wait!\"",
        bucket,
        seconds(rate.interval),
        i32::try_from(rate.burst.max(1)).unwrap_or(i32::MAX)
    )
    .fetch_one(conn)
    .await?;
    Ok(Duration::try_from_secs_f64(wait).unwrap_or_default())
}

/// The channel said "not before": nobody sends on this bucket for `retry_after`, burst or not.
pub(crate) async fn hold_off(
    conn: &mut PgConnection,
    bucket: &str,
    rate: Rate,
    retry_after: Duration,
) -> Result<(), Error> {
    // A draw may run ahead of `tat` by burst - 1 intervals, so the pause has to reach that much further.
    let ahead = rate.interval * rate.burst.saturating_sub(1);
    sqlx::query!(
        "INSERT INTO limiters AS l (bucket, tat) VALUES ($1, clock_timestamp() + $2 * interval '1 second')
         ON CONFLICT (bucket) DO UPDATE
             SET tat = greatest(l.tat, clock_timestamp() + $2 * interval '1 second')",
        bucket,
        seconds(retry_after + ahead)
    )
    .execute(conn)
    .await?;
    Ok(())
}
