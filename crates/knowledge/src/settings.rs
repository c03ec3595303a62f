//! The `[index]` section.

use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

/// Where the index is, and how long it may take.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Qdrant's gRPC address, `http://host:6334` or `https://…`; plain name `QDRANT_URL`. Unset: `vectora up`
    /// serves one itself.
    pub url: Option<String>,
    /// Sent with every call; plain name `QDRANT_API_KEY`.
    pub api_key: Option<SecretString>,
    /// How long a new connection may take, 10ms to 1m.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// How long a search may take, 10ms to 5m. One that takes longer is tried again over a new connection for
    /// as long as connecting may take; then the index counts as away.
    #[serde(with = "humantime_serde")]
    pub search_timeout: Duration,
    /// The same for any other call, 10ms to 5m: writes wait until they are applied, and creating or
    /// dropping a collection goes through the cluster's consensus.
    #[serde(with = "humantime_serde")]
    pub write_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: None,
            api_key: None,
            connect_timeout: Duration::from_secs(2),
            // A search takes milliseconds; one that took seconds is of no use to who waits for an answer.
            search_timeout: Duration::from_secs(3),
            // Below a worker's lease: what hangs longer would be done twice anyway.
            write_timeout: Duration::from_secs(20),
        }
    }
}

/// Settings that cannot work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    #[error("index.url: is not set; name Qdrant's gRPC address, such as http://localhost:6334")]
    NoUrl,
    #[error("index.url: is no address; use http://host:6334 or https://host:6334")]
    Url,
    #[error("index.url: holds a user name or password; put the key into index.api_key")]
    UrlWithKey,
    #[error("index.api_key: an HTTP header cannot carry it; use visible ASCII characters without line ends")]
    ApiKey,
    #[error("index.{key}: must be from 10ms to {}", if *.key == "connect_timeout" { "1m" } else { "5m" })]
    Timeout { key: &'static str },
}

impl Settings {
    /// Checks what can be checked without a server. No URL is fine here: `vectora up` starts one then.
    ///
    /// # Errors
    /// The first key whose value cannot work.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let timeouts = [
            ("connect_timeout", self.connect_timeout, 60),
            ("search_timeout", self.search_timeout, 300),
            ("write_timeout", self.write_timeout, 300),
        ];
        for (key, value, most) in timeouts {
            if value < Duration::from_millis(10) || value > Duration::from_secs(most) {
                return Err(SettingsError::Timeout { key });
            }
        }
        if let Some(url) = &self.url {
            check_url(url)?;
        }
        match &self.api_key {
            Some(key) if !is_header_value(secrecy::ExposeSecret::expose_secret(key)) => {
                Err(SettingsError::ApiKey)
            }
            _ => Ok(()),
        }
    }
}

fn check_url(url: &str) -> Result<(), SettingsError> {
    let uri: tonic::transport::Uri = url.parse().map_err(|_| SettingsError::Url)?;
    let authority = uri.authority().ok_or(SettingsError::Url)?;
    if authority.as_str().contains('@') {
        return Err(SettingsError::UrlWithKey);
    }
    match uri.scheme_str() {
        Some("http" | "https") if !authority.host().is_empty() => Ok(()),
        _ => Err(SettingsError::Url),
    }
}

/// The client would panic on a key that fits in no header.
fn is_header_value(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_url(url: &str) -> Result<(), SettingsError> {
        Settings { url: Some(url.to_owned()), ..Settings::default() }.validate()
    }

    #[test]
    fn an_address_without_scheme_or_host_is_refused() {
        assert_eq!(with_url("http://localhost:6334"), Ok(()));
        assert_eq!(with_url("localhost:6334"), Err(SettingsError::Url));
        assert_eq!(with_url("grpc://localhost:6334"), Err(SettingsError::Url));
        assert_eq!(with_url("http://"), Err(SettingsError::Url));
    }

    #[test]
    fn a_key_inside_the_address_is_refused_and_not_shown() {
        let error = with_url("https://user:hunter2@qdrant.example:6334").expect_err("refused");
        assert_eq!(error, SettingsError::UrlWithKey);
        assert!(!error.to_string().contains("hunter2"));
    }

    #[test]
    fn a_key_with_a_line_end_is_refused() {
        let settings = Settings { api_key: Some("secret\n".into()), ..Settings::default() };
        assert_eq!(settings.validate(), Err(SettingsError::ApiKey));
        assert!(!format!("{settings:?}").contains("secret"));
    }

    #[test]
    fn a_time_limit_of_nothing_is_refused_by_name() {
        let settings = Settings { search_timeout: Duration::ZERO, ..Settings::default() };
        let error = settings.validate().expect_err("refused");
        assert_eq!(error.to_string(), "index.search_timeout: must be from 10ms to 5m");
    }
}
