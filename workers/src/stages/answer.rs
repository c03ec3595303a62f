//! `answer` decides what is said to a question: answer, refuse or escalate.
//!
//! Reads: the turn, its messages, and what `retrieve` found. Writes: the answer; on a channel that delivers, the final
//! outbound row; the next turn of the conversation. Deliberately not here: searching (the passages are the turn's by
//! now) and sending (a messenger that is away must not block the next question).
//!
//! A repeat asks the model again, and pays twice; a late result of a worker that lost its claim is thrown
//! away by the fence.

use std::sync::Arc;

use contract::{AnswerKind, Kind, MessageId, Stream};
use models::{ChatModel, ModelError};
use retrieval::Found;
use store::turns::{self, Turn};
use store::work::{Claim, Outcome, Verdict};
use store::{Error, Ledger, retrievals};

use super::Tools;
use crate::extractive;
use crate::stage::{Stage, StageError};

pub(super) struct Answer {
    ledger: Ledger,
    model: Option<Arc<dyn ChatModel>>,
}

impl Answer {
    pub(super) fn new(tools: &Tools) -> Self {
        Self { ledger: tools.ledger.clone(), model: tools.model.clone() }
    }
}

/// A turn, and what was found for it.
#[derive(Debug, Clone)]
pub(super) struct Question {
    turn: Turn,
    found: Found,
}

impl Stage for Answer {
    const STAGE: contract::Stage =
        contract::Stage { name: turns::ANSWER, kind: Kind::Turn, stream: Stream::Turns };
    type Input = Question;
    type Output = contract::Answer;

    async fn load(&self, claims: &[Claim]) -> Result<Vec<Option<Question>>, Error> {
        let turns = turns::load(&self.ledger, claims).await?;
        let ids: Vec<_> = turns.iter().flatten().map(|turn| turn.id).collect();
        let mut found = retrievals::load(&self.ledger, &ids).await?.into_iter();
        Ok(turns
            .into_iter()
            .map(|turn| {
                let turn = turn?;
                // What another release found in another shape is not for this one to read.
                let found = found.next()?.map(serde_json::from_value).transpose().ok()?;
                Some(Question { turn, found: found.unwrap_or_default() })
            })
            .collect())
    }

    async fn handle(&self, _claim: &Claim, question: &Question) -> Result<contract::Answer, StageError> {
        let Question { turn, found } = question;
        let Some(model) = &self.model else {
            return Ok(extractive::answer(&turn.text, found));
        };
        let reply = model.reply(&turn.text).await.map_err(|error| match error {
            ModelError::Unavailable(dependency) => {
                StageError::Unavailable { dependency, source: error.into() }
            }
            ModelError::Failed(_) => StageError::Retry { source: error.into() },
            ModelError::Rejected(_) => StageError::Reject { source: error.into() },
        })?;
        Ok(contract::Answer {
            kind: AnswerKind::Answered,
            text: reply.text,
            citations: Vec::new(),
            model: model.name().to_owned(),
        })
    }

    async fn settle(
        &self,
        batch: &[(Claim, Question, Verdict<contract::Answer>)],
    ) -> Result<Vec<Outcome>, Error> {
        let batch: Vec<_> = batch
            .iter()
            .map(|(claim, question, verdict)| (claim.clone(), question.turn.clone(), verdict.clone()))
            .collect();
        turns::settle(&self.ledger, &Self::STAGE, &batch).await
    }

    fn questions(question: &Question) -> &[MessageId] {
        &question.turn.messages
    }
}
