//! Why a model said nothing.
//!
//! **Invariant:** no text here holds what a person wrote, what a provider answered, an address or a key: a cause
//! is put together from a status, a known code of an error, or the name of a limit.

use std::fmt::Write;
use std::time::Duration;

/// Why a model said nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The provider serves nobody now: nothing about this question is wrong.
    #[error("unavailable: {cause}")]
    Unavailable {
        cause: String,
        /// It may be over within seconds: a connection that was refused, a 5xx. A wrong key is not.
        passing: bool,
        /// The provider said when to come back.
        retry_after: Option<Duration>,
    },
    /// Too many requests (429).
    #[error("too many requests{}", after(*retry_after))]
    Limited { retry_after: Option<Duration> },
    /// A time limit ended the call.
    #[error("the {limit} limit of {after:?} ended the call")]
    Late {
        /// `connect`, `first token`, `idle` or `total`.
        limit: &'static str,
        after: Duration,
    },
    /// This call failed; the next one may not.
    #[error("failed: {0}")]
    Failed(String),
    /// What came is not what is configured: no call will do until one of the two is changed.
    #[error("does not fit the configuration: {0}")]
    Misfit(String),
    /// The provider will never answer this.
    #[error("refused: {0}")]
    Rejected(String),
    /// Prompt and answer do not fit into the model's context window, or a text into the embedder's.
    #[error("the text is longer than the model's context window")]
    TooLong,
}

fn after(wait: Option<Duration>) -> String {
    wait.map(|wait| format!(", asked to wait {wait:?}")).unwrap_or_default()
}

impl ModelError {
    /// The provider is away, for good as far as this call is concerned.
    pub fn unavailable(cause: impl Into<String>) -> Self {
        Self::Unavailable { cause: cause.into(), passing: false, retry_after: None }
    }

    /// The same call may succeed when it is made again within seconds.
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Limited { .. } | Self::Unavailable { passing: true, .. })
    }

    /// When the provider asked to come back.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Limited { retry_after } | Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Says nothing about the provider's health: this question is at fault.
    pub const fn is_about_the_question(&self) -> bool {
        matches!(self, Self::Rejected(_) | Self::TooLong)
    }

    /// Nobody was reached who would serve: nothing about the question is wrong.
    fn is_away(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Limited { .. } | Self::Late { limit: "connect", .. })
    }

    /// A word for metrics.
    pub const fn outcome(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => "unavailable",
            Self::Limited { .. } => "limited",
            Self::Late { .. } => "late",
            Self::Failed(_) => "failed",
            Self::Misfit(_) => "misfit",
            Self::Rejected(_) => "rejected",
            Self::TooLong => "too_long",
        }
    }

    /// What became of a chain whose providers failed like this, in their order: the kind that leaves the most
    /// hope, and every cause.
    pub(crate) fn of_all(failures: &[(String, Self)]) -> Self {
        let mut text = String::new();
        for (name, error) in failures {
            let separator = if text.is_empty() { "" } else { "; " };
            // Writing to a string cannot fail.
            write!(text, "{separator}{name}: {error}").unwrap_or_default();
        }
        let all = |kind: fn(&Self) -> bool| failures.iter().all(|(_, error)| kind(error));
        if all(|error| matches!(error, Self::TooLong)) && !failures.is_empty() {
            Self::TooLong
        } else if all(Self::is_away) {
            let retry_after = failures.iter().filter_map(|(_, error)| error.retry_after()).min();
            Self::Unavailable { cause: text, passing: false, retry_after }
        } else if all(Self::is_about_the_question) {
            Self::Rejected(text)
        } else {
            Self::Failed(text)
        }
    }
}
