//! A model that does what the question says: for tests, and for measuring the mechanism alone.
//!
//! A question may carry directives, each a word of its own:
//!
//! | directive | effect |
//! |---|---|
//! | `#wait=200ms` | thinks for that long (ms only) |
//! | `#hang` | never answers |
//! | `#panic` | panics |
//! | `#fail` | this call fails: the item is retried |
//! | `#reject` | the provider refuses the question for ever |
//! | `#unavailable` | the provider is away |

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::{ChatModel, ModelError, Reply};

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

    fn reply<'a>(
        &'a self,
        question: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<Reply, ModelError>> + Send + 'a>> {
        Box::pin(async move {
            if !self.delay.is_zero() {
                tokio::time::sleep(self.delay).await;
            }
            for word in question.split_whitespace() {
                match word {
                    "#hang" => std::future::pending().await,
                    "#panic" => panic!("the script says so"),
                    "#fail" => return Err(ModelError::Failed("the script says so".to_owned())),
                    "#reject" => return Err(ModelError::Rejected("the script says so".to_owned())),
                    "#unavailable" => return Err(ModelError::Unavailable("scripted")),
                    _ => {
                        let wait = word.strip_prefix("#wait=").and_then(|rest| rest.strip_suffix("ms"));
                        if let Some(millis) = wait.and_then(|millis| millis.parse().ok()) {
                            tokio::time::sleep(Duration::from_millis(millis)).await;
                        }
                    }
                }
            }
            Ok(Reply { text: Self::answer_to(question) })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_does_what_the_question_says() {
        let model = Scripted::new(Duration::ZERO);
        assert_eq!(model.reply("hello").await, Ok(Reply { text: Scripted::answer_to("hello") }));
        assert_eq!(model.reply("please #unavailable").await, Err(ModelError::Unavailable("scripted")));
        assert!(matches!(model.reply("#reject this").await, Err(ModelError::Rejected(_))));
    }
}
