//! Dense vectors of questions and passages, made by the embedder of the generation they are for.
//!
//! A question's are remembered, waited for no longer than [`LIMIT`], and done without when they do not come: a
//! search is never lost because an embedder is away. A passage's are waited for: a point without its vector would
//! never be found by its meaning.
//!
//! Personal data does not leave for an embedder any more than for a model that answers: each text is embedded with
//! tokens in its place.

mod cache;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use grounding::masking::Mask;
use models::{Embedder, Embedders, ModelError, Purpose};
use store::generations::Generation;

use self::cache::Cache;
use crate::Metrics;

/// How long a search waits for the vector of its question. Local embedders take 10 to 50 ms, remote ones up to
/// half a second; a person waits for the answer.
const LIMIT: Duration = Duration::from_secs(1);

/// How long sentences wait that are compared: some forty texts at once, beside a model that takes seconds itself.
const COMPARED: Duration = Duration::from_secs(3);

/// How long an embedder that failed is not asked for questions: searches are quick meanwhile, and it is back
/// in use before anybody has noticed.
const PAUSE: Duration = Duration::from_secs(2);

/// Why there are no vectors.
#[derive(Debug, thiserror::Error)]
pub enum VectorError {
    /// This process is not configured with the embedder of the generation.
    #[error("the embedder {0} is not configured here")]
    Unknown(String),
    /// It serves nobody now.
    #[error("the embedder is away")]
    Away(#[source] ModelError),
    /// It will never embed one of these texts.
    #[error("the embedder refused a text")]
    Refused(#[source] ModelError),
    #[error("the embedder failed")]
    Failed(#[source] ModelError),
    /// What came cannot be the vectors of this embedder.
    #[error("the embedder {identity} gave {problem}: its dimensions are configured as {dims}")]
    Shape { identity: String, dims: usize, problem: String },
}

impl VectorError {
    fn of(error: ModelError) -> Self {
        match error {
            ModelError::Unavailable { .. } | ModelError::Limited { .. } | ModelError::Late { .. } => {
                Self::Away(error)
            }
            ModelError::Rejected(_) | ModelError::TooLong => Self::Refused(error),
            ModelError::Failed(_) | ModelError::Misfit(_) => Self::Failed(error),
        }
    }
}

/// Makes vectors. Clones share what is remembered.
#[derive(Debug, Clone, Default)]
pub struct Vectors {
    embedders: Embedders,
    /// Personal data is sent as it is.
    open: bool,
    metrics: Metrics,
    questions: Arc<Mutex<Cache>>,
    /// Until when an embedder is not asked for questions.
    paused: Arc<Mutex<HashMap<String, Instant>>>,
}

impl Vectors {
    pub fn new(embedders: Embedders, metrics: Metrics) -> Self {
        Self { embedders, metrics, ..Self::default() }
    }

    /// The same, for embedders that may see personal data.
    #[must_use]
    pub fn unmasked(self) -> Self {
        Self { open: true, ..self }
    }

    /// What new generations are made with.
    pub fn current(&self) -> Option<Arc<dyn Embedder>> {
        self.embedders.current()
    }

    /// Whether this process can make vectors of an embedder.
    pub fn knows(&self, identity: &str) -> bool {
        self.embedders.by_identity(identity).is_some()
    }

    /// The vector of a question for this generation. `None`: it has no dense vectors, or the search has to do
    /// without, which is counted, and logged when it begins.
    pub async fn of_question(&self, generation: &Generation, text: &str) -> Option<Arc<[f32]>> {
        let identity = generation.embedder.as_deref()?;
        if let Some(vector) = locked(&self.questions).get(identity, text) {
            return Some(vector);
        }
        let vector: Arc<[f32]> = self.in_time(LIMIT, identity, &[text.to_owned()]).await?.pop()?.into();
        locked(&self.questions).put(identity, text, &vector);
        Some(vector)
    }

    /// The vectors of sentences that are compared with each other. `None`: it has to do without.
    ///
    /// All as queries: models with two prefixes want the same one on both sides of what is symmetric
    /// (<https://huggingface.co/intfloat/multilingual-e5-small>, FAQ 1).
    pub(crate) async fn of_sentences(&self, identity: &str, texts: &[String]) -> Option<Vec<Arc<[f32]>>> {
        let vectors = self.in_time(COMPARED, identity, texts).await?;
        Some(vectors.into_iter().map(Into::into).collect())
    }

    /// Vectors that somebody waits for: none after a limit, and none at once while the embedder is known to be away.
    async fn in_time(&self, limit: Duration, identity: &str, texts: &[String]) -> Option<Vec<Vec<f32>>> {
        if locked(&self.paused).get(identity).is_some_and(|until| Instant::now() < *until) {
            self.metrics.without("away");
            return None;
        }
        let asked = self.embed(identity, texts, Purpose::Query);
        let (reason, error, is_about_these) = match tokio::time::timeout(limit, asked).await {
            Ok(Ok(vectors)) => {
                locked(&self.paused).remove(identity);
                return Some(vectors);
            }
            Ok(Err(error @ VectorError::Unknown(_))) => ("unknown", error.to_string(), false),
            Ok(Err(error)) => ("failed", chain(&error), matches!(error, VectorError::Refused(_))),
            Err(_) => ("late", format!("no answer within {limit:?}"), texts.len() > 1),
        };
        self.metrics.without(reason);
        if is_about_these {
            // It may take another text, and be quick enough with one.
            return None;
        }
        let until = Instant::now() + PAUSE;
        // Once while it lasts: a search a millisecond would fill the log.
        if locked(&self.paused).insert(identity.to_owned(), until).is_none() {
            tracing::warn!(embedder = identity, error, "going by words alone");
        }
        None
    }

    /// The vectors of passages, in their order, in as many calls as the embedder needs.
    ///
    /// # Errors
    /// [`VectorError`]; [`VectorError::Refused`] does not say which text it was.
    pub(crate) async fn of_passages(
        &self,
        identity: &str,
        texts: &[String],
    ) -> Result<Vec<Vec<f32>>, VectorError> {
        self.embed(identity, texts, Purpose::Passage).await
    }

    /// The same, where one text that the embedder refuses harms no other: what is refused is halved until the bad
    /// text is alone, which then has no vector (`None`).
    ///
    /// # Errors
    /// [`VectorError`]; [`VectorError::Refused`] when it refuses all of several texts: that is not about them.
    pub async fn of_all_passages(
        &self,
        identity: &str,
        texts: &[String],
    ) -> Result<Vec<Option<Vec<f32>>>, VectorError> {
        let mut vectors = vec![None; texts.len()];
        let mut last = None;
        // Ranges left, the first on top.
        let mut left = Vec::from([std::ops::Range { start: 0, end: texts.len() }]);
        while let Some(range) = left.pop() {
            match self.of_passages(identity, &texts[range.clone()]).await {
                Ok(came) => {
                    vectors[range].iter_mut().zip(came).for_each(|(vector, came)| *vector = Some(came));
                }
                Err(error @ VectorError::Refused(_)) => {
                    if range.len() > 1 {
                        let middle = range.start + range.len() / 2;
                        left.extend([middle..range.end, range.start..middle]);
                    }
                    last = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        let refused = vectors.iter().filter(|vector| vector.is_none()).count();
        match last {
            Some(error) if refused == texts.len() && refused > 1 => return Err(error),
            Some(_) => {
                self.metrics.refused(refused);
                tracing::warn!(embedder = identity, refused, of = texts.len(), "found by words alone");
            }
            None => {}
        }
        Ok(vectors)
    }

    /// The vectors of questions as a fit asks them: all are needed, and waited for.
    pub(crate) async fn of_questions(
        &self,
        identity: &str,
        texts: &[String],
    ) -> Result<Vec<Vec<f32>>, VectorError> {
        self.embed(identity, texts, Purpose::Query).await
    }

    async fn embed(
        &self,
        identity: &str,
        texts: &[String],
        purpose: Purpose,
    ) -> Result<Vec<Vec<f32>>, VectorError> {
        let embedder = self.embedders.by_identity(identity);
        let embedder = embedder.ok_or_else(|| VectorError::Unknown(identity.to_owned()))?;
        let mut vectors = Vec::with_capacity(texts.len());
        for some in texts.chunks(embedder.batch().max(1)) {
            let sent =
                if self.open { Cow::Borrowed(some) } else { some.iter().map(|text| hidden(text)).collect() };
            let came = embedder.embed(&sent, purpose).await.map_err(VectorError::of)?;
            check(&*embedder, &came, some.len())?;
            vectors.extend(came);
        }
        Ok(vectors)
    }
}

/// A text as it may leave. Each by itself: a token that stands for one number here and for another there says the same,
/// that there is a number.
fn hidden(text: &str) -> String {
    Mask::new().hide(text)
}

/// One vector a text, of the right length, with a direction.
fn check(embedder: &dyn Embedder, came: &[Vec<f32>], wanted: usize) -> Result<(), VectorError> {
    let dims = embedder.dims();
    let problem = if came.len() != wanted {
        format!("{} vectors for {wanted} texts", came.len())
    } else if let Some(wrong) = came.iter().find(|vector| vector.len() != dims) {
        format!("a vector of {} dimensions", wrong.len())
    } else if came.iter().flatten().any(|value| !value.is_finite()) {
        "a vector with a value that is no number".to_owned()
    } else {
        return Ok(());
    };
    Err(VectorError::Shape { identity: embedder.identity().to_owned(), dims, problem })
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}
