//! A model that does what the question says: for tests, and for measuring the mechanism alone.
//!
//! A question may carry directives, each a word of its own:
//!
//! | directive | effect |
//! |---|---|
//! | `#wait=200ms` | thinks for that long (ms only) |
//! | `#times=3` | says the question so many times |
//! | `#stream=20ms` | says its answer word by word, with this pause after each |
//! | `#hang` | never answers |
//! | `#panic` | panics |
//! | `#fail` | this call fails: the item is retried |
//! | `#reject` | the provider refuses the question for ever |
//! | `#unavailable` | the provider is away |

use std::time::Duration;

use crate::chat::Replying;
use crate::{ChatModel, Finish, Grow, ModelError, Reply, Request, Usage, tokens};

#[derive(Debug)]
pub struct Scripted {
    delay: Duration,
}

impl Scripted {
    pub const fn new(delay: Duration) -> Self {
        Self { delay }
    }

    /// What it answers to `question`: the same for the same question, so that a test can tell whose answer
    /// it is.
    pub fn answer_to(question: &str) -> String {
        format!("Scripted answer to: {question}")
    }
}

impl ChatModel for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn window(&self) -> u32 {
        u32::MAX
    }

    fn reply<'a>(&'a self, request: &'a Request, grow: &'a Grow<'a>) -> Replying<'a> {
        Box::pin(async move {
            let question = request.question();
            if !self.delay.is_zero() {
                tokio::time::sleep(self.delay).await;
            }
            let (mut pause, mut times) = (None, 1);
            for word in question.split_whitespace() {
                match word {
                    "#hang" => std::future::pending().await,
                    "#panic" => panic!("the script says so"),
                    "#fail" => return Err(ModelError::Failed("the script says so".to_owned())),
                    "#reject" => return Err(ModelError::Rejected("the script says so".to_owned())),
                    "#unavailable" => return Err(ModelError::unavailable("the script says so")),
                    _ => {
                        if let Some(wait) = millis(word, "#wait=") {
                            tokio::time::sleep(wait).await;
                        }
                        if let Some(more) = word.strip_prefix("#times=").and_then(|more| more.parse().ok()) {
                            times = more;
                        }
                        pause = pause.or_else(|| millis(word, "#stream="));
                    }
                }
            }
            let text = Self::answer_to(&vec![question; times].join("\n\n"));
            if let Some(pause) = pause {
                for (end, _) in text.match_indices(' ').chain([(text.len(), "")]) {
                    grow(&text[..end]);
                    tokio::time::sleep(pause).await;
                }
            }
            let (prompt, completion) = (tokens::estimate_prompt(request), tokens::estimate(&text));
            let usage = Usage { prompt, completion, estimated: true };
            Ok(Reply { text, model: self.name().to_owned(), usage, finish: Finish::Stop })
        })
    }
}

/// `20ms` after `name`.
fn millis(word: &str, name: &str) -> Option<Duration> {
    let millis = word.strip_prefix(name)?.strip_suffix("ms")?.parse().ok()?;
    Some(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::asking;

    #[tokio::test]
    async fn it_does_what_the_question_says() {
        let model = Scripted::new(Duration::ZERO);
        let deaf = |_: &str| ();
        let reply = model.reply(&asking("hello"), &deaf).await.expect("it answers");
        assert_eq!((reply.text, reply.model), (Scripted::answer_to("hello"), "scripted".to_owned()));
        let away = model.reply(&asking("please #unavailable"), &deaf).await;
        assert!(matches!(away, Err(ModelError::Unavailable { .. })), "{away:?}");
        let rejected = model.reply(&asking("#reject this"), &deaf).await;
        assert!(matches!(rejected, Err(ModelError::Rejected(_))), "{rejected:?}");
    }

    #[tokio::test]
    async fn a_reply_that_is_streamed_grows_to_what_it_is() {
        let heard = std::sync::Mutex::new(Vec::new());
        let grow = |text: &str| heard.lock().expect("nobody panicked").push(text.to_owned());
        let request = asking("hi #stream=1ms");
        let reply = Scripted::new(Duration::ZERO).reply(&request, &grow).await.expect("it answers");
        let heard = heard.into_inner().expect("nobody panicked");
        assert!(heard.windows(2).all(|pair| pair[1].starts_with(&pair[0])), "{heard:?}");
        assert_eq!(heard.last(), Some(&reply.text));
    }
}
