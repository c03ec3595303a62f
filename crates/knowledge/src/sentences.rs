//! Sentences of Russian and English prose, as byte ranges.
//!
//! A full stop ends a sentence when white space follows, no lower-case letter comes next (names of programs
//! excepted), and the word before it is no abbreviation. Some abbreviations end sentences too (`etc.`, `г.`,
//! `U.S.`): behind those a sentence ends when the next word is one that opens sentences and is no name.
//! Versions, addresses and file names need no rule: no white space follows their dots.

use std::ops::Range;

use crate::word_list::WordList;

/// Abbreviations that something always follows.
static OPEN: WordList = WordList::new(
    "\
    e.g i.e vs cf dr mr mrs ms prof st no nos fig figs vol pp ch sec approx ca gen col sgt capt lt rev \
    hon gov sen rep pres eq т.е т.к т.н напр см ср рис табл стр гл разд ул просп пр пер д кв корп им св \
    акад проф доц тов гр г-н г-жа тел факс каб оф п пп ст ч № англ нем фр лат греч рус букв мин макс ок \
    прибл сокр т.ч",
);

/// Abbreviations that may end a sentence.
static EITHER: WordList = WordList::new(
    "\
    etc inc ltd co corp jr sr a.m p.m u.s u.k d.c b.c a.d ph.d al jan feb mar apr jun jul aug sep sept \
    oct nov dec г гг в вв т.д т.п др пр н.э э руб коп тыс млн млрд трлн км кг см мм сек час шт проц р е",
);

/// Words that open sentences and are no names.
static OPENERS: WordList = WordList::new(
    "\
    the a an this that these those it its he she they we you i his her their in on at by for from with \
    as if when while after before but and or however to there then also although because since during \
    under some many most all each both one such use see no not what how он она оно они это эта этот эти \
    его её ее их в во на по после до с со к ко но и а или однако для при из за от об о у затем также \
    когда если хотя согласно так тогда там здесь как что все многие некоторые вы мы я под над через \
    чтобы кроме несмотря поэтому благодаря во-первых между среди только ещё еще уже не ни тем этого этом",
);

/// The sentences of a text, in order, without the white space around them. Every other character is in one.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let end = match c {
            '.' | '!' | '?' | '…' | '。' | '！' | '？' => {
                let mut end = at + c.len_utf8();
                while let Some(&(next, closing)) = chars.peek() {
                    if !is_closing(closing) {
                        break;
                    }
                    end = next + closing.len_utf8();
                    chars.next();
                }
                if !ends(text, start, at, end, c) {
                    continue;
                }
                end
            }
            // An empty line parts paragraphs whatever stands before it.
            '\n' if text[at + 1..].trim_start_matches([' ', '\t', '\r']).starts_with('\n') => at,
            _ => continue,
        };
        push(text, start..end, &mut found);
        start = end;
    }
    push(text, start..text.len(), &mut found);
    found
}

fn push(text: &str, range: Range<usize>, found: &mut Vec<Range<usize>>) {
    let slice = &text[range.clone()];
    let trimmed = slice.trim();
    if !trimmed.is_empty() {
        let start = range.start + (slice.len() - slice.trim_start().len());
        found.push(start..start + trimmed.len());
    }
}

/// More stops, quotes and brackets that belong to the sentence they end.
const fn is_closing(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '"' | '\'' | '»' | '”' | '“' | '’' | ')' | ']' | '*' | '_')
}

/// Whether the stop at `at`, whose closing marks reach to `end`, ends the sentence that began at `start`.
fn ends(text: &str, start: usize, at: usize, end: usize, stop: char) -> bool {
    let rest = &text[end..];
    let Some(next) = rest.chars().next() else { return true };
    if matches!(stop, '。' | '！' | '？') {
        return true;
    }
    if !next.is_whitespace() {
        return false;
    }
    let following =
        rest.trim_start().trim_start_matches(['"', '\'', '«', '“', '„', '(', '[', '—', '–', '-', ' ']);
    let Some(first) = following.chars().next() else { return true };
    if first.is_lowercase() {
        // Names of programs and fields open sentences in documentation: `… is stopped. kubectl shows …`.
        let word = last_word(text[start..at].trim_start());
        return stop == '.' && end == at + 1 && is_plain(word);
    }
    if stop != '.' || end > at + 1 {
        return true;
    }
    let before = text[start..at].trim_start();
    let word = last_word(before);
    if word.is_empty() || (word.len() == before.len() && word.chars().all(|c| c.is_ascii_digit())) {
        // `1. Open the door` is one item.
        return word.is_empty();
    }
    let lower = word.to_lowercase();
    if EITHER.has(&lower) || is_initials(word) {
        return opens(following);
    }
    !OPEN.has(&lower)
}

/// A word of at least four letters that is no abbreviation: no number, no name with dots.
fn is_plain(word: &str) -> bool {
    let lower = word.to_lowercase();
    word.chars().filter(|c| c.is_alphabetic()).nth(3).is_some()
        && word.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '\'' | '’'))
        && !OPEN.has(&lower)
        && !EITHER.has(&lower)
}

/// What stands between the last white space, or bracket, and the stop.
fn last_word(before: &str) -> &str {
    let from =
        before.rfind(|c: char| c.is_whitespace() || matches!(c, '(' | '[' | '«' | '"' | '“' | ',' | '/'));
    from.map_or(before, |from| {
        let width = before[from..].chars().next().map_or(1, char::len_utf8);
        &before[from + width..]
    })
}

/// `J`, `А`, `U.S`, `J.R.R`: single letters with dots between them, the first a capital.
fn is_initials(word: &str) -> bool {
    word.chars().next().is_some_and(char::is_uppercase)
        && word.split('.').all(|part| {
            let mut letters = part.chars();
            letters.next().is_some_and(char::is_alphabetic) && letters.next().is_none()
        })
}

fn opens(following: &str) -> bool {
    let word: String = following.chars().take_while(|c| c.is_alphabetic() || *c == '-').collect();
    // `С.` is the next initial.
    let is_initial = following[word.len()..].starts_with('.') && word.chars().nth(1).is_none();
    !is_initial && OPENERS.has(&word.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn sentences_end_at_stops_followed_by_capitals() {
        assert_eq!(
            split("Open the page. Press Save!  Is it done? Yes… Good."),
            ["Open the page.", "Press Save!", "Is it done?", "Yes…", "Good."]
        );
        assert_eq!(
            split("Откройте страницу. Нажмите «Сохранить»."),
            ["Откройте страницу.", "Нажмите «Сохранить»."]
        );
    }

    #[test]
    fn abbreviations_do_not_end_sentences() {
        for whole in [
            "Ask Dr. Smith, e.g. Tuesday, or use No. 5.",
            "Это, т. е. Москва, и др. города.",
            "Дом на ул. Ленина, д. 5, принадлежит А. С. Пушкину.",
            "The U.S. Senate met at 5 p.m. Tuesday.",
            "В 1990 г. Россия и т. д. и т. п.",
        ] {
            assert_eq!(split(whole), [whole]);
        }
    }

    #[test]
    fn an_abbreviation_ends_a_sentence_before_a_word_that_opens_one() {
        assert_eq!(split("It is in the U.S. The rest is not."), ["It is in the U.S.", "The rest is not."]);
        assert_eq!(
            split("Он умер в 1850 г. Его сын жил дольше."),
            ["Он умер в 1850 г.", "Его сын жил дольше."]
        );
        assert_eq!(
            split("Files, logs etc. You can delete them."),
            ["Files, logs etc.", "You can delete them."]
        );
    }

    #[test]
    fn versions_addresses_and_file_names_are_not_cut() {
        for whole in [
            "Version 1.2.3 reads config.yaml from https://example.org/a.b?c=d today.",
            "Версия 2.0 доступна на сайте example.com и в файле README.md.",
        ] {
            assert_eq!(split(whole), [whole]);
        }
    }

    #[test]
    fn a_sentence_may_open_with_the_name_of_a_program() {
        assert_eq!(
            split("The pod is stopped. kubectl shows it."),
            ["The pod is stopped.", "kubectl shows it."]
        );
        assert_eq!(
            split("Wait for approx. five minutes… or more."),
            ["Wait for approx. five minutes… or more."]
        );
    }

    #[test]
    fn the_number_of_an_item_is_part_of_it() {
        assert_eq!(split("1. Open the settings. Press Save."), ["1. Open the settings.", "Press Save."]);
    }

    #[test]
    fn a_quote_that_ends_with_the_sentence_belongs_to_it() {
        assert_eq!(split("He said \"Stop.\" Then he left."), ["He said \"Stop.\"", "Then he left."]);
        assert_eq!(split("\"Why?\" he asked. Nobody knew."), ["\"Why?\" he asked.", "Nobody knew."]);
    }

    #[test]
    fn an_empty_line_ends_a_sentence() {
        assert_eq!(split("No stop here\n\nNext one"), ["No stop here", "Next one"]);
        assert_eq!(split("Wrapped\nline."), ["Wrapped\nline."]);
    }

    #[test]
    fn nothing_but_white_space_is_lost() {
        let text = " A. Б. «В?» — да! 1. 2.5 г. Он... (Так.) Конец";
        let kept: String = sentences(text).into_iter().map(|range| &text[range]).collect();
        let strip = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        assert_eq!(strip(&kept), strip(text));
        assert!(sentences(" \n ").is_empty());
    }
}
