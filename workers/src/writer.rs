//! Answers written by a model, from the passages that were found and from nothing else.
//!
//! What leaves for a provider has no personal data in it ([`Mask`]); what comes back is checked sentence by sentence
//! against the passages while it grows ([`Checker`]), by their meaning where words do not decide ([`Comparison`]), and only
//! what passed is shown, with the personal data back in.
//! When no provider answers, the passages are quoted as they are without a model.
//!
//! **A repeat** asks the model again and pays twice. **A late call** cannot be: dropping the future ends it.

mod settings;
mod spending;

use std::sync::Arc;
use std::time::Duration;

use contract::{Answer, AnswerKind, Citation, Language};
use grounding::citations::{self, Checked, Checker, Ended, Verdict};
use grounding::masking::Mask;
use grounding::prompt::{self, Exchange, PROMPT_VERSION, Prompt, Window};
use grounding::{Passage, follow_up};
use knowledge::extractive::Quoter;
use models::{ChatModel, Finish, ModelError, Reply, Request, Role, Said};
use retrieval::{Comparison, Found, Vectors};
use store::turns::{Turn, Written};
use tokio::sync::watch;
use uuid::Uuid;

pub use self::settings::{Settings, SettingsError};
pub use self::spending::Spending;
use crate::Metrics;
use crate::metrics::{Dropped, Worded};

/// A reply of one word.
const WORD: u32 = 8;
/// A question on one line.
const LINE: u32 = 160;
/// Small questions are asked to save time: one that takes long is not worth its answer.
const SMALL: Duration = Duration::from_secs(4);

/// Writes answers. Clones share everything.
#[derive(Debug, Clone)]
pub struct Writer {
    model: Arc<dyn ChatModel>,
    settings: Arc<Settings>,
    spending: Spending,
    /// Sentences that words do not decide are compared by their meaning.
    vectors: Vectors,
    /// For when no provider answers.
    quoter: Quoter,
    metrics: Metrics,
}

/// What became of a question.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) answer: Answer,
    pub(crate) written: Option<Written>,
}

/// What was spent on one turn.
#[derive(Debug, Default)]
struct Spent {
    prompt: u32,
    completion: u32,
    estimated: bool,
    model: Option<String>,
}

/// The passages of a turn, as they may leave.
struct Hidden {
    mask: Mask,
    question: String,
    history: Vec<(String, String)>,
    passages: Vec<Shown>,
}

/// A passage as it may leave.
struct Shown {
    title: String,
    heading: Vec<String>,
    text: String,
    url: Option<String>,
}

impl Writer {
    pub fn new(
        model: Arc<dyn ChatModel>,
        settings: Arc<Settings>,
        spending: Spending,
        vectors: Vectors,
        quoter: Quoter,
        metrics: Metrics,
    ) -> Self {
        Self { model, settings, spending, vectors, quoter, metrics }
    }

    /// A question that depends on what was said before, made to stand alone: by the model, or else by a rule. `None`: it
    /// stands alone.
    pub(crate) async fn stand_alone(&self, turn: &Turn) -> Option<String> {
        if turn.history.is_empty() || !follow_up::depends(&turn.text) {
            return None;
        }
        let hidden = self.hide(turn, &Found::default());
        let asked = prompt::rewrite(&hidden.question, &hidden.history(), &boundary());
        let reply = self.small(asked, LINE, &mut Spent::default()).await;
        let rewritten =
            reply.and_then(|reply| prompt::parse_rewrite(&reply, &hidden.question, &hidden.history()));
        match rewritten {
            Some(rewritten) => Some(hidden.mask.restore(&rewritten)),
            None => by_rule(turn),
        }
    }

    /// Answers a turn, or refuses. `show` hears what there is of the answer, checked, from its beginning.
    pub(crate) async fn answer(
        &self,
        turn: &Turn,
        found: &Found,
        show: &(dyn Fn(&str) + Send + Sync),
    ) -> Outcome {
        let mut spent = Spent::default();
        let mut hidden = self.hide(turn, found);
        if found.empty || !(found.covered() || self.is_enough(found, &hidden, &mut spent).await) {
            return self.refuse(turn, found, &spent, "not_covered");
        }
        match self.write(turn, found, &hidden, &mut spent, show).await {
            Ok(checked) => self.decide(turn, found, &mut hidden, checked, spent).await,
            Err(error) => self.quote(turn, found, &spent, &error),
        }
    }

    /// Near misses of coverage are decided by the model: "is the context sufficient?".
    async fn is_enough(&self, found: &Found, hidden: &Hidden, spent: &mut Spent) -> bool {
        let near = found.threshold * (1.0 - self.settings.near);
        if found.passages.is_empty() || found.coverage < near {
            return false;
        }
        let room = self.model.window() as usize / 2;
        let asked = prompt::sufficient(&hidden.question, &hidden.passages(), &boundary(), room);
        let reply = self.small(asked, WORD, spent).await;
        reply.and_then(|reply| prompt::parse_verdict(&reply)).unwrap_or(false)
    }

    async fn write(
        &self,
        turn: &Turn,
        found: &Found,
        hidden: &Hidden,
        spent: &mut Spent,
        show: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<Checked, ModelError> {
        let passages = hidden.passages();
        let history = hidden.history();
        let answer = self.settings.max_tokens;
        let prompt = prompt::compose(&prompt::Request {
            persona: &self.settings.persona(),
            passages: &passages,
            history: &history,
            question: &hidden.question,
            language: turn.language,
            boundary: &boundary(),
            window: Window { tokens: self.model.window() as usize, answer: answer as usize },
        });
        // Checked with the values back in, against the passages as they are; numbers count what the model saw.
        let mut sources = passages_of(found);
        sources.truncate(prompt.kept.len());
        // Across languages words cannot judge: nothing is shown before something else has.
        let shows = sources.iter().all(|source| Language::of(source.text) == turn.language);
        let statements = sources.iter().map(|source| citations::statements(source.text)).collect();
        let mut comparison = Comparison::new(&self.vectors, found.meaning.as_ref(), statements);
        let mut checker = Checker::new(&sources);
        // The model is heard as it comes, and checked as soon as there is time: always the latest, never a queue.
        let (heard, mut said) = watch::channel(String::new());
        let request = request(prompt, answer);
        let reply = async {
            let reply = self.model.reply(&request, &|text| drop(heard.send_replace(text.to_owned()))).await;
            drop(heard);
            reply
        };
        let check = async {
            while said.changed().await.is_ok() {
                checker.read(&hidden.mask.restore_so_far(&said.borrow_and_update()));
                let released = release(&mut checker, &mut comparison).await;
                if shows && !released.is_empty() {
                    show(released);
                }
            }
        };
        let (reply, ()) = tokio::join!(reply, check);
        let reply = reply?;
        self.count(&reply, spent);
        let ended = if reply.finish == Finish::Stop { Ended::Complete } else { Ended::Cut };
        checker.end(&hidden.mask.restore(&reply.text), ended);
        release(&mut checker, &mut comparison).await;
        Ok(checker.finish())
    }

    /// What may be said of what was written.
    async fn decide(
        &self,
        turn: &Turn,
        found: &Found,
        hidden: &mut Hidden,
        checked: Checked,
        mut spent: Spent,
    ) -> Outcome {
        for dropped in &checked.dropped {
            let why = Dropped { why: dropped.why.as_str() };
            self.metrics.dropped_sentences.get_or_create_owned(&why).inc();
        }
        let verdict = checked.verdict;
        match verdict {
            Verdict::DontKnow => return self.refuse(turn, found, &spent, "dont_know"),
            Verdict::Unsupported => return self.refuse(turn, found, &spent, "unsupported"),
            Verdict::Grounded | Verdict::Partly => {}
        }
        if !self.judged(&checked, hidden, &mut spent).await {
            return self.refuse(turn, found, &spent, "judged_unsupported");
        }
        let citations = checked.citations.iter().filter_map(|cited| {
            let passage = found.passages.get(cited.passage)?;
            Some(Citation {
                number: cited.number,
                title: passage.title.clone(),
                section: (!passage.heading.is_empty()).then(|| passage.heading.join(" › ")),
                url: passage.url.clone(),
                quote: cited.quote.clone(),
            })
        });
        let answer = Answer {
            kind: AnswerKind::Answered,
            text: checked.text,
            citations: citations.collect(),
            model: spent.model.clone().unwrap_or_else(|| self.model.name().to_owned()),
        };
        self.worded(if verdict == Verdict::Partly { "partly" } else { "answered" });
        Outcome { answer, written: spent.written() }
    }

    /// Whether a model agrees with each sentence that words cannot judge: those in another language than their passage.
    /// Without a judge they must be known to mean the same.
    async fn judged(&self, checked: &Checked, hidden: &mut Hidden, spent: &mut Spent) -> bool {
        if !self.settings.judge {
            return checked.unjudged.iter().all(|unjudged| unjudged.confirmed);
        }
        for unjudged in &checked.unjudged {
            let sentence = hidden.mask.hide(&unjudged.sentence);
            let passages = hidden.passages();
            let Some(passage) = passages.get(unjudged.passage) else { continue };
            let asked = prompt::judge(&sentence, passage, &boundary());
            let reply = self.small(asked, WORD, spent).await;
            if reply.and_then(|reply| prompt::parse_verdict(&reply)) != Some(true) {
                return false;
            }
        }
        true
    }

    fn refuse(&self, turn: &Turn, found: &Found, spent: &Spent, why: &'static str) -> Outcome {
        self.worded(why);
        let mut answer = crate::extractive::refusal(turn.language, found);
        if let Some(model) = &spent.model {
            answer.model.clone_from(model);
        }
        Outcome { answer, written: spent.written() }
    }

    /// No provider answered: the passages are quoted, as they are without a model.
    fn quote(&self, turn: &Turn, found: &Found, spent: &Spent, error: &ModelError) -> Outcome {
        tracing::warn!(%error, "no model answered: quoting");
        self.worded("no_model");
        let answer = crate::extractive::answer(&self.quoter, turn, found);
        Outcome { answer, written: spent.written() }
    }

    /// A small question whose answer is worth little: `None` when there is none in time.
    async fn small(&self, prompt: Prompt, tokens: u32, spent: &mut Spent) -> Option<String> {
        let request = request(prompt, tokens);
        let reply = tokio::time::timeout(SMALL, self.model.reply(&request, &|_| ())).await.ok()?.ok()?;
        self.count(&reply, spent);
        Some(reply.text)
    }

    fn count(&self, reply: &Reply, spent: &mut Spent) {
        self.spending.add(reply);
        spent.prompt = spent.prompt.saturating_add(reply.usage.prompt);
        spent.completion = spent.completion.saturating_add(reply.usage.completion);
        spent.estimated |= reply.usage.estimated;
        spent.model = Some(reply.model.clone());
    }

    fn worded(&self, outcome: &'static str) {
        self.metrics.answers.get_or_create_owned(&Worded { outcome }).inc();
    }

    fn hide(&self, turn: &Turn, found: &Found) -> Hidden {
        let mut mask = if self.settings.mask { Mask::new() } else { Mask::off() };
        let question = mask.hide(&turn.text);
        let history = turn
            .history
            .iter()
            .map(|exchange| (mask.hide(&exchange.question), mask.hide(&exchange.answer)))
            .collect();
        let passages = found
            .passages
            .iter()
            .map(|passage| Shown {
                title: mask.hide(&passage.title),
                heading: passage.heading.iter().map(|heading| mask.hide(heading)).collect(),
                text: mask.hide(&passage.text),
                url: passage.url.as_deref().map(|url| mask.hide(url)),
            })
            .collect();
        Hidden { mask, question, history, passages }
    }
}

impl Hidden {
    fn passages(&self) -> Vec<Passage<'_>> {
        let passages = self.passages.iter();
        passages
            .map(|Shown { title, heading, text, url }| Passage { title, heading, text, url: url.as_deref() })
            .collect()
    }

    fn history(&self) -> Vec<Exchange<'_>> {
        self.history.iter().map(|(question, answer)| Exchange { question, answer }).collect()
    }
}

impl Spent {
    fn written(&self) -> Option<Written> {
        self.model.as_ref()?;
        Some(Written {
            prompt_version: PROMPT_VERSION.to_owned(),
            prompt_tokens: self.prompt,
            completion_tokens: self.completion,
            estimated: self.estimated,
        })
    }
}

fn passages_of(found: &Found) -> Vec<Passage<'_>> {
    let passages = found.passages.iter();
    passages
        .map(|passage| Passage {
            title: &passage.title,
            heading: &passage.heading,
            text: &passage.text,
            url: passage.url.as_deref(),
        })
        .collect()
}

/// Decides what was read, with what there is to know about its doubts: what may be shown.
async fn release<'c>(checker: &'c mut Checker<'_>, comparison: &mut Comparison<'_>) -> &'c str {
    let doubts = checker.doubts().into_iter().map(|doubt| (doubt.sentence, doubt.passage));
    comparison.look(doubts).await;
    checker.release(&|sentence, passage| comparison.says(sentence, passage, citations::same_polarity))
}

/// A question that depends on what was said before, made to stand alone without a model.
pub(crate) fn by_rule(turn: &Turn) -> Option<String> {
    let asked: Vec<&str> = turn.history.iter().map(|exchange| exchange.question.as_str()).collect();
    follow_up::resolve(&turn.text, &asked)
}

fn request(prompt: Prompt, max_tokens: u32) -> Request {
    let said = prompt.messages.into_iter().map(|(role, text)| Said {
        role: match role {
            prompt::Role::User => Role::User,
            prompt::Role::Assistant => Role::Assistant,
        },
        text,
    });
    Request { system: prompt.system, said: said.collect(), max_tokens, temperature: 0.0 }
}

/// Drawn for each request: what is inside a block cannot know it, and so cannot close the block.
fn boundary() -> String {
    // The last 62 bits of a version 7 id are random (RFC 9562, 5.7).
    Uuid::now_v7().simple().to_string()[16..].to_owned()
}
