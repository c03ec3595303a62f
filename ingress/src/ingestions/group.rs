//! Files that go to the ledger together, in one transaction: few enough to be held in memory, many enough that the
//! transaction is not the cost.

use axum::http::StatusCode;
use contract::IngestionId;
use store::ingestions::{File, ReceiveError};
use web::Problem;

use super::{Taken, limits};
use crate::http::State;

/// Files that go to the ledger together.
#[derive(Default)]
pub(super) struct Group {
    files: Vec<File>,
    bytes: usize,
}

impl Group {
    pub(super) async fn add(
        &mut self,
        state: &State,
        id: IngestionId,
        file: File,
        received: &mut Vec<Taken>,
    ) -> Result<(), Problem> {
        if self.bytes + file.bytes.len() > limits::GROUP || self.files.len() == limits::REQUEST_FILES {
            self.hand_over(state, id, received).await?;
        }
        self.bytes += file.bytes.len();
        self.files.push(file);
        Ok(())
    }

    pub(super) async fn hand_over(
        &mut self,
        state: &State,
        id: IngestionId,
        received: &mut Vec<Taken>,
    ) -> Result<(), Problem> {
        if self.files.is_empty() {
            return Ok(());
        }
        let taking = Box::pin(store::ingestions::receive(&state.0.ledger, id, &self.files));
        let taken = tokio::time::timeout(limits::LEDGER, taking).await;
        let taken = taken.map_err(|_| Problem::ledger_unavailable())?.map_err(not_taken)?;
        received.extend(taken.into_iter().map(Taken::from));
        *self = Self::default();
        Ok(())
    }
}

fn not_taken(error: ReceiveError) -> Problem {
    match error {
        ReceiveError::Ledger(error) => Problem::ledger(error),
        ReceiveError::Unknown => Problem::not_found("ingestion"),
        ReceiveError::Cancelled => {
            let detail = error.to_string();
            Problem::new(StatusCode::CONFLICT, "ingestion-cancelled", "The ingestion was cancelled", detail)
        }
    }
}
