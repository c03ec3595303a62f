//! What becomes of the files, until nothing more will.

use std::time::{Duration, Instant};

use contract::IngestionId;
use store::ingestions::Progress;
use tokio::sync::watch::Receiver;

use super::Client;
use crate::commands::display::Display;

/// The first wait between two looks; each is twice the one before, up to the last.
const FIRST: Duration = Duration::from_millis(25);
const LAST: Duration = Duration::from_millis(250);
/// For how long a server may be away before the command gives up watching; it restarts in seconds.
const AWAY: Duration = Duration::from_mins(2);

/// Watches until everything is searchable or has failed. `unsent` tells, when all has been sent, how many files could
/// not be: those stay missing for ever, and are not waited for.
pub(super) async fn until_over(
    client: &Client,
    id: IngestionId,
    mut unsent: Receiver<Option<usize>>,
    display: &Display,
) -> anyhow::Result<Progress> {
    let path = format!("/v1/ingestions/{id}");
    let mut wait = FIRST;
    let mut answered = Instant::now();
    loop {
        // Before the reading: files that are sent after it are missing in it.
        let sent = *unsent.borrow_and_update();
        match client.call::<Progress>(client.get(&path)).await {
            Ok(progress) => {
                answered = Instant::now();
                show(&progress, display);
                if is_over(&progress, sent) {
                    return Ok(progress);
                }
            }
            Err(error) if error.again().is_some() && answered.elapsed() < AWAY => {}
            Err(error) => return Err(error.into()),
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => wait = (wait * 2).min(LAST),
            // All is sent: look at once. The sender is alive until then.
            Ok(()) = unsent.changed() => wait = FIRST,
        }
    }
}

fn is_over(progress: &Progress, unsent: Option<usize>) -> bool {
    let Some(unsent) = unsent else { return progress.state == "cancelled" };
    let missing = i64::try_from(unsent).unwrap_or(i64::MAX);
    let idle = progress.extracting + progress.embedding == 0;
    progress.is_final() || (progress.state == "receiving" && idle && progress.missing <= missing)
}

fn show(progress: &Progress, display: &Display) {
    let done = progress.unchanged + progress.live + progress.failed + progress.superseded;
    let what = match progress.state.as_str() {
        "paused" => "paused",
        "receiving" if progress.extracting + progress.embedding == 0 => "sending",
        _ => "indexing",
    };
    let count = |number: i64| usize::try_from(number).unwrap_or_default();
    display.show(what, count(done), count(progress.files));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(state: &str, missing: i64, embedding: i64) -> Progress {
        let fields = serde_json::json!({
            "id": IngestionId::new(), "source": "docs", "state": state, "files": 9, "unchanged": 1,
            "missing": missing, "extracting": 0, "embedding": embedding, "live": 0, "superseded": 0,
            "failed": 0, "removed": 0, "chunks": 0, "failures": [], "created_at": "2026-11-21T00:00:00Z",
        });
        serde_json::from_value(fields).expect("it is progress")
    }

    #[test]
    fn it_is_over_when_all_is_sent_and_done_and_what_could_not_be_sent_is_not_waited_for() {
        assert!(!is_over(&progress("done", 0, 0), None), "there is more to send");
        assert!(is_over(&progress("cancelled", 3, 0), None));
        assert!(is_over(&progress("done", 0, 0), Some(0)));
        assert!(!is_over(&progress("running", 0, 2), Some(0)));
        assert!(!is_over(&progress("receiving", 2, 0), Some(1)));
        assert!(!is_over(&progress("receiving", 1, 1), Some(1)));
        assert!(is_over(&progress("receiving", 1, 0), Some(1)));
        assert!(!is_over(&progress("paused", 0, 0), Some(0)));
    }
}
