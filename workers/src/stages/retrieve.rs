//! `retrieve` searches the knowledge base for a turn, and measures how well it covers the question. A question that
//! depends on what was said before is made to stand alone first.
//!
//! Reads: the turn and its messages, the index, the ledger's passages. Writes: what was found, text included, so that
//! citations survive the document; `answer` in the same process is handed it besides ([`Carried`]). Deliberately not here:
//! deciding anything. A repeat searches again.

use std::sync::Arc;
use std::time::Instant;

use contract::{Kind, MessageId, Stream};
use retrieval::{Found, Retriever};
use store::turns::{self, Turn};
use store::work::{Claim, Outcome, Verdict};
use store::{Error, Ledger, retrievals};

use super::answer::Question;
use super::{Carried, Tools};
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
    carried: Carried,
}

/// What was found.
#[derive(Debug, Clone)]
pub(super) struct Searched {
    found: Arc<Found>,
    /// As it is written.
    json: Arc<str>,
}

impl Retrieve {
    pub(super) fn new(tools: &Tools) -> Self {
        Self {
            ledger: tools.ledger.clone(),
            retriever: tools.retriever.clone(),
            presence: tools.presence.clone(),
            author: tools.author.clone(),
            carried: tools.carried.clone(),
        }
    }
}

impl Stage for Retrieve {
    const STAGE: contract::Stage =
        contract::Stage { name: turns::RETRIEVE, kind: Kind::Turn, stream: Stream::Turns };
    type Input = Arc<Turn>;
    type Output = Searched;

    async fn load(&self, claims: &[Claim]) -> Result<Vec<Option<Arc<Turn>>>, Error> {
        let turns = turns::load(&self.ledger, claims).await?;
        Ok(turns.into_iter().map(|turn| turn.map(Arc::new)).collect())
    }

    async fn handle(&self, _claim: &Claim, turn: &Arc<Turn>) -> Result<Searched, StageError> {
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
        let json = serde_json::to_string(&found).map_err(|error| StageError::Reject { source: error.into() })?;
        Ok(Searched { found: Arc::new(found), json: json.into() })
    }

    async fn settle(
        &self,
        batch: &[(Claim, Arc<Turn>, Verdict<Searched>)],
    ) -> Result<Vec<Outcome>, Error> {
        let written = batch.iter().map(|(claim, turn, verdict)| {
            (claim.clone(), Arc::clone(turn), verdict.clone().map(|searched| searched.json))
        });
        let written: Vec<_> = written.collect();
        let outcomes = retrievals::settle(&self.ledger, &Self::STAGE, &written).await?;
        let now = Instant::now();
        for ((claim, turn, verdict), outcome) in batch.iter().zip(&outcomes) {
            if let (Verdict::Done(Searched { found, .. }), true) = (verdict, outcome.settled) {
                let question = Question { turn: Arc::clone(turn), found: Arc::clone(found) };
                self.carried.keep(claim, question, now);
            }
        }
        Ok(outcomes)
    }

    fn questions(turn: &Arc<Turn>) -> &[MessageId] {
        &turn.messages
    }
}
