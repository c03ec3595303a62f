//! `answer` decides what is said to a question: answer, refuse or escalate.
//!
//! Reads: the turn, its messages, and what `retrieve` found. Writes: the answer; on a channel that delivers, the final
//! outbound row; the next turn of the conversation. Deliberately not here: searching (the passages are the turn's by
//! now) and sending (a messenger that is away must not block the next question).
//!
//! Where sentences are quoted, `retrieve` in the same process does so at once; turns come here from other processes, and
//! from before the model was taken away.
//!
//! A repeat asks the model again, and pays twice; a late result of a worker that lost its claim is thrown
//! away by the fence.

use std::sync::Arc;
use std::time::Duration;

use contract::{AnswerKind, Kind, MessageId, Stream};
use knowledge::extractive::Quoter;
use models::{ChatModel, ModelError, Request, Role, Said};
use retrieval::Found;
use store::turns::{self, Answered, Step, Turn};
use store::work::{Claim, Outcome, Verdict};
use store::{Error, Ledger, retrievals};

use super::Tools;
use crate::presence::Presence;
use crate::stage::{Stage, StageError};
use crate::writer::Outcome as Worded;
use crate::{Author, extractive, shown};

/// Between two looks whether the turn is still to be answered: a model that writes for nobody costs money.
const LOOK: Duration = Duration::from_secs(1);

pub(super) struct Answer {
    ledger: Ledger,
    author: Author,
    quoter: Quoter,
    presence: Presence,
}

impl Answer {
    pub(super) fn new(tools: &Tools) -> Self {
        Self {
            ledger: tools.ledger.clone(),
            author: tools.author.clone(),
            quoter: tools.quoter.clone(),
            presence: tools.presence.clone(),
        }
    }
}

/// A turn, and what was found for it.
#[derive(Debug, Clone)]
pub(super) struct Question {
    turn: Arc<Turn>,
    found: Arc<Found>,
}

impl Stage for Answer {
    const STAGE: contract::Stage =
        contract::Stage { name: turns::ANSWER, kind: Kind::Turn, stream: Stream::Turns };
    type Input = Question;
    type Output = Step;

    async fn load(&self, claims: &[Claim]) -> Result<Vec<Option<Question>>, Error> {
        let turns = turns::load(&self.ledger, claims).await?;
        let ids: Vec<_> = turns.iter().flatten().map(|turn| turn.id).collect();
        let mut found = retrievals::load(&self.ledger, &ids).await?.into_iter();
        Ok(turns
            .into_iter()
            .map(|turn| {
                let turn = turn?;
                // What another release found in another shape is not for this one to read.
                let found: Option<Found> =
                    found.next()?.map(|found| serde_json::from_str(&found)).transpose().ok()?;
                Some(Question { turn: Arc::new(turn), found: Arc::new(found.unwrap_or_default()) })
            })
            .collect())
    }

    async fn handle(&self, claim: &Claim, question: &Question) -> Result<Step, StageError> {
        let turn = &question.turn;
        let Worded { answer, written } = match &self.author {
            // Quoting takes milliseconds: a draft would be gone before it is seen.
            Author::Quotes => {
                let answer = extractive::answer(&self.quoter, turn, &question.found);
                Worded { answer, written: None }
            }
            author => {
                tokio::select! {
                    worded = self.write(author, claim, question) => worded?,
                    () = self.dropped(turn) => {
                        // Whatever is settled now is not: the turn is over.
                        return Err(StageError::Retry { source: "the turn is over".into() });
                    }
                }
            }
        };
        let contents = shown::contents(turn, &answer);
        Ok(Step::Answered(Box::new(Answered { answer, contents, written, found: None })))
    }

    async fn settle(
        &self,
        batch: &[(Claim, Question, Verdict<Step>)],
    ) -> Result<Vec<Outcome>, Error> {
        let batch: Vec<_> = batch
            .iter()
            .map(|(claim, question, verdict)| (claim.clone(), Arc::clone(&question.turn), verdict.clone()))
            .collect();
        turns::settle(&self.ledger, &Self::STAGE, &batch).await
    }

    fn questions(question: &Question) -> &[MessageId] {
        &question.turn.messages
    }
}

impl Answer {
    /// What a model writes, shown while it grows where that can be.
    async fn write(
        &self,
        author: &Author,
        claim: &Claim,
        question: &Question,
    ) -> Result<Worded, StageError> {
        let turn = &question.turn;
        let growing = self.presence.growing(turn, claim.epoch, Self::STAGE.name);
        let grow = growing.grow();
        let show = |text: &str| grow.show(text);
        let worded = match author {
            Author::Writer(writer) => Ok(writer.answer(turn, &question.found, &show).await),
            Author::Scripted(model) => scripted(model.as_ref(), turn, &show).await,
            Author::Quotes => unreachable!("quoting shows nothing while it grows"),
        };
        drop(grow);
        growing.finish().await;
        worded
    }

    /// Returns when nobody waits for the answer any more: the question was changed, dropped, or taken by a human.
    async fn dropped(&self, turn: &Turn) {
        loop {
            tokio::time::sleep(LOOK).await;
            if matches!(turns::is_active(&self.ledger, turn.id).await, Ok(false)) {
                return;
            }
        }
    }
}

/// The scripted model is asked as it is, and what it says is not checked: it stands for the mechanism alone.
async fn scripted(
    model: &dyn ChatModel,
    turn: &Turn,
    show: &(dyn Fn(&str) + Send + Sync),
) -> Result<Worded, StageError> {
    let said = vec![Said { role: Role::User, text: turn.text.clone() }];
    let request = Request { system: String::new(), said, max_tokens: 1024, temperature: 0.0 };
    let reply = model.reply(&request, show).await.map_err(|error| match error {
        ModelError::Unavailable { .. } | ModelError::Limited { .. } => {
            StageError::Unavailable { dependency: "model", source: error.into() }
        }
        ModelError::Failed(_) | ModelError::Misfit(_) | ModelError::Late { .. } => StageError::Retry { source: error.into() },
        ModelError::Rejected(_) | ModelError::TooLong => StageError::Reject { source: error.into() },
    })?;
    let answer = contract::Answer {
        kind: AnswerKind::Answered,
        text: reply.text,
        citations: Vec::new(),
        model: reply.model,
    };
    Ok(Worded { answer, written: None })
}
