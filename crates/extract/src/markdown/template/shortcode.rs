//! One tag of a site generator: where it ends, what it is called, and what of it a reader sees.

/// Bytes a tag may have: longer is a brace that means something else.
const LONGEST: usize = 2_000;

#[derive(Debug, Clone, Copy)]
pub(super) struct Shortcode<'a> {
    /// With the slash of an end tag, if it is one.
    inner: &'a str,
    is_output: bool,
}

/// What takes the place of a tag.
#[derive(Debug)]
pub(super) enum Shown<'a> {
    Text(String),
    /// `{{ "/path" | relative_url }}`.
    Address,
    /// What follows is code, up to the end of the shortcode.
    Code {
        language: &'a str,
        name: &'a str,
    },
    /// What follows is not shown, up to the end of the shortcode.
    Nothing {
        name: &'a str,
    },
}

impl<'a> Shortcode<'a> {
    /// The tag at the beginning of `text`, and its length in bytes.
    pub(super) fn read(text: &'a str) -> Option<(Self, usize)> {
        let close = match text.as_bytes() {
            [b'{', b'{', b'<', ..] => ">}}",
            [b'{', b'{', b'%', ..] => "%}}",
            [b'{', b'%', ..] => "%}",
            // Output: only of a string. Other expressions are Helm's or Vue's, in the middle of a text.
            [b'{', b'{', rest @ ..] => {
                let is_string =
                    rest.iter().find(|byte| **byte != b' ').is_some_and(|byte| matches!(byte, b'"' | b'\''));
                if !is_string {
                    return None;
                }
                "}}"
            }
            _ => return None,
        };
        let is_output = close == "}}";
        let open = if close.len() == 3 { 3 } else { 2 };
        let mut limit = text.len().min(LONGEST);
        while !text.is_char_boundary(limit) {
            limit -= 1;
        }
        let end = open + text[open..limit].find(close)?;
        let inner = text[open..end].trim_matches(|c: char| c.is_whitespace() || c == '-');
        // `{{</* note */>}}` shows a tag instead of being one.
        (!inner.starts_with("/*")).then_some((Self { inner, is_output }, end + close.len()))
    }

    fn name(&self) -> &'a str {
        let name = self.inner.trim_start_matches(['/', ' ']);
        name.split(|c: char| c.is_whitespace() || c == '"').next().unwrap_or_default()
    }

    pub(super) fn is_raw(&self) -> bool {
        matches!(self.name(), "raw" | "endraw") && !self.is_output
    }

    /// Whether it is the end of `name`: `/name`, or Liquid's `endname`.
    pub(super) fn ends(&self, name: &str) -> bool {
        let is_end = |found: &str| found == name;
        (self.inner.starts_with('/') && is_end(self.name()))
            || self.inner.strip_prefix("end").is_some_and(is_end)
    }

    pub(super) fn shown(&self) -> Shown<'a> {
        let name = self.name();
        if self.is_output {
            return Shown::Address;
        }
        if self.inner.starts_with('/') {
            return Shown::Text(String::new());
        }
        let closed = self.inner.ends_with('/');
        match name {
            "comment" if !closed => return Shown::Nothing { name },
            "highlight" => {
                let language = self.inner[name.len()..].split_whitespace().next().unwrap_or_default();
                return Shown::Code { language: language.trim_matches('"'), name };
            }
            _ => {}
        }
        if let Some(language) = self.value("codelang").filter(|_| !closed && self.value("include").is_none())
        {
            return Shown::Code { language, name };
        }
        let shown = match name {
            "tab" => self.value("name"),
            // Kubernetes: the heading's text is kept by the theme, under this word.
            "heading" => self.inner.split('"').nth(1),
            "glossary_tooltip" => {
                return Shown::Text(match (self.value("text"), self.value("term_id")) {
                    (Some(text), _) => text.to_owned(),
                    (None, Some(term)) => term.replace('-', " "),
                    (None, None) => String::new(),
                });
            }
            _ => ["text", "title", "caption", "alt"].iter().find_map(|key| self.value(key)),
        };
        Shown::Text(shown.unwrap_or_default().to_owned())
    }

    /// `key="value"`.
    fn value(&self, key: &str) -> Option<&'a str> {
        let mut rest = self.inner;
        while let Some(at) = rest.find(key) {
            let begins = rest[..at].ends_with(char::is_whitespace);
            rest = &rest[at + key.len()..];
            let value = rest.trim_start().strip_prefix('=').map(str::trim_start);
            if let Some(value) = value.filter(|_| begins) {
                let quote = value.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
                return value[1..].split(quote).next();
            }
        }
        None
    }
}
