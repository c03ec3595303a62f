//! The `[answers]` section.

use grounding::prompt::Persona;
use serde::Deserialize;

/// How models write answers.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Who the model is: "a support assistant of Acme".
    pub persona: String,
    /// How it speaks.
    pub instructions: String,
    /// Telephones, e-mails, cards, passports, INN and SNILS are hidden from providers and restored in the answer.
    pub mask: bool,
    /// A model is asked whether a passage supports a sentence in another language, which words cannot tell. Costs a
    /// small call for each such sentence; without a judge they are believed if the embedder says that they mean the same.
    pub judge: bool,
    /// A question whose coverage misses the threshold by this share or less is decided by the model: 0 to 1.
    pub near: f32,
    /// Of an answer, at the most: 16 to 8,192.
    pub max_tokens: u32,
}

impl Default for Settings {
    fn default() -> Self {
        let Persona { name, instructions } = Persona::default();
        Self { persona: name, instructions, mask: true, judge: true, near: 0.15, max_tokens: 1024 }
    }
}

/// A key that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("answers.{key}: {problem}")]
pub struct SettingsError {
    pub key: &'static str,
    pub problem: &'static str,
}

impl Settings {
    /// # Errors
    /// [`SettingsError`] naming the key, its limits and the remedy.
    pub fn validate(&self) -> Result<(), SettingsError> {
        if !(0.0..=1.0).contains(&self.near) {
            return Err(SettingsError { key: "near", problem: "give a share from 0 to 1" });
        }
        if !(16..=8192).contains(&self.max_tokens) {
            return Err(SettingsError { key: "max_tokens", problem: "give 16 to 8192 tokens" });
        }
        if self.persona.trim().is_empty() {
            return Err(SettingsError { key: "persona", problem: "say who answers, or leave the key out" });
        }
        Ok(())
    }

    pub(super) fn persona(&self) -> Persona {
        Persona { name: self.persona.clone(), instructions: self.instructions.clone() }
    }
}
