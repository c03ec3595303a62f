//! An installation with a bot: the fake Telegram, and processes that know its token.

use contract::Chat;
use serde_json::Value;

use crate::telegram::{FakeTelegram, Limits};
use crate::{Installation, Plan, Program, eventually};

/// How the bot gets its updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receiving {
    Polling,
    Webhook,
}

/// The operators' group of [`Bot`].
pub const OPERATORS: i64 = -1_001_234_567_890;
/// Who may speak there.
pub const OPERATOR: i64 = 900;

/// A bot at work.
#[derive(Debug)]
pub struct Bot {
    pub installation: Installation,
    pub telegram: FakeTelegram,
    pub receiving: Receiving,
    /// Where ingress listens.
    pub url: String,
}

impl Bot {
    /// Servers and Telegram up, no process of ours running. `env` is for every process.
    ///
    /// # Panics
    /// When a server does not start.
    pub async fn new(binary: &str, receiving: Receiving, limits: Limits, env: &[(&str, &str)]) -> Self {
        let telegram = FakeTelegram::with(limits).await;
        telegram.group(OPERATORS, "Operators", true);
        telegram.person(OPERATOR, "Olga", "en");
        let port = free_port();
        let url = format!("http://127.0.0.1:{port}");
        let mut all: Vec<(String, String)> = [
            ("TELEGRAM_BOT_TOKEN", telegram.token()),
            ("VECTORA__TELEGRAM__API_URL", &telegram.url()),
            ("VECTORA__TELEGRAM__OPERATORS_CHAT", &OPERATORS.to_string()),
            ("OPERATOR_IDS", &OPERATOR.to_string()),
            ("VECTORA__HTTP__LISTEN", &format!("127.0.0.1:{port}")),
            ("VECTORA__DISPATCHER__TIDY", "200ms"),
            ("VECTORA__WORKERS__SECOND_THOUGHTS", "700ms"),
            ("VECTORA__WORKERS__REPEAT_AFTER", "700ms"),
            ("VECTORA__WORKERS__CONTACT_RATE__INTERVAL", "1ms"),
            ("VECTORA__WORKERS__CONTACT_RATE__BURST", "1000"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        if receiving == Receiving::Webhook {
            all.push(("VECTORA__TELEGRAM__PUBLIC_URL".to_owned(), url.clone()));
        }
        all.extend(env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let plan = Plan { env: all, database: None };
        let installation = Box::pin(Installation::new(binary, plan)).await;
        Self { installation, telegram, receiving, url }
    }

    /// Ingress, which receives by now.
    pub async fn ingress(&self, env: &[(&str, &str)]) -> Program {
        let program = self.installation.start(&["ingress"], env);
        program.says("\"ready\"").await;
        if self.receiving == Receiving::Webhook {
            eventually("the webhook to be set", || async {
                (self.telegram.calls("setWebhook") > 0).then_some(())
            })
            .await;
        }
        program
    }

    /// A worker for the stages a conversation goes through.
    pub async fn worker(&self, env: &[(&str, &str)]) -> Program {
        // The public port is ingress's.
        let mut all = vec![("VECTORA__HTTP__LISTEN", "127.0.0.1:0")];
        all.extend(env);
        self.installation.worker("intake,retrieve,answer,deliver", &all).await
    }

    /// Waits until exactly one message on the screen of `chat` shows `text`.
    pub async fn shows(&self, chat: i64, text: &str) {
        eventually(&format!("{text:?} in {chat}; there is {:?}", self.telegram.screen(chat)), || async {
            (self.telegram.showing(chat, text) == 1).then_some(())
        })
        .await;
    }

    /// Waits until a message on the screen of `chat` has `words` in it, and returns its text.
    pub async fn says(&self, chat: i64, words: &str) -> String {
        eventually(&format!("{words:?} in {chat}; there is {:?}", self.telegram.screen(chat)), || async {
            self.telegram.screen(chat).into_iter().find(|text| text.contains(words))
        })
        .await
    }

    /// Nothing is unfinished, nothing undelivered, nothing seen twice, and every limit was obeyed.
    ///
    /// # Panics
    /// When something is.
    pub async fn assert_quiet(&self) {
        eventually("Telegram to have got rid of every update", || async {
            (self.telegram.undelivered() == 0).then_some(())
        })
        .await;
        self.installation.assert_finished().await;
        assert_eq!(self.telegram.duplicates(), 0, "something is on a screen twice");
        assert_eq!(self.telegram.violations(), 0, "a retry_after was not obeyed");
    }

    /// The address of a chat, as the ledger writes it.
    pub fn address(&self, chat: i64) -> String {
        Chat { bot: self.telegram.bot_id(), chat, topic: None }.to_string()
    }

    /// Brings an update to the webhook by hand; the status.
    ///
    /// # Panics
    /// When nobody answers.
    pub async fn bring(&self, update: &Value, secret: Option<&str>) -> reqwest::Response {
        let mut request = self.installation.http.post(format!("{}/telegram/webhook", self.url)).json(update);
        if let Some(secret) = secret {
            request = request.header("x-telegram-bot-api-secret-token", secret);
        }
        request.send().await.expect("ingress answers")
    }
}

/// A port nobody uses now.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener.local_addr().expect("a bound socket has an address").port()
}
