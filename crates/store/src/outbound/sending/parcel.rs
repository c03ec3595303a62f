//! What is to be delivered, as the `deliver` stage gets it, and what its kind means for a repeat.

use std::collections::HashMap;
use std::time::Duration;

use contract::{Channel, Chat, Content, ConversationId, Language, OutboundId, Phrase};
use uuid::Uuid;

use super::step::Step;
use crate::limiter::Rate;
use crate::work::{self, Claim};
use crate::{Error, Ledger, conversations};

/// Between two stubs of unknown outcome at the most: with the age limit of a day some thirty in all.
const LONGEST_STUB_WAIT: Duration = Duration::from_hours(1);

/// The input of the `deliver` stage.
#[derive(Debug, Clone)]
pub struct Parcel {
    pub id: OutboundId,
    pub conversation: ConversationId,
    pub channel: Channel,
    /// The chat.
    pub address: String,
    pub content: Content,
    pub(super) kind: String,
    pub(super) unknowns: i32,
    /// Its own message on the channel, or the placeholder's.
    pub(super) target: Option<String>,
    /// A slot of the limiter is drawn already.
    pub(super) reserved: bool,
    /// Operators read it, not a person.
    pub(super) desk: bool,
    /// Of a desk that has no topic yet: what it is to be called, and in which group.
    pub(super) topicless: Option<Topicless>,
}

/// A desk without a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topicless {
    /// The operators' group.
    pub home: String,
    pub name: String,
}

/// The rates and pauses all senders share.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    pub chat: Rate,
    /// As `chat`, of a group with all its topics.
    pub group: Rate,
    pub bot: Rate,
    /// How long an unknown plain send waits before it is repeated: a person who got it has had time to
    /// react.
    pub second_thoughts: Duration,
    /// After a delivery changed hands the final edit is repeated once, this much later: the first owner's
    /// late call has ended by then.
    pub repeat_after: Duration,
    /// Topics of unknown outcome, and ways that are tried when a message, a topic or a chat turns out to be gone.
    pub attempts: i32,
    /// Wait after the second unknown edit or stub; see [`work::retry_delay`].
    pub retry: Duration,
}

/// The call to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// A new message.
    Send(Content),
    /// The message `target` gets another content.
    Edit { target: String, content: Content },
    /// A topic is made for a desk; its messages follow.
    Open(Topicless),
    /// The topic of a desk is closed, or opened again.
    Close(bool),
}

impl Parcel {
    pub(super) fn is_final(&self) -> bool {
        self.kind == "final"
    }

    /// A final without a message to edit sends an empty one first.
    pub(super) fn is_stub(&self) -> bool {
        self.is_final() && self.target.is_none()
    }

    /// A desk's first message makes the topic first, as a final makes its stub: one that is lost is made again, and
    /// an empty one may remain.
    pub(super) fn opens_topic(&self) -> bool {
        self.topicless.is_some()
    }

    /// Can be repeated: what is there already is there again.
    pub(super) fn is_repeatable(&self) -> bool {
        !self.opens_topic() && (self.target.is_some() || self.is_topic_state())
    }

    /// An edit whose message was never sent.
    pub(super) fn edits_nothing(&self) -> bool {
        self.kind == "edit" && self.target.is_none()
    }

    fn is_topic_state(&self) -> bool {
        matches!(self.kind.as_str(), "close" | "reopen")
    }

    pub(super) fn call(&self) -> Call {
        if let Some(topicless) = &self.topicless {
            return Call::Open(topicless.clone());
        }
        if self.is_topic_state() {
            return Call::Close(self.kind == "close");
        }
        match &self.target {
            Some(target) => Call::Edit { target: target.clone(), content: self.content.clone() },
            None if self.is_stub() => Call::Send(Content {
                reply_to: self.content.reply_to.clone(),
                ..Content::plain(Phrase::Placeholder.text(Language::English))
            }),
            None => Call::Send(self.content.clone()),
        }
    }

    /// What a call whose outcome is unknown leaves behind.
    ///
    /// Edits and stubs are repeated until their age limit: the answer is owed. Each waits longer than the one before; a
    /// stub, which can be seen, up to an hour: a channel that takes everything and answers nothing must not fill a chat.
    pub(super) fn after_unknown(&self, claim: &Claim, rates: &Rates) -> Step {
        let base = Step::of(claim);
        let attempts = claim.attempts + 1;
        let delay = |longest| match claim.attempts {
            0 => Duration::ZERO,
            more => work::retry_delay(rates.retry, more - 1, longest),
        };
        if self.is_repeatable() {
            let delay = delay(work::LONGEST_RETRY);
            Step { attempts, delay, issue: delay.is_zero(), ..base }
        } else if self.is_stub() || (self.opens_topic() && attempts < rates.attempts) {
            let delay = delay(LONGEST_STUB_WAIT);
            Step { attempts, delay, issue: delay.is_zero(), unknowns: 1, ..base }
        } else if self.opens_topic() || self.kind == "placeholder" || self.unknowns > 0 {
            Step { state: "unknown", unknowns: 1, ..base }
        } else {
            Step { delay: rates.second_thoughts, unknowns: 1, ..base }
        }
    }

    /// The limiter's buckets and the chat's rate. All topics of a group share one.
    pub(super) fn buckets(&self, rates: &Rates) -> (String, Rate, String) {
        let address = self.topicless.as_ref().map_or(self.address.as_str(), |topicless| &topicless.home);
        match (self.channel, address.parse::<Chat>()) {
            (Channel::Telegram, Ok(chat)) => (
                format!("chat:{}:{}", self.channel, chat.whole()),
                if chat.is_group() { rates.group } else { rates.chat },
                format!("bot:{}:{}", self.channel, chat.bot),
            ),
            _ => (format!("chat:{}:{address}", self.channel), rates.chat, format!("bot:{}", self.channel)),
        }
    }
}

/// Loads claimed rows, in the order of the claims.
///
/// # Errors
/// [`Error`].
pub async fn load(ledger: &Ledger, claims: &[Claim]) -> Result<Vec<Option<Parcel>>, Error> {
    let ids: Vec<Uuid> = claims.iter().map(|claim| claim.id).collect();
    let rows = sqlx::query!(
        r#"SELECT o.id, o.conversation_id, o.kind, o.text, o.content, o.unknowns, o.reserved, c.channel, c.address,
                  d.desk_id IS NOT NULL AS "desk!",
                  CASE WHEN c.address LIKE 'desk:%' THEN d.home END AS "home?", d.name AS "name?",
                  nullif(coalesce(o.target, CASE WHEN o.kind = 'final' THEN (
                      SELECT p.target FROM outbound p
                      WHERE p.turn_id = o.turn_id AND p.kind = 'placeholder' AND p.state = 'sent'
                      LIMIT 1) WHEN o.kind = 'edit' THEN (
                      SELECT p.target FROM outbound p
                      WHERE p.conversation_id = o.conversation_id AND p.origin = o.origin AND p.seq < o.seq
                        AND p.target IS NOT NULL ORDER BY p.seq DESC LIMIT 1) END), '') AS target
           FROM outbound o JOIN conversations c ON c.id = o.conversation_id
           LEFT JOIN desks d ON d.desk_id = c.id
           WHERE o.id = ANY($1)"#,
        &ids
    )
    .fetch_all(&ledger.pool)
    .await?;
    let mut parcels = HashMap::with_capacity(rows.len());
    for row in rows {
        let mut content: Content = serde_json::from_value(row.content).map_err(|problem| Error::Row {
            table: "outbound",
            column: "content",
            row: row.id.to_string(),
            problem: problem.to_string(),
        })?;
        content.text = row.text;
        let parcel = Parcel {
            id: OutboundId(row.id),
            conversation: ConversationId(row.conversation_id),
            channel: conversations::channel("conversations", row.conversation_id, &row.channel)?,
            address: row.address.unwrap_or_default(),
            content,
            kind: row.kind,
            unknowns: row.unknowns,
            target: row.target,
            reserved: row.reserved,
            desk: row.desk,
            topicless: row.home.zip(row.name).map(|(home, name)| Topicless { home, name }),
        };
        parcels.insert(row.id, parcel);
    }
    Ok(ids.iter().map(|id| parcels.remove(id)).collect())
}
