//! Asking: each question in a conversation of its own, a few conversations at once, and the replies in the set's order.

use std::time::Duration;

use contract::Question;
use futures_util::{StreamExt, stream};
use serde_json::json;
use tokio::time::Instant;

use super::set::Item;
use crate::commands::remote::{Client, insist};

/// Between two looks: what a latency may be too long by. A few conversations looking this often are no load.
const LOOK: Duration = Duration::from_millis(20);

/// What became of a question.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    /// As it was last seen; `None`: it was not accepted.
    pub(super) question: Option<Question>,
    /// From accepted to final, as the client sees it; `None`: it did not get there.
    pub(super) latency: Option<Duration>,
    /// Why there is no final state, fit to be shown.
    pub(super) error: Option<String>,
}

/// Asks a whole set. `wait` is the limit of each question, those of a history included. `progress` is told how many
/// questions are done, and of how many.
///
/// # Errors
/// When no question at all was accepted: the address or the key is wrong, and a report would hide it.
pub(super) async fn ask(
    client: &Client,
    set: &[Item],
    conversations: usize,
    wait: Duration,
    progress: impl Fn(usize, usize),
) -> anyhow::Result<Vec<Reply>> {
    progress(0, set.len());
    let mut replies: Vec<Option<Reply>> = vec![None; set.len()];
    let asked =
        set.iter().enumerate().map(|(at, item)| async move { (at, converse(client, item, wait).await) });
    let mut asked = Box::pin(stream::iter(asked).buffer_unordered(conversations));
    let mut done = 0;
    while let Some((at, reply)) = asked.next().await {
        replies[at] = Some(reply);
        done += 1;
        progress(done, set.len());
    }
    let replies: Vec<Reply> = replies.into_iter().flatten().collect();
    if replies.iter().all(|reply| reply.question.is_none()) {
        let why = replies.iter().find_map(|reply| reply.error.as_deref());
        anyhow::bail!("no question was accepted: {}", why.unwrap_or("there are none"));
    }
    Ok(replies)
}

/// The history, and then the question itself.
async fn converse(client: &Client, item: &Item, wait: Duration) -> Reply {
    let mut before: Option<Question> = None;
    for earlier in &item.history {
        let reply = one(client, earlier, before.as_ref(), wait).await;
        let Reply { question: Some(question), error: None, .. } = reply else {
            let why = reply.error.unwrap_or_default();
            return Reply {
                question: None,
                latency: None,
                error: Some(format!("the question before it in its history: {why}")),
            };
        };
        before = Some(question);
    }
    one(client, &item.question, before.as_ref(), wait).await
}

/// One question, until it is final or out of time.
async fn one(client: &Client, text: &str, before: Option<&Question>, wait: Duration) -> Reply {
    let body = match before {
        Some(before) => json!({ "text": text, "conversation_id": before.conversation_id }),
        None => json!({ "text": text }),
    };
    // A request that is repeated, because its answer was lost, must not ask twice.
    let key = uuid::Uuid::now_v7().to_string();
    let accepted: anyhow::Result<Question> = insist(async || {
        client.call(client.post("/v1/questions").header("idempotency-key", &key).json(&body)).await
    })
    .await;
    let mut question = match accepted {
        Ok(question) => question,
        Err(error) => return Reply { question: None, latency: None, error: Some(format!("{error:#}")) },
    };
    let began = Instant::now();
    let path = format!("/v1/questions/{}", question.id);
    let error = loop {
        tokio::time::sleep(LOOK).await;
        let seen = insist(async || client.call(client.get(&path)).await);
        match tokio::time::timeout_at(began + wait, seen).await {
            Ok(Ok(seen)) => question = seen,
            Ok(Err(error)) => break format!("{error:#}"),
            Err(_) => break format!("no answer within {} s", wait.as_secs()),
        }
        if question.status.is_final() {
            return Reply { question: Some(question), latency: Some(began.elapsed()), error: None };
        }
    };
    Reply { question: Some(question), latency: None, error: Some(error) }
}
