//! A model's window, in tokens.

/// What a model can take in and give out at once, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Prompt and answer together.
    pub tokens: usize,
    /// The longest answer.
    pub answer: usize,
}

/// Tokens a message costs beside its text: its role and its ends (`ChatML` has four).
pub(super) const MESSAGE: usize = 5;
/// The part of a window that is left free, as one of so many: the estimate is one.
const MARGIN: usize = 10;

impl Window {
    /// What a prompt may take.
    pub(super) const fn prompt(self) -> usize {
        (self.tokens - self.tokens / MARGIN).saturating_sub(self.answer)
    }
}

/// About how many tokens a text is: 4 Latin letters or spaces a token, 3.2 Cyrillic letters, 2.5 digits and signs, one
/// character of any other script.
///
/// An estimate for tokenizers with vocabularies of 100,000 and more that have seen Russian (o200k, Qwen, Gemma): within
/// about a fifth on prose, less sure on code and tables. Tokenizers of the years before (cl100k, Llama 2) take up to
/// twice as many for Russian: halve the window for them.
pub fn tokens(text: &str) -> usize {
    // In eightieths of a token, so that the sum is exact.
    let cost = |c: char| match c {
        'a'..='z' | 'A'..='Z' | ' ' => 20,
        '\u{400}'..='\u{4ff}' => 25,
        '\0'..='\u{24f}' => 32,
        '\u{2000}'..='\u{206f}' => 40,
        _ => 80,
    };
    text.chars().map(cost).sum::<usize>().div_ceil(80)
}

/// What is put where a text was cut.
pub(super) const CUT: &str = " […]";

/// The beginning of a text that takes at most so many tokens, cut at a word and marked; the text itself when it fits.
pub(super) fn cut(text: &str, most: usize) -> String {
    if tokens(text) <= most {
        return text.to_owned();
    }
    let room = most.saturating_sub(tokens(CUT));
    // No character costs less than a quarter of a token.
    let mut end = text.char_indices().nth(room * 4).map_or(text.len(), |(end, _)| end);
    while end > 0 && tokens(&text[..end]) > room {
        // An estimate of what is too much; at least one character each time.
        let over = (tokens(&text[..end]) - room).max(1);
        end = text.floor_char_boundary(end.saturating_sub(over));
    }
    let head = &text[..end];
    let word = head.rfind(char::is_whitespace).filter(|&word| word * 2 > end).unwrap_or(end);
    format!("{}{CUT}", head[..word].trim_end())
}
