//! Reading, creating and updating one stream or consumer.

use serde_json::{Map, Value, json};

use super::Object;
use super::wanted::Wanted;
use crate::{ApiError, Nats};

/// Stream name in use, consumer exists, consumer name in use: someone else was faster.
const EXISTS: [u64; 3] = [10058, 10148, 10013];

impl Nats {
    /// The echoed configuration; `None` when there is no such object.
    pub(super) async fn read(&self, wanted: &Wanted) -> Result<Option<Map<String, Value>>, ApiError> {
        match self.config("INFO", wanted, &json!({})).await {
            Ok(config) => Ok(Some(config)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn create_if_missing(&self, wanted: &Wanted) -> Result<bool, ApiError> {
        if self.read(wanted).await?.is_some() {
            return Ok(false);
        }
        match self.create(wanted).await {
            Ok(_) => Ok(true),
            Err(ApiError::Refused { err_code, .. }) if EXISTS.contains(&err_code) => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn create(&self, wanted: &Wanted) -> Result<Map<String, Value>, ApiError> {
        self.write("CREATE", "create", wanted, &wanted.config).await
    }

    pub(super) async fn update(
        &self,
        wanted: &Wanted,
        config: &Map<String, Value>,
    ) -> Result<Map<String, Value>, ApiError> {
        self.write("UPDATE", "update", wanted, config).await
    }

    async fn write(
        &self,
        verb: &str,
        action: &str,
        wanted: &Wanted,
        config: &Map<String, Value>,
    ) -> Result<Map<String, Value>, ApiError> {
        match &wanted.object {
            Object::Consumer { stream, .. } => {
                // From 2.10 the action keeps a create from overwriting; 2.9 ignores it.
                let body = json!({ "stream_name": stream, "config": config, "action": action });
                self.config("CREATE", wanted, &body).await
            }
            _ => self.config(verb, wanted, &json!(config)).await,
        }
    }

    async fn config(
        &self,
        verb: &str,
        wanted: &Wanted,
        body: &Value,
    ) -> Result<Map<String, Value>, ApiError> {
        let subject = match &wanted.object {
            Object::Consumer { stream, name } => {
                // The filter is part of the subject, so that permissions can name it.
                let filter = wanted.config.get("filter_subject").and_then(Value::as_str).unwrap_or_default();
                let filter = if verb == "CREATE" { format!(".{filter}") } else { String::new() };
                format!("CONSUMER.{verb}.{stream}.{name}{filter}")
            }
            Object::Stream(name) => format!("STREAM.{verb}.{name}"),
            Object::Server => unreachable!("the server is not created"),
        };
        let mut answer: Map<String, Value> = self.api(&subject, body).await?;
        match answer.remove("config") {
            Some(Value::Object(config)) => Ok(config),
            _ => Err(ApiError::Unreadable(format!("{subject}: no configuration in the answer"))),
        }
    }
}
