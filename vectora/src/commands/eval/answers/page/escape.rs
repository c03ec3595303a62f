//! Text in HTML, between tags or in a quoted attribute.

use std::fmt::{Display, Formatter, Result, Write};

/// Shows a text with everything escaped that HTML could take for its own. Not for scripts, styles or addresses.
pub(super) struct Text<'text>(pub(super) &'text str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // Nothing else may stand in a page, escaped or not.
                '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\x7f'..='\u{9f}' => {
                    f.write_char('\u{fffd}')?;
                }
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// An address that a link may lead to: other schemes (`javascript:`, `data:`) are no places to read on.
pub(super) fn is_link(url: &str) -> bool {
    ["https://", "http://"]
        .iter()
        .any(|scheme| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_html_would_understand_is_escaped_and_the_rest_stays() {
        let text = Text("<a href='x' title=\"y\">&amp;</a>\0 Ёлка → 2 > 1\n").to_string();
        assert_eq!(
            text,
            "&lt;a href=&#39;x&#39; title=&quot;y&quot;&gt;&amp;amp;&lt;/a&gt;\u{fffd} Ёлка → 2 &gt; 1\n"
        );
    }

    #[test]
    fn only_pages_are_linked() {
        assert!(is_link("https://x.example/a") && is_link("HTTP://x.example"));
        for other in ["javascript:alert(1)", " https://x", "data:text/html,x", "file:///etc/passwd", "ё", ""]
        {
            assert!(!is_link(other), "{other}");
        }
    }
}
