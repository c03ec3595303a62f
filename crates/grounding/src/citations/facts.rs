//! What an answer must have literally: numbers, dates, links, code, names.

use knowledge::analyser::{self, stem};

use super::measure::{self, Measure};
use crate::masking::{self, Kind};

/// The facts of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) measures: Vec<Measure>,
    /// From 1.
    pub(super) months: Vec<u8>,
    /// Links and e-mail addresses, as [`link`].
    pub(super) links: Vec<String>,
    /// Code, identifiers, versions, times, in lower case; telephones as their digits behind `tel:`.
    pub(super) literals: Vec<String>,
    /// Stems of words with a capital inside a sentence, or all in capitals.
    pub(super) names: Vec<String>,
}

/// Marks around a word that are not part of it; the first of them may be (`--flag`, `/etc`, `.env`).
const AROUND: &[char] = &[
    ',', ';', ':', '!', '?', '(', ')', '[', ']', '{', '}', '<', '>', '"', '\'', '«', '»', '“', '”', '„', '’',
    '*', '|', '…', '—', '–', '`', '~',
];

/// The facts of a sentence, an item, a row, a block of code.
pub(super) fn facts(text: &str) -> Facts {
    let mut facts = Facts::default();
    let rest = telephones(&code(text, &mut facts), &mut facts);
    let rest = spaced_numbers(&rest);
    let words: Vec<&str> = rest.split_whitespace().collect();
    let mut opening = true;
    for (at, written) in words.iter().enumerate() {
        let next = |step: usize| words.get(at + step).map(|word| folded(word)).unwrap_or_default();
        let word = written.trim_matches(AROUND).trim_end_matches('.');
        facts.word(word, opening, &next(1), &next(2));
        opening = written.ends_with(['.', '!', '?', ':', '…', '|'])
            || (opening && !word.contains(char::is_alphanumeric));
    }
    facts
}

/// A link as it is compared: without its scheme, `www.` and the slash at its end, the host in lower case.
pub(super) fn link(written: &str) -> Option<String> {
    let written = written.trim_matches(AROUND).trim_end_matches(['.', '/']).trim_start_matches("mailto:");
    let lower = written.to_lowercase();
    let bare = lower.strip_prefix("https://").or(lower.strip_prefix("http://"));
    let is_link = bare.is_some()
        || lower.starts_with("www.")
        || written.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
        || is_domain(lower.split('/').next().unwrap_or_default());
    let bare = bare.unwrap_or(&lower);
    is_link.then(|| bare.strip_prefix("www.").unwrap_or(bare).to_owned()).filter(|link| link.contains('.'))
}

/// `example.com`: a name that ends as sites do, so that `config.yaml` is none.
fn is_domain(host: &str) -> bool {
    const ENDS: [&str; 20] = [
        "com", "org", "net", "io", "ru", "рф", "dev", "app", "ai", "info", "example", "me", "cc", "xyz",
        "su", "eu", "uk", "de", "biz", "site",
    ];
    let Some((name, end)) = host.rsplit_once('.') else { return false };
    ENDS.contains(&end)
        && !name.is_empty()
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '.'))
}

/// All the links of a text.
pub(super) fn links(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| {
        c.is_whitespace() || matches!(c, '(' | ')' | '<' | '>' | '"' | '«' | '»' | '[' | ']' | '`' | '|')
    })
    .filter(|word| word.contains('.'))
    .filter_map(link)
}

/// A text as literals are looked for in it: lower case, one space for many.
pub(super) fn flat(text: &str) -> String {
    let spaced = text.replace('`', "").to_lowercase();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn folded(word: &str) -> String {
    analyser::tokens(word)
        .next()
        .map_or_else(|| word.trim_matches(AROUND).to_owned(), |token| token.folded.into_owned())
}

/// Takes inline code out.
fn code(text: &str, facts: &mut Facts) -> String {
    let mut rest = String::with_capacity(text.len());
    for (at, part) in text.split('`').enumerate() {
        // Code with no end is text.
        if at % 2 == 1 {
            let flat = flat(part);
            if flat.contains(char::is_alphanumeric) {
                facts.links.extend(links(part));
                facts.literals.push(flat);
            }
            rest.push_str(" x ");
        } else {
            rest.push_str(part);
        }
    }
    rest
}

fn telephones(text: &str, facts: &mut Facts) -> String {
    let mut rest = text.to_owned();
    for span in masking::find(text).into_iter().filter(|span| span.kind == Kind::Phone).rev() {
        facts.literals.push(format!("tel:{}", span.normal));
        rest.replace_range(span.range, " x ");
    }
    rest
}

/// Closes the spaces in `1 000 000`, and opens those between the halves of a link (`[text](https://…)`).
fn spaced_numbers(text: &str) -> String {
    let text = text.replace("](", " ").replace(['\u{a0}', '\u{202f}'], " ");
    let mut joined = String::with_capacity(text.len());
    let mut before = "";
    for word in text.split(' ') {
        let core = word.trim_end_matches([',', '.', ';', ':', ')', '₽', '%']);
        let three = core.len() == 3 && core.bytes().all(|byte| byte.is_ascii_digit());
        let begins = (1..=3).contains(&before.trim_start_matches(['$', '€', '(']).len())
            && before.trim_start_matches(['$', '€', '(']).bytes().all(|byte| byte.is_ascii_digit());
        let joins = three && begins;
        if !joins && !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(word);
        // Of `1 000 000` the last group begins nothing but goes on.
        before = if joins && core == word { "000" } else { word };
    }
    joined
}

impl Facts {
    fn word(&mut self, word: &str, opening: bool, next: &str, after: &str) {
        if let Some(link) = link(word) {
            self.links.push(link);
        } else if word.contains(|c: char| c.is_ascii_digit()) {
            self.digits(word, next, after);
        } else if word.contains(char::is_alphabetic) {
            self.letters(word, opening, next);
        }
    }

    fn digits(&mut self, word: &str, next: &str, after: &str) {
        let currency = |c: char| matches!(c, '$' | '€' | '£' | '₽' | '%' | '+' | '~' | '≈' | '<' | '>' | '=');
        let sign =
            word.trim_matches(|c| !currency(c)).chars().find(|&c| measure::unit(&c.to_string()).is_some());
        let sign = sign.and_then(|c| measure::unit(&c.to_string()));
        let word = word.trim_matches(currency);
        let word = word
            .strip_prefix(['v', 'V'])
            .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            .unwrap_or(word);
        if let Some(date) = date(word) {
            self.measures.extend(date.0.into_iter().map(|value| Measure { value, unit: None }));
            self.months.push(date.1);
            return;
        }
        // `5-10`, `10–15`.
        if let Some((first, last)) = word.split_once(['-', '–', '—'])
            && let (Some(first), Some(last)) = (measure::normal(first), measure::normal(last))
        {
            let unit = sign.or_else(|| unit_behind(next, after));
            self.measures.extend([first, last].map(|value| Measure { value, unit }));
            return;
        }
        let end = word.rfind(|c: char| c.is_ascii_digit()).map_or(0, |at| at + 1);
        let (number, suffix) = word.split_at(end);
        let suffix = suffix.trim_start_matches(['-', '‑']);
        match measure::normal(number) {
            // `30GB`, `10%`, `2-х`, `5-дневный`, `1st`.
            Some(value) if suffix.chars().all(char::is_alphabetic) => {
                let lower = suffix.to_lowercase();
                if let Some(zeros) = measure::multiplier(if lower.is_empty() { next } else { &lower }) {
                    let unit = sign.or_else(|| measure::unit(after));
                    self.measures.push(Measure { value: measure::multiplied(&value, zeros), unit });
                } else {
                    let unit = sign.or_else(|| measure::unit(&lower)).or_else(|| unit_behind(next, after));
                    self.measures.push(Measure { value, unit });
                }
            }
            _ => self.literals.push(flat(word)),
        }
    }

    fn letters(&mut self, word: &str, opening: bool, next: &str) {
        let folded = folded(word);
        if let Some(value) = measure::number_word(&folded)
            && let Some(unit) = measure::unit(next)
        {
            self.measures.push(Measure { value, unit: Some(unit) });
            return;
        }
        let capital = word.starts_with(char::is_uppercase);
        // "may" is a verb.
        if let Some(month) = measure::month(&folded)
            && (capital || !word.is_ascii())
        {
            self.months.push(month);
        } else if is_identifier(word) {
            self.literals.push(flat(word.trim_end_matches(['/', '-'])));
        } else if (capital && !opening) || is_acronym(word) {
            // `Wi-Fi`, `Jean-Luc`: each part.
            let names = analyser::tokens(word).filter(|token| !analyser::is_function_word(&token.folded));
            self.names.extend(names.map(|token| stem(&token.folded).into_owned()));
        }
    }
}

/// The unit behind a number, one word may stand between: `14 calendar days`.
fn unit_behind(next: &str, after: &str) -> Option<&'static str> {
    measure::unit(next)
        .or_else(|| measure::unit(after).filter(|_| !next.is_empty() && next != "и" && next != "and"))
}

/// `15.01.2024`, `2024-01-15`, `1/15/2024`: day and year, and the month.
fn date(word: &str) -> Option<(Vec<String>, u8)> {
    let parts: Vec<&str> = word.split(['.', '-', '/']).collect();
    let (year, first, second) = match parts.as_slice() {
        [year, month, day] if year.len() == 4 => (*year, *month, *day),
        [first, second, year] if year.len() == 4 => (*year, *second, *first),
        _ => return None,
    };
    let (month, day) = (first.parse::<u8>().ok()?, second.parse::<u8>().ok()?);
    let (month, day) = if (13..=31).contains(&month) && day <= 12 { (day, month) } else { (month, day) };
    let year = year.parse::<u16>().ok()?;
    ((1..=12).contains(&month) && (1..=31).contains(&day))
        .then(|| (vec![day.to_string(), year.to_string()], month))
}

/// Latin words that are no language: `snake_case`, `camelCase`, `--flag`, `/etc/hosts`, `config.yaml`, `a::b`.
fn is_identifier(word: &str) -> bool {
    let latin = word.is_ascii() && word.contains(|c: char| c.is_ascii_alphabetic());
    let bytes = word.as_bytes();
    let camel = bytes.windows(2).any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    let inner = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    latin
        && (camel
            || inner.contains(['_', '=', '\\', '@'])
            // `e.g.` and `U.S.` are language.
            || (inner.contains('.') && inner.split('.').any(|part| part.len() > 1))
            || inner.contains("::")
            || word.starts_with("--")
            || word.starts_with('/')
            || (word.starts_with('-') && word.len() > 1))
}

fn is_acronym(word: &str) -> bool {
    let letters = word.chars().filter(|c| c.is_alphabetic());
    word.chars().filter(|c| c.is_uppercase()).count() >= 2 && letters.clone().all(char::is_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measures(text: &str) -> Vec<(String, Option<&'static str>)> {
        facts(text).measures.into_iter().map(|measure| (measure.value, measure.unit)).collect()
    }

    fn pair(value: &str, unit: Option<&'static str>) -> (String, Option<&'static str>) {
        (value.to_owned(), unit)
    }

    #[test]
    fn numbers_come_with_what_they_count() {
        for (text, wanted) in [
            ("within 14 calendar days", vec![pair("14", Some("day"))]),
            ("в течение 14 дней.", vec![pair("14", Some("day"))]),
            ("costs $1,200.50 a month", vec![pair("1200.5", Some("usd"))]),
            ("стоит 1 000 000 рублей", vec![pair("1000000", Some("rub"))]),
            ("5-10%", vec![pair("5", Some("%")), pair("10", Some("%"))]),
            ("30GB, пять минут", vec![pair("30", Some("gb")), pair("5", Some("minute"))]),
            ("5 million dollars", vec![pair("5000000", Some("usd"))]),
            ("there are two ways", vec![]),
            ("версия v1.28", vec![pair("1.28", None)]),
        ] {
            assert_eq!(measures(text), wanted, "{text}");
        }
    }

    #[test]
    fn dates_are_their_parts() {
        for text in ["on January 15, 2024", "15 января 2024 г.", "2024-01-15", "15.01.2024", "1/15/2024"]
        {
            let found = facts(text);
            let values: std::collections::BTreeSet<_> = found.measures.into_iter().map(|m| m.value).collect();
            assert_eq!(values.into_iter().collect::<Vec<_>>(), ["15", "2024"], "{text}");
            assert_eq!(found.months, [1], "{text}");
        }
        assert!(facts("You may do it in march").months.is_empty());
    }

    #[test]
    fn code_and_identifiers_are_literal() {
        let found =
            facts("Run `kubectl  get pods` with --all, set maxSurge in config.yaml at 10:30 on 1.2.3.");
        assert_eq!(
            found.literals,
            ["kubectl get pods", "--all", "maxsurge", "config.yaml", "10:30", "1.2.3"]
        );
        assert!(facts("A self-hosted sign-in page, e.g. this and/or that").literals.is_empty());
        assert_eq!(facts("Звоните 8 (800) 555-35-35!").literals, ["tel:78005553535"]);
    }

    #[test]
    fn links_are_equal_without_what_does_not_matter() {
        let found =
            facts("See [the docs](https://Docs.example.com/a/), www.example.com or help@example.com.");
        assert_eq!(found.links, ["docs.example.com/a", "example.com", "help@example.com"]);
        assert!(facts("Edit README.md and main.rs").links.is_empty());
    }

    #[test]
    fn names_have_capitals_where_no_sentence_begins() {
        assert_eq!(facts("Open Chrome on Android. Then press Save").names, ["chrome", "android", "save"]);
        assert_eq!(facts("В Москве откройте VPN").names, ["москв", "vpn"]);
    }
}
