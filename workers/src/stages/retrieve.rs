//! `retrieve` searches the knowledge base for a turn, and measures how well it covers the question. A question that
//! depends on what was said before is made to stand alone first.
//!
//! Reads: the turn and its messages, the index, the ledger's passages. Writes: what was found, text included, so that
//! citations survive the document. Deliberately not here: deciding anything. A repeat searches again.

use contract::{Kind, MessageId, Stream};
use retrieval::Retriever;
use store::turns::{self, Turn};
use store::work::{Claim, Outcome, Verdict};
use store::{Error, Ledger, retrievals};

use super::Tools;
use crate::Author;
use crate::presence::Presence;
use crate::stage::{Stage, StageError};

/// Passages an answer is made from: more do not make it better, and a model pays for each.
const PASSAGES: usize = 8;

pub(super) struct Retrieve {
    ledger: Ledger,
    retriever: Retriever,
    presence: Presence,
    author: Author,
}

impl Retrieve {
    pub(super) fn new(tools: &Tools) -> Self {
        Self { ledger: tools.ledger.clone(), retriever: tools.retriever.clone(), presence: tools.presence.clone(), author: tools.author.clone() }
    }
}

impl Stage for Retrieve {
    const STAGE: contract::Stage =
        contract::Stage { name: turns::RETRIEVE, kind: Kind::Turn, stream: Stream::Turns };
    type Input = Turn;
    type Output = String;

    async fn load(&self, claims: &[Claim]) -> Result<Vec<Option<Turn>>, Error> {
        turns::load(&self.ledger, claims).await
    }

    async fn handle(&self, _claim: &Claim, turn: &Turn) -> Result<String, StageError> {
        self.presence.typing(turn.channel, &turn.address);
        let searched = match &self.author {
            Author::Writer(writer) => writer.stand_alone(turn).await,
            Author::Quotes | Author::Scripted(_) => crate::writer::by_rule(turn),
        };
        let text = searched.as_deref().unwrap_or(&turn.text);
        let found = self.retriever.search(text, turn.audience.as_deref(), PASSAGES).await;
        let mut found = found.map_err(|error| {
            if error.is_unavailable() {
                StageError::Unavailable { dependency: error.dependency(), source: error.into() }
            } else {
                StageError::Retry { source: error.into() }
            }
        })?;
        found.searched = searched;
        serde_json::to_string(&found).map_err(|error| StageError::Reject { source: error.into() })
    }

    async fn settle(&self, batch: &[(Claim, Turn, Verdict<String>)]) -> Result<Vec<Outcome>, Error> {
        retrievals::settle(&self.ledger, &Self::STAGE, batch).await
    }

    fn questions(turn: &Turn) -> &[MessageId] {
        &turn.messages
    }
}
