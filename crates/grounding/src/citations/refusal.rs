//! Whether a model says that it does not know.

use crate::prompt::NO_ANSWER;

/// The sentinel, however a model writes it.
pub(super) fn is_sentinel(text: &str) -> bool {
    let plain: String = text
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' '))
        .map(|c| if matches!(c, '-' | ' ') { '_' } else { c })
        .collect();
    let wanted = |word: &str| word == NO_ANSWER;
    // `NO ANSWER` alone; inside a sentence only as it was asked for, so that "no answer" stays English.
    wanted(plain.trim_matches('_').to_uppercase().as_str())
        || text.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(wanted)
}

/// The speaker knows nothing: said of itself.
const OWN: [&str; 32] = [
    "i don't know",
    "i do not know",
    "i'm not sure",
    "i am not sure",
    "i don't have",
    "i do not have",
    "i couldn't find",
    "i could not find",
    "i can't find",
    "i cannot find",
    "i can't answer",
    "i cannot answer",
    "i was unable to find",
    "i'm unable to",
    "i am unable to",
    "i found no",
    "we don't have information",
    "there is no information",
    "no information",
    "no relevant information",
    "я не знаю",
    "не знаю",
    "я не могу ответить",
    "не могу ответить",
    "я не нашел",
    "не нашел",
    "я не нашла",
    "не нашлось",
    "не удалось найти",
    "нет информации",
    "у меня нет",
    "информации нет",
];

/// What the sources are called, and what they do not do.
const SOURCES: [&str; 22] = [
    "passage",
    "context",
    "knowledge base",
    "provided information",
    "provided text",
    "provided document",
    "sources",
    "documentation",
    "article",
    "excerpt",
    "отрывк",
    "контекст",
    "базе знаний",
    "база знаний",
    "в базе",
    "источник",
    "фрагмент",
    "предоставленн",
    "документац",
    "стать",
    "материал",
    "документах",
];
const LACK: [&str; 26] = [
    "not contain",
    "n't contain",
    "not mention",
    "n't mention",
    "not include",
    "n't include",
    "not provide",
    "n't provide",
    "not specif",
    "n't specif",
    "not say",
    "n't say",
    "no information",
    "not cover",
    "n't cover",
    "not answer",
    "n't answer",
    "not address",
    "нет информации",
    "не содерж",
    "не упомина",
    "не указан",
    "нет ответа",
    "нет данных",
    "нет сведений",
    "не говорится",
];

/// What comes before it: `Unfortunately, …`.
const BEFORE: [&str; 12] = [
    "sorry",
    "i'm sorry",
    "i am sorry",
    "unfortunately",
    "i apologize",
    "but",
    "however",
    "к сожалению",
    "извините",
    "простите",
    "увы",
    "но",
];

/// Whether a sentence refuses. `If you do not know …` is about the reader.
pub(super) fn refuses(sentence: &str) -> bool {
    if is_sentinel(sentence) {
        return true;
    }
    let lower = sentence.to_lowercase().replace('ё', "е").replace('’', "'");
    let mut text = lower.trim_matches(|c: char| !c.is_alphanumeric());
    for before in BEFORE {
        if let Some(rest) = text.strip_prefix(before)
            && !rest.starts_with(char::is_alphanumeric)
        {
            text = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
        }
    }
    let own = OWN.iter().any(|own| text.starts_with(own));
    // Within one thought: the source first or the lack first.
    let short = text.chars().count() < 220;
    let conditional = ["if ", "when ", "если ", "когда "].iter().any(|word| text.starts_with(word));
    let lacking =
        LACK.iter().any(|lack| text.contains(lack)) && SOURCES.iter().any(|source| text.contains(source));
    own || (short && !conditional && lacking)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_in_both_languages() {
        for text in [
            "NO_ANSWER",
            "**NO_ANSWER**",
            "no answer.",
            "NO-ANSWER",
            "The answer is NO_ANSWER.",
            "I don't know.",
            "Sorry, I don’t know the answer.",
            "Unfortunately, the passages do not mention prices.",
            "The provided context doesn't contain this information.",
            "I'm sorry, but I couldn't find anything.",
            "There is no information about refunds in the knowledge base.",
            "Я не знаю.",
            "К сожалению, в базе знаний нет информации об этом.",
            "В базе нет информации.",
            "Извините, я не нашёл ответа.",
            "В предоставленных отрывках не указана цена.",
            "Не удалось найти ответ.",
            "Контекст не содержит сведений о возврате.",
        ] {
            assert!(refuses(text), "{text}");
        }
    }

    #[test]
    fn what_an_article_says_of_its_reader_is_no_refusal() {
        for text in [
            "If you don't know your password, press Reset.",
            "Если вы не знаете пароль, нажмите «Восстановить».",
            "The free plan does not include backups.",
            "Отчёт не содержит удалённых заказов.",
            "If there is no answer within a day, write again.",
            "Press Save.",
        ] {
            assert!(!refuses(text), "{text}");
        }
    }
}
