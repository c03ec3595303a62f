//! "Yes" or "no", and nothing that could be either.

/// What a model decided; `None`: it did not keep to the form, and the caller takes the careful side.
pub fn parse_verdict(reply: &str) -> Option<bool> {
    let text = without_thoughts(reply).trim_start_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let end = text.find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len());
    let verdict = match &text[..end] {
        "yes" | "да" => true,
        "no" | "нет" => false,
        _ => return None,
    };
    // `No doubt it does` is no verdict; `No, it …` and `**Yes**` are.
    let rest = text[end..].trim_start_matches([' ', '*', '"', '`']);
    rest.chars().next().is_none_or(|c| !c.is_alphanumeric()).then_some(verdict)
}

/// Without the thoughts that some models write down first.
pub(super) fn without_thoughts(reply: &str) -> &str {
    const END: &str = "</think>";
    reply.rfind(END).map_or(reply, |at| &reply[at + END.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_one_word() {
        for (reply, wanted) in [
            ("yes", Some(true)),
            ("Yes.", Some(true)),
            (" **No** ", Some(false)),
            ("Да", Some(true)),
            ("нет.", Some(false)),
            ("No, it says nothing.", Some(false)),
            ("<think>No… hm</think>\nyes", Some(true)),
            ("No doubt it does", None),
            ("Maybe", None),
            ("", None),
            ("yesterday", None),
            ("The answer is yes", None),
        ] {
            assert_eq!(parse_verdict(reply), wanted, "{reply}");
        }
    }
}
