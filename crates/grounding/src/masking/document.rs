//! Cards and documents, told by their checksums, their form and what they are called.

use super::number::{Number, is_dash, is_space};

/// A bank card: 13 to 19 digits (ISO/IEC 7812-1), the first of a payment system, Luhn's checksum.
pub(super) fn is_card(number: &Number<'_>) -> bool {
    let together = number.is_solid()
        || (number.separators.windows(2).all(|pair| pair[0] == pair[1])
            && number.separators.iter().all(|separator| is_one(separator))
            && number.groups.iter().all(|group| (2..=8).contains(group)));
    (13..=19).contains(&number.digits.len())
        && together
        && !number.plus
        && !number.is_amount()
        && number.digits.starts_with(['2', '3', '4', '5', '6', '9'])
        && !is_timestamp(&number.digits)
        && luhn(&number.digits)
}

/// SNILS: 11 digits, the last two a checksum; `123-456-789 01`, or named.
pub(super) fn is_snils(number: &Number<'_>) -> bool {
    let form = number.groups == [3, 3, 3, 2] || number.groups == [9, 2];
    number.digits.len() == 11
        && !number.plus
        && (form || number.is_named(&["снилс", "snils"]))
        && snils_checks(&number.digits)
}

/// INN: 12 digits of a person, 10 of an organisation, checksums of both. Ten digits pass the check in one of eleven
/// cases (times in seconds and numbers of orders have ten), so they are to be named, or to be all there is.
pub(super) fn is_inn(number: &Number<'_>) -> bool {
    let named = number.alone || number.is_named(&["инн", "inn"]);
    number.is_solid()
        && !number.plus
        && match number.digits.len() {
            12 => {
                inn_checks(&number.digits, &[7, 2, 4, 10, 3, 5, 9, 4, 6, 8])
                    && inn_checks(&number.digits, &[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8])
            }
            10 => named && inn_checks(&number.digits, &[2, 4, 10, 3, 5, 9, 4, 6, 8]),
            _ => false,
        }
}

/// A Russian passport: series of four digits and number of six, in that form or named.
pub(super) fn is_passport(number: &Number<'_>) -> bool {
    if number.digits.len() != 10 || number.plus || number.brackets {
        return false;
    }
    let named = number.is_named(&["паспорт", "passport", "серия", "серии"]);
    let spaced = number.separators.iter().all(|separator| separator.chars().all(is_space));
    let form = number.groups == [2, 2, 6] || number.groups == [4, 6];
    // `2024 123456` is a year and something else.
    let year = number.groups[0] == 4 && (number.digits.starts_with("19") || number.digits.starts_with("20"));
    named
        || (form && number.separators.iter().any(|separator| names_number(separator)))
        || (form && spaced && !year)
}

/// ` № `, ` N `, `, номер `: between the series and the number of a passport.
pub(super) fn names_number(between: &str) -> bool {
    let word =
        between.trim_matches(|c: char| c.is_whitespace() || matches!(c, ',' | ':' | '.')).to_lowercase();
    matches!(word.as_str(), "№" | "n" | "no" | "номер" | "number")
}

fn is_one(separator: &str) -> bool {
    let mut chars = separator.chars();
    chars.next().is_some_and(|c| is_space(c) || is_dash(c)) && chars.next().is_none()
}

/// `20240115123045`, also with parts of the second.
fn is_timestamp(digits: &str) -> bool {
    let part = |range: std::ops::Range<usize>| digits.get(range).and_then(|part| part.parse::<u8>().ok());
    matches!(digits.len(), 14 | 17)
        && part(0..2) == Some(20)
        && part(4..6).is_some_and(|month| (1..=12).contains(&month))
        && part(6..8).is_some_and(|day| (1..=31).contains(&day))
        && part(8..10).is_some_and(|hour| hour < 24)
}

/// Hans Peter Luhn's checksum (US 2950048, 1960). Sixteen zeros pass it and are no card.
fn luhn(digits: &str) -> bool {
    let sum: u32 = values(digits)
        .rev()
        .enumerate()
        .map(|(at, digit)| match at % 2 {
            0 => digit,
            _ if digit > 4 => digit * 2 - 9,
            _ => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10) && digits.bytes().any(|byte| byte != digits.as_bytes()[0])
}

/// Weights from nine down to one, modulo 101 (order of the Pension Fund of Russia 192п).
fn snils_checks(digits: &str) -> bool {
    let sum: u32 = values(digits).take(9).zip((1..=9).rev()).map(|(digit, weight)| digit * weight).sum();
    let check = values(digits).skip(9).fold(0, |check, digit| check * 10 + digit);
    sum % 101 % 100 == check && sum > 0
}

/// One digit of control: the weighted sum before it modulo 11, modulo 10 (order of the Federal Tax Service
/// ММВ-7-6/435@).
fn inn_checks(digits: &str, weights: &[u32]) -> bool {
    let sum: u32 = values(digits).zip(weights).map(|(digit, weight)| digit * weight).sum();
    values(digits).nth(weights.len()) == Some(sum % 11 % 10) && sum > 0
}

fn values(digits: &str) -> impl DoubleEndedIterator<Item = u32> + ExactSizeIterator {
    digits.bytes().map(|byte| u32::from(byte - b'0')).collect::<Vec<_>>().into_iter()
}
