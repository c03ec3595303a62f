//! Characters that are one sign to a reader: a letter with its accents, a flag, a family of emoji.
//!
//! A part of Unicode's grapheme clusters, as much as a cut through a word of 4,096 units ever meets.

/// How far back flags are counted: a row of them longer than that may be cut within one.
const FLAGS: usize = 64;

/// Whether a text can be cut before `chars[at]`.
pub(super) fn is_seam(chars: &[char], at: usize) -> bool {
    let (before, after) = (chars[at - 1], chars[at]);
    if before == '\u{200d}' || combines(after) || (before, after) == ('\r', '\n') {
        return false;
    }
    if is_flag(before) && is_flag(after) {
        // Two letters make a flag: an odd number of them before leaves one half.
        return chars[..at].iter().rev().take(FLAGS).take_while(|c| is_flag(**c)).count() % 2 == 0;
    }
    true
}

const fn is_flag(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

/// Marks, joiners, variation selectors, skin tones and tags.
const fn combines(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{610}'..='\u{61a}'
        | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6ed}' | '\u{900}'..='\u{903}'
        | '\u{93a}'..='\u{94f}' | '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{200c}'..='\u{200d}' | '\u{20d0}'..='\u{20ff}'
        | '\u{3099}'..='\u{309a}' | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}'
        | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}')
}
