//! What of the `[models]` section cannot work.

use std::ops::RangeInclusive;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::{BUILT_IN, EmbedderSettings, Kind, ProviderSettings, Settings};

/// A value that cannot work. Shown as `models.<key>: <problem>`; it never shows the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("models.{key}: {problem}")]
pub struct SettingsError {
    pub key: String,
    pub problem: String,
}

fn wrong<T>(key: impl Into<String>, problem: impl Into<String>) -> Result<T, SettingsError> {
    Err(SettingsError { key: key.into(), problem: problem.into() })
}

const MILLI: Duration = Duration::from_millis(1);
const CALL: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_mins(30);

impl Settings {
    /// # Errors
    /// The first key whose value cannot work.
    pub fn validate(&self) -> Result<(), SettingsError> {
        within("total", self.total, CALL)?;
        within("breaker", self.breaker, MILLI..=Duration::from_hours(1))?;
        within("breaker_max", self.breaker_max, self.breaker..=Duration::from_hours(1))?;
        self.validate_order()?;
        for (name, table) in &self.providers {
            self.validate_provider(name, table)?;
        }
        for (name, table) in &self.embedders {
            self.validate_embedder(name, table)?;
        }
        if self.embedder.as_ref().is_some_and(|name| !self.embedders.contains_key(name)) {
            return wrong("embedder", "name a table [models.embedders.<name>], or leave the key out");
        }
        Ok(())
    }

    fn validate_order(&self) -> Result<(), SettingsError> {
        let names = &self.provider.0;
        if names.is_empty() {
            return wrong("provider", "name at least one, or write \"none\"");
        }
        for (place, name) in names.iter().enumerate() {
            if !BUILT_IN.contains(&name.as_str()) && self.provider(name).is_none() {
                return wrong(
                    "provider",
                    "there is none of this name; use none, extractive, openai, ollama or scripted, or add a table \
                     [models.providers.<name>]; see vectora.example.toml",
                );
            }
            if names[..place].contains(name) {
                return wrong("provider", "a name stands there twice; name each once");
            }
            if name == "none" && names.len() > 1 {
                return wrong("provider", "\"none\" stands alone; take it out, or the others");
            }
            if name == "extractive" && place + 1 < names.len() {
                return wrong("provider", "\"extractive\" always has an answer; put it last");
            }
        }
        Ok(())
    }

    fn validate_provider(&self, name: &str, table: &ProviderSettings) -> Result<(), SettingsError> {
        let key = |key: &str| format!("providers.{name}.{key}");
        named("providers", name)?;
        let Some(kind) = table.kind(name).filter(|kind| *kind != Kind::Scripted) else {
            return wrong(key("kind"), "write \"openai\" or \"ollama\"");
        };
        addressed(&key("base_url"), table.base_url(kind))?;
        clean(&key("api_key"), table.api_key.as_ref())?;
        if table.model(kind).trim().is_empty() {
            return wrong(key("model"), "name a model of the provider, or leave the key out");
        }
        counted(&key("window"), u64::from(table.window(kind)), 256..=16_000_000)?;
        // Something must be left for the question.
        let half = u64::from(table.window(kind) / 2);
        counted(&key("max_tokens"), u64::from(table.max_tokens), 1..=half)?;
        counted(&key("answer_limit"), table.answer_limit as u64, 64..=16 << 20)?;
        counted(&key("concurrency"), table.concurrency(kind) as u64, 1..=100_000)?;
        within(&key("connect"), table.connect, Duration::from_millis(10)..=Duration::from_mins(1))?;
        within(&key("total"), table.total, *CALL.start()..=self.total)?;
        within(&key("first_token"), table.first_token, *CALL.start()..=table.total)?;
        within(&key("idle"), table.idle, *CALL.start()..=table.total)?;
        within(&key("keep_alive"), table.keep_alive, Duration::ZERO..=Duration::from_hours(720))
    }

    fn validate_embedder(&self, name: &str, table: &EmbedderSettings) -> Result<(), SettingsError> {
        let key = |key: &str| format!("embedders.{name}.{key}");
        named("embedders", name)?;
        counted(&key("dims"), table.dims as u64, 1..=65_536)?;
        counted(&key("batch"), table.batch as u64, 1..=2_048)?;
        counted(&key("concurrency"), table.concurrency as u64, 1..=100_000)?;
        if table.kind == Kind::Scripted {
            return Ok(());
        }
        if table.model.trim().is_empty() {
            return wrong(key("model"), "name a model of the server");
        }
        let (base_url, api_key) = self.address_of(table);
        addressed(&key("base_url"), &base_url)?;
        clean(&key("api_key"), api_key.as_ref())?;
        within(&key("connect"), table.connect, Duration::from_millis(10)..=Duration::from_mins(1))?;
        within(&key("total"), table.total, CALL)?;
        within(&key("keep_alive"), table.keep_alive, Duration::ZERO..=Duration::from_hours(720))
    }
}

fn within(key: &str, value: Duration, range: RangeInclusive<Duration>) -> Result<(), SettingsError> {
    if range.contains(&value) {
        return Ok(());
    }
    let (least, most) = range.into_inner();
    wrong(key, format!("use {least:?} to {most:?}"))
}

fn counted(key: &str, value: u64, range: RangeInclusive<u64>) -> Result<(), SettingsError> {
    if range.contains(&value) {
        return Ok(());
    }
    wrong(key, format!("use {} to {}", range.start(), range.end()))
}

/// A name goes into metrics and into the names of environment variables.
fn named(table: &str, name: &str) -> Result<(), SettingsError> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    if name.is_empty() || name.len() > 32 || !name.chars().all(fits) {
        return wrong(table, "a table's name has 1 to 32 of a-z, 0-9, _ and -");
    }
    if BUILT_IN.contains(&name) {
        return wrong(format!("{table}.{name}"), "the name has a meaning of its own; choose another");
    }
    Ok(())
}

fn addressed(key: &str, url: &str) -> Result<(), SettingsError> {
    let fits = reqwest::Url::parse(url).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    if fits {
        return Ok(());
    }
    wrong(key, "write http://host:port/path or https://…, without user, password and query")
}

/// A line end comes from a file and would be refused by every HTTP client.
fn clean(key: &str, secret: Option<&SecretString>) -> Result<(), SettingsError> {
    let Some(secret) = secret.map(ExposeSecret::expose_secret) else { return Ok(()) };
    if secret.is_empty() || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return wrong(
            key,
            "a key is one word of visible ASCII characters, without a line end; write it anew",
        );
    }
    Ok(())
}
