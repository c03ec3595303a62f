//! The limiter all senders share: GCRA, one row per bot and one per chat.
//!
//! Generic Cell Rate Algorithm (ITU-T I.371): a bucket keeps the theoretical arrival time of the next
//! message; a message may go when that time is at most `burst - 1` intervals ahead of now.

use std::collections::HashMap;
use std::time::Duration;

use serde::Deserialize;
use sqlx::PgConnection;

use crate::work::seconds;
use crate::{Error, Ledger};

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

/// The buckets one message draws from.
#[derive(Debug, Clone)]
pub(crate) struct Draw {
    /// The chat's.
    pub first: (String, Rate),
    /// The bot's, which all messages share.
    pub then: (String, Rate),
}

/// Draws a slot from both buckets for each message, in their order, and returns how long each has to wait for the later
/// one; zero means now.
///
/// A statement of its own, and not on disk when it returns: the bot's bucket is one row for all senders, and a lock on
/// it that is held until a commit is on disk would let hardly more messages through than the disk has commits. What a
/// crash of the database forgets is a slot. Rows are locked in one order, the bots' last.
pub(crate) async fn draw(ledger: &Ledger, draws: &[&Draw]) -> Result<Vec<Duration>, Error> {
    if draws.is_empty() {
        return Ok(Vec::new());
    }
    let both: Vec<(i32, bool, &(String, Rate))> =
        (0..).zip(draws).flat_map(|(n, draw)| [(n, false, &draw.first), (n, true, &draw.then)]).collect();
    let places: Vec<i32> = both.iter().map(|(n, ..)| *n).collect();
    let last: Vec<bool> = both.iter().map(|(_, last, _)| *last).collect();
    let names: Vec<String> = both.iter().map(|(.., (bucket, _))| bucket.clone()).collect();
    let intervals: Vec<f64> = both.iter().map(|(.., (_, rate))| seconds(rate.interval)).collect();
    let bursts: Vec<f64> = both.iter().map(|(.., (_, rate))| f64::from(rate.burst.max(1))).collect();
    let rows = sqlx::query!(
        r#"WITH relaxed AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true) AS set),
                g AS (
               SELECT g.*, count(*) OVER of_bucket AS behind
               FROM relaxed, unnest($1::int[], $2::bool[], $3::text[], $4::float8[], $5::float8[])
                   AS g(n, last, bucket, step, burst)
               WHERE relaxed.set IS NOT NULL
               -- Those of the same bucket that come after, and itself.
               WINDOW of_bucket AS (
                   PARTITION BY g.bucket ORDER BY g.n ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
           ), drawn AS (
               INSERT INTO limiters AS l (bucket, tat)
               SELECT g.bucket, clock_timestamp() + sum(g.step) * interval '1 second'
               FROM g GROUP BY g.bucket ORDER BY bool_or(g.last), g.bucket COLLATE "C"
               ON CONFLICT (bucket) DO UPDATE
                   SET tat = greatest(l.tat, clock_timestamp()) + (EXCLUDED.tat - clock_timestamp())
               RETURNING l.bucket, l.tat, l.held_until
           )
           SELECT g.n AS "n!", greatest(
               EXTRACT(EPOCH FROM
                   d.tat - g.step * (g.behind - 1 + g.burst) * interval '1 second' - clock_timestamp()),
               EXTRACT(EPOCH FROM d.held_until - clock_timestamp()))::float8 AS "wait!"
           FROM drawn d JOIN g USING (bucket)"#,
        &places,
        &last,
        &names,
        &intervals,
        &bursts
    )
    .fetch_all(&ledger.pool)
    .await?;
    let mut waits = vec![0.0_f64; draws.len()];
    for row in rows {
        if let Some(wait) = usize::try_from(row.n).ok().and_then(|n| waits.get_mut(n)) {
            *wait = wait.max(row.wait);
        }
    }
    // What rounding leaves is no wait.
    let of = |wait: f64| {
        if wait < ROUNDING { Duration::ZERO } else { Duration::try_from_secs_f64(wait).unwrap_or_default() }
    };
    Ok(waits.into_iter().map(of).collect())
}

/// Seconds: clocks are read several times in one statement.
const ROUNDING: f64 = 0.000_5;

/// How long the channel wants nothing on these buckets, whatever was reserved before it said so; those it says nothing
/// of are left out.
pub(crate) async fn held(
    conn: &mut PgConnection,
    buckets: &[String],
) -> Result<HashMap<String, Duration>, Error> {
    if buckets.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        r#"SELECT bucket, EXTRACT(EPOCH FROM held_until - clock_timestamp())::float8 AS "wait!" FROM limiters
           WHERE bucket = ANY($1) AND held_until > clock_timestamp()"#,
        buckets
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| Some((row.bucket, Duration::try_from_secs_f64(row.wait).ok()?)))
        .collect())
}

/// Forgets buckets that are as if they had never been.
pub(crate) async fn forget(ledger: &Ledger) -> Result<(), Error> {
    sqlx::query!(
        "DELETE FROM limiters WHERE bucket IN (
             SELECT bucket FROM limiters
             WHERE tat < clock_timestamp() - interval '1 hour'
               AND (held_until IS NULL OR held_until < clock_timestamp()) LIMIT 1000)"
    )
    .execute(&ledger.pool)
    .await?;
    Ok(())
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
        "INSERT INTO limiters AS l (bucket, tat, held_until)
         VALUES ($1, clock_timestamp() + $2 * interval '1 second', clock_timestamp() + $3 * interval '1 second')
         ON CONFLICT (bucket) DO UPDATE
             SET tat = greatest(l.tat, EXCLUDED.tat), held_until = greatest(l.held_until, EXCLUDED.held_until)",
        bucket,
        seconds(retry_after + ahead),
        seconds(retry_after)
    )
    .execute(conn)
    .await?;
    Ok(())
}
