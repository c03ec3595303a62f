//! Whose an ingestion is. That never changes, and reading it costs the ledger a count over all its files, so it is
//! remembered: a hundred thousand files come in five hundred requests.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use contract::{ApiKeyId, IngestionId};
use store::Ledger;

/// Ingestions that are remembered; then all are forgotten. Nobody opens as many at once.
const REMEMBERED: usize = 1_000;

#[derive(Debug, Default)]
pub(crate) struct Owners(Mutex<HashMap<IngestionId, ApiKeyId>>);

impl Owners {
    /// `None`: there is no such ingestion, or it is nobody's.
    ///
    /// # Errors
    /// When the ledger cannot tell.
    pub(crate) async fn of(
        &self,
        ledger: &Ledger,
        id: IngestionId,
    ) -> Result<Option<ApiKeyId>, store::Error> {
        if let Some(owner) = self.lock().get(&id) {
            return Ok(Some(*owner));
        }
        let found = ledger.within(store::ingestions::progress(ledger, id)).await?;
        let owner = found.and_then(|progress| progress.created_by);
        if let Some(owner) = owner {
            self.remember(id, owner);
        }
        Ok(owner)
    }

    pub(crate) fn remember(&self, id: IngestionId, owner: ApiKeyId) {
        let mut owners = self.lock();
        if owners.len() >= REMEMBERED {
            owners.clear();
        }
        owners.insert(id, owner);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<IngestionId, ApiKeyId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
