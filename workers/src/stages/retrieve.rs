//! `retrieve` searches the knowledge base for a turn, and measures how well it covers the question. A question that
//! depends on what was said before is made to stand alone first.
//!
//! Reads: the turn and its messages, the index, the ledger's passages. Writes: what was found, text included, so that
//! citations survive the document. Deliberately not here: deciding, where a model writes. A repeat searches again.
//!
//! Without a model the answer is quoted here, in the same transaction: that takes a tenth of a millisecond and waits for
//! nothing, and another stage would cost the ledger and NATS many times that. A process that does not run `answer` leaves
//! it to one that does: only that one need be told of a model.

use std::sync::Arc;

use contract::{Kind, MessageId, Stream};
use knowledge::extractive::Quoter;
use retrieval::Retriever;
use store::turns::{self, Answered, Step, Turn};
use store::work::{Claim, Outcome, Verdict};
use store::{Error, Ledger};

use super::Tools;
use crate::presence::Presence;
use crate::stage::{Stage, StageError};
use crate::{Author, extractive, shown};

/// Passages an answer is made from: more do not make it better, and a model pays for each.
const PASSAGES: usize = 8;

pub(super) struct Retrieve {
    ledger: Ledger,
    retriever: Retriever,
    presence: Presence,
    author: Author,
    /// Where nobody else is to be asked.
    quoter: Option<Quoter>,
}

impl Retrieve {
    pub(super) fn new(tools: &Tools) -> Self {
        Self {
            ledger: tools.ledger.clone(),
            retriever: tools.retriever.clone(),
            presence: tools.presence.clone(),
            author: tools.author.clone(),
            quoter: (tools.answers && matches!(tools.author, Author::Quotes)).then(|| tools.quoter.clone()),
        }
    }
}

impl Stage for Retrieve {
    const STAGE: contract::Stage =
        contract::Stage { name: turns::RETRIEVE, kind: Kind::Turn, stream: Stream::Turns };
    type Input = Arc<Turn>;
    type Output = Step;

    async fn load(&self, claims: &[Claim]) -> Result<Vec<Option<Arc<Turn>>>, Error> {
        let turns = turns::load(&self.ledger, claims).await?;
        Ok(turns.into_iter().map(|turn| turn.map(Arc::new)).collect())
    }

    async fn handle(&self, _claim: &Claim, turn: &Arc<Turn>) -> Result<Step, StageError> {
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
        let json = Arc::from(json);
        let Some(quoter) = &self.quoter else { return Ok(Step::Found(json)) };
        let answer = extractive::answer(quoter, turn, &found);
        let contents = shown::contents(turn, &answer);
        Ok(Step::Answered(Box::new(Answered { answer, contents, written: None, found: Some(json) })))
    }

    async fn settle(&self, batch: &[(Claim, Arc<Turn>, Verdict<Step>)]) -> Result<Vec<Outcome>, Error> {
        turns::settle(&self.ledger, &Self::STAGE, batch).await
    }

    fn questions(turn: &Arc<Turn>) -> &[MessageId] {
        &turn.messages
    }
}
