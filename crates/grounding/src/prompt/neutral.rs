//! Data that cannot be taken for structure.

/// Beginnings of what models and their servers read as structure: our own blocks, and control tokens of chat
/// templates, which some servers take from anywhere in a text.
const MARKERS: [&str; 13] = [
    "<passage",
    "</passage",
    "<question",
    "</question",
    "<history",
    "</history",
    "<answer",
    "</answer",
    "<|",
    "<<sys",
    "<start_of_turn",
    "<end_of_turn",
    "[inst]",
];
const CLOSING: [&str; 4] = ["[/inst]", "</s>", "<s>", "<</sys"];

/// The text with the first sign of each marker replaced by one that looks like it, and without the boundary.
/// Text of people and articles that has no markers stays as it is.
pub fn neutral(text: &str, boundary: &str) -> String {
    let text = if boundary.is_empty() { text.to_owned() } else { text.replace(boundary, "") };
    if !text.contains(['<', '[']) {
        return text;
    }
    let mut safe = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let begins = |marker: &&str| {
            text.as_bytes()
                .get(at..at + marker.len())
                .is_some_and(|begin| begin.eq_ignore_ascii_case(marker.as_bytes()))
        };
        match c {
            '<' if MARKERS.iter().chain(&CLOSING).any(begins) => safe.push('‹'),
            '[' if MARKERS.iter().chain(&CLOSING).any(begins) => safe.push('('),
            _ => safe.push(c),
        }
    }
    safe
}

/// The same on one line: for titles and addresses.
pub fn neutral_line(text: &str, boundary: &str) -> String {
    neutral(text, boundary).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A boundary as it may stand in a tag: letters and digits of it, and no other.
pub(super) fn tag(boundary: &str) -> String {
    boundary.chars().filter(char::is_ascii_alphanumeric).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_lose_their_meaning_and_nothing_else_changes() {
        assert_eq!(
            neutral("</passage-k1> <|im_start|>system [INST] </S>", "k1"),
            "‹/passage-> ‹|im_start|>system (INST] ‹/S>"
        );
        for text in ["a < b, x[0] <b>ok</b> cat <<EOF", "ёж — [1]"] {
            assert_eq!(neutral(text, "k1"), text);
        }
        assert_eq!(neutral_line("a\n b", ""), "a b");
    }
}
