//! What a token is here: four characters. Real tokenisers differ by model, and no test should lean on one.

/// Characters, not bytes: a token never ends inside a letter.
const CHARACTERS: usize = 4;

/// How many tokens the fake takes a text for; zero for none.
pub fn count(text: &str) -> usize {
    text.chars().count().div_ceil(CHARACTERS)
}

/// The text in pieces of one token.
pub(super) fn pieces(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(CHARACTERS).map(|piece| piece.iter().collect()).collect()
}

/// The text's first tokens.
pub(super) fn first(text: &str, tokens: usize) -> String {
    text.chars().take(tokens.saturating_mul(CHARACTERS)).collect()
}
