//! A text that grows, with its spans.

use contract::{Content, Span, Style};

use crate::spans::tidy;
use crate::utf16::units;

#[derive(Default)]
pub(super) struct Page {
    text: String,
    units: u32,
    spans: Vec<Span>,
}

impl Page {
    pub(super) fn new(content: Content) -> Self {
        Self { units: units(&content.text), text: content.text, spans: content.spans }
    }

    /// UTF-16 units so far: where the next text begins.
    pub(super) const fn units(&self) -> u32 {
        self.units
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn spans(&self) -> &[Span] {
        &self.spans
    }

    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.units += units(text);
    }

    /// Formats what was written since `from`.
    pub(super) fn mark(&mut self, from: u32, style: Style) {
        self.span(Span { start: from, length: self.units.saturating_sub(from), style });
    }

    pub(super) fn span(&mut self, span: Span) {
        self.spans.push(span);
    }

    /// Takes line breaks from the end: what a block of code or HTML ends with.
    pub(super) fn trim_lines(&mut self) {
        let text = self.text.trim_end_matches('\n').len();
        self.units -= units(&self.text[text..]);
        self.text.truncate(text);
    }

    pub(super) fn into_content(mut self) -> Content {
        self.text.truncate(self.text.trim_end().len());
        let spans = tidy(self.spans, units(&self.text));
        Content { text: self.text, spans, ..Content::default() }
    }
}
