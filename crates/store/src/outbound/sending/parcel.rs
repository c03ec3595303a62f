//! What is to be delivered, as the `deliver` stage gets it, and what its kind means for a repeat.

use std::collections::HashMap;
use std::time::Duration;

use contract::{Channel, ConversationId, Language, OutboundId, Phrase};
use uuid::Uuid;

use super::step::Step;
use crate::limiter::Rate;
use crate::work::{self, Claim};
use crate::{Error, Ledger, conversations};

/// The input of the `deliver` stage.
#[derive(Debug, Clone)]
pub struct Parcel {
    pub id: OutboundId,
    pub conversation: ConversationId,
    pub channel: Channel,
    /// The chat.
    pub address: String,
    pub text: String,
    pub(super) kind: String,
    pub(super) unknowns: i32,
    /// Its own message on the channel, or the placeholder's.
    pub(super) target: Option<String>,
}

/// The rates and pauses all senders share.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    pub chat: Rate,
    pub bot: Rate,
    /// How long an unknown plain send waits before it is repeated: a person who got it has had time to
    /// react.
    pub second_thoughts: Duration,
    /// After a delivery changed hands the final edit is repeated once, this much later: the first owner's
    /// late call has ended by then.
    pub repeat_after: Duration,
    /// Stubs of unknown outcome after which a final is given up.
    pub attempts: i32,
    /// Wait after the second unknown edit or stub; see [`work::retry_delay`].
    pub retry: Duration,
}

/// The call to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// A new message with this text.
    Send(String),
    /// The message `target` gets this text.
    Edit { target: String, text: String },
}

impl Parcel {
    pub(super) fn is_final(&self) -> bool {
        self.kind == "final"
    }

    /// A final without a message to edit sends an empty one first.
    pub(super) fn is_stub(&self) -> bool {
        self.is_final() && self.target.is_none()
    }

    pub(super) fn call(&self) -> Call {
        match &self.target {
            Some(target) => Call::Edit { target: target.clone(), text: self.text.clone() },
            None if self.is_stub() => Call::Send(Phrase::Placeholder.text(Language::English).to_owned()),
            None => Call::Send(self.text.clone()),
        }
    }

    /// What a call whose outcome is unknown leaves behind.
    ///
    /// Edits and stubs are attempts, and wait longer each time: a channel that takes everything and answers
    /// nothing must not fill a chat. An edit is repeated until its age limit; a stub, which can be seen, until
    /// the attempts are used up.
    pub(super) fn after_unknown(&self, claim: &Claim, rates: &Rates) -> Step {
        let base = Step::of(claim);
        let attempts = claim.attempts + 1;
        let delay = match claim.attempts {
            0 => Duration::ZERO,
            more => work::retry_delay(rates.retry, more - 1),
        };
        if self.target.is_some() {
            Step { attempts, delay, issue: delay.is_zero(), ..base }
        } else if self.is_stub() && attempts < rates.attempts {
            Step { attempts, delay, issue: delay.is_zero(), unknowns: 1, ..base }
        } else if self.is_stub() || self.kind == "placeholder" || self.unknowns > 0 {
            Step { state: "unknown", unknowns: 1, ..base }
        } else {
            Step { delay: rates.second_thoughts, unknowns: 1, ..base }
        }
    }

    pub(super) fn buckets(&self) -> (String, String) {
        (format!("chat:{}:{}", self.channel, self.address), format!("bot:{}", self.channel))
    }
}

/// Loads claimed rows, in the order of the claims.
///
/// # Errors
/// [`Error`].
pub async fn load(ledger: &Ledger, claims: &[Claim]) -> Result<Vec<Option<Parcel>>, Error> {
    let ids: Vec<Uuid> = claims.iter().map(|claim| claim.id).collect();
    let rows = sqlx::query!(
        r#"SELECT o.id, o.conversation_id, o.kind, o.text, o.unknowns, c.channel, c.address,
                  coalesce(o.target, CASE WHEN o.kind = 'final' THEN (
                      SELECT p.target FROM outbound p
                      WHERE p.turn_id = o.turn_id AND p.kind = 'placeholder' AND p.state = 'sent'
                      LIMIT 1) END) AS target
           FROM outbound o JOIN conversations c ON c.id = o.conversation_id WHERE o.id = ANY($1)"#,
        &ids
    )
    .fetch_all(&ledger.pool)
    .await?;
    let mut parcels = HashMap::with_capacity(rows.len());
    for row in rows {
        let parcel = Parcel {
            id: OutboundId(row.id),
            conversation: ConversationId(row.conversation_id),
            channel: conversations::channel("conversations", row.conversation_id, &row.channel)?,
            address: row.address.unwrap_or_default(),
            text: row.text,
            kind: row.kind,
            unknowns: row.unknowns,
            target: row.target,
        };
        parcels.insert(row.id, parcel);
    }
    Ok(ids.iter().map(|id| parcels.remove(id)).collect())
}
