//! `answer` decides what is said to a question: answer, refuse or escalate.
//!
//! Reads: the turn, its messages, and what `retrieve` found, or is handed them ([`Carried`]). Writes: the answer; on a
//! channel that delivers, the final outbound row; the next turn of the conversation. Deliberately not here: searching
//! (the passages are the turn's by now) and sending (a messenger that is away must not block the next question).
//!
//! A repeat asks the model again, and pays twice; a late result of a worker that lost its claim is thrown
//! away by the fence.

use std::sync::Arc;
use std::time::{Duration, Instant};

use contract::{AnswerKind, Channel, Kind, MessageId, Stream};
use knowledge::extractive::Quoter;
use models::{ChatModel, ModelError, Request, Role, Said};
use retrieval::Found;
use store::turns::{self, Answered, Turn};
use store::work::{Claim, Outcome, Verdict};
use store::{Error, Ledger, retrievals};

use super::{Carried, Tools};
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
    carried: Carried,
}

impl Answer {
    pub(super) fn new(tools: &Tools) -> Self {
        tools.carried.begin();
        Self {
            ledger: tools.ledger.clone(),
            author: tools.author.clone(),
            quoter: tools.quoter.clone(),
            presence: tools.presence.clone(),
            carried: tools.carried.clone(),
        }
    }
}

/// A turn, and what was found for it.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) turn: Arc<Turn>,
    pub(super) found: Arc<Found>,
}

impl Stage for Answer {
    const STAGE: contract::Stage =
        contract::Stage { name: turns::ANSWER, kind: Kind::Turn, stream: Stream::Turns };
    type Input = Question;
    type Output = Answered;

    async fn load(&self, claims: &[Claim]) -> Result<Vec<Option<Question>>, Error> {
        let now = Instant::now();
        let carried: Vec<Option<Question>> =
            claims.iter().map(|claim| self.carried.take(claim, now)).collect();
        let others = claims.iter().zip(&carried).filter(|(_, carried)| carried.is_none());
        let others: Vec<Claim> = others.map(|(claim, _)| claim.clone()).collect();
        let mut read = self.read(&others).await?.into_iter();
        Ok(carried.into_iter().map(|carried| carried.or_else(|| read.next().flatten())).collect())
    }

    async fn handle(&self, claim: &Claim, question: &Question) -> Result<Answered, StageError> {
        let turn = &question.turn;
        let Worded { answer, written } = match &self.author {
            // Quoting takes milliseconds: a draft would be gone before it is seen.
            Author::Quotes => {
                let text = question.found.searched.as_deref().unwrap_or(&turn.text);
                let answer = extractive::answer(&self.quoter, text, turn.language, &question.found);
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
        let contents = match turn.channel {
            Channel::Telegram => shown::on_telegram(turn, &answer),
            Channel::Rest | Channel::Loopback => Vec::new(),
        };
        Ok(Answered { answer, contents, written })
    }

    async fn settle(
        &self,
        batch: &[(Claim, Question, Verdict<Answered>)],
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
    /// Turns with what was found for them, out of the ledger.
    async fn read(&self, claims: &[Claim]) -> Result<Vec<Option<Question>>, Error> {
        if claims.is_empty() {
            return Ok(Vec::new());
        }
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
