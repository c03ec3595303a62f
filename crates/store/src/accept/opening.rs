//! Questions that open a conversation. Nobody else can be in it: there is nothing to put in order, nothing to wait for,
//! and no human who could have it. So the statement that accepts them opens their turns, and the rows it leaves are those
//! that `intake` would have left. What comes into a conversation later goes through its queue.

use std::collections::HashMap;

use contract::{ConversationId, Kind, MessageId, TurnId};
use uuid::Uuid;

use super::{AcceptError, Accepted, ROUTE, Submission, repeated};
use crate::turns::OPENING_STAGE;
use crate::work::Issued;
use crate::{Error, Ledger};

/// One statement. A submission whose idempotency key is taken is left out of `fresh`, and so of everything that follows.
pub(super) async fn accept(
    ledger: &Ledger,
    batch: &[&Submission],
) -> Result<Vec<Result<Accepted, AcceptError>>, Error> {
    let conversations: Vec<Uuid> = batch.iter().map(|_| ConversationId::new().0).collect();
    let messages: Vec<Uuid> = batch.iter().map(|_| MessageId::new().0).collect();
    let turns: Vec<Uuid> = batch.iter().map(|_| TurnId::new().0).collect();
    let owners: Vec<Uuid> = batch.iter().map(|submission| submission.key.0).collect();
    let texts: Vec<&str> = batch.iter().map(|submission| submission.text.as_str()).collect();
    let own = || batch.iter().map(|submission| submission.idempotency.as_ref());
    let idem_keys: Vec<Option<&str>> = own().map(|own| Some(own?.key.as_str())).collect();
    let idem_prints: Vec<Option<&[u8]>> = own().map(|own| Some(own?.fingerprint.as_slice())).collect();
    let rows = sqlx::query!(
        r#"WITH given AS (
               SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::bytea[])
                   WITH ORDINALITY AS g(conversation_id, message_id, turn_id, owner, text, idem_key, idem_print, n)
           ), claimed AS (
               INSERT INTO idempotency_keys AS k
                   (api_key_id, route, key, fingerprint, message_id, conversation_id)
               SELECT DISTINCT ON (owner, idem_key) owner, $8, idem_key, idem_print, message_id, conversation_id
               FROM given WHERE idem_key IS NOT NULL ORDER BY owner, idem_key, n
               ON CONFLICT (api_key_id, route, key) DO UPDATE
                   SET fingerprint = EXCLUDED.fingerprint, message_id = EXCLUDED.message_id,
                       conversation_id = EXCLUDED.conversation_id, created_at = clock_timestamp()
                   WHERE k.created_at < clock_timestamp() - interval '24 hours'
               RETURNING message_id
           ), fresh AS (
               SELECT * FROM given
               WHERE idem_key IS NULL OR message_id IN (SELECT message_id FROM claimed)
           ), begun AS (
               INSERT INTO conversations (id, channel, owner_key) SELECT conversation_id, 'rest', owner FROM fresh
           ), stored AS (
               INSERT INTO inbox (key_id, source, message_id, asked_by, state, payload)
               SELECT conversation_id, 'rest', message_id, owner, 'done', '{}' FROM fresh ORDER BY n
               RETURNING id, message_id, received_at
           ), said AS (
               INSERT INTO messages (id, conversation_id, position, text, state, turn_id, received_at)
               SELECT f.message_id, f.conversation_id, s.id, f.text, 'taken', f.turn_id, s.received_at
               FROM stored s JOIN fresh f USING (message_id)
           )
           INSERT INTO turns (id, conversation_id, stage, state, issued_at)
           SELECT turn_id, conversation_id, $9, 'active', clock_timestamp() FROM fresh
           RETURNING id, issued_at AS "issued_at!""#,
        &conversations,
        &messages,
        &turns,
        &owners,
        &texts as &[&str],
        &idem_keys as &[Option<&str>],
        &idem_prints as &[Option<&[u8]>],
        ROUTE,
        OPENING_STAGE
    )
    .fetch_all(&ledger.pool)
    .await?;
    let opened: HashMap<Uuid, _> = rows.into_iter().map(|row| (row.id, row.issued_at)).collect();
    let mut results = Vec::with_capacity(batch.len());
    for (n, submission) in batch.iter().enumerate() {
        results.push(match opened.get(&turns[n]) {
            Some(&issued_at) => {
                let issued = Issued { id: turns[n], stage: OPENING_STAGE.to_owned(), issued_at };
                Ok(Accepted {
                    question: MessageId(messages[n]),
                    conversation: ConversationId(conversations[n]),
                    ticket: Some(issued.ticket(Kind::Turn)),
                    replayed: false,
                })
            }
            None => repeated(ledger, submission).await,
        });
    }
    Ok(results)
}
