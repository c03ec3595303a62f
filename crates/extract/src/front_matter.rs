//! What a file says about itself before its text: YAML between `---`, TOML between `+++`.
//!
//! YAML is read as events, never as a tree: nothing is expanded, nothing nests, and a broken one costs only
//! itself.

use saphyr_parser::{Event, Parser};

/// Bytes that are searched for the end of the front matter. Generated ones have reached 20 KB.
const LIMIT: usize = 64 * 1024;
/// Tags of one file; more is a mistake of whoever generated it.
const TAGS: usize = 64;

/// The fields Vectora uses.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct FrontMatter {
    pub(crate) title: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) tags: Vec<String>,
}

/// Takes the front matter off a text. What is not closed or not made of keys belongs to the text: `---` is a
/// rule too.
pub(crate) fn split(text: &str) -> (Option<FrontMatter>, &str) {
    // Blank lines or spaces before it are a mistake that generators forgive.
    let begun = text.trim_start();
    let found = fenced(begun, "---", &["---", "..."])
        .filter(|(inner, _)| begins_with_a_key(inner))
        .map(|(inner, rest)| (yaml(inner), rest))
        .or_else(|| fenced(begun, "+++", &["+++"]).and_then(|(inner, rest)| Some((toml(inner)?, rest))));
    found.map_or((None, text), |(front, rest)| (Some(front), rest))
}

fn fenced<'a>(text: &'a str, open: &str, close: &[&str]) -> Option<(&'a str, &'a str)> {
    let mut lines = text.split_inclusive('\n');
    let first = lines.next()?;
    if first.trim_end() != open {
        return None;
    }
    let mut at = first.len();
    for line in lines {
        if close.contains(&line.trim_end()) {
            return Some((&text[first.len()..at], &text[at + line.len()..]));
        }
        at += line.len();
        if at > LIMIT {
            break;
        }
    }
    None
}

fn begins_with_a_key(inner: &str) -> bool {
    let lines = inner.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    // None at all: empty front matter, as Jekyll wants it.
    lines.map(key_and_value).next().is_none_or(|first| first.is_some())
}

/// `key: value` of a line that is not indented.
fn key_and_value(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(':')?;
    let is_key =
        |key: &str| !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    let ends = value.is_empty() || value.starts_with(char::is_whitespace);
    (ends && is_key(key.trim_matches(['"', '\'']))).then(|| (key.trim_matches(['"', '\'']), value.trim()))
}

fn yaml(inner: &str) -> FrontMatter {
    let mut front = FrontMatter::default();
    if yaml_events(inner, &mut front).is_none() {
        // Most often an unquoted colon in the title. The lines still tell what was meant.
        front = FrontMatter::default();
        for (key, value) in inner.lines().filter_map(key_and_value) {
            let value = value.trim_matches(['"', '\'']);
            if !value.starts_with(['[', '{', '|', '>', '&', '*']) {
                front.set(key, value);
            }
        }
    }
    front
}

/// Reads the keys of the outermost mapping; `None` when it is not valid YAML.
fn yaml_events(inner: &str, front: &mut FrontMatter) -> Option<()> {
    let mut depth = 0_usize;
    // In the outermost mapping: the key that waits for its value.
    let mut key: Option<String> = None;
    for event in Parser::new_from_str(inner) {
        let (event, _) = event.ok()?;
        match event {
            Event::Scalar(value, ..) if depth == 1 => match key.take() {
                None => key = Some(value.into_owned()),
                Some(key) => front.set(&key, &value),
            },
            // An item of a sequence right below a key.
            Event::Scalar(value, ..) if depth == 2 => {
                if let Some(key) = &key {
                    front.set_item(key, &value);
                }
            }
            Event::Alias(_) if depth == 1 => key = if key.is_none() { Some(String::new()) } else { None },
            Event::MappingStart(..) if depth == 1 => {
                // Its keys would look like items.
                key = Some(String::new());
                depth += 1;
            }
            Event::MappingStart(..) | Event::SequenceStart(..) => depth += 1,
            Event::MappingEnd | Event::SequenceEnd => {
                depth -= 1;
                if depth == 1 {
                    key = None;
                }
            }
            _ => {}
        }
    }
    Some(())
}

fn toml(inner: &str) -> Option<FrontMatter> {
    let table: toml::Table = inner.parse().ok()?;
    let mut front = FrontMatter::default();
    // Zola keeps tags in `[taxonomies]`.
    let taxonomies = table.get("taxonomies").and_then(toml::Value::as_table);
    for (key, value) in table.iter().chain(taxonomies.into_iter().flatten()) {
        match value {
            toml::Value::String(text) => front.set(key, text),
            toml::Value::Array(items) => {
                items.iter().filter_map(toml::Value::as_str).for_each(|item| front.set_item(key, item));
            }
            _ => {}
        }
    }
    Some(front)
}

impl FrontMatter {
    /// The first key that is given wins, in the order of the file.
    fn set(&mut self, key: &str, value: &str) {
        let value = value.trim();
        if value.is_empty() || matches!(value, "~" | "null") {
            return;
        }
        match key {
            "title" => self.title = Some(value.split_whitespace().collect::<Vec<_>>().join(" ")),
            "url" | "permalink" | "canonical" | "canonical_url" if self.url.is_none() => {
                self.url = address(value);
            }
            // One string is a list divided by commas, or one tag.
            "tags" => value.split(',').for_each(|tag| self.set_item("tags", tag)),
            _ => {}
        }
    }

    fn set_item(&mut self, key: &str, value: &str) {
        let value = value.trim();
        let wanted = key == "tags" && !value.is_empty() && self.tags.len() < TAGS;
        if wanted && !self.tags.iter().any(|tag| tag == value) {
            self.tags.push(value.to_owned());
        }
    }
}

/// An address people can be given: of the web, or relative to where the documents are published. Never
/// another scheme (`javascript:`), and no pattern of a site generator (`/:categories/:title/`).
pub(crate) fn address(value: &str) -> Option<String> {
    let value = value.trim();
    let lower = value.to_ascii_lowercase();
    let path = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://"));
    let fits = match path {
        Some(rest) => !rest.is_empty(),
        None => !value.is_empty() && !value.contains(':') && !value.starts_with("//"),
    };
    // 2,048: what browsers and messengers agree on.
    (fits
        && value.len() <= 2_048
        && !value.contains(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '{' | '\\')))
    .then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn front(text: &str) -> FrontMatter {
        split(text).0.expect("front matter")
    }

    #[test]
    fn yaml_gives_title_address_and_tags() {
        let text = "---\ntitle: >\n  Reset your\n  password\nother: {tags: [no], deep: [[1]]}\ntags: \
            [billing, \"a b\"]\n\
            weight: 3\npermalink: /help/reset\nnested:\n  title: no\n---\n# Body\n";
        let (front, rest) = split(text);
        let front = front.unwrap();
        assert_eq!(front.title.as_deref(), Some("Reset your password"));
        assert_eq!(front.url.as_deref(), Some("/help/reset"));
        assert_eq!(front.tags, ["billing", "a b"]);
        assert_eq!(rest, "# Body\n");
    }

    #[test]
    fn tags_come_as_a_sequence_or_a_line() {
        assert_eq!(front("---\r\ntags:\r\n- one\r\n- two\r\n- one\r\n---\r\n").tags, ["one", "two"]);
        assert_eq!(front("---\ntags: one, two\n---\n").tags, ["one", "two"]);
        assert_eq!(front("+++\ntitle = \"T\"\n[taxonomies]\ntags = [\"x\"]\n+++\n").tags, ["x"]);
    }

    #[test]
    fn broken_yaml_still_gives_its_lines() {
        let front = front("---\ntitle: Reset: the password\ntags: [a\nurl: \"https://example.org/x\"\n---\n");
        assert_eq!(front.title.as_deref(), Some("Reset: the password"));
        assert_eq!(front.url.as_deref(), Some("https://example.org/x"));
    }

    #[test]
    fn spaces_before_it_are_forgiven() {
        assert_eq!(front("\n    ---\ntitle: T\n---\n").title.as_deref(), Some("T"));
    }

    #[test]
    fn a_rule_is_no_front_matter() {
        for text in [
            "---\n\nSome text.\n\n---\nmore",
            "---\ntitle: never closed\n",
            "text\n---\na: b\n---\n",
            "+++\n=\n+++\n",
        ] {
            assert_eq!(split(text), (None, text));
        }
    }

    #[test]
    fn bombs_cost_nothing() {
        let aliases =
            "---\na: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\ntitle: *c\ntags: *c\n---\n";
        assert_eq!(split(aliases).0, Some(FrontMatter::default()));
        let nested = format!("---\na: {}\ntitle: T\n---\n", "[".repeat(60_000));
        assert_eq!(front(&nested).title.as_deref(), Some("T"));
    }

    #[test]
    fn only_addresses_of_the_web_are_given_to_people() {
        assert_eq!(address(" https://example.org/a ").as_deref(), Some("https://example.org/a"));
        assert_eq!(address("usage/deploy.html").as_deref(), Some("usage/deploy.html"));
        for bad in [
            "javascript:alert(1)",
            "JavaScript:x",
            "data:text/html,x",
            "//evil.example",
            "/:categories/:title",
            "a b",
            "",
        ] {
            assert_eq!(address(bad), None, "{bad}");
        }
    }
}
