//! An answer with its sources.

use contract::{Citation, Content, Span, Style};

use super::page::Page;
use super::render;
use crate::spans::{end, is_code};
use crate::utf16::{narrow, units};

/// The text of an answer, in which the markers `[n]` lead to their sources, and below it all the sources under the
/// heading `sources`. Without citations there is no list.
pub fn answer(text: &str, citations: &[Citation], sources: &str) -> Content {
    let mut page = Page::new(render(text));
    for marker in markers(&page, citations) {
        page.span(marker);
    }
    if citations.is_empty() {
        return page.into_content();
    }
    if page.units() > 0 {
        page.push("\n\n");
    }
    let heading = page.units();
    page.push(sources);
    page.mark(heading, Style::Bold);
    for citation in citations {
        page.push("\n");
        let start = page.units();
        page.push(&format!("[{}] {}", citation.number, place(citation)));
        if let Some(url) = link(citation) {
            page.mark(start, Style::Link { url: url.to_owned() });
        }
    }
    page.into_content()
}

/// Links for the markers in the text; not where code or another link is.
fn markers(page: &Page, citations: &[Citation]) -> Vec<Span> {
    let closed = |span: &&Span| is_code(&span.style) || matches!(span.style, Style::Link { .. });
    let closed: Vec<&Span> = page.spans().iter().filter(closed).collect();
    let mut found = Vec::new();
    let (mut counted, mut start) = (0, 0);
    for (at, _) in page.text().match_indices('[') {
        start += units(&page.text()[counted..at]);
        counted = at;
        let Some((digits, _)) = page.text()[at + 1..].split_once(']') else { break };
        let Some(number) = number(digits) else { continue };
        let Some(url) = citations.iter().find(|one| one.number == number).and_then(link) else { continue };
        let style = Style::Link { url: url.to_owned() };
        let span = Span { start, length: narrow(digits.len() + 2), style };
        if !closed.iter().any(|other| other.start < end(&span) && span.start < end(other)) {
            found.push(span);
        }
    }
    found
}

/// Rust also reads `+1`.
fn number(digits: &str) -> Option<u32> {
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

fn link(citation: &Citation) -> Option<&str> {
    let url = citation.url.as_deref()?.trim();
    let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("http" | "https")).then_some(url)
}

/// `title › section`, on one line.
fn place(citation: &Citation) -> String {
    let parts = [Some(citation.title.as_str()), citation.section.as_deref()];
    let lines = parts.into_iter().flatten().map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    let lines: Vec<String> = lines.filter(|part| !part.is_empty()).collect();
    lines.join(" › ")
}
