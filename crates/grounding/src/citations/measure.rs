//! Numbers with what they count, dates as their parts: what must be the same in an answer and its source.

/// A number as it is compared: `1,000.50` and `1 000.5` are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Measure {
    pub(super) value: String,
    /// `None`: nothing known stands beside it.
    pub(super) unit: Option<&'static str>,
}

/// Units by the beginnings of their names; `=` before one that is the whole name.
const UNITS: [(&str, &str); 20] = [
    ("second", "second =sec =secs =s секунд =сек =с"),
    ("minute", "minute =min =mins минут =мин"),
    ("hour", "hour =h =hrs =hr час =ч"),
    ("day", "=day =days дней =дня =день =дни дням =днях =сут сутки суток"),
    ("week", "week недел"),
    ("month", "month месяц =мес"),
    ("year", "year =год =года =лет =году =годов"),
    ("%", "% percent процент"),
    ("rub", "₽ рубл =руб =р rubl rouble =rub"),
    ("usd", "$ dollar доллар =usd"),
    ("eur", "€ euro =eur евро"),
    ("gbp", "£ =gbp фунт"),
    ("kb", "=kb =kib =кб килобайт kilobyte"),
    ("mb", "=mb =mib =мб мегабайт megabyte"),
    ("gb", "=gb =gib =гб гигабайт gigabyte"),
    ("tb", "=tb =tib =тб терабайт terabyte"),
    ("km", "=km =км kilomet километр"),
    ("kg", "=kg =кг kilogram килограмм"),
    ("m", "=m =м metre meter =метр =метра =метров"),
    ("times", "=times =раз =раза"),
];

/// The unit a folded word names.
pub(super) fn unit(word: &str) -> Option<&'static str> {
    UNITS
        .into_iter()
        .find(|(_, names)| names.split(' ').any(|name| is_named(word, name)))
        .map(|(unit, _)| unit)
}

fn is_named(word: &str, name: &str) -> bool {
    match name.strip_prefix('=') {
        Some(whole) => word == whole,
        None => word.starts_with(name),
    }
}

const MONTHS: [&str; 12] = [
    "january jan январ",
    "february feb феврал",
    "march =mar =март =марта =марте =мартом",
    "april =apr апрел",
    "=may =май =мая =мае",
    "=june =jun июн",
    "=july =jul июл",
    "august =aug =август =августа =августе",
    "september =sep =sept сентябр",
    "october =oct октябр",
    "november =nov ноябр",
    "december =dec декабр",
];

/// The month a folded word names, from 1. `May` is one with a capital only: the caller tells.
pub(super) fn month(word: &str) -> Option<u8> {
    let names = |names: &&str| names.split(' ').any(|name| is_named(word, name));
    let at = MONTHS.iter().position(names)?;
    u8::try_from(at + 1).ok()
}

const WORDS: [&str; 21] = [
    "zero ноль",
    "",
    "two два две двух двумя",
    "three три трех тремя",
    "four четыре четырех",
    "five пять пяти",
    "six шесть шести",
    "seven семь семи",
    "eight восемь восьми",
    "nine девять девяти",
    "ten десять десяти",
    "eleven одиннадцать",
    "twelve двенадцать двенадцати",
    "thirteen тринадцать",
    "fourteen четырнадцать четырнадцати",
    "fifteen пятнадцать пятнадцати",
    "sixteen шестнадцать",
    "seventeen семнадцать",
    "eighteen восемнадцать",
    "nineteen девятнадцать",
    "twenty двадцать двадцати",
];

const TENS: [&str; 8] = [
    "thirty тридцать тридцати",
    "forty сорок сорока",
    "fifty пятьдесят пятидесяти",
    "sixty шестьдесят шестидесяти",
    "seventy семьдесят",
    "eighty восемьдесят",
    "ninety девяносто",
    "hundred сто ста",
];

/// The number a folded word names; not `one`, which mostly counts nothing.
pub(super) fn number_word(word: &str) -> Option<String> {
    let names = |names: &&str| names.split(' ').any(|name| !name.is_empty() && name == word);
    let small = WORDS.iter().position(names);
    small.or_else(|| TENS.iter().position(names).map(|tens| (tens + 3) * 10)).map(|value| value.to_string())
}

/// How often a folded word multiplies the number before it, as zeros.
pub(super) fn multiplier(word: &str) -> Option<usize> {
    match word {
        "k" | "thousand" | "тыс" | "тысяч" | "тысячи" | "тысяча" => Some(3),
        "million" | "mln" | "млн" | "миллион" | "миллиона" | "миллионов" => {
            Some(6)
        }
        "billion" | "bn" | "млрд" | "миллиард" | "миллиарда" | "миллиардов" => {
            Some(9)
        }
        _ => None,
    }
}

/// A written number in its normal form; `None` when it is none, or several (`1.2.3`).
pub(super) fn normal(written: &str) -> Option<String> {
    let written: String = written.chars().filter(|c| !matches!(c, '\u{a0}' | '\u{202f}' | ' ')).collect();
    if !written.starts_with(|c: char| c.is_ascii_digit()) || !written.ends_with(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    let groups: Vec<&str> = written.split(',').collect();
    let thousands = groups.len() > 1
        && groups[0].len() <= 3
        && groups[1..].iter().all(|group| group.split('.').next().is_some_and(|group| group.len() == 3));
    let plain = if thousands { written.replace(',', "") } else { written.replace(',', ".") };
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    if !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let fraction = fraction.trim_end_matches('0');
    Some(if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") })
}

/// A normal form with so many zeros more.
pub(super) fn multiplied(value: &str, zeros: usize) -> String {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let moved = format!("{whole}{fraction:0<zeros$}");
    // More digits behind the point than zeros: `1.2345 thousand` keeps what is left.
    let point = whole.len() + zeros;
    let (whole, rest) = moved.split_at(point.min(moved.len()));
    normal(&if rest.is_empty() { whole.to_owned() } else { format!("{whole}.{rest}") }).unwrap_or(moved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_equal_however_they_are_written() {
        for (written, wanted) in [
            ("1,000.50", "1000.5"),
            ("1000,5", "1000.5"),
            ("007", "7"),
            ("1\u{a0}000", "1000"),
            ("0", "0"),
            ("1,5", "1.5"),
        ] {
            assert_eq!(normal(written).as_deref(), Some(wanted));
        }
        assert_eq!(normal("1.2.3"), None);
        assert_eq!(normal("5-10"), None);
        assert_eq!(multiplied("1.5", 3), "1500");
        assert_eq!(multiplied("5", 6), "5000000");
        assert_eq!(multiplied("1.2345", 3), "1234.5");
    }

    #[test]
    fn units_months_and_words_are_known_in_both_languages() {
        assert_eq!(unit("days"), unit("дней"));
        assert_eq!(unit("часов"), unit("hours"));
        assert_eq!(unit("рублей"), Some("rub"));
        assert_eq!(unit("password"), None);
        assert_eq!(month("января"), month("january"));
        assert_eq!(month("mayor"), None);
        assert_eq!(number_word("пять").as_deref(), Some("5"));
        assert_eq!(number_word("fifty").as_deref(), Some("50"));
        assert_eq!(number_word("one"), None);
    }
}
