//! The tags of site generators, taken out before Markdown is read: Hugo's shortcodes (`{{< note >}}`, `{{%
//! tab %}}`), Liquid (`{% raw %}`), containers of `VuePress` and Docusaurus (`::: tip`), admonitions of
//! `MkDocs` (`!!! note`), and the attributes of kramdown (`{: .class}`).
//!
//! What is between the tags stays, and of a tag what its page shows: the `text` of a tooltip, the name of a
//! tab, the title of an admonition. Code stays as it is, fenced or in backticks; Helm and Vue write `{{ }}`
//! there.

mod shortcode;

use std::{borrow::Cow, fmt::Write as _};

use shortcode::{Shortcode, Shown};

/// A page with more shortcodes that never end is not for a generator, and each costs a look through the whole
/// page.
const ENDLESS: usize = 8;

/// Takes the tags out. A text without any is not copied.
pub(crate) fn strip(text: &str) -> Cow<'_, str> {
    const SIGNS: [&str; 6] = ["{{", "{%", ":::", "!!! ", "??? ", "{:"];
    if SIGNS.iter().any(|sign| text.contains(sign)) || text.contains("[[toc]]") || text.contains("[TOC]") {
        let mut stripper = Stripper { out: String::with_capacity(text.len()), ..Stripper::default() };
        stripper.run(text);
        Cow::Owned(stripper.out)
    } else {
        Cow::Borrowed(text)
    }
}

#[derive(Debug, Default)]
struct Stripper {
    out: String,
    fence: Option<Fence>,
    /// Columns of indentation that belong to an admonition, not to its text.
    indent: usize,
    /// Shortcodes that have no end in the rest of the text: nobody looks for it again. After [`ENDLESS`] of
    /// them nobody looks for any.
    endless: Vec<String>,
}

/// Backticks or tildes, and how many.
#[derive(Debug, Clone, Copy)]
struct Fence {
    mark: u8,
    length: usize,
}

impl Stripper {
    fn run(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find('\n').map_or(rest.len(), |end| end + 1);
            let line = self.dedent(&rest[..end]);
            if let Some(fence) = self.fence {
                self.inside(fence, line);
                rest = &rest[end..];
            } else {
                // A tag may go on in the next lines.
                let start = end - line.len();
                let read = self.line(&rest[start..], line.len());
                rest = &rest[start + read..];
            }
        }
    }

    /// A line of an admonition without its indentation; the first one with less ends it.
    fn dedent<'a>(&mut self, line: &'a str) -> &'a str {
        if self.indent == 0 || line.trim().is_empty() {
            return line;
        }
        let spaces = line.len() - line.trim_start_matches(' ').len();
        if spaces >= self.indent {
            return &line[self.indent..];
        }
        // Fenced code may be written without the indentation.
        if self.fence.is_none() {
            self.indent = 0;
        }
        line
    }

    /// A line of fenced code.
    fn inside(&mut self, fence: Fence, line: &str) {
        let text = line.trim().trim_start_matches(['>', ' ']);
        let run = text.bytes().take_while(|byte| *byte == fence.mark).count();
        if run >= fence.length && text.len() == run {
            self.fence = None;
        } else if is_raw(text) {
            return;
        }
        self.out.push_str(line);
    }

    /// Reads the line at the beginning of `text`, which has `length` bytes; says how much it read.
    fn line(&mut self, text: &str, length: usize) -> usize {
        let line = &text[..length];
        let trimmed = line.trim();
        let margin = &line[..line.len() - line.trim_start().len()];
        if let Some(fence) = opens_fence(trimmed) {
            self.fence = Some(fence);
            self.out.push_str(line);
        } else if let Some(title) = container(trimmed) {
            self.alone(margin, title);
        } else if let Some(title) = admonition(trimmed) {
            self.indent += margin.len() + 4;
            self.alone(margin, title);
        } else if trimmed.starts_with("{:") && trimmed.ends_with('}') || is_contents(trimmed) {
            self.alone(margin, "");
        } else {
            return self.tags(text, length);
        }
        length
    }

    /// A paragraph of its own, or a blank line.
    fn alone(&mut self, margin: &str, text: &str) {
        self.out.push('\n');
        if !text.is_empty() {
            self.out.push_str(margin);
            self.out.push_str(text);
            self.out.push_str("\n\n");
        }
    }

    /// Copies a line without the tags in it.
    fn tags(&mut self, text: &str, length: usize) -> usize {
        let begun = self.out.len();
        let (mut at, mut end, mut found) = (0, length, false);
        let mut in_code = false;
        while at < end {
            let Some(next) = text[at..end].find(['{', '`']).map(|next| at + next) else { break };
            self.out.push_str(&text[at..next]);
            at = next;
            if text[at..].starts_with('`') {
                in_code = !in_code;
                self.out.push('`');
                at += 1;
            } else if let Some((shortcode, read)) = Shortcode::read(&text[at..])
                && (!in_code || shortcode.is_raw())
            {
                found = true;
                at += read;
                match shortcode.shown() {
                    Shown::Text(text) => self.out.push_str(&text),
                    // `[text]({{ … }})` is a link only with an address.
                    Shown::Address => self.out.push_str(if self.out.ends_with("](") { "#" } else { "" }),
                    Shown::Code { language, name } => {
                        if let Some((content, read)) = self.content(&text[at..], name) {
                            let fence = if content.contains("```") { "~~~~~~" } else { "```" };
                            let content = content.trim_matches(['\r', '\n']);
                            write!(self.out, "\n{fence}{language}\n{content}\n{fence}\n")
                                .expect("strings can be written");
                            at += read;
                        }
                    }
                    Shown::Nothing { name } => {
                        at += self.content(&text[at..], name).map_or(0, |(_, read)| read);
                    }
                }
                if at > end {
                    end = at + text[at..].find('\n').map_or(text.len() - at, |line| line + 1);
                }
            } else {
                self.out.push('{');
                at += 1;
            }
        }
        self.out.push_str(&text[at..end]);
        // A line of tags alone divides paragraphs, as it does on the page.
        if found && self.out[begun..].trim().is_empty() {
            self.out.truncate(begun);
            self.out.push('\n');
        }
        end
    }

    /// What is before the end of a shortcode, and how much there is with the end.
    fn content<'a>(&mut self, text: &'a str, name: &str) -> Option<(&'a str, usize)> {
        if self.endless.len() >= ENDLESS || self.endless.iter().any(|known| known == name) {
            return None;
        }
        let found = text.match_indices('{').find_map(|(at, _)| {
            let (shortcode, read) = Shortcode::read(&text[at..])?;
            shortcode.ends(name).then(|| (&text[..at], at + read))
        });
        if found.is_none() {
            self.endless.push(name.to_owned());
        }
        found
    }
}

fn opens_fence(line: &str) -> Option<Fence> {
    // In a quote, or as the first line of an item.
    let line = line.trim_start_matches(['>', ' ']);
    let line = line.strip_prefix(['-', '*', '+']).map_or(line, str::trim_start);
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let line = if digits.len() < line.len() {
        digits.strip_prefix(['.', ')']).unwrap_or(line).trim_start()
    } else {
        line
    };
    let mark = *line.as_bytes().first().filter(|byte| matches!(byte, b'`' | b'~'))?;
    let length = line.bytes().take_while(|byte| *byte == mark).count();
    let is_fence = length >= 3 && (mark == b'~' || !line[length..].contains('`'));
    is_fence.then_some(Fence { mark, length })
}

/// `::: tip Title`, `:::note[Title]`, `:::`.
fn container(line: &str) -> Option<&str> {
    let rest = line.strip_prefix(":::")?.trim_start_matches(':').trim();
    if let Some((_, title)) = rest.split_once('[') {
        return Some(title.trim_end_matches(']'));
    }
    let title = rest.split_once(char::is_whitespace).map_or("", |(_, title)| title.trim());
    Some(if title.starts_with('{') { "" } else { title })
}

/// `!!! note "Title"`, `??? tip`, `=== "Tab"`.
fn admonition(line: &str) -> Option<&str> {
    let rest = ["!!! ", "???+ ", "??? ", "=== "].iter().find_map(|sign| line.strip_prefix(sign))?;
    match rest.split_once('"') {
        Some((_, title)) => title.strip_suffix('"'),
        None => rest.chars().all(|c| c.is_ascii_lowercase() || matches!(c, ' ' | '-')).then_some(""),
    }
}

fn is_contents(line: &str) -> bool {
    matches!(line, "[[toc]]" | "[TOC]" | "[[_TOC_]]" | "{{toc}}")
}

/// `{% raw %}` and its end are written into code as well, for Liquid's sake.
fn is_raw(line: &str) -> bool {
    Shortcode::read(line).is_some_and(|(shortcode, read)| read == line.len() && shortcode.is_raw())
}

#[cfg(test)]
mod tests;
