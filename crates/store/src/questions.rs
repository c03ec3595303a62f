//! A question as its asker sees it: wherever it is, from the inbox row to the answer.

use contract::{ApiKeyId, Citation, ConversationId, MessageId, Question, QuestionStatus};

use crate::{Error, Ledger};

/// A question and whose it is. `owner` is `None` for conversations of channels other than REST.
#[derive(Debug, Clone)]
pub struct Owned {
    pub question: Question,
    pub owner: Option<ApiKeyId>,
    /// The key that asked; another than the owner's when it may write into others' conversations.
    pub asker: Option<ApiKeyId>,
    /// Of the turn's last claim; 0 while there is none. Event frames with a lower one are stale.
    pub epoch: i64,
}

/// What may be said of a failure: the cause stays in the ledger.
const FAILED: &str = "The question could not be answered. Ask again, or ask for a human.";

/// `None`: there is no such question.
///
/// # Errors
/// [`Error`].
pub async fn get(ledger: &Ledger, id: MessageId) -> Result<Option<Owned>, Error> {
    let row = sqlx::query!(
        r#"SELECT i.key_id, i.state AS inbox_state, i.asked_by, c.id AS "conversation_id?", c.owner_key AS "owner_key?",
                  m.state AS "message_state?", t.state AS "turn_state?", t.epoch AS "epoch?",
                  a.kind AS "kind?", a.text AS "text?", a.citations AS "citations?"
           FROM inbox i
           LEFT JOIN messages m ON m.id = i.message_id
           LEFT JOIN turns t ON t.id = m.turn_id
           LEFT JOIN answers a ON a.turn_id = t.id
           LEFT JOIN conversations c ON c.id = coalesce(m.conversation_id, i.key_id)
           WHERE i.message_id = $1"#,
        id.0
    )
    .fetch_optional(&ledger.pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let status = match (
        row.inbox_state.as_str(),
        row.message_state.as_deref(),
        row.turn_state.as_deref(),
        row.kind.as_deref(),
    ) {
        ("failed", ..) | (_, _, Some("failed"), _) => QuestionStatus::Failed,
        (_, Some("operator"), ..) | (_, _, _, Some("escalated")) => QuestionStatus::Escalated,
        (_, _, Some("superseded"), _) | (_, Some("dropped"), ..) | ("passed", ..) => {
            QuestionStatus::Superseded
        }
        (_, _, _, Some("answered")) => QuestionStatus::Answered,
        (_, _, _, Some("refused")) => QuestionStatus::Refused,
        // Nobody has begun.
        (_, _, Some("active"), _) if row.epoch == Some(0) => QuestionStatus::Accepted,
        (_, _, Some(_), _) => QuestionStatus::Working,
        _ => QuestionStatus::Accepted,
    };
    let citations: Vec<Citation> = row
        .citations
        .map(serde_json::from_value)
        .transpose()
        .map_err(|problem| Error::Row {
            table: "answers",
            column: "citations",
            row: id.to_string(),
            problem: problem.to_string(),
        })?
        .unwrap_or_default();
    Ok(Some(Owned {
        question: Question {
            id,
            conversation_id: ConversationId(row.conversation_id.unwrap_or(row.key_id)),
            status,
            answer: row.text,
            citations,
            error: (status == QuestionStatus::Failed).then(|| FAILED.to_owned()),
        },
        owner: row.owner_key.map(ApiKeyId),
        asker: row.asked_by.map(ApiKeyId),
        epoch: row.epoch.unwrap_or(0),
    }))
}
