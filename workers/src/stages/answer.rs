//! `answer` decides what is said to a question: answer, refuse or escalate.
//!
//! Reads: the turn and its messages. Writes: the answer; on a channel that delivers, the final outbound
//! row; the next turn of the conversation. Deliberately not here: sending. A messenger that is away must not
//! block the next question.
//!
//! A repeat asks the model again, and pays twice; a late result of a worker that lost its claim is thrown
//! away by the fence.

use std::sync::Arc;

use contract::{AnswerKind, Kind, Language, MessageId, Phrase, Stream};
use models::{ChatModel, ModelError};
use store::turns::{self, Turn};
use store::work::{Claim, Outcome, Verdict};
use store::{Error, Ledger};

use super::Tools;
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

impl Stage for Answer {
    const STAGE: contract::Stage =
        contract::Stage { name: turns::OPENING_STAGE, kind: Kind::Turn, stream: Stream::Turns };
    type Input = Turn;
    type Output = contract::Answer;

    async fn load(&self, claims: &[Claim]) -> Result<Vec<Option<Turn>>, Error> {
        turns::load(&self.ledger, claims).await
    }

    async fn handle(&self, _claim: &Claim, turn: &Turn) -> Result<contract::Answer, StageError> {
        let Some(model) = &self.model else {
            return Ok(contract::Answer {
                kind: AnswerKind::Refused,
                text: Phrase::NoKnowledge.text(Language::of(&turn.text)).to_owned(),
                citations: Vec::new(),
                model: "none".to_owned(),
            });
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

    async fn settle(&self, batch: &[(Claim, Turn, Verdict<contract::Answer>)]) -> Result<Vec<Outcome>, Error> {
        turns::settle(&self.ledger, &Self::STAGE, batch).await
    }

    fn questions(turn: &Turn) -> &[MessageId] {
        &turn.messages
    }
}
