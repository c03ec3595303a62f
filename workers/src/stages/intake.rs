//! `intake` reads the waiting inbox rows of a chat or conversation: raw updates become messages, commands are obeyed
//! at once, and a turn opens when none is active.
//!
//! Reads: `inbox`, `bots`. Writes: `contacts`, `conversations`, `messages`, `turns`, what is said in return. Deliberately
//! not here: anything that takes time, or needs a dependency other than the ledger (that a button was taken is told in
//! passing); an update that cannot be read is rejected alone, and its chat goes on.

mod telegram;

use contract::{Channel, Content, Kind, QuestionText, Stream};
use serde::Deserialize;
use store::desks::Operators;
use store::intake::{self, Manners, Queue, Read, Reading, Said, Waiting};
use store::work::{Claim, Outcome, Verdict};
use store::{Error, Ledger};

use self::telegram::Reader;
use super::Tools;
use crate::stage::{Stage, StageError};

pub(super) struct Intake {
    ledger: Ledger,
    telegram: Reader,
    manners: Manners,
}

impl Intake {
    pub(super) fn new(tools: &Tools) -> Self {
        let telegram = &tools.telegram;
        // The bot's id is in its token; without one nobody writes.
        let bot = telegram.bot().ok().flatten().map(|bot| bot.id());
        let home = bot.and_then(|bot| telegram.home(bot)).map(|home| home.to_string());
        let operators =
            Operators { home, language: telegram.operators_language, idle: telegram.takeover_idle };
        Self {
            ledger: tools.ledger.clone(),
            telegram: Reader::new(tools.ledger.clone(), telegram.clone(), tools.presence.clone()),
            manners: Manners { operators, contact_rate: tools.settings.contact_rate },
        }
    }
}

impl Stage for Intake {
    const STAGE: contract::Stage =
        contract::Stage { name: store::accept::INTAKE, kind: Kind::IntakeKey, stream: Stream::Turns };
    type Input = Queue;
    type Output = Read;

    async fn load(&self, claims: &[Claim]) -> Result<Vec<Option<Queue>>, Error> {
        intake::load(&self.ledger, claims).await
    }

    async fn handle(&self, _claim: &Claim, queue: &Queue) -> Result<Read, StageError> {
        let mut readings = Vec::with_capacity(queue.updates.len());
        for update in &queue.updates {
            let read = match queue.channel {
                Channel::Rest | Channel::Loopback => text(update),
                Channel::Telegram => self.telegram.read(&queue.address, update).await?,
            };
            match read {
                Ok(reading) => readings.push(reading),
                // The rows before the poison one are done; it comes first next time, and alone.
                Err(_) if !readings.is_empty() => break,
                Err(poison) => return Err(StageError::Reject { source: poison.into() }),
            }
        }
        let mut queue = queue.clone();
        queue.updates.truncate(readings.len());
        Ok(Read { queue, readings })
    }

    async fn settle(&self, batch: &[(Claim, Queue, Verdict<Read>)]) -> Result<Vec<Outcome>, Error> {
        intake::settle(&self.ledger, &Self::STAGE, &self.manners, batch).await
    }
}

/// An update that no attempt will ever read.
#[derive(Debug, thiserror::Error)]
#[error("the update cannot be read: {0}")]
struct Poison(String);

/// `{"text": "…"}`, of channels that carry nothing else.
fn text(update: &Waiting) -> Result<Reading, Poison> {
    #[derive(Deserialize)]
    struct Payload {
        text: Option<String>,
    }
    let payload = Payload::deserialize(&update.payload).map_err(|_| Poison("not a text update".to_owned()))?;
    // A kind of update that carries no text is stored and passed over.
    let Some(text) = payload.text else { return Ok(Reading::Passed) };
    let text = QuestionText::new(text).map_err(|error| Poison(error.to_string()))?.into_string();
    Ok(Reading::Question(Said { original: Content::plain(text.clone()), text, ..Said::default() }))
}
