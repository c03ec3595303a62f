//! What people see of the bot before they write to it.

use serde_json::{Value, json};

use super::Bot;
use crate::call::with;
use crate::error::CallError;

impl Bot {
    /// Sets the menu: names without a slash, and what they do. `language`: two letters, or `None` for everybody
    /// else.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn set_commands(
        &self,
        language: Option<&str>,
        commands: &[(String, String)],
    ) -> Result<(), CallError> {
        let command = |(name, what): &(String, String)| json!({ "command": name, "description": what });
        let commands: Vec<Value> = commands.iter().map(command).collect();
        self.set("setMyCommands", language, "commands", &json!(commands)).await
    }

    /// Sets what an empty chat shows (at most 512 characters) and what the profile shows (at most 120).
    ///
    /// # Errors
    /// [`CallError`] of the first of the two calls that fails; repeating both is harmless.
    pub async fn set_description(
        &self,
        language: Option<&str>,
        description: &str,
        short: &str,
    ) -> Result<(), CallError> {
        self.set("setMyDescription", language, "description", &json!(description)).await?;
        self.set("setMyShortDescription", language, "short_description", &json!(short)).await
    }

    async fn set(
        &self,
        method: &str,
        language: Option<&str>,
        field: &str,
        value: &Value,
    ) -> Result<(), CallError> {
        let mut body = json!({ field: value });
        with(&mut body, "language_code", language);
        self.caller.call(method, &body).await.map(|_: Value| ())
    }
}
