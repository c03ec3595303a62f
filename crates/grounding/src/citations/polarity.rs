//! Whether a sentence says that something is, or that it is not; and words that turn a sentence round.

use std::collections::HashSet;

use knowledge::analyser::{self, stem};

/// A part of a sentence between commas or conjunctions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clause {
    /// Stems of its words.
    pub(super) words: HashSet<String>,
    pub(super) negative: bool,
}

const NEGATIVE: &str = "not no never cannot without none neither nor unable impossible forbidden prohibited isn doesn \
    don didn won aren wasn weren can't couldn shouldn wouldn hasn haven не нет ни нельзя невозможно без никогда \
    запрещено запрещается запрещен запрещена отсутствует отсутствуют unavailable недоступен недоступна недоступно \
    недоступны unsupported cant dont";

/// They deny together with another negation, and do not take it back: `никогда не приходит`.
const CONCORD: &str = "никогда ни never";

/// They part clauses, as commas do.
const JOINTS: &str = "but however although и но а однако хотя if если when когда and or или unless while";

/// What a negation before it does not deny: `не более 5`, `no later than`, `don't forget`, `not only`.
const IDLE: &str = "более менее позднее позже раньше больше меньше только later more less only earlier longer forget \
    забудьте забывайте worry беспокойтесь problem later";

/// The clauses of a sentence, in order. Those without words are left out.
pub(super) fn clauses(text: &str) -> Vec<Clause> {
    let mut clauses: Vec<Clause> = Vec::new();
    let mut open = Clause { words: HashSet::new(), negative: false };
    let tokens: Vec<_> = analyser::tokens(text).collect();
    let (mut end, mut concord) = (0, false);
    for (at, token) in tokens.iter().enumerate() {
        let between = &text[end..token.start];
        end = token.end;
        let joint = is_in(JOINTS, &token.folded);
        if joint || between.contains([',', ';', ':', '(', ')', '—', '–', '.', '!', '?', '\n', '|']) {
            close(&mut open, &mut clauses);
            concord = false;
        }
        if is_in(NEGATIVE, &token.folded) {
            let next = tokens.get(at + 1).map(|next| &*next.folded);
            // `don't`, `isn't`: the `t` stands alone.
            let next = if next == Some("t") { tokens.get(at + 2).map(|next| &*next.folded) } else { next };
            concord |= is_in(CONCORD, &token.folded);
            let denies = !next.is_some_and(|next| is_in(IDLE, next));
            open.negative = if concord { open.negative || denies } else { open.negative ^ denies };
        } else if !joint && !analyser::is_function_word(&token.folded) {
            open.words.insert(stem(&token.folded).into_owned());
        }
    }
    close(&mut open, &mut clauses);
    clauses
}

fn close(open: &mut Clause, clauses: &mut Vec<Clause>) {
    let closed = std::mem::replace(open, Clause { words: HashSet::new(), negative: false });
    if closed.words.is_empty() {
        // `No, …` and `Нет, …` answer; what follows says it again. `not` before a conjunction goes on behind it.
        return;
    }
    clauses.push(closed);
}

/// Whether the source says the contrary: each of its sentences as its clauses.
///
/// A clause is denied when it shares more with clauses of the other polarity than with any of its own, and the
/// sentence that denies it has nothing of its own polarity that is about as much the same.
pub(super) fn contradicts(claim: &[Clause], source: &[&[Clause]]) -> bool {
    claim.iter().any(|said| {
        let shared = |clause: &Clause| said.words.intersection(&clause.words).count();
        let most = |clauses: &[Clause], negative: bool| {
            clauses.iter().filter(|clause| clause.negative == negative).map(shared).max().unwrap_or(0)
        };
        let same = source.iter().map(|sentence| most(sentence, said.negative)).max().unwrap_or(0);
        source.iter().any(|sentence| {
            let other = most(sentence, !said.negative);
            let enough = other * 2 >= said.words.len() && (other > 1 || said.words.len() <= 2);
            other > same && enough && most(sentence, said.negative) * 3 < other
        })
    })
}

/// Beginnings of words that mean the contrary of each other.
const ANTONYMS: [(&str, &str); 21] = [
    ("enabl", "disabl"),
    ("befor", "after"),
    ("increas", "decreas"),
    ("increas", "reduc"),
    ("minimum", "maximum"),
    ("allow", "forbid"),
    ("allow", "prohibit"),
    ("allow", "deni"),
    ("free", "paid"),
    ("alway", "never"),
    ("lock", "unlock"),
    ("subscrib", "unsubscrib"),
    ("install", "uninstal"),
    ("включ", "отключ"),
    ("включ", "выключ"),
    ("увелич", "уменьш"),
    ("разреш", "запрещ"),
    ("бесплатн", "платн"),
    ("минимальн", "максимальн"),
    ("до", "после"),
    ("всегд", "никогд"),
];

/// Whether a claim has a word whose contrary the source has instead of it. Both as stems.
pub(super) fn reverses(claim: &HashSet<String>, source: &HashSet<String>) -> bool {
    let has = |words: &HashSet<String>, word: &str| {
        // Short ones are whole words: `до` is not `дом`.
        if word.chars().count() < 4 {
            words.contains(word)
        } else {
            words.iter().any(|known| known.starts_with(word))
        }
    };
    let turned = |one: &str, other: &str| {
        has(claim, one) && !has(claim, other) && has(source, other) && !has(source, one)
    };
    ANTONYMS.into_iter().any(|(one, other)| turned(one, other) || turned(other, one))
}

fn is_in(words: &str, word: &str) -> bool {
    words.split_ascii_whitespace().any(|known| known == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contradicted(claim: &str, source: &str) -> bool {
        let source = clauses(source);
        contradicts(&clauses(claim), &[&source])
    }

    #[test]
    fn a_negation_more_or_less_is_a_contradiction() {
        for (claim, source) in [
            (
                "Refunds are possible after 14 days.",
                "Refunds are not possible after 14 days, but an exchange is possible.",
            ),
            ("You cannot cancel the order.", "You can cancel the order any time."),
            ("Заказ можно отменить после оплаты.", "После оплаты заказ отменить нельзя."),
            (
                "Экспорт не поддерживается на бесплатном тарифе.",
                "Экспорт поддерживается на бесплатном тарифе.",
            ),
            ("The app works offline.", "The app doesn't work offline."),
            ("Restart is required.", "Restart is not required."),
        ] {
            assert!(contradicted(claim, source), "{claim}");
        }
    }

    #[test]
    fn saying_the_same_is_none() {
        for (claim, source) in [
            ("It is impossible to cancel the order.", "You cannot cancel the order."),
            ("Without an account you need to sign up first.", "If you don't have an account, sign up first."),
            ("Срок — до 5 дней, не более.", "Срок не более 5 дней."),
            ("The upload takes five minutes.", "Don't forget to wait: the upload takes five minutes."),
            ("Нет, заказ отменить нельзя.", "После оплаты заказ отменить нельзя."),
            ("Отменить заказ после оплаты невозможно.", "После оплаты заказ отменить нельзя."),
        ] {
            assert!(!contradicted(claim, source), "{claim}");
        }
    }

    #[test]
    fn a_contrary_in_the_place_of_a_word_is_seen() {
        let stems = |text: &str| {
            analyser::tokens(text).map(|token| stem(&token.folded).into_owned()).collect::<HashSet<_>>()
        };
        assert!(reverses(&stems("Enable the firewall"), &stems("Disable the firewall")));
        assert!(reverses(&stems("Отключите защиту"), &stems("Включите защиту")));
        assert!(!reverses(&stems("Disable it"), &stems("Enable or disable it")));
    }
}
