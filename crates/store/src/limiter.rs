//! The limiter all senders share: GCRA, one row per bot and one per chat.
//!
//! Generic Cell Rate Algorithm (ITU-T I.371): a bucket keeps the theoretical arrival time of the next
//! message; a message may go when that time is at most `burst - 1` intervals ahead of now.

use std::collections::HashMap;
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

/// How many of `wanted` messages each bucket lets through now, and how long it will be until the next; those that are
/// let through are drawn. Unlike [`draw`] nothing waits: what is not let through is told so. A bucket is named once.
pub(crate) async fn allow(
    conn: &mut PgConnection,
    wanted: &[(String, u32)],
    rate: Rate,
) -> Result<Vec<(u32, Duration)>, Error> {
    let buckets: Vec<String> = wanted.iter().map(|(bucket, _)| bucket.clone()).collect();
    let mut ahead: HashMap<String, f64> = sqlx::query!(
        r#"SELECT bucket, EXTRACT(EPOCH FROM tat - clock_timestamp())::float8 AS "ahead!"
           FROM limiters WHERE bucket = ANY($1) ORDER BY bucket FOR UPDATE"#,
        &buckets
    )
    .fetch_all(&mut *conn)
    .await?
    .into_iter()
    .map(|row| (row.bucket, row.ahead))
    .collect();
    let interval = seconds(rate.interval).max(1e-6);
    let room = interval * f64::from(rate.burst.max(1));
    let (mut let_through, mut drawn) = (Vec::with_capacity(wanted.len()), Vec::with_capacity(wanted.len()));
    for (bucket, wanted) in wanted {
        let used = ahead.remove(bucket).unwrap_or(0.0).max(0.0);
        // A float that is too large or negative is cut to the range by the cast.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "cut to the range")]
        let allowed = (((room - used) / interval + 1e-6).floor() as u32).min(*wanted);
        let used = used + interval * f64::from(allowed);
        let_through.push((allowed, Duration::try_from_secs_f64(used + interval - room).unwrap_or_default()));
        drawn.push(used);
    }
    sqlx::query!(
        "INSERT INTO limiters AS l (bucket, tat)
         SELECT g.bucket, clock_timestamp() + g.ahead * interval '1 second'
         FROM unnest($1::text[], $2::float8[]) AS g(bucket, ahead) ORDER BY g.bucket
         ON CONFLICT (bucket) DO UPDATE SET tat = EXCLUDED.tat",
        &buckets,
        &drawn
    )
    .execute(conn)
    .await?;
    Ok(let_through)
}

/// Whether this was not said within `interval`: what would be repeated at every message is said once.
pub(crate) async fn once(conn: &mut PgConnection, what: String, interval: Duration) -> Result<bool, Error> {
    let rate = Rate { interval, burst: 1 };
    Ok(allow(conn, &[(what, 1)], rate).await?.first().is_some_and(|(allowed, _)| *allowed == 1))
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
