//! A ticket says "this row is ready for that stage". It is a hint: it can be lost, doubled or issued
//! again without harm, and it carries nothing personal.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Kind;

/// The newest version this process understands.
pub const VERSION: u32 = 1;

/// A ticket on the wire, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Version; a newer one than [`VERSION`] is acknowledged without a claim and issued again later.
    pub v: u32,
    pub kind: Kind,
    pub id: Uuid,
    /// The stage the row was at when the ticket was issued.
    pub stage: String,
    /// When it was issued, by the database's clock: microseconds since the Unix epoch.
    pub issued_at: i64,
}

/// Why bytes are no ticket this process can act on.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TicketError {
    #[error("the ticket has version {0}, this process understands up to {VERSION}")]
    Newer(u32),
    #[error("not a ticket")]
    Undecodable,
}

impl Ticket {
    pub fn new(kind: Kind, id: Uuid, stage: &str, issued_at: i64) -> Self {
        Self { v: VERSION, kind, id, stage: stage.to_owned(), issued_at }
    }

    /// `Nats-Msg-Id`. It holds `issued_at`, so that a re-issue is not swallowed by the duplicate window.
    pub fn message_id(&self) -> String {
        format!("{}:{}:{}:{}", self.kind, self.id, self.stage, self.issued_at)
    }

    /// As JSON.
    #[expect(clippy::missing_panics_doc, reason = "plain data always serialises")]
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a ticket is plain data")
    }

    /// # Errors
    /// [`TicketError::Newer`] when only the version is readable, [`TicketError::Undecodable`] otherwise.
    pub fn decode(bytes: &[u8]) -> Result<Self, TicketError> {
        #[derive(Deserialize)]
        struct Version {
            v: u32,
        }
        let Version { v } = serde_json::from_slice(bytes).map_err(|_| TicketError::Undecodable)?;
        if v > VERSION {
            return Err(TicketError::Newer(v));
        }
        serde_json::from_slice(bytes).map_err(|_| TicketError::Undecodable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket() -> Ticket {
        Ticket::new(Kind::Turn, Uuid::from_u128(42), "answer", 1_700_000_000_000_001)
    }

    #[test]
    fn a_ticket_survives_the_wire() {
        assert_eq!(Ticket::decode(&ticket().encode()), Ok(ticket()));
    }

    #[test]
    fn a_newer_version_is_told_from_garbage_even_when_its_shape_changed() {
        assert_eq!(Ticket::decode(br#"{"v":2,"what":"ever"}"#), Err(TicketError::Newer(2)));
        assert_eq!(Ticket::decode(b"\xff\x00"), Err(TicketError::Undecodable));
        assert_eq!(Ticket::decode(br#"{"v":1}"#), Err(TicketError::Undecodable));
    }

    #[test]
    fn a_reissue_has_another_message_id() {
        let again = Ticket { issued_at: ticket().issued_at + 1, ..ticket() };
        assert_ne!(again.message_id(), ticket().message_id());
    }
}
