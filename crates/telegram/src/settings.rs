//! The `[telegram]` section.

use std::fmt::Write;
use std::time::Duration;

use contract::{Chat, Language};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::{Bot, TokenError};

/// Where the Bot API is, unless another server is named.
pub const API_URL: &str = "https://api.telegram.org";

/// The bot, and the people behind it. Without a token there is none.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// From `@BotFather`.
    pub token: Option<SecretString>,
    /// Any server that speaks the Bot API.
    pub api_url: String,
    /// Where Telegram reaches this installation, `https://…`. Absent: updates are fetched by long polling.
    pub public_url: Option<String>,
    /// What Telegram says to prove itself, 1 to 256 of `A-Za-z0-9_-`. Absent: derived from the token.
    pub webhook_secret: Option<SecretString>,
    /// The operators' forum group, a negative number. Absent: nobody can be handed a conversation.
    pub operators_chat: Option<i64>,
    /// Telegram's ids of the people who may speak there, beside those in the ledger.
    pub operators: Vec<i64>,
    /// What is said to operators is in this language: `en` or `ru`.
    pub operators_language: Language,
    /// A takeover nobody looks after lapses after this long, and the bot speaks again.
    #[serde(with = "humantime_serde")]
    pub takeover_idle: Duration,
    /// Tags of the documents the bot answers from. Absent: all.
    pub audience: Option<Vec<String>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            token: None,
            api_url: API_URL.to_owned(),
            public_url: None,
            webhook_secret: None,
            operators_chat: None,
            operators: Vec::new(),
            operators_language: Language::English,
            takeover_idle: Duration::from_hours(12),
            audience: None,
        }
    }
}

/// A value that cannot work. Shown as `telegram.<key>: <problem>`; it never shows a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("telegram.{key}: {problem}")]
pub struct SettingsError {
    pub key: &'static str,
    pub problem: String,
}

impl Settings {
    /// # Errors
    /// The first key whose value cannot work.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let wrong = |key, problem: &str| Err(SettingsError { key, problem: problem.to_owned() });
        if let Err(error) = self.bot() {
            return Err(SettingsError { key: "token", problem: error.to_string() });
        }
        if let Some(url) = &self.public_url
            && !url.starts_with("https://")
            && !url.starts_with("http://")
        {
            return wrong("public_url", "write the whole address, https://…");
        }
        if let Some(secret) = &self.webhook_secret {
            let secret = secret.expose_secret();
            let fits = secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
            if !fits || secret.is_empty() || secret.len() > 256 {
                return wrong("webhook_secret", "use 1 to 256 of A-Z, a-z, 0-9, _ and -");
            }
        }
        if self.operators_chat.is_some_and(|chat| chat >= 0) {
            return wrong("operators_chat", "a group's id is a negative number, such as -1001234567890");
        }
        if self.takeover_idle < Duration::from_secs(1) {
            return wrong("takeover_idle", "use at least 1s; hours are usual");
        }
        Ok(())
    }

    /// The bot; `None` without a token.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn bot(&self) -> Result<Option<Bot>, TokenError> {
        self.token.as_ref().map(|token| Bot::new(&self.api_url, token)).transpose()
    }

    /// The operators' group of this bot.
    pub fn home(&self, bot: i64) -> Option<Chat> {
        self.operators_chat.map(|chat| Chat { bot, chat, topic: None })
    }

    /// What a webhook's caller must show. From the token by SHA-256, so that every process of an installation has the
    /// same without being told; it does not give the token away.
    pub fn secret(&self) -> Option<String> {
        if let Some(secret) = &self.webhook_secret {
            return Some(secret.expose_secret().to_owned());
        }
        let token = self.token.as_ref()?;
        let mut digest = Sha256::new();
        digest.update(b"vectora telegram webhook\n");
        digest.update(token.expose_secret().as_bytes());
        Some(digest.finalize().iter().fold(String::new(), |mut hex, byte| {
            // Writing to a string cannot fail.
            write!(hex, "{byte:02x}").unwrap_or_default();
            hex
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_cannot_work_is_named_without_showing_a_secret() {
        assert_eq!(Settings::default().validate(), Ok(()));
        let secret = Some(SecretString::from("no spaces allowed"));
        let error = Settings { webhook_secret: secret, ..Settings::default() }.validate();
        let error = error.expect_err("it has spaces").to_string();
        assert!(
            error.starts_with("telegram.webhook_secret: ") && !error.contains("spaces allowed"),
            "{error}"
        );
        let settings = Settings { operators_chat: Some(12), ..Settings::default() };
        assert!(settings.validate().is_err());
    }

    #[test]
    fn the_secret_follows_from_the_token_and_does_not_show_it() {
        let token = Some(SecretString::from("42:ABC"));
        let settings = Settings { token, ..Settings::default() };
        let secret = settings.secret().expect("there is a token");
        assert_eq!(secret.len(), 64);
        assert_eq!(Some(secret), settings.secret());
        assert_eq!(Settings::default().secret(), None);
    }
}
