//! Telephone numbers: Russian as people write them, any other with `+` or `00` (ITU-T E.164), North American by form.

use super::number::{Number, is_dash, is_space};

/// What stands before a number that nothing else tells to be a telephone.
const NAMES: [&str; 9] = ["тел", "телефон", "моб", "звон", "позвон", "whatsapp", "phone", "call", "mobile"];

pub(super) fn is_phone(number: &Number<'_>) -> bool {
    let dotted = number.separators.contains(&".");
    // Six names of numbers stand between words, not between the digits of a telephone.
    if number
        .separators
        .iter()
        .any(|separator| separator.contains(char::is_alphabetic) || separator.contains('№'))
    {
        return false;
    }
    if number.plus {
        return is_international(number);
    }
    let named = number.is_named(&NAMES);
    match number.digits.len() {
        7 => number.groups == [3, 2, 2] && named,
        10 => is_local(number) || (named && number.groups[0] != 4),
        11 if number.digits.starts_with(['7', '8']) => {
            // 3xx and 4xx are places, 8xx services, 9xx mobiles; 7xx Kazakhstan.
            let area = matches!(number.digits.as_bytes()[1], b'3' | b'4' | b'7'..=b'9');
            area && (!dotted || number.groups.len() >= 4) && is_russian(number)
        }
        11 => number.digits.starts_with('1') && number.groups == [1, 3, 3, 4],
        12..=17 => number.digits.starts_with("00") && number.groups.len() > 1 && !number.is_amount(),
        _ => false,
    }
}

/// What all spellings of a telephone share: `8` before a Russian number is `+7`.
pub(super) fn normal(number: &Number<'_>) -> String {
    let digits = number.digits.as_str();
    match digits.len() {
        11 if digits.starts_with('8') && !number.plus => format!("7{}", &digits[1..]),
        10 if !number.plus => format!("7{digits}"),
        _ => digits.strip_prefix("00").unwrap_or(digits).to_owned(),
    }
}

fn is_international(number: &Number<'_>) -> bool {
    // `+10 000 000` is an amount; numbers of eleven digits in groups of three are Poland's.
    let amount = number.is_amount() && number.digits.len() < 11;
    (8..=15).contains(&number.digits.len()) && !number.digits.starts_with('0') && !amount
}

/// `89161234567`, `8 (495) 123-45-67`, `8-800-555-35-35`, `8 800 555 3535`: the code stands alone, or before three
/// digits, and no group is of one digit behind it.
fn is_russian(number: &Number<'_>) -> bool {
    let groups = number.groups.as_slice();
    match groups {
        [11] | [1, 10] | [4, 7] => true,
        [1, rest @ ..] => rest.iter().all(|&group| (2..=7).contains(&group)) && rest[0] >= 3,
        [4, rest @ ..] => rest.iter().all(|&group| (2..=4).contains(&group)),
        _ => false,
    }
}

/// Without a country's code: `(495) 123-45-67`, `916 123-45-67`, `555-123-4567`.
fn is_local(number: &Number<'_>) -> bool {
    let dashed = |separator: &&str| separator.chars().any(is_dash) || *separator == ".";
    let groups = number.groups.as_slice();
    let code = number.digits.starts_with(['3', '4', '8', '9']);
    match groups {
        [3..=5, _, ..] if number.brackets => groups.iter().all(|&group| group >= 2),
        [3, 3, 4] => number.separators.iter().all(dashed),
        [3, 3, 2, 2] => {
            let spaced = number.separators.iter().all(|separator| separator.chars().all(is_space));
            code && (spaced || number.separators[1..].iter().all(dashed))
        }
        _ => false,
    }
}
