//! What comes in over a channel that delivers, raw: stored first, read later.

use std::sync::Arc;

use contract::{Channel, Kind, MessageId, Ticket};
use runtime::batch::Batcher;
use runtime::lifecycle::Lifecycle;
use serde_json::Value;

use super::{AcceptError, Row, insert, intake_key};
use crate::{Error, Ledger};

/// An update of a channel.
#[derive(Debug, Clone)]
pub struct Update {
    pub channel: Channel,
    /// The chat.
    pub address: String,
    /// With `external_id`, what makes a repetition recognisable.
    pub source: String,
    pub external_id: String,
    pub payload: Value,
}

/// The id it got, and the ticket to be published, if there is none under way. `None`: it was here before.
pub type Received = Option<(MessageId, Option<Ticket>)>;

/// Accepts updates in batches: what arrives while a statement is under way goes into the next.
#[derive(Debug, Clone)]
pub struct Receiver {
    batcher: Batcher<Update, Result<Received, Arc<Error>>>,
}

impl Receiver {
    /// Updates in one statement at the most.
    const LARGEST: usize = 64;

    pub fn new(ledger: Ledger, lifecycle: &Lifecycle) -> Self {
        let (batcher, task) = Batcher::new(Self::LARGEST, 2, move |batch: Vec<Update>| {
            let ledger = ledger.clone();
            async move { each_update(&ledger, &batch).await }
        });
        lifecycle.spawn("receive", task);
        Self { batcher }
    }

    /// # Errors
    /// [`AcceptError`]: the sender must not be told that it was taken.
    pub async fn receive(&self, update: Update) -> Result<Received, AcceptError> {
        match self.batcher.call(update).await {
            Ok(received) => received.map_err(AcceptError::Ledger),
            Err(_) => Err(AcceptError::InProgress),
        }
    }
}

/// Accepts updates in one statement, or, if the database refuses one of them, each in its own. In their order.
pub async fn each_update(ledger: &Ledger, batch: &[Update]) -> Vec<Result<Received, Arc<Error>>> {
    match ledger.within(updates(ledger, batch)).await {
        Ok(received) => received.into_iter().map(Ok).collect(),
        // One update the database refuses must not take the others with it.
        Err(Error::Refused(_)) if batch.len() > 1 => {
            let mut received = Vec::with_capacity(batch.len());
            for one in batch {
                received.extend(Box::pin(each_update(ledger, std::slice::from_ref(one))).await);
            }
            received
        }
        Err(error) => {
            let error = Arc::new(error);
            batch.iter().map(|_| Err(error.clone())).collect()
        }
    }
}

/// Accepts updates, all in one statement.
///
/// # Errors
/// [`Error`]; the caller must not acknowledge the updates to their sender then.
async fn updates(ledger: &Ledger, batch: &[Update]) -> Result<Vec<Received>, Error> {
    let rows: Vec<Row<'_>> = batch
        .iter()
        .map(|update| Row {
            key_id: intake_key(update.channel, &update.address),
            channel: update.channel,
            address: update.address.clone(),
            source: update.source.clone(),
            external_id: Some(update.external_id.clone()),
            message: MessageId::new(),
            asked_by: None,
            payload: update.payload.clone(),
            idempotency: None,
        })
        .collect();
    let stored = insert(ledger, &rows).await?;
    Ok(rows
        .iter()
        .map(|row| {
            stored.messages.contains(&row.message.0).then(|| {
                (row.message, stored.issued.get(&row.key_id).map(|issued| issued.ticket(Kind::IntakeKey)))
            })
        })
        .collect())
}

/// As [`updates`], of one.
///
/// # Errors
/// [`Error`].
pub async fn update(ledger: &Ledger, update: &Update) -> Result<Received, Error> {
    Ok(updates(ledger, std::slice::from_ref(update)).await?.pop().flatten())
}
