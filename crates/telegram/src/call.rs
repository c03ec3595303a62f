//! One HTTP call: sent, not sent, or unknown.

use std::error::Error as _;
use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::redirect;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::error::{CallError, Refusal, classify};

/// Telegram answers on the other side of the world in well under a second; a connection that takes longer is none.
const CONNECT: Duration = Duration::from_secs(5);
/// Telegram closes idle connections after about a minute; a turn's calls follow each other within seconds, and
/// keep their connection.
const IDLE: Duration = Duration::from_secs(30);
/// Characters of Telegram's description that are kept.
const DESCRIPTION: usize = 200;

/// The way to one bot's methods.
pub(crate) struct Caller {
    http: reqwest::Client,
    /// Without a slash at the end.
    api: String,
    token: SecretString,
    /// Of a whole call, unless the method says otherwise.
    timeout: Duration,
}

/// What every method answers with.
#[derive(Deserialize)]
struct Envelope {
    ok: bool,
    #[serde(default)]
    result: Value,
    #[serde(flatten)]
    refusal: Refusal,
}

impl Caller {
    /// # Errors
    /// The system's certificates cannot be read.
    pub(crate) fn new(api: &str, token: SecretString, timeout: Duration) -> Result<Self, reqwest::Error> {
        let mut http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .pool_idle_timeout(IDLE)
            // A redirect would carry the token to another server.
            .redirect(redirect::Policy::none());
        if !api.starts_with("https:") {
            // A Bot API server of one's own: a machine without a CA bundle is no obstacle.
            http = http.tls_certs_only([]);
        }
        Ok(Self { http: http.build()?, api: api.trim_end_matches('/').to_owned(), token, timeout })
    }

    pub(crate) async fn call<T: DeserializeOwned>(&self, method: &str, body: &Value) -> Result<T, CallError> {
        self.call_for(method, body, self.timeout).await
    }

    /// [`Self::call`] for a method that takes its time.
    pub(crate) async fn call_for<T: DeserializeOwned>(
        &self,
        method: &str,
        body: &Value,
        timeout: Duration,
    ) -> Result<T, CallError> {
        let result = self.exchange(method, body, timeout).await?;
        // It was done, and what it made is not known: as unknown as an answer that never came.
        serde_json::from_value(result).map_err(|_| CallError::Unknown(format!("{method}: a strange result")))
    }

    async fn exchange(&self, method: &str, body: &Value, timeout: Duration) -> Result<Value, CallError> {
        let url = format!("{}/bot{}/{method}", self.api, self.token.expose_secret());
        let sent = self.http.post(url).timeout(timeout).json(body).send().await;
        let response = sent.map_err(|error| {
            let unsent = error.is_connect() || error.is_builder();
            let text = self.describe(error);
            if unsent { CallError::Away(text) } else { CallError::Unknown(text) }
        })?;
        let status = response.status().as_u16();
        tracing::debug!(method, status, "the Bot API answered");
        let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = header.and_then(|text| text.parse().ok()).map(Duration::from_secs);
        let bytes = response.bytes().await.map_err(|error| self.describe(error));
        let envelope = bytes.and_then(|bytes| {
            serde_json::from_slice::<Envelope>(&bytes)
                .map_err(|_| format!("status {status}, no JSON of Telegram"))
        });
        match envelope {
            Ok(Envelope { ok: true, result, .. }) if status < 300 => Ok(result),
            Ok(Envelope { ok: false, mut refusal, .. }) => {
                refusal.description = self.scrub(&refusal.description);
                Err(classify(status, refusal, retry_after))
            }
            // A redirect or a refusal: whoever sent it did not do it.
            Err(_) if (300..500).contains(&status) => {
                let refusal = Refusal { description: format!("status {status}"), ..Refusal::default() };
                Err(classify(status, refusal, retry_after))
            }
            // A gateway in between gave up waiting, or the answer was cut.
            Err(text) => Err(CallError::Unknown(text)),
            Ok(_) => Err(CallError::Unknown(format!("status {status} with a result"))),
        }
    }

    /// The chain of causes without the URL, which has the token in it.
    fn describe(&self, error: reqwest::Error) -> String {
        let error = error.without_url();
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            text.push_str(": ");
            text.push_str(&inner.to_string());
            cause = inner.source();
        }
        self.scrub(&text)
    }

    /// A text short enough for a log, without the token: a proxy may quote the path that it was asked for.
    fn scrub(&self, text: &str) -> String {
        text.replace(self.token.expose_secret(), "<token>").chars().take(DESCRIPTION).collect()
    }
}

/// Adds a field unless there is nothing to add: the Bot API takes `null` for a wrong type in some methods.
pub(crate) fn with<T: serde::Serialize>(body: &mut Value, field: &str, value: Option<T>) {
    if let Some(value) = value {
        body[field] = json!(value);
    }
}
