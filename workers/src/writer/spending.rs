//! What calls of models took, on its way to the ledger; and what the ledger knows of all processes, on its way to the
//! budget.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use models::{Budget, Reply};
use runtime::lifecycle::Lifecycle;
use store::Ledger;
use store::usage::{self, Usage};

/// Between two exchanges with the ledger: a budget is late by as much.
const PERIOD: Duration = Duration::from_secs(5);

/// Clones share what is under way.
#[derive(Debug, Clone, Default)]
pub struct Spending {
    under_way: Arc<Mutex<HashMap<String, Usage>>>,
}

impl Spending {
    /// Exchanges what was spent with the ledger until the soft shutdown, and once more then.
    pub fn keep(ledger: Ledger, budget: Arc<Budget>, lifecycle: &Lifecycle) -> Self {
        let spending = Self::default();
        let (me, soft) = (spending.clone(), lifecycle.soft.clone());
        lifecycle.spawn("spending", async move {
            loop {
                me.exchange(&ledger, &budget).await;
                tokio::select! {
                    () = tokio::time::sleep(PERIOD) => {}
                    () = soft.cancelled() => break,
                }
            }
            me.exchange(&ledger, &budget).await;
        });
        spending
    }

    /// A call has ended.
    pub(super) fn add(&self, reply: &Reply) {
        let (provider, model) = reply.model.split_once('/').unwrap_or((&reply.model, &reply.model));
        let mut under_way = self.lock();
        let used = under_way.entry(reply.model.clone()).or_insert_with(|| Usage {
            provider: provider.to_owned(),
            model: model.to_owned(),
            prompt_tokens: 0,
            completion_tokens: 0,
            calls: 0,
        });
        used.prompt_tokens += u64::from(reply.usage.prompt);
        used.completion_tokens += u64::from(reply.usage.completion);
        used.calls += 1;
    }

    async fn exchange(&self, ledger: &Ledger, budget: &Budget) {
        let used: Vec<Usage> = self.lock().drain().map(|(_, used)| used).collect();
        if !used.is_empty()
            && let Err(error) = usage::add(ledger, &used).await
        {
            tracing::debug!(%error, "what was spent is written down later");
            for one in used {
                self.put_back(one);
            }
            return;
        }
        match usage::today(ledger).await {
            Ok(today) => today.iter().for_each(|(provider, tokens)| budget.seed(provider, *tokens)),
            Err(error) => tracing::debug!(%error, "what others spent is not known yet"),
        }
    }

    fn put_back(&self, used: Usage) {
        let mut under_way = self.lock();
        let name = format!("{}/{}", used.provider, used.model);
        match under_way.get_mut(&name) {
            Some(later) => {
                later.prompt_tokens += used.prompt_tokens;
                later.completion_tokens += used.completion_tokens;
                later.calls += used.calls;
            }
            None => drop(under_way.insert(name, used)),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Usage>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
