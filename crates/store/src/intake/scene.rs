//! Where what a queue holds is said: the conversation, who is in it, and what the talk there depends on.

use std::collections::HashMap;

use contract::{Channel, ConversationId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Queue, Read, Reading, Said};
use crate::Error;
use crate::contacts::{Contact, Sender};

/// A queue, and where what it holds is said.
pub(super) struct Scene<'a> {
    pub(super) read: &'a Read,
    pub(super) home: ConversationId,
    pub(super) state: State,
    pub(super) people: &'a HashMap<(Channel, String), Contact>,
}

/// What the talk in a conversation depends on.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    /// An operator has it.
    pub(super) held: bool,
    /// Where operators read it.
    pub(super) desk: Option<ConversationId>,
    /// It is a desk: whose.
    pub(super) of: Option<ConversationId>,
    /// The bot is paused: what people are told, empty for the usual words.
    pub(super) paused: Option<String>,
}

impl Scene<'_> {
    /// Only questions, and nothing stands between them and the bot.
    pub(super) fn is_simple(&self, refused: &HashMap<i64, u32>) -> bool {
        let free = !(self.state.held && self.state.desk.is_some())
            && self.state.of.is_none()
            && self.state.paused.is_none();
        let mut words = self.read.queue.updates.iter().zip(&self.read.readings);
        free && words.all(|(update, reading)| match reading {
            Reading::Question(said) => {
                !refused.contains_key(&update.id) && !self.is_blocked(self.sender(said))
            }
            other => other.is_passed(),
        })
    }

    /// The person is, or the whole group.
    pub(super) fn is_blocked(&self, sender: Option<&Contact>) -> bool {
        let queue = &self.read.queue;
        let home = self.people.get(&(queue.channel, queue.contact()));
        sender.into_iter().chain(home).any(|contact| contact.blocked)
    }

    pub(super) fn sender(&self, said: &Said) -> Option<&Contact> {
        self.person(said.sender.as_ref()?)
    }

    pub(super) fn person(&self, sender: &Sender) -> Option<&Contact> {
        self.people.get(&(self.read.queue.channel, sender.address.clone()))
    }
}

pub(super) async fn states(
    conn: &mut PgConnection,
    homes: &[ConversationId],
) -> Result<HashMap<Uuid, State>, Error> {
    let ids: Vec<Uuid> = homes.iter().map(|home| home.0).collect();
    let rows = sqlx::query!(
        r#"SELECT c.id AS "id!", c.handled_by = 'operator' AS "held!", mine.desk_id AS "desk?", other.conversation_id AS "of?",
                  CASE WHEN b.paused_at IS NOT NULL THEN coalesce(b.pause_notice, '') END AS paused
           FROM conversations c
           LEFT JOIN desks mine ON mine.conversation_id = c.id
           LEFT JOIN desks other ON other.desk_id = c.id
           LEFT JOIN bots b ON c.channel = 'telegram' AND b.id::text = split_part(c.address, ':', 1)
           WHERE c.id = ANY($1) AND c.channel = 'telegram'"#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let state = State {
                held: row.held,
                desk: row.desk.map(ConversationId),
                of: row.of.map(ConversationId),
                paused: row.paused,
            };
            (row.id, state)
        })
        .collect())
}

/// Everybody who wrote, and the chats themselves: a private one is a person, a group stands for its members.
pub(super) fn senders(reads: &[&Read]) -> Vec<(Channel, Sender)> {
    let mut senders = Vec::new();
    for read in reads.iter().filter(|read| read.queue.channel != Channel::Rest) {
        let channel = read.queue.channel;
        let address = read.queue.contact();
        senders.push((channel, Sender { address, name: None, language: None }));
        senders
            .extend(read.readings.iter().filter_map(Reading::sender).map(|sender| (channel, sender.clone())));
    }
    senders
}

/// The conversations of the queues, in their order; made when a chat speaks for the first time. REST
/// conversations are made by ingress: a client may ask again in one before its first question was answered.
///
/// Nobody else makes the same one: we hold the intake key of the chat. Existing rows are read, not locked,
/// so that all locks on conversations are taken afterwards, in the order of their ids.
pub(super) async fn homes(
    conn: &mut PgConnection,
    reads: &[&Read],
    people: &HashMap<(Channel, String), Contact>,
) -> Result<Vec<ConversationId>, Error> {
    let chats: Vec<&Queue> =
        reads.iter().map(|read| &read.queue).filter(|queue| queue.channel != Channel::Rest).collect();
    let mut known: HashMap<(String, String), Uuid> = HashMap::new();
    if !chats.is_empty() {
        let channels: Vec<String> = chats.iter().map(|queue| queue.channel.as_str().to_owned()).collect();
        let addresses: Vec<String> = chats.iter().map(|queue| queue.address.clone()).collect();
        let contacts: Vec<Option<Uuid>> = chats
            .iter()
            .map(|queue| people.get(&(queue.channel, queue.contact())).map(|contact| contact.id.0))
            .collect();
        let fresh: Vec<Uuid> = chats.iter().map(|_| ConversationId::new().0).collect();
        sqlx::query!(
            "INSERT INTO conversations (id, channel, address, contact_id)
             SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[])
                 AS g(id, channel, address, contact_id)
             ORDER BY g.channel, g.address
             ON CONFLICT (channel, address) WHERE address IS NOT NULL DO NOTHING",
            &fresh,
            &channels,
            &addresses,
            &contacts as _
        )
        .execute(&mut *conn)
        .await?;
        let rows = sqlx::query!(
            r#"SELECT c.id, c.channel, c.address AS "address!"
               FROM unnest($1::text[], $2::text[]) AS g(channel, address)
               JOIN conversations c ON c.channel = g.channel AND c.address = g.address
               WHERE c.address IS NOT NULL"#,
            &channels,
            &addresses
        )
        .fetch_all(conn)
        .await?;
        known.extend(rows.into_iter().map(|row| ((row.channel, row.address), row.id)));
    }
    reads
        .iter()
        .map(|read| {
            let queue = &read.queue;
            if queue.channel == Channel::Rest {
                return Ok(ConversationId(queue.key_id));
            }
            known
                .get(&(queue.channel.as_str().to_owned(), queue.address.clone()))
                .map(|id| ConversationId(*id))
                .ok_or_else(|| Error::Row {
                    table: "conversations",
                    column: "address",
                    row: queue.key_id.to_string(),
                    problem: "the conversation of this intake key is gone".to_owned(),
                })
        })
        .collect()
}
