//! The server a command talks to over HTTP, as any other client would: the `vectora up` of this machine, or any.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use reqwest::header::RETRY_AFTER;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;

use super::local;
use crate::config::Invocation;

/// Where to ask, and with which key.
#[derive(Debug, Args)]
pub(crate) struct Remote {
    /// Where to ask; default: the `vectora up` of this machine.
    #[arg(long, requires = "key")]
    url: Option<String>,
    /// The key to ask with. Better in `VECTORA_KEY` than on the command line, which others can see.
    #[arg(long, env = "VECTORA_KEY", hide_env_values = true)]
    key: Option<String>,
}

impl Remote {
    pub(crate) fn connect(&self, invocation: &Invocation) -> anyhow::Result<Client> {
        let (url, key) = self.address(invocation)?;
        // Without TLS no certificates are needed, and a machine that has none is no obstacle.
        let builder = reqwest::Client::builder();
        let builder = if url.starts_with("http://") { builder.tls_certs_only([]) } else { builder };
        let http =
            builder.build().context("no HTTPS client: install the CA certificates (ca-certificates)")?;
        Ok(Client { http, url, key })
    }

    fn address(&self, invocation: &Invocation) -> anyhow::Result<(String, String)> {
        if let (Some(url), Some(key)) = (&self.url, &self.key) {
            return Ok((url.trim_end_matches('/').to_owned(), key.clone()));
        }
        let run = local::running(invocation)?
            .context("no `vectora up` runs with this data directory: start one, or give --url and --key")?;
        let key = self.key.clone().or(run.key).context("run.json has no key: give one with --key")?;
        Ok((format!("http://{}", run.listen), key))
    }
}

/// A client of one server. No `Debug`: it holds the key.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
    key: String,
}

/// How long to wait before the next attempt, when the answer does not say.
const AGAIN: Duration = Duration::from_secs(1);
/// How often a request is sent again that was told to come later, or found nobody: with the waits it is told, about
/// half a minute, which a restart of the server does not take.
const ATTEMPTS: u32 = 10;
/// The longest wait that is believed.
const LONGEST: Duration = Duration::from_secs(30);

impl Client {
    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    /// `path` begins with a slash, and may have a query.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.key)
    }

    /// The body of a good answer, or the problem as an error.
    pub(crate) async fn call<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, CallError> {
        let response = request.send().await.map_err(|error| CallError {
            text: format!("nobody answers at {}: is `vectora up` running?", self.url),
            again: Some(AGAIN),
            source: Some(error),
        })?;
        let status = response.status();
        if status.is_success() {
            return response.json().await.map_err(|error| CallError {
                text: format!("the answer of {} cannot be read", self.url),
                again: Some(AGAIN),
                source: Some(error),
            });
        }
        let wait = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let later = matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS);
        let problem: serde_json::Value = response.json().await.unwrap_or_default();
        let detail = problem["detail"].as_str().or(problem["title"].as_str()).unwrap_or("no detail given");
        Err(CallError {
            text: format!("{status}: {detail}"),
            again: later.then(|| wait.map_or(AGAIN, Duration::from_secs)),
            source: None,
        })
    }
}

/// Calls until there is an answer that another attempt would not change.
pub(crate) async fn insist<T>(mut call: impl AsyncFnMut() -> Result<T, CallError>) -> anyhow::Result<T> {
    let mut attempts = 1;
    loop {
        let error = match call().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        match error.again() {
            Some(wait) if attempts < ATTEMPTS => tokio::time::sleep(wait.min(LONGEST)).await,
            _ => return Err(error.into()),
        }
        attempts += 1;
    }
}

/// Why a call had no good answer.
#[derive(Debug)]
pub(crate) struct CallError {
    text: String,
    again: Option<Duration>,
    source: Option<reqwest::Error>,
}

impl CallError {
    /// After which time the same call may succeed; `None`: it never will.
    pub(crate) const fn again(&self) -> Option<Duration> {
        self.again
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for CallError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|error| error as _)
    }
}
