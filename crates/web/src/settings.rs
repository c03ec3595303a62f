//! The `[http]` section.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::http::HeaderValue;
use axum::http::uri::Authority;
use serde::Deserialize;

/// Where a process listens, who may call it, and how much it reads.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The public address; port 0 takes a free one.
    pub listen: SocketAddr,
    /// `/metrics` and `/readyz`: loopback or a pod's port, never behind the proxy. Port 0 takes a free one.
    pub internal_listen: SocketAddr,
    /// Names that may stand in `Host`, without a port; `*.example.org` stands for every name below it.
    /// Empty: any. Plain name `ALLOWED_HOSTS`.
    pub allowed_hosts: Vec<Host>,
    /// Origins whose pages may call from a browser, as `https://help.example.org`; `*` is any.
    /// Empty: none. Plain name `CORS_ORIGINS`.
    pub cors_origins: Vec<Origin>,
    /// Bytes a request's body may have. 64 KiB: a question of 4,096 UTF-16 units needs 24 KiB when a
    /// client escapes every character as `\uXXXX`.
    pub body_limit: usize,
    /// From the request's head to the answer's head; an event stream goes on after it.
    #[serde(with = "humantime_serde")]
    pub request_timeout: Duration,
    /// The same for a request whose body is a form with files: it comes at the client's speed. One that stalls is
    /// given up long before.
    #[serde(with = "humantime_serde")]
    pub upload_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            internal_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            allowed_hosts: Vec::new(),
            cors_origins: Vec::new(),
            body_limit: 64 * 1024,
            request_timeout: Duration::from_secs(30),
            upload_timeout: Duration::from_mins(10),
        }
    }
}

/// A value that cannot work, in any section: `<key>: <problem>; <remedy>`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}; {remedy}")]
pub struct SettingsError {
    /// With its section: `http.body_limit`.
    pub key: &'static str,
    pub problem: String,
    pub remedy: &'static str,
}

impl Settings {
    /// # Errors
    /// The first key whose value cannot work.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let wrong = |key, problem, remedy| Err(SettingsError { key, problem, remedy });
        if !(1024..=16 * 1024 * 1024).contains(&self.body_limit) {
            return wrong("http.body_limit", format!("{} bytes", self.body_limit), "use 1024 to 16777216");
        }
        if !(Duration::from_secs(1)..=Duration::from_mins(10)).contains(&self.request_timeout) {
            return wrong("http.request_timeout", format!("{:?}", self.request_timeout), "use 1s to 10m");
        }
        if !(Duration::from_secs(1)..=Duration::from_hours(1)).contains(&self.upload_timeout) {
            return wrong("http.upload_timeout", format!("{:?}", self.upload_timeout), "use 1s to 1h");
        }
        Ok(())
    }
}

/// A host name that may stand in `Host`, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Host(String);

/// What is written as a host name is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a host name: write example.org or *.example.org, without scheme, port or path")]
pub struct HostError(String);

impl TryFrom<String> for Host {
    type Error = HostError;
    fn try_from(text: String) -> Result<Self, HostError> {
        let name = text.trim().to_ascii_lowercase();
        let bare = name.strip_prefix("*.").unwrap_or(&name);
        match bare.parse::<Authority>() {
            Ok(authority) if authority.host() == bare && !bare.contains('*') => Ok(Self(name)),
            _ => Err(HostError(text)),
        }
    }
}

impl Host {
    /// Whether `host`, a name without a port, is this one. Names are compared without regard to case.
    pub(crate) fn matches(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        match self.0.strip_prefix('*') {
            // What is left begins with a dot, so `*.example.org` is neither `example.org` nor `myexample.org`.
            Some(suffix) => {
                host.len() > suffix.len()
                    && host.is_char_boundary(host.len() - suffix.len())
                    && host[host.len() - suffix.len()..].eq_ignore_ascii_case(suffix)
            }
            None => host.eq_ignore_ascii_case(&self.0),
        }
    }
}

/// An origin whose pages may call: scheme, host and port, or `*`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Origin(pub(crate) HeaderValue);

/// What is written as an origin is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not an origin: write https://help.example.org (scheme, host, port if any, no slash at the end) or *"
)]
pub struct OriginError(String);

impl TryFrom<String> for Origin {
    type Error = OriginError;
    fn try_from(text: String) -> Result<Self, OriginError> {
        let wrong = || OriginError(text.clone());
        let origin = text.trim();
        if origin != "*" {
            let (scheme, authority) = origin.split_once("://").ok_or_else(wrong)?;
            let authority: Authority = authority.parse().map_err(|_| wrong())?;
            if !matches!(scheme, "http" | "https") || authority.as_str().contains('@') {
                return Err(wrong());
            }
        }
        HeaderValue::from_str(origin).map(Self).map_err(|_| wrong())
    }
}

impl Origin {
    pub(crate) fn is_any(&self) -> bool {
        self.0 == "*"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Result<Host, HostError> {
        Host::try_from(text.to_owned())
    }

    #[test]
    fn a_host_is_a_name_and_a_star_stands_for_what_is_below_it() {
        let exact = host("Example.org").unwrap();
        assert!(exact.matches("EXAMPLE.ORG") && exact.matches("example.org."));
        assert!(!exact.matches("www.example.org"));
        let below = host("*.example.org").unwrap();
        assert!(below.matches("a.Example.org") && below.matches("a.b.example.org"));
        for other in ["example.org", "myexample.org", ".example.org.evil", "я"] {
            assert!(!below.matches(other), "{other}");
        }
        assert!(host("[::1]").unwrap().matches("[::1]"));
        for wrong in ["", "https://example.org", "example.org:8080", "example.org/x", "*", "a.*.org", "u@h"] {
            assert!(host(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_limit_that_cannot_work_is_named() {
        Settings::default().validate().expect("the defaults are valid");
        let settings = Settings { body_limit: 0, ..Settings::default() };
        let error = settings.validate().expect_err("nothing fits").to_string();
        assert_eq!(error, "http.body_limit: 0 bytes; use 1024 to 16777216");
    }

    #[test]
    fn an_origin_has_a_scheme_and_no_path() {
        for right in ["https://help.example.org", "http://localhost:3000", "*"] {
            assert!(Origin::try_from(right.to_owned()).is_ok(), "{right}");
        }
        for wrong in ["help.example.org", "https://help.example.org/", "ftp://x", "https://u@x", "", "null"] {
            assert!(Origin::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
