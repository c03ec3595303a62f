//! Whether the process can do its work: one entry a dependency, and whether it is draining.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

/// The reason of a dependency that nobody has looked at.
const UNCHECKED: &str = "not checked yet";

/// Clones share the state.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<State>>);

/// What `/readyz` shows.
#[derive(Debug, Clone, Default, Serialize)]
pub struct State {
    pub draining: bool,
    pub dependencies: BTreeMap<String, Condition>,
}

/// One dependency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Condition {
    pub up: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}

impl State {
    pub fn ready(&self) -> bool {
        !self.draining && self.dependencies.values().all(|condition| condition.up)
    }
}

/// Who watches a dependency tells here.
#[derive(Debug, Clone)]
pub struct Dependency {
    health: Health,
    name: String,
}

impl Health {
    /// Adds a dependency, down until somebody says otherwise; a known one keeps its condition, so that two
    /// may report on the same.
    pub fn dependency(&self, name: &str) -> Dependency {
        let unchecked = Condition { up: false, reason: Some(UNCHECKED) };
        self.lock().dependencies.entry(name.to_owned()).or_insert(unchecked);
        Dependency { health: self.clone(), name: name.to_owned() }
    }

    /// The process takes nothing new.
    pub fn draining(&self) {
        self.lock().draining = true;
    }

    /// Waits until every dependency has been looked at once, at most `limit`: a process that says it is ready
    /// while its probe still says otherwise confuses people and scripts.
    pub async fn checked(&self, limit: Duration) {
        let unchecked = || self.lock().dependencies.values().any(|one| one.reason == Some(UNCHECKED));
        let began = Instant::now();
        while unchecked() && began.elapsed() < limit {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub fn snapshot(&self) -> State {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Dependency {
    pub fn up(&self) {
        self.set(Condition { up: true, reason: None });
    }

    /// `reason` is a fixed text: it can hold no secret and nothing personal.
    pub fn down(&self, reason: &'static str) {
        self.set(Condition { up: false, reason: Some(reason) });
    }

    fn set(&self, condition: Condition) {
        let mut state = self.health.lock();
        match state.dependencies.get_mut(&self.name) {
            Some(known) if *known == condition => {}
            Some(known) => *known = condition,
            None => {
                state.dependencies.insert(self.name.clone(), condition);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_ready_when_all_it_needs_is_there_and_it_is_not_draining() {
        let health = Health::default();
        let (ledger, nats) = (health.dependency("ledger"), health.dependency("nats"));
        ledger.up();
        assert!(!health.snapshot().ready());
        nats.up();
        health.dependency("nats");
        assert!(health.snapshot().ready(), "asking again changes nothing");
        nats.down("not connected");
        assert_eq!(health.snapshot().dependencies["nats"].reason, Some("not connected"));
        nats.up();
        health.draining();
        assert!(!health.snapshot().ready());
    }
}
