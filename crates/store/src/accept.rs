//! Accepting: the one place where something from outside becomes work. Whoever is told "accepted" was told
//! after a commit here.
//!
//! One statement for many submissions: the inbox rows, and for those that were really inserted the intake
//! keys, raised by what came. A key that is unleased and has no ticket gets an `issued_at`. The ticket a key
//! has is returned for publishing, new or not: NATS drops the repetition by its id, and a lost one is mended
//! early. A key that is being worked on needs none: its settle publishes again.
//!
//! A question that opens a conversation needs no queue: see [`opening`].

mod opening;
mod updates;

use std::collections::HashMap;
use std::sync::Arc;

use contract::{ApiKeyId, Channel, ConversationId, Kind, MessageId, QuestionText, Ticket};
use runtime::batch::Batcher;
use runtime::lifecycle::Lifecycle;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::work::Issued;
use crate::{Error, Ledger};

pub use self::updates::{Received, Receiver, Update, each_update, update};

/// The stage intake keys are at, for ever.
pub const INTAKE: &str = "intake";

/// The route under which idempotency keys of questions are kept.
const ROUTE: &str = "POST /v1/questions";

/// A question as it comes in over REST.
#[derive(Debug, Clone)]
pub struct Submission {
    pub key: ApiKeyId,
    /// The key may write into REST conversations of other keys (`questions:write:any`).
    pub any: bool,
    /// `None` opens a conversation.
    pub conversation: Option<ConversationId>,
    pub text: QuestionText,
    pub idempotency: Option<Idempotency>,
}

/// What the client sent as `Idempotency-Key`, and a digest of what it asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    pub key: String,
    pub fingerprint: [u8; 32],
}

/// It is in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    pub question: MessageId,
    pub conversation: ConversationId,
    /// To be published, if there is none under way: of the turn, or of the queue.
    pub ticket: Option<Ticket>,
    /// The same request was accepted before, under the same `Idempotency-Key`.
    pub replayed: bool,
}

/// Why a submission was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    #[error("no such conversation")]
    UnknownConversation,
    #[error("this Idempotency-Key was used for another request within 24 hours")]
    IdempotencyMismatch,
    /// Another request with this key holds the row, and has not committed.
    #[error("a request with this Idempotency-Key is still being processed")]
    InProgress,
    /// The ledger is away, or the outcome of the commit is unknown: nothing may be promised.
    #[error("the ledger did not accept")]
    Ledger(#[source] Arc<Error>),
}

/// Accepts questions in batches: what arrives while a statement is under way goes into the next.
#[derive(Debug, Clone)]
pub struct Acceptor {
    /// Of questions that open a conversation.
    opening: Accepts,
    /// Of questions in conversations there are.
    further: Accepts,
}

type Accepts = Batcher<Submission, Result<Accepted, AcceptError>>;

impl Acceptor {
    /// Submissions in one statement at the most; with two statements in the air it is never the limit.
    const LARGEST: usize = 64;

    pub fn new(ledger: &Ledger, lifecycle: &Lifecycle) -> Self {
        let batcher = || {
            let ledger = ledger.clone();
            let (batcher, task) = Batcher::new(Self::LARGEST, 2, move |batch: Vec<Submission>| {
                let ledger = ledger.clone();
                async move { questions(&ledger, &batch).await }
            });
            lifecycle.spawn("accept", task);
            batcher
        };
        Self { opening: batcher(), further: batcher() }
    }

    /// # Errors
    /// [`AcceptError`]. After [`AcceptError::Ledger`] nothing may be promised; the question may or may not be
    /// in the ledger, which is what `Idempotency-Key` is for.
    pub async fn accept(&self, submission: Submission) -> Result<Accepted, AcceptError> {
        let accepts = if submission.conversation.is_none() { &self.opening } else { &self.further };
        accepts.call(submission).await.unwrap_or(Err(AcceptError::InProgress))
    }
}

/// The id of the intake key of a chat.
pub fn intake_key(channel: Channel, address: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("vectora:{channel}:{address}").as_bytes())
}

/// Accepts REST questions, one result for each, in order.
pub async fn questions(ledger: &Ledger, batch: &[Submission]) -> Vec<Result<Accepted, AcceptError>> {
    let opens = |submission: &&Submission| submission.conversation.is_none();
    let (opening, further): (Vec<_>, Vec<_>) = batch.iter().partition(opens);
    let mut opened = alike(ledger, &opening).await.into_iter();
    let mut queued = alike(ledger, &further).await.into_iter();
    let next = |submission| if opens(&submission) { opened.next() } else { queued.next() };
    batch.iter().filter_map(next).collect()
}

/// Accepts questions that all open a conversation, or that all go on with one.
async fn alike(ledger: &Ledger, batch: &[&Submission]) -> Vec<Result<Accepted, AcceptError>> {
    let accepted = match batch.first() {
        None => return Vec::new(),
        Some(first) if first.conversation.is_none() => ledger.within(opening::accept(ledger, batch)).await,
        Some(_) => ledger.within(queue(ledger, batch)).await,
    };
    match accepted {
        Ok(results) => results,
        // One submission the database refuses must not take the others with it.
        Err(Error::Refused(_)) if batch.len() > 1 => {
            let mut results = Vec::with_capacity(batch.len());
            for one in batch {
                results.extend(Box::pin(alike(ledger, std::slice::from_ref(one))).await);
            }
            results
        }
        Err(error) => {
            let error = Arc::new(error);
            batch.iter().map(|_| Err(AcceptError::Ledger(error.clone()))).collect()
        }
    }
}

/// Questions in conversations there are: each goes into the queue of its own.
async fn queue(ledger: &Ledger, batch: &[&Submission]) -> Result<Vec<Result<Accepted, AcceptError>>, Error> {
    let allowed = check_conversations(ledger, batch).await?;
    let mut rows = Vec::new();
    let mut placed = Vec::with_capacity(batch.len());
    for (submission, allowed) in batch.iter().zip(allowed) {
        let Some(conversation) = allowed else {
            placed.push(None);
            continue;
        };
        let question = MessageId::new();
        placed.push(Some((question, conversation)));
        rows.push(Row {
            key_id: conversation.0,
            channel: Channel::Rest,
            address: conversation.to_string(),
            source: Channel::Rest.as_str().to_owned(),
            external_id: None,
            message: question,
            asked_by: Some(submission.key),
            payload: json!({ "text": submission.text.as_str() }),
            idempotency: submission.idempotency.as_ref().map(|own| (submission.key, own)),
        });
    }
    let stored = insert(ledger, &rows).await?;
    let mut results = Vec::with_capacity(batch.len());
    for (submission, placed) in batch.iter().zip(placed) {
        results.push(match placed {
            None => Err(AcceptError::UnknownConversation),
            Some((question, conversation)) if stored.messages.contains(&question.0) => {
                let ticket = stored.issued.get(&conversation.0).map(|issued| issued.ticket(Kind::IntakeKey));
                Ok(Accepted { question, conversation, ticket, replayed: false })
            }
            Some(_) => repeated(ledger, submission).await,
        });
    }
    Ok(results)
}

/// The conversations of these questions, as far as they exist, are REST ones, and belong to the key. None of that ever
/// changes, so no lock.
async fn check_conversations(
    ledger: &Ledger,
    batch: &[&Submission],
) -> Result<Vec<Option<ConversationId>>, Error> {
    let given: Vec<Uuid> =
        batch.iter().filter_map(|submission| submission.conversation).map(|id| id.0).collect();
    let owners: HashMap<Uuid, Option<Uuid>> = sqlx::query!(
        "SELECT id, owner_key FROM conversations WHERE id = ANY($1) AND channel = 'rest'",
        &given
    )
    .fetch_all(&ledger.pool)
    .await?
    .into_iter()
    .map(|row| (row.id, row.owner_key))
    .collect();
    let allowed = |submission: &&Submission| {
        submission.conversation.filter(|conversation| {
            let owner = owners.get(&conversation.0);
            owner.is_some_and(|owner| submission.any || *owner == Some(submission.key.0))
        })
    };
    Ok(batch.iter().map(allowed).collect())
}

struct Row<'a> {
    key_id: Uuid,
    channel: Channel,
    address: String,
    source: String,
    external_id: Option<String>,
    message: MessageId,
    asked_by: Option<ApiKeyId>,
    payload: Value,
    idempotency: Option<(ApiKeyId, &'a Idempotency)>,
}

struct Stored {
    messages: std::collections::HashSet<Uuid>,
    issued: HashMap<Uuid, Issued>,
}

/// The one statement. A submission whose idempotency key is taken is left out of `fresh`, and so of
/// everything that follows.
async fn insert(ledger: &Ledger, rows: &[Row<'_>]) -> Result<Stored, Error> {
    let mut stored = Stored { messages: std::collections::HashSet::new(), issued: HashMap::new() };
    if rows.is_empty() {
        return Ok(stored);
    }
    let key_ids: Vec<Uuid> = rows.iter().map(|row| row.key_id).collect();
    let channels: Vec<String> = rows.iter().map(|row| row.channel.as_str().to_owned()).collect();
    let addresses: Vec<String> = rows.iter().map(|row| row.address.clone()).collect();
    let sources: Vec<String> = rows.iter().map(|row| row.source.clone()).collect();
    let external: Vec<Option<String>> = rows.iter().map(|row| row.external_id.clone()).collect();
    let messages: Vec<Uuid> = rows.iter().map(|row| row.message.0).collect();
    let payloads: Vec<Value> = rows.iter().map(|row| row.payload.clone()).collect();
    let asked_by: Vec<Option<Uuid>> = rows.iter().map(|row| row.asked_by.map(|key| key.0)).collect();
    let idem_owner: Vec<Option<Uuid>> =
        rows.iter().map(|row| row.idempotency.map(|(owner, _)| owner.0)).collect();
    let idem_key: Vec<Option<String>> =
        rows.iter().map(|row| row.idempotency.map(|(_, own)| own.key.clone())).collect();
    let idem_print: Vec<Option<Vec<u8>>> =
        rows.iter().map(|row| row.idempotency.map(|(_, own)| own.fingerprint.to_vec())).collect();
    let written = sqlx::query!(
        r#"WITH given AS (
               SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[],
                                    $7::jsonb[], $8::uuid[], $9::text[], $10::bytea[], $11::uuid[])
                   WITH ORDINALITY AS g(key_id, channel, address, source, external_id, message_id, payload,
                                        idem_owner, idem_key, idem_print, asked_by, n)
           ), claimed AS (
               INSERT INTO idempotency_keys AS k
                   (api_key_id, route, key, fingerprint, message_id, conversation_id)
               SELECT DISTINCT ON (idem_owner, idem_key) idem_owner, $12, idem_key, idem_print, message_id, key_id
               FROM given WHERE idem_key IS NOT NULL ORDER BY idem_owner, idem_key, n
               ON CONFLICT (api_key_id, route, key) DO UPDATE
                   SET fingerprint = EXCLUDED.fingerprint, message_id = EXCLUDED.message_id,
                       conversation_id = EXCLUDED.conversation_id, created_at = clock_timestamp()
                   WHERE k.created_at < clock_timestamp() - interval '24 hours'
               RETURNING message_id
           ), fresh AS (
               SELECT * FROM given
               WHERE idem_key IS NULL OR message_id IN (SELECT message_id FROM claimed)
           ), inserted AS (
               INSERT INTO inbox (key_id, source, external_id, message_id, asked_by, payload)
               SELECT key_id, source, external_id, message_id, asked_by, payload FROM fresh ORDER BY n
               ON CONFLICT (source, external_id) DO NOTHING
               RETURNING key_id, message_id
           ), raised AS (
               INSERT INTO intake_keys AS k (id, channel, address, pending, stage, state, issued_at)
               SELECT f.key_id, min(f.channel), min(f.address), count(*)::int, $13, 'ready', clock_timestamp()
               FROM inserted i JOIN fresh f USING (message_id) GROUP BY f.key_id ORDER BY f.key_id
               ON CONFLICT (id) DO UPDATE
                   SET pending = k.pending + EXCLUDED.pending, state = 'ready',
                       issued_at = CASE
                           WHEN k.issued_at IS NULL AND k.not_before <= clock_timestamp()
                                AND (k.lease_until IS NULL OR k.lease_until < clock_timestamp())
                           THEN EXCLUDED.issued_at ELSE k.issued_at END
               RETURNING k.id, k.issued_at
           )
           SELECT i.message_id AS "message_id!", i.key_id AS "key_id!", r.issued_at
           FROM inserted i JOIN raised r ON r.id = i.key_id"#,
        &key_ids,
        &channels,
        &addresses,
        &sources,
        &external as _,
        &messages,
        &payloads,
        &idem_owner as _,
        &idem_key as _,
        &idem_print as _,
        &asked_by as _,
        ROUTE,
        INTAKE
    )
    .fetch_all(&ledger.pool)
    .await?;
    for row in written {
        stored.messages.insert(row.message_id);
        if let Some(issued_at) = row.issued_at {
            stored.issued.insert(row.key_id, Issued { id: row.key_id, stage: INTAKE.to_owned(), issued_at });
        }
    }
    Ok(stored)
}

/// What is answered to a submission that was not inserted: another had its idempotency key. Those accepted with it are in
/// the ledger, so what goes wrong here is its own.
async fn repeated(ledger: &Ledger, submission: &Submission) -> Result<Accepted, AcceptError> {
    replay(ledger, submission).await.unwrap_or_else(|error| Err(AcceptError::Ledger(Arc::new(error))))
}

/// What was answered to the first request under this key.
async fn replay(ledger: &Ledger, submission: &Submission) -> Result<Result<Accepted, AcceptError>, Error> {
    let Some(own) = &submission.idempotency else {
        // Its own message id is new, and REST rows have no external id: nothing else can keep it out.
        return Ok(Err(AcceptError::InProgress));
    };
    let first = sqlx::query!(
        "SELECT fingerprint, message_id, conversation_id FROM idempotency_keys
         WHERE api_key_id = $1 AND route = $2 AND key = $3",
        submission.key.0,
        ROUTE,
        own.key
    )
    .fetch_optional(&ledger.pool)
    .await?;
    Ok(match first {
        None => Err(AcceptError::InProgress),
        Some(first) if first.fingerprint != own.fingerprint => Err(AcceptError::IdempotencyMismatch),
        Some(first) => Ok(Accepted {
            question: MessageId(first.message_id),
            conversation: ConversationId(first.conversation_id),
            ticket: None,
            replayed: true,
        }),
    })
}
