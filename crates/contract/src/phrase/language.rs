//! The languages Vectora speaks.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The languages of the product's own texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Language {
    #[serde(rename = "en")]
    English,
    #[serde(rename = "ru")]
    Russian,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::English, Self::Russian];

    /// The language of a text by its script: Russian when it has more Cyrillic letters than Latin ones.
    pub fn of(text: &str) -> Self {
        Self::script_of(text).unwrap_or(Self::English)
    }

    /// The same, or `None` for a text without letters of either script: "404" says nothing about its author.
    pub fn script_of(text: &str) -> Option<Self> {
        // U+0400 to U+04FF are two bytes each, of which the first is one of these and no other character's.
        let cyrillic = text.bytes().filter(|byte| matches!(byte, 0xd0..=0xd3)).count();
        let latin = text.bytes().filter(u8::is_ascii_alphabetic).count();
        match (cyrillic, latin) {
            (0, 0) => None,
            _ if cyrillic > latin => Some(Self::Russian),
            _ => Some(Self::English),
        }
    }

    /// What to write to a person whose application has the language of this IETF tag ("ru-RU").
    ///
    /// Russian for ru, be, uk and kk, whose speakers mostly read it; English for all others.
    pub fn of_tag(tag: &str) -> Self {
        let primary = tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        match primary.as_str() {
            "ru" | "be" | "uk" | "kk" => Self::Russian,
            _ => Self::English,
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Russian => "ru",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A language the product has no texts in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown language {0:?}: there are en and ru")]
pub struct UnknownLanguage(pub String);

impl FromStr for Language {
    type Err = UnknownLanguage;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "en" => Ok(Self::English),
            "ru" => Ok(Self::Russian),
            other => Err(UnknownLanguage(other.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_that_of_most_letters() {
        assert_eq!(Language::of("Как сменить пароль в GitHub?"), Language::Russian);
        assert_eq!(Language::of("What does слово mean in English?"), Language::English);
        assert_eq!(Language::of("404"), Language::English);
    }

    #[test]
    fn a_text_without_letters_has_no_script() {
        assert_eq!(Language::script_of("404?"), None);
        assert_eq!(Language::script_of("👍"), None);
        assert_eq!(Language::script_of("да"), Some(Language::Russian));
        assert_eq!(Language::script_of("ok"), Some(Language::English));
    }

    #[test]
    fn a_tag_is_read_by_its_first_part() {
        for tag in ["ru", "ru-RU", "RU_ru", "be", "uk-UA", "kk-Cyrl-KZ"] {
            assert_eq!(Language::of_tag(tag), Language::Russian, "{tag}");
        }
        for tag in ["en", "en-GB", "de", "bg", "rus", "", "-ru"] {
            assert_eq!(Language::of_tag(tag), Language::English, "{tag}");
        }
    }

    #[test]
    fn a_language_is_written_the_same_everywhere() {
        for language in Language::ALL {
            assert_eq!(language.as_str().parse(), Ok(language));
            let json = serde_json::to_string(&language).unwrap();
            assert_eq!(json, format!("\"{language}\""));
            assert_eq!(serde_json::from_str::<Language>(&json).unwrap(), language);
        }
        assert_eq!("de".parse::<Language>(), Err(UnknownLanguage("de".to_owned())));
    }
}
