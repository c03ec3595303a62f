//! `intake` reads the waiting inbox rows of a chat or conversation: raw updates become messages, and a turn
//! opens when none is active.
//!
//! Reads: `inbox`. Writes: `contacts`, `conversations`, `messages`, `turns`, the placeholder of a turn on a
//! channel that delivers. Deliberately not here: anything that takes time, or needs a dependency other than
//! the ledger; an update that cannot be read is rejected alone, and its chat goes on.

use contract::{Channel, Kind, QuestionText, Stream};
use serde::Deserialize;
use store::intake::{self, Queue, Read, Reading, Waiting};
use store::work::{Claim, Outcome, Verdict};
use store::{Error, Ledger};

use super::Tools;
use crate::stage::{Stage, StageError};

pub(super) struct Intake {
    ledger: Ledger,
}

impl Intake {
    pub(super) fn new(tools: &Tools) -> Self {
        Self { ledger: tools.ledger.clone() }
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
            match read(queue.channel, update) {
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
        intake::settle(&self.ledger, &Self::STAGE, batch).await
    }
}

/// An update that no attempt will ever read.
#[derive(Debug, thiserror::Error)]
#[error("the update cannot be read: {0}")]
struct Poison(String);

fn read(channel: Channel, update: &Waiting) -> Result<Reading, Poison> {
    match channel {
        Channel::Rest | Channel::Loopback => {
            #[derive(Deserialize)]
            struct Said {
                text: Option<String>,
            }
            let said = Said::deserialize(&update.payload).map_err(|_| Poison("not a text update".to_owned()))?;
            // A kind of update that carries no text is stored and passed over.
            let Some(text) = said.text else { return Ok(Reading::Passed) };
            let text = QuestionText::new(text).map_err(|error| Poison(error.to_string()))?;
            Ok(Reading::Question(text.into_string()))
        }
    }
}
