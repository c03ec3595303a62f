//! HTML inside Markdown: tags go, the text between them stays.
//!
//! It is not parsed as HTML is: that needs the sandbox. One pass over the bytes, no state but the elements
//! nobody sees and the heading that is open.

use crate::assemble::Assembler;

/// Writes a block of HTML as headings and paragraphs. Cells of a row are divided by ` | `.
pub(super) fn write(html: &str, assembler: &mut Assembler, sections: bool) {
    let mut rest = html;
    let mut cells = 0;
    loop {
        let Some(at) = rest.find('<') else {
            write_text(rest, assembler);
            break;
        };
        write_text(&rest[..at], assembler);
        rest = &rest[at..];
        let Some((tag, after)) = split_tag(rest) else {
            // A lone `<`.
            assembler.text("<");
            rest = &rest[1..];
            continue;
        };
        rest = after;
        let Some((name, closes)) = name(tag) else { continue };
        match name.as_str() {
            hidden if is_hidden(hidden) && !closes => rest = after_element(rest, hidden),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                if closes && sections {
                    assembler.end_heading(name.as_bytes()[1] - b'0');
                } else {
                    assembler.end_paragraph();
                }
            }
            "br" => assembler.line_break(),
            "tr" | "table" => {
                cells = 0;
                assembler.end_paragraph();
            }
            "td" | "th" if !closes => {
                if cells > 0 {
                    assembler.text(" | ");
                }
                cells += 1;
            }
            "img" => write_text(attribute(tag, "alt").unwrap_or_default(), assembler),
            "p" | "div" | "li" | "ul" | "ol" | "dl" | "dt" | "dd" | "pre" | "details" | "summary"
            | "blockquote" | "section" | "article" | "figure" | "figcaption" | "caption" | "hr"
            | "center" | "header" | "footer" | "main" | "thead" | "tbody" | "tfoot" | "body" | "html"
            | "head" => {
                // In a cell everything is one line.
                if cells == 0 || matches!(name.as_str(), "thead" | "tbody" | "tfoot") {
                    assembler.end_paragraph();
                } else {
                    assembler.text(" ");
                }
            }
            _ => {}
        }
    }
    assembler.end_paragraph();
}

/// Text between tags: line breaks are spaces, character references are what they stand for.
fn write_text(text: &str, assembler: &mut Assembler) {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '\n', '\r']) {
        assembler.text(&rest[..at]);
        rest = &rest[at..];
        let (said, length) =
            reference(rest).unwrap_or(if rest.starts_with('&') { ("&", 1) } else { (" ", 1) });
        assembler.text(said);
        rest = &rest[length..];
    }
    assembler.text(rest);
}

/// The few references that hand-written HTML has.
fn reference(text: &str) -> Option<(&'static str, usize)> {
    const KNOWN: &[(&str, &str)] = &[
        ("&nbsp;", " "),
        ("&amp;", "&"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&apos;", "'"),
        ("&mdash;", "—"),
        ("&ndash;", "–"),
        ("&laquo;", "«"),
        ("&raquo;", "»"),
        ("&rarr;", "→"),
        ("&hellip;", "…"),
        ("&copy;", "©"),
        ("&times;", "×"),
    ];
    KNOWN.iter().find(|(name, _)| text.starts_with(name)).map(|(name, said)| (*said, name.len()))
}

/// A tag or a comment at the beginning of `text`, and what follows it. A comment that is not closed hides the
/// rest.
fn split_tag(text: &str) -> Option<(&str, &str)> {
    if let Some(comment) = text.strip_prefix("<!--") {
        let end = comment.find("-->").map_or(text.len(), |end| 4 + end + 3);
        return Some(text.split_at(end));
    }
    if !text[1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) {
        return None;
    }
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(text.split_at(at + 1)),
            // Not a tag then; and looking further at each `<` would make the pass quadratic.
            (None, b'<') if at > 0 => return None,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    // A quote that is never closed: the tag ends at the first `>`, if at all.
    text.find('>').map(|at| text.split_at(at + 1))
}

/// Behind the end tag of an element that nobody sees.
fn after_element<'a>(text: &'a str, name: &str) -> &'a str {
    let mut rest = text;
    while let Some(at) = rest.find("</") {
        rest = &rest[at + 2..];
        let is_it = rest.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name));
        if is_it {
            return rest.find('>').map_or("", |end| &rest[end + 1..]);
        }
    }
    ""
}

/// The name of a tag in lower case, and whether it closes an element; `None` for comments and declarations.
pub(super) fn name(tag: &str) -> Option<(String, bool)> {
    let inner = tag.strip_prefix('<')?;
    let (inner, closes) = inner.strip_prefix('/').map_or((inner, false), |inner| (inner, true));
    let end = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(inner.len());
    (end > 0).then(|| (inner[..end].to_ascii_lowercase(), closes))
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let at = tag.find(&format!(" {name}="))? + name.len() + 2;
    let value = &tag[at..];
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value[1..].split(quote).next()
}

/// Elements whose content is not text for readers.
pub(super) fn is_hidden(name: &str) -> bool {
    matches!(
        name,
        "script" | "style" | "template" | "svg" | "iframe" | "noscript" | "title" | "select" | "button"
    )
}

#[cfg(test)]
mod tests {
    use contract::Block;

    use super::*;

    fn texts(html: &str) -> Vec<String> {
        let mut assembler = Assembler::default();
        write(html, &mut assembler, true);
        let (_, blocks) = assembler.finish(|_| None);
        blocks
            .into_iter()
            .map(|block| match block {
                Block::Heading { level, text } => format!("{} {text}", "#".repeat(level.into())),
                Block::Paragraph { text } => text,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn text_stays_and_tags_go() {
        let html = "<h1 align='center'>Vectora</h1>\n<p>An <b>answer</b>\nmachine &mdash; <img src=x \
            alt=\"logo\"></p>\n\
            <!-- a <b>comment</b> --><script>if (a < b) { alert('x') }</script><p>1 < 2 & 3</p>";
        assert_eq!(texts(html), ["# Vectora", "An answer machine — logo", "1 < 2 & 3"]);
    }

    #[test]
    fn a_table_is_a_line_a_row() {
        let html = "<table>\n<tr>\n<th>Plan</th><th>Price</th></tr>\n\
            <tr><td>\n<p>Basic</p></td>\n<td>490</td>\n</tr></table>";
        assert_eq!(texts(html), ["Plan | Price", "Basic | 490"]);
    }

    #[test]
    fn what_is_not_closed_ends_somewhere() {
        assert_eq!(texts("a <!-- never closed <p>b</p>"), ["a"]);
        assert_eq!(texts("a <script> never closed"), ["a"]);
        assert_eq!(texts("a <p title=\"never closed>b</p>"), ["a", "b"]);
        assert_eq!(texts("a <p"), ["a <p"]);
    }
}
