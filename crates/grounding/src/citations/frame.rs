//! What in an answer states nothing: introductions, headings, greetings, offers of help.

use knowledge::analyser;

/// Beginnings of sentences that are politeness alone.
const POLITE: [&str; 45] = [
    "hello",
    "hi ",
    "hi!",
    "hi,",
    "hey",
    "thank you",
    "thanks",
    "good question",
    "great question",
    "sure",
    "of course",
    "certainly",
    "absolutely",
    "happy to help",
    "i'd be happy",
    "i hope this",
    "hope this",
    "let me know",
    "feel free to",
    "if you have any",
    "if you need any",
    "if you need more",
    "please let me know",
    "glad to help",
    "is there anything else",
    "you're welcome",
    "здравствуйте",
    "привет",
    "добрый день",
    "добрый вечер",
    "доброе утро",
    "спасибо",
    "конечно",
    "хороший вопрос",
    "отличный вопрос",
    "рад помочь",
    "рада помочь",
    "надеюсь",
    "если у вас остались",
    "если остались",
    "если у вас есть",
    "если возникнут",
    "обращайтесь",
    "пожалуйста, обращайтесь",
    "буду рад",
];

/// Words of a sentence that introduces something, at the most.
const INTRODUCTION: usize = 14;
/// Words of a polite sentence, at the most.
const POLITENESS: usize = 14;

/// Whether a sentence only leads to what follows it, or is polite. `words`: those that say something.
pub(super) fn is_frame(sentence: &str, words: usize) -> bool {
    let bare = sentence.trim_matches(|c: char| !c.is_alphanumeric() && c != ':');
    let count = analyser::tokens(sentence).count();
    if words == 0 {
        // `Yes.`, `Да.`, an emoji: what follows says it.
        return true;
    }
    let introduces = sentence.trim_end_matches(['*', '_', ' ']).ends_with(':') && count <= INTRODUCTION;
    let lower = bare.to_lowercase();
    let polite = POLITE.iter().any(|polite| lower.starts_with(polite)) && count <= POLITENESS;
    introduces || polite || is_assent(&lower)
}

/// A word of assent alone.
fn is_assent(lower: &str) -> bool {
    matches!(
        lower,
        "yes"
            | "no"
            | "ok"
            | "okay"
            | "да"
            | "нет"
            | "хорошо"
            | "понятно"
            | "верно"
            | "correct"
            | "right"
    )
}

/// A heading above a list of sources, which is ours to write.
pub(super) fn heads_sources(sentence: &str) -> bool {
    const NAMES: [&str; 9] = [
        "sources",
        "source",
        "references",
        "citations",
        "источники",
        "источник",
        "ссылки",
        "литература",
        "список источников",
    ];
    let bare = sentence.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    NAMES.contains(&bare.as_str())
}

/// Without the number of a step in front: `Step 2: …`, `Шаг 2.`, `**1.** …`. It counts the answer's own steps.
pub(super) fn without_step(sentence: &str) -> &str {
    let rest = sentence.trim_start_matches(['*', '_', ' ', '#']);
    let lower = rest.to_lowercase();
    let named = ["step ", "шаг ", "option ", "method ", "вариант ", "способ "]
        .into_iter()
        .find(|name| lower.starts_with(name));
    let digits = &rest[named.map_or(0, str::len)..];
    let after = digits.trim_start_matches(|c: char| c.is_ascii_digit());
    let counted = (1..=2).contains(&(digits.len() - after.len()));
    match (counted, named) {
        (true, Some(_)) => after.trim_start_matches(['.', ':', ')', '*', '_', '-', '—', '–', ' ']),
        (true, None) if after.starts_with(". ") || after.starts_with(") ") || after.starts_with(".*") => {
            &after[1..]
        }
        _ => sentence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_told_from_statements() {
        for text in [
            "Here is how:",
            "Вот как это сделать:",
            "To reset your password, follow these steps:",
            "Здравствуйте!",
            "Let me know if you need anything else!",
            "Если остались вопросы, обращайтесь.",
            "Sure!",
            "Да.",
            "**Шаги:**",
            "I hope this helps!",
        ] {
            assert!(is_frame(text, 2), "{text}");
        }
        for text in [
            "Press Save.",
            "Refunds take 14 days.",
            "Нажмите «Сохранить».",
            "Отправьте код: он придёт в SMS.",
        ] {
            assert!(!is_frame(text, 2), "{text}");
        }
        assert!(is_frame("So it is.", 0));
    }

    #[test]
    fn the_number_of_a_step_is_the_answers_own() {
        assert_eq!(without_step("Step 2: Press Save."), "Press Save.");
        assert_eq!(without_step("**Шаг 1.** Откройте"), "Откройте");
        assert_eq!(without_step("1. Open it"), " Open it");
        assert_eq!(without_step("14 days"), "14 days");
        assert_eq!(without_step("2.5 GB"), "2.5 GB");
    }

    #[test]
    fn a_list_of_sources_is_known_by_its_heading() {
        assert!(heads_sources("**Sources:**") && heads_sources("## Источники"));
        assert!(!heads_sources("Sources of energy"));
    }
}
