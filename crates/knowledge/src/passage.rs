//! What an embedder is given of a chunk.

/// Title, headings from the outermost and text, a line each: the dense vector knows what the sparse one knows.
///
/// Whatever changes this changes [`crate::analyser::VERSION`]: vectors of the same text must be comparable.
pub fn passage(title: &str, heading: &[String], text: &str) -> String {
    let fields = std::iter::once(title).chain(heading.iter().map(String::as_str)).chain([text]);
    fields.filter(|field| !field.is_empty()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passage_is_told_with_what_stands_above_it() {
        assert_eq!(passage("Account", &["Security".into()], "Reset it."), "Account\nSecurity\nReset it.");
        assert_eq!(passage("", &[], "Reset it."), "Reset it.");
    }
}
