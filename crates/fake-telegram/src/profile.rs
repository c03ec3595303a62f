//! Commands and descriptions, kept for each language.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::FakeTelegram;
use super::answer::{Answer, Refusal};
use super::params::Params;

#[derive(Debug, Default)]
pub(super) struct Profile {
    /// By scope, as JSON, and language.
    commands: HashMap<(String, String), Value>,
    descriptions: HashMap<String, String>,
    short_descriptions: HashMap<String, String>,
}

impl Profile {
    /// Any method that is not known elsewhere.
    pub(super) fn perform(&mut self, method: &str, params: &Params) -> Answer {
        let language = params.text("language_code").unwrap_or_default().to_owned();
        if !(language.is_empty()
            || language.len() == 2 && language.bytes().all(|byte| byte.is_ascii_lowercase()))
        {
            return Err(Refusal::bad("invalid language code specified"));
        }
        let scope = || params.json("scope").unwrap_or(json!({ "type": "default" })).to_string();
        match method {
            "setMyCommands" => {
                let commands = commands(params)?;
                self.commands.insert((scope(), language), commands);
                Ok(true.into())
            }
            "getMyCommands" => Ok(self.commands.get(&(scope(), language)).cloned().unwrap_or(json!([]))),
            "deleteMyCommands" => {
                self.commands.remove(&(scope(), language));
                Ok(true.into())
            }
            "setMyDescription" => describe(&mut self.descriptions, language, params, "description", 512),
            "setMyShortDescription" => {
                describe(&mut self.short_descriptions, language, params, "short_description", 120)
            }
            "getMyDescription" => Ok(json!({ "description": shown(&self.descriptions, &language) })),
            "getMyShortDescription" => {
                Ok(json!({ "short_description": shown(&self.short_descriptions, &language) }))
            }
            _ => Err(Refusal::unknown_method()),
        }
    }
}

fn commands(params: &Params) -> Result<Value, Refusal> {
    let given = params.json("commands").ok_or_else(|| Refusal::bad("parameter \"commands\" is required"))?;
    let list = given.as_array().ok_or_else(|| Refusal::bad("expected an Array of BotCommand"))?;
    if list.len() > 100 {
        return Err(Refusal::bad("BOT_COMMANDS_TOO_MUCH"));
    }
    for command in list {
        let name = command["command"].as_str().unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if !(1..=32).contains(&name.len()) || !name.bytes().all(plain) {
            return Err(Refusal::bad("BOT_COMMAND_INVALID"));
        }
        let description = command["description"].as_str().unwrap_or_default();
        if !(1..=256).contains(&description.chars().count()) {
            return Err(Refusal::bad("BOT_COMMAND_DESCRIPTION_INVALID"));
        }
    }
    Ok(given)
}

fn describe(
    kept: &mut HashMap<String, String>,
    language: String,
    params: &Params,
    name: &str,
    limit: usize,
) -> Answer {
    let text = params.text(name).unwrap_or_default();
    if text.chars().count() > limit {
        return Err(Refusal::bad("description is too long"));
    }
    kept.insert(language, text.to_owned());
    Ok(true.into())
}

/// Who has no text of their own language sees the one for all.
fn shown(kept: &HashMap<String, String>, language: &str) -> String {
    let own = kept.get(language).filter(|text| !text.is_empty());
    own.or_else(|| kept.get("")).cloned().unwrap_or_default()
}

impl FakeTelegram {
    /// The commands for everyone in this language ("" for all languages): name and description.
    pub fn commands(&self, language: &str) -> Vec<(String, String)> {
        let key = (json!({ "type": "default" }).to_string(), language.to_owned());
        let kept = self.lock().profile.commands.get(&key).cloned().unwrap_or_default();
        let of = |command: &Value, name: &str| command[name].as_str().unwrap_or_default().to_owned();
        let list = kept.as_array().into_iter().flatten();
        list.map(|command| (of(command, "command"), of(command, "description"))).collect()
    }

    /// As a person with this language sees it.
    pub fn description(&self, language: &str) -> String {
        shown(&self.lock().profile.descriptions, language)
    }

    pub fn short_description(&self, language: &str) -> String {
        shown(&self.lock().profile.short_descriptions, language)
    }
}
