//! Tokens a day, by provider: who has used up theirs is left out until midnight UTC.
//!
//! Counted in this process; what others spent, and what was spent before a start, the caller tells from the
//! ledger with [`Budget::seed`], again and again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, NaiveDate, Utc};

/// Tokens of today, and how many there may be.
#[derive(Debug)]
pub struct Budget {
    /// Tokens a day of the providers that have a limit.
    limits: BTreeMap<String, u64>,
    spent: Mutex<Spent>,
    now: fn() -> DateTime<Utc>,
}

#[derive(Debug, Default)]
struct Spent {
    day: NaiveDate,
    tokens: BTreeMap<String, u64>,
}

impl Budget {
    /// `limits`: tokens a day by provider; those not named have no limit.
    #[expect(clippy::disallowed_methods, reason = "the day is the wall clock's; tests have their own")]
    pub fn new(limits: BTreeMap<String, u64>) -> Self {
        Self::with_clock(limits, Utc::now)
    }

    fn with_clock(limits: BTreeMap<String, u64>, now: fn() -> DateTime<Utc>) -> Self {
        Self { limits, spent: Mutex::default(), now }
    }

    /// `used` tokens of today are known elsewhere. Fewer than are counted here are not believed: the ledger learns of
    /// them later.
    pub fn seed(&self, provider: &str, used: u64) {
        self.with(provider, |tokens| *tokens = used.max(*tokens));
    }

    /// Further tokens were spent.
    pub fn spent(&self, provider: &str, tokens: u64) {
        self.with(provider, |spent| *spent = spent.saturating_add(tokens));
    }

    /// Nothing is left for today.
    pub fn exhausted(&self, provider: &str) -> bool {
        self.limits.get(provider).is_some_and(|limit| self.with(provider, |spent| *spent >= *limit))
    }

    fn with<T>(&self, provider: &str, work: impl FnOnce(&mut u64) -> T) -> T {
        let today = (self.now)().date_naive();
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.day != today {
            *spent = Spent { day: today, tokens: BTreeMap::new() };
        }
        work(spent.tokens.entry(provider.to_owned()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[test]
    fn a_budget_is_used_up_until_midnight() {
        static NOW: AtomicI64 = AtomicI64::new(86_400 * 20_000 + 80_000);
        let now = || DateTime::from_timestamp(NOW.load(Ordering::Relaxed), 0).expect("a time");
        let budget = Budget::with_clock([("openai".to_owned(), 100)].into(), now);
        budget.seed("openai", 60);
        budget.spent("openai", 39);
        assert!(!budget.exhausted("openai"));
        budget.seed("openai", 70);
        budget.spent("openai", 1);
        assert!(budget.exhausted("openai"));
        budget.spent("ollama", u64::MAX);
        assert!(!budget.exhausted("ollama"), "it has no limit");
        NOW.fetch_add(6_400, Ordering::Relaxed);
        assert!(!budget.exhausted("openai"), "a new day");
    }
}
