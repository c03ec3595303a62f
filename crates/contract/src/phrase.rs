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
    fn the_language_is_that_of_most_letters() {
        assert_eq!(Language::of("Как сменить пароль в GitHub?"), Language::Russian);
        assert_eq!(Language::of("What does слово mean in English?"), Language::English);
        assert_eq!(Language::of("404"), Language::English);
    }
}
