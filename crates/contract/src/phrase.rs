//! What Vectora itself says, in Russian and English.

/// The languages of the product's own texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    English,
    Russian,
}

impl Language {
    /// The language of a text by its script: Russian when it has more Cyrillic letters than Latin ones.
    pub fn of(text: &str) -> Self {
        let cyrillic = text.chars().filter(|c| ('\u{400}'..='\u{4ff}').contains(c)).count();
        let latin = text.chars().filter(char::is_ascii_alphabetic).count();
        if cyrillic > latin { Self::Russian } else { Self::English }
    }
}

/// One thing to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phrase {
    /// The refusal while there is no knowledge base.
    NoKnowledge,
    /// A turn was given up.
    Apology,
    /// Stands where the answer will be.
    Placeholder,
}

impl Phrase {
    /// The refusal of a question the knowledge base does not cover: what was looked for, and the offer of a human.
    pub fn not_covered(language: Language, words: &[&str]) -> String {
        let (said, looked, quotes, human) = match language {
            Language::English => (
                "The knowledge base has no answer to this.",
                "I looked for",
                ("“", "”"),
                "Put it in other words, or ask for a human.",
            ),
            Language::Russian => (
                "В базе знаний нет ответа на этот вопрос.",
                "Я искал:",
                ("«", "»"),
                "Спросите иначе или попросите оператора.",
            ),
        };
        if words.is_empty() {
            return format!("{said} {human}");
        }
        let words: Vec<String> = words.iter().map(|word| format!("{}{word}{}", quotes.0, quotes.1)).collect();
        format!("{said} {looked} {}. {human}", words.join(", "))
    }

    pub const fn text(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::NoKnowledge, Language::English) => {
                "I have no knowledge base yet, so I cannot answer this. A human can: ask for one."
            }
            (Self::NoKnowledge, Language::Russian) => {
                "У меня пока нет базы знаний, поэтому ответить не могу. Это может сделать человек: попросите оператора."
            }
            (Self::Apology, Language::English) => {
                "Sorry, I could not answer this. Please ask again, or ask for a human."
            }
            (Self::Apology, Language::Russian) => {
                "Извините, ответить не получилось. Спросите ещё раз или попросите оператора."
            }
            (Self::Placeholder, _) => "…",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_what_was_looked_for() {
        let text = Phrase::not_covered(Language::English, &["smartwatch", "sync"]);
        assert!(text.contains("“smartwatch”, “sync”") && text.contains("human"), "{text}");
        assert!(!Phrase::not_covered(Language::Russian, &[]).contains("искал"));
    }

    #[test]
    fn the_language_is_that_of_most_letters() {
        assert_eq!(Language::of("Как сменить пароль в GitHub?"), Language::Russian);
        assert_eq!(Language::of("What does слово mean in English?"), Language::English);
        assert_eq!(Language::of("404"), Language::English);
    }
}
