//! Whether a text holds the kind of thing a question asks for, told by its form alone.

use super::question::Cue;
use crate::analyser;
use crate::word_list::WordList;

/// `false` for a question that asks for nothing in particular.
pub(super) fn fits(cue: Cue, text: &str) -> bool {
    match cue {
        Cue::Date => has_date(text),
        Cue::Number => has_number(text),
        Cue::Name => has_name(text),
        Cue::Reason => has_reason(text),
        Cue::None => false,
    }
}

/// What a sentence is about that says what something is: `A pod is …`, `Под — это …`.
pub(super) fn subject(text: &str) -> Option<&str> {
    // More would be no subject any longer.
    const CHARS: usize = 60;
    let verb = [" is ", " are ", " — ", " – ", " это ", " allows ", " lets ", " позволяет "];
    let at = verb.iter().filter_map(|verb| text.find(verb)).min()?;
    let subject = &text[..at];
    (subject.chars().count() <= CHARS).then_some(subject)
}

/// `For details, see …` sends the reader elsewhere.
pub(super) fn refers(text: &str) -> bool {
    const SIGNS: [&str; 8] =
        ["See ", ", see ", "refer to ", "Learn more", "Read more", "Подробнее", "Смотрите ", "см. "];
    text.chars().count() < 160 && SIGNS.iter().any(|sign| text.contains(sign))
}

fn has_number(text: &str) -> bool {
    static NUMBERS: WordList = WordList::new(
        "\
        one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty hundred \
        thousand million billion dozen half once twice один одна одно два две три четыре пять шесть семь \
        восемь девять десять двадцать тридцать сорок пятьдесят сто двести тысяч тысячи тысяча миллион \
        миллиона миллионов миллиард половина дважды трижды двух трех четырех пяти",
    );
    text.contains(|c: char| c.is_ascii_digit())
        || analyser::tokens(text).any(|token| NUMBERS.has(&token.folded))
}

fn has_date(text: &str) -> bool {
    static DATES: WordList = WordList::new(
        "\
        century day week month year january february march april june july august september october november \
        december monday tuesday wednesday thursday friday saturday sunday today daily hours minutes век веке \
        века день дня дней неделя недели месяц месяца год года году лет января февраля марта апреля мая июня \
        июля августа сентября октября ноября декабря часов часа минут сутки суток",
    );
    let year = analyser::tokens(text)
        .any(|token| token.folded.len() >= 3 && token.folded.bytes().all(|byte| byte.is_ascii_digit()));
    year || analyser::tokens(text).any(|token| DATES.has(&token.folded))
}

/// A capital inside the sentence.
fn has_name(text: &str) -> bool {
    text.split_whitespace()
        .skip(1)
        .any(|word| word.chars().find(|c| c.is_alphanumeric()).is_some_and(char::is_uppercase))
}

fn has_reason(text: &str) -> bool {
    static REASONS: WordList = WordList::new(
        "\
        because since due so therefore reason cause caused causes prevent avoid потому поскольку поэтому \
        причина причине причиной чтобы из-за благодаря вследствие",
    );
    let lower = text.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric() && c != '-').any(|word| REASONS.has(word))
}
