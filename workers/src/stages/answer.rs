//! `answer` decides what is said to a question: answer, refuse or escalate.
//!
//! Reads: the turn, its messages, and what `retrieve` found. Writes: the answer; on a channel that delivers, the final
//! outbound row; the next turn of the conversation. Deliberately not here: searching (the passages are the turn's by
//! now) and sending (a messenger that is away must not block the next question).
//!
//! A repeat asks the model again, and pays twice; a late result of a worker that lost its claim is thrown
//! away by the fence.

use std::sync::Arc;

use contract::{AnswerKind, Channel, Kind, MessageId, Stream};
use models::{ChatModel, ModelError, Request, Role, Said};
use retrieval::Found;
use store::turns::{self, Answered, Turn};
use store::work::{Claim, Outcome, Verdict};
use store::{Error, Ledger, retrievals};

use super::Tools;
use crate::presence::{Draft, Presence};
use crate::{extractive, shown};
use crate::stage::{Stage, StageError};

/// Of an answer, at the most.
const MAX_TOKENS: u32 = 1024;

pub(super) struct Answer {
    ledger: Ledger,
    model: Option<Arc<dyn ChatModel>>,
    presence: Presence,
}

impl Answer {
    pub(super) fn new(tools: &Tools) -> Self {
        Self { ledger: tools.ledger.clone(), model: tools.model.clone(), presence: tools.presence.clone() }
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
    type Output = Answered;

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

    async fn handle(&self, _claim: &Claim, question: &Question) -> Result<Answered, StageError> {
        let answer = match &self.model {
            // Quoting takes milliseconds: a draft would be gone before it is seen.
            None => extractive::answer(&question.turn.text, question.turn.language, &question.found),
            Some(model) => self.ask(model.as_ref(), &question.turn).await?,
        };
        let contents = match question.turn.channel {
            Channel::Telegram => shown::on_telegram(&question.turn, &answer),
            Channel::Rest | Channel::Loopback => Vec::new(),
        };
        Ok(Answered { answer, contents })
    }

    async fn settle(
        &self,
        batch: &[(Claim, Question, Verdict<Answered>)],
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

impl Answer {
    /// What the model writes, shown while it grows where that can be.
    async fn ask(&self, model: &dyn ChatModel, turn: &Turn) -> Result<contract::Answer, StageError> {
        let draft = self.presence.draft(turn.channel, &turn.address, turn.id);
        let frames = draft.as_ref().map(Draft::frames);
        let grow = move |text: &str| {
            if let Some(frames) = &frames {
                frames.show(&shown::draft(text));
            }
        };
        let said = vec![Said { role: Role::User, text: turn.text.clone() }];
        let request = Request { system: String::new(), said, max_tokens: MAX_TOKENS, temperature: 0.0 };
        let reply = model.reply(&request, &grow).await;
        drop(grow);
        if let Some(draft) = draft {
            draft.finish().await;
        }
        let reply = reply.map_err(|error| match error {
            ModelError::Unavailable { .. } | ModelError::Limited { .. } => {
                StageError::Unavailable { dependency: "model", source: error.into() }
            }
            ModelError::Failed(_) | ModelError::Late { .. } => StageError::Retry { source: error.into() },
            ModelError::Rejected(_) | ModelError::TooLong => StageError::Reject { source: error.into() },
        })?;
        Ok(contract::Answer {
            kind: AnswerKind::Answered,
            text: reply.text,
            citations: Vec::new(),
            model: reply.model,
        })
    }
}
