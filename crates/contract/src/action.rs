//! What a button under a message does.

use std::fmt;
use std::str::FromStr;

use crate::{Button, Language, Phrase, TurnId};

/// Written at most 37 bytes long: Telegram takes 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The answer of this turn helped.
    Helped(TurnId),
    NotHelped(TurnId),
    /// A human is asked for.
    Human,
    Language(Language),
}

impl Action {
    /// The button that does it.
    pub fn button(self, language: Language) -> Button {
        let label = match self {
            Self::Helped(_) => Phrase::ButtonHelped.text(language),
            Self::NotHelped(_) => Phrase::ButtonNotHelped.text(language),
            Self::Human => Phrase::ButtonHuman.text(language),
            Self::Language(Language::English) => "English".to_owned(),
            Self::Language(Language::Russian) => "Русский".to_owned(),
        };
        Button { label, action: self.to_string() }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Helped(turn) => write!(f, "up:{}", turn.0.simple()),
            Self::NotHelped(turn) => write!(f, "down:{}", turn.0.simple()),
            Self::Human => f.write_str("human"),
            Self::Language(language) => write!(f, "lang:{}", language.as_str()),
        }
    }
}

/// A button of another release, or none of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no button of this release does this")]
pub struct UnknownAction;

impl FromStr for Action {
    type Err = UnknownAction;
    fn from_str(text: &str) -> Result<Self, UnknownAction> {
        let turn = |id: &str| id.parse().map(TurnId).map_err(|_| UnknownAction);
        match text.split_once(':') {
            None if text == "human" => Ok(Self::Human),
            Some(("up", id)) => turn(id).map(Self::Helped),
            Some(("down", id)) => turn(id).map(Self::NotHelped),
            Some(("lang", tag)) => tag.parse().map(Self::Language).map_err(|_| UnknownAction),
            _ => Err(UnknownAction),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_reads_as_it_is_written_and_fits_into_a_button() {
        let turn = TurnId::new();
        for action in [
            Action::Helped(turn),
            Action::NotHelped(turn),
            Action::Human,
            Action::Language(Language::Russian),
        ] {
            let text = action.to_string();
            assert!(text.len() <= 64, "{text}");
            assert_eq!(text.parse(), Ok(action));
        }
        for text in ["", "human:", "up:x", "lang:fr", "down"] {
            assert_eq!(text.parse::<Action>(), Err(UnknownAction), "{text}");
        }
    }
}
