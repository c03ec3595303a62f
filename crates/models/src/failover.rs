//! Providers in order: the first that answers is the answer.
//!
//! A provider is left out while its breaker is open and when its tokens of today are used up. When one fails in the
//! middle of its answer the next begins anew, and so does the text that grows.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::budget::Budget;
use crate::chat::Replying;
use crate::guard::Guard;
use crate::{ChatModel, Grow, Metrics, ModelError, Reply, Request, Usage, tokens};

/// One provider of a chain.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) model: Box<dyn ChatModel>,
    pub(crate) guard: Guard,
}

/// Providers in the order in which they are asked.
#[derive(Debug)]
pub struct Chain {
    links: Vec<Link>,
    name: String,
    window: u32,
    /// Of all of them together.
    total: Duration,
    budget: Arc<Budget>,
    metrics: Metrics,
}

/// How the providers before failed, by their configured names.
type Failures = Mutex<Vec<(String, ModelError)>>;

impl Chain {
    pub(crate) fn new(links: Vec<Link>, total: Duration, budget: Arc<Budget>, metrics: Metrics) -> Self {
        let names: Vec<&str> = links.iter().map(|link| link.model.name()).collect();
        let name = names.join(", ");
        // What is asked must fit into each of them.
        let window = links.iter().map(|link| link.model.window()).min().unwrap_or_default();
        Self { links, name, window, total, budget, metrics }
    }

    async fn ask(
        &self,
        request: &Request,
        grow: &Grow<'_>,
        failures: &Failures,
    ) -> Result<Reply, ModelError> {
        let failed = |provider: &str, error: ModelError| {
            failures.lock().unwrap_or_else(PoisonError::into_inner).push((provider.to_owned(), error));
        };
        for link in &self.links {
            let provider = &link.guard.provider;
            if self.budget.exhausted(provider) {
                self.metrics.skipped(provider);
                failed(provider, ModelError::unavailable("its tokens of today are used up"));
                continue;
            }
            if let Err(error) = link.guard.check() {
                failed(provider, error);
                continue;
            }
            match self.ask_one(link, request, grow).await {
                Ok(reply) => return Ok(reply),
                Err(error) => {
                    tracing::warn!(provider, %error, "a model gave no answer");
                    failed(provider, error);
                }
            }
        }
        Err(ModelError::of_all(&failures.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    async fn ask_one(&self, link: &Link, request: &Request, grow: &Grow<'_>) -> Result<Reply, ModelError> {
        let (provider, begun) = (&link.guard.provider, Instant::now());
        // Bytes that were heard, and whether anything was: a repeat would begin anew under a reader's eyes.
        let (heard, first) = (AtomicUsize::new(0), OnceLock::new());
        let listen = |text: &str| {
            first.get_or_init(|| self.metrics.first_token(provider, begun));
            if heard.swap(text.len(), Ordering::Relaxed) != text.len() {
                grow(text);
            }
        };
        let silent = || heard.load(Ordering::Relaxed) == 0;
        let result = link.guard.call(silent, || link.model.reply(request, &listen)).await;
        match &result {
            Ok(reply) => self.spend(link, reply.usage),
            // It is paid for all the same.
            Err(_) if !silent() => {
                let completion = u32::try_from(heard.load(Ordering::Relaxed) / 4).unwrap_or(u32::MAX);
                let prompt = tokens::estimate_prompt(request);
                self.spend(link, Usage { prompt, completion, estimated: true });
            }
            Err(_) => {}
        }
        result
    }

    fn spend(&self, link: &Link, usage: Usage) {
        self.metrics.spent(link.model.name(), usage);
        self.budget.spent(&link.guard.provider, u64::from(usage.prompt) + u64::from(usage.completion));
    }
}

impl ChatModel for Chain {
    fn name(&self) -> &str {
        &self.name
    }

    fn window(&self) -> u32 {
        self.window
    }

    fn reply<'a>(&'a self, request: &'a Request, grow: &'a Grow<'a>) -> Replying<'a> {
        Box::pin(async move {
            let failures = Failures::default();
            let Ok(result) = timeout(self.total, self.ask(request, grow, &failures)).await else {
                let mut failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
                let late = ModelError::Late { limit: "total", after: self.total };
                failures.push(("all together".to_owned(), late));
                return Err(ModelError::of_all(&failures));
            };
            result
        })
    }
}
