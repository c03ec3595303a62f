//! Streams and consumers as data, in the words of the server's own API.
//!
//! One command owns them: [`apply`] (`vectora topology apply`, also at `vectora up`) creates and
//! updates. [`check`] compares what the server echoes with what is wanted, field by field, because 2.9
//! accepts settings it does not know and drops them (QUEUE.md): a consumer with two filters receives
//! everything. [`ensure`] is the dispatcher's: it creates what has vanished and changes nothing that
//! exists.
//!
//! **Invariant:** none of the features that came after 2.9 is used here.

mod compare;
mod server;
mod wanted;

use std::fmt;

use serde_json::{Map, Value};

pub use compare::{Difference, Severity};
pub use wanted::{Topology, wanted};

use wanted::Wanted;

use crate::{ApiError, Nats};

/// An object on the server: a stream, or a consumer of one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Object {
    Stream(String),
    Consumer {
        stream: String,
        name: String,
    },
    /// The server itself: only in the [`Difference`] about its version.
    Server,
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(name) => write!(f, "stream {name}"),
            Self::Consumer { stream, name } => write!(f, "consumer {stream}/{name}"),
            Self::Server => f.write_str("NATS server"),
        }
    }
}

/// What [`apply`] did to one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub object: Object,
    pub action: Action,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Created,
    /// These fields were changed in place.
    Updated(Vec<String>),
    /// These fields stay as they are; the reason is the server's.
    Refused {
        fields: Vec<String>,
        reason: String,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.action {
            Action::Created => write!(f, "{} created", self.object),
            Action::Updated(fields) => write!(f, "{} updated: {}", self.object, fields.join(", ")),
            Action::Refused { fields, reason } => write!(
                f,
                "{} keeps its {}: {reason}; delete it and apply again (the ledger issues its tickets anew)",
                self.object,
                fields.join(", ")
            ),
        }
    }
}

/// Why the server's streams and consumers could not be read or made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{object} could not be read, created or changed")]
pub struct TopologyError {
    pub object: Object,
    #[source]
    pub source: ApiError,
}

/// Creates what is missing and updates in place what differs and can be updated. What the server refuses or
/// silently keeps is a [`Action::Refused`], and the rest is still applied.
///
/// # Errors
/// When the server cannot be asked, or refuses to create an object.
pub async fn apply(nats: &Nats, topology: &Topology) -> Result<Vec<Change>, TopologyError> {
    let mut changes = Vec::new();
    for wanted in &topology.wanted {
        let fail = |source| TopologyError { object: wanted.object.clone(), source };
        let done = |action| Change { object: wanted.object.clone(), action };
        let Some(found) = nats.read(wanted).await.map_err(fail)? else {
            let echoed = nats.create(wanted).await.map_err(fail)?;
            changes.push(done(Action::Created));
            changes.extend(kept(wanted, &echoed).map(done));
            continue;
        };
        let fields = compare::fields(&wanted.config, &found);
        if fields.is_empty() {
            continue;
        }
        match nats.update(wanted, &compare::merged(&wanted.config, &found)).await {
            Ok(echoed) => {
                let left = compare::fields(&wanted.config, &echoed);
                let updated: Vec<_> = fields.into_iter().filter(|field| !left.contains(field)).collect();
                if !updated.is_empty() {
                    changes.push(done(Action::Updated(updated)));
                }
                changes.extend(kept(wanted, &echoed).map(done));
            }
            Err(ApiError::Refused { description, .. }) => {
                changes.push(done(Action::Refused { fields, reason: description }));
            }
            Err(error) => return Err(fail(error)),
        }
    }
    Ok(changes)
}

fn kept(wanted: &Wanted, echoed: &Map<String, Value>) -> Option<Action> {
    let fields = compare::fields(&wanted.config, echoed);
    let reason = "the server accepted the change and did not make it".to_owned();
    (!fields.is_empty()).then_some(Action::Refused { fields, reason })
}

/// Compares what the server has with what is wanted. Empty is well. A process must not start on a
/// [`Severity::Fatal`]; a [`Severity::Missing`] is not ready yet; the rest is for the log.
///
/// # Errors
/// When the server cannot be asked.
pub async fn check(nats: &Nats, topology: &Topology) -> Result<Vec<Difference>, TopologyError> {
    let mut differences = Vec::new();
    for wanted in &topology.wanted {
        let found = nats.read(wanted).await;
        match found.map_err(|source| TopologyError { object: wanted.object.clone(), source })? {
            Some(found) => differences.extend(compare::differences(&wanted.object, &wanted.config, &found)),
            None => differences.push(Difference::missing(&wanted.object)),
        }
    }
    differences.extend(compare::server(nats.server_version().as_deref(), nats.is_loopback()));
    Ok(differences)
}

/// Creates what is missing and changes nothing that exists. Returns what it created, as text for the log.
///
/// # Errors
/// The first failure, after everything has been tried; at once when the connection is lost.
pub async fn ensure(nats: &Nats, topology: &Topology) -> Result<Vec<String>, TopologyError> {
    let mut created = Vec::new();
    let mut first_failure = None;
    for wanted in &topology.wanted {
        match nats.create_if_missing(wanted).await {
            Ok(true) => created.push(wanted.object.to_string()),
            Ok(false) => {}
            Err(source) => {
                let lost = matches!(source, ApiError::Disconnected | ApiError::Timeout(_));
                first_failure.get_or_insert(TopologyError { object: wanted.object.clone(), source });
                if lost {
                    break;
                }
            }
        }
    }
    for object in &created {
        tracing::warn!(%object, "was missing and has been created");
    }
    first_failure.map_or(Ok(created), Err)
}

#[cfg(test)]
mod tests;
