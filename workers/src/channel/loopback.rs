//! The testkit's messenger over HTTP: real bytes on a socket, so that a connection can be cut before or
//! after they arrived.
//!
//! `POST /send {address, text}` → `{id}`; `POST /edit {address, id, text}`. 429 carries `Retry-After`, 403 is
//! a person who is gone, other 4xx are refusals, 5xx are faults after which nothing was sent.

use std::time::Duration;

use contract::Content;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Channel, ChannelError};

#[derive(Debug)]
pub struct Loopback {
    http: reqwest::Client,
    url: String,
}

#[derive(Deserialize)]
struct Sent {
    id: String,
}

impl Loopback {
    /// Whole call; longer than any test stalls one, shorter than the stage's hard limit.
    const TIMEOUT: Duration = Duration::from_secs(20);

    #[expect(clippy::missing_panics_doc, reason = "main installs the TLS provider first thing")]
    pub fn new(url: &str) -> Self {
        let http = reqwest::Client::builder()
            .timeout(Self::TIMEOUT)
            // A pooled connection that died would make "was it sent?" a question at every call.
            .pool_max_idle_per_host(0)
            // Plain HTTP on loopback: a machine without a CA bundle is no obstacle.
            .tls_certs_only([])
            .build()
            .expect("a client without roots needs nothing of the system");
        Self { http, url: url.trim_end_matches('/').to_owned() }
    }

    async fn call(&self, path: &str, body: &Value) -> Result<reqwest::Response, ChannelError> {
        let sent = self.http.post(format!("{}{path}", self.url)).json(body).send().await;
        let response = sent.map_err(|error| {
            if error.is_connect() {
                ChannelError::Away(error.without_url().to_string())
            } else {
                ChannelError::Unknown(error.without_url().to_string())
            }
        })?;
        match response.status().as_u16() {
            200..=299 => Ok(response),
            403 => Err(ChannelError::Gone),
            429 => {
                let header = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
                let seconds = header.and_then(|text| text.parse::<f64>().ok()).unwrap_or(1.0);
                Err(ChannelError::Limited(Duration::try_from_secs_f64(seconds).unwrap_or_default()))
            }
            status @ 400..=499 => Err(ChannelError::Rejected(format!("status {status}"))),
            status => Err(ChannelError::Failed(format!("status {status}"))),
        }
    }
}

impl Channel for Loopback {
    fn send<'a>(&'a self, address: &'a str, content: &'a Content) -> Answer<'a, String> {
        Box::pin(async move {
            let response = self.call("/send", &json!({ "address": address, "text": content.text })).await?;
            // The status line came, so it was sent; a body that is cut leaves the id unknown.
            let sent: Sent = response
                .json()
                .await
                .map_err(|error| ChannelError::Unknown(error.without_url().to_string()))?;
            Ok(sent.id)
        })
    }

    fn edit<'a>(&'a self, address: &'a str, target: &'a str, content: &'a Content) -> Answer<'a, ()> {
        Box::pin(async move {
            self.call("/edit", &json!({ "address": address, "id": target, "text": content.text })).await?;
            Ok(())
        })
    }
}
