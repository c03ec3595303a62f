//! The `[nats]` section of the configuration.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use crate::Names;
use crate::address::Address;

/// How to reach the server, and what the streams and consumers there shall be like.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `nats://` or `tls://` with host and port, several separated by commas; may hold `user:password@`
    /// or `token@`, which is why it does not print itself. Plain name `NATS_URL`.
    #[serde(deserialize_with = "secret")]
    pub url: SecretString,
    /// A token, instead of one in the URL.
    #[serde(deserialize_with = "optional_secret")]
    pub token: Option<SecretString>,
    /// A file with a user's JWT and seed, as `nsc` writes it; instead of a token.
    pub creds_file: Option<PathBuf>,
    /// Certificates (PEM) to trust for `tls://` instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// First word of every subject, stream and event: see [`Names`].
    pub prefix: String,
    /// Copies of each stream, 1 to 5: 1 on a single server (which refuses more), 3 in a cluster.
    pub replicas: u8,
    /// How long a ticket may be worked on without a sign of life before it is delivered again.
    #[serde(with = "humantime_serde")]
    pub ack_wait: Duration,
    /// Tickets of one stage that may be out at once, in all workers together.
    pub max_ack_pending: u32,
    /// Bytes a ticket stream may hold, 512 reckoned for each ticket; when full the ledger keeps the
    /// work and the dispatcher waits.
    pub max_bytes: u64,
    /// Age at which an unclaimed ticket vanishes; the dispatcher issues another.
    #[serde(with = "humantime_serde")]
    pub max_age: Duration,
    /// How long the server remembers `Nats-Msg-Id`; at most `max_age`.
    #[serde(with = "humantime_serde")]
    pub duplicate_window: Duration,
    /// The longest wait for a confirmation of published tickets. What is not confirmed by then may
    /// have been stored or not.
    #[serde(with = "humantime_serde")]
    pub publish_timeout: Duration,
    /// The longest wait for an answer about streams and consumers.
    #[serde(with = "humantime_serde")]
    pub request_timeout: Duration,
    /// How long one pull waits for tickets.
    #[serde(with = "humantime_serde")]
    pub pull_expires: Duration,
    /// How long a start waits for the first connection before it goes on without.
    #[serde(with = "humantime_serde")]
    pub connect_wait: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: SecretString::from("nats://127.0.0.1:4222"),
            token: None,
            creds_file: None,
            ca_file: None,
            prefix: "vectora".to_owned(),
            replicas: 1,
            ack_wait: Duration::from_secs(30),
            max_ack_pending: 10_000,
            max_bytes: 256 * 1024 * 1024,
            max_age: Duration::from_hours(7 * 24),
            duplicate_window: Duration::from_mins(2),
            publish_timeout: Duration::from_secs(1),
            request_timeout: Duration::from_secs(2),
            pull_expires: Duration::from_secs(2),
            connect_wait: Duration::from_secs(2),
        }
    }
}

/// A value that cannot work. Shown as `nats.<key>: <problem>; <remedy>`, without secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct SettingsError {
    /// The key inside `[nats]`.
    pub key: &'static str,
    pub problem: String,
    pub remedy: &'static str,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nats.{}: {}; {}", self.key, self.problem, self.remedy)
    }
}

impl Settings {
    /// Checks what can be checked without a server. [`crate::Nats::connect`] calls it too.
    ///
    /// # Errors
    /// The first key whose value cannot work.
    pub fn validate(&self) -> Result<Names, SettingsError> {
        let names = Names::new(&self.prefix)?;
        Address::parse(&self.url)?;
        let second = Duration::from_secs(1);
        let wrong = |key, problem: String, remedy| Err(SettingsError { key, problem, remedy });
        if !(1..=5).contains(&self.replicas) {
            return wrong("replicas", format!("{} copies", self.replicas), "use 1 to 5");
        }
        if self.ack_wait < second {
            return wrong("ack_wait", format!("{:?} is too short", self.ack_wait), "use at least 1s");
        }
        if self.max_ack_pending == 0 {
            return wrong("max_ack_pending", "0 delivers nothing".into(), "use at least 1");
        }
        if i64::try_from(self.max_bytes).is_err() || self.max_bytes < 1024 {
            return wrong("max_bytes", format!("{} bytes", self.max_bytes), "use at least 1024");
        }
        if self.max_age < second {
            return wrong("max_age", format!("{:?} is too short", self.max_age), "use at least 1s");
        }
        if self.duplicate_window < Duration::from_millis(100) || self.duplicate_window > self.max_age {
            let problem = format!("{:?}", self.duplicate_window);
            return wrong("duplicate_window", problem, "use 100ms to max_age");
        }
        for (key, value) in [
            ("publish_timeout", self.publish_timeout),
            ("request_timeout", self.request_timeout),
            ("pull_expires", self.pull_expires),
        ] {
            // Below this a busy machine never gets an answer in time; above it a cut is noticed late.
            if value < Duration::from_millis(50) || value > Duration::from_mins(1) {
                return wrong(key, format!("{value:?}"), "use 50ms to 1m");
            }
        }
        if self.token.is_some() && self.creds_file.is_some() {
            return wrong("creds_file", "there is a token too".into(), "configure one of the two");
        }
        Ok(names)
    }
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<SecretString, D::Error> {
    String::deserialize(from).map(SecretString::from)
}

fn optional_secret<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.map(SecretString::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Settings, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn the_defaults_are_valid_and_those_of_the_design() {
        let settings = read("{}").expect("all keys are optional");
        settings.validate().expect("valid");
        assert_eq!(settings.max_age, Duration::from_hours(168));
        assert_eq!(settings.ack_wait, Duration::from_secs(30));
        assert_eq!(settings.max_bytes, 268_435_456);
    }

    #[test]
    fn durations_are_written_with_units_and_unknown_keys_are_errors() {
        let settings = read(r#"{"ack_wait": "1500ms", "token": "t"}"#).expect("valid");
        assert_eq!(settings.ack_wait, Duration::from_millis(1500));
        assert!(read(r#"{"ackwait": "1s"}"#).is_err());
    }

    #[test]
    fn a_debug_print_shows_neither_url_nor_token() {
        let settings = read(r#"{"url": "nats://u:hunter2@h", "token": "hunter3"}"#).expect("valid");
        assert!(!format!("{settings:?}").contains("hunter"));
    }

    #[test]
    fn a_value_that_cannot_work_is_named_with_its_remedy() {
        for (json, key) in [
            (r#"{"prefix": "A"}"#, "prefix"),
            (r#"{"replicas": 0}"#, "replicas"),
            (r#"{"replicas": 7}"#, "replicas"),
            (r#"{"ack_wait": "1ms"}"#, "ack_wait"),
            (r#"{"max_ack_pending": 0}"#, "max_ack_pending"),
            (r#"{"max_bytes": 1}"#, "max_bytes"),
            (r#"{"max_age": "0s"}"#, "max_age"),
            (r#"{"duplicate_window": "8d"}"#, "duplicate_window"),
            (r#"{"pull_expires": "0s"}"#, "pull_expires"),
            (r#"{"publish_timeout": "1h"}"#, "publish_timeout"),
            (r#"{"token": "t", "creds_file": "/x"}"#, "creds_file"),
        ] {
            let error = read(json).expect("parses").validate().expect_err(json);
            assert_eq!(error.key, key);
            assert!(error.to_string().starts_with(&format!("nats.{key}: ")), "{error}");
        }
    }
}
