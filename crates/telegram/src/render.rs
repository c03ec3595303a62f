//! Markdown, as models and the knowledge base write it, as text and spans.
//!
//! Telegram's own Markdown refuses a message for one stray character, so none of it is used: `CommonMark` is read
//! here, and what goes out is text with entities, in which every character is itself. HTML is text.
//!
//! The gaps between blocks are those of the source, so that a text without markup comes out as it is.

use contract::{Content, Style};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

mod answer;
mod list;
mod literal;
mod page;
mod table;

#[cfg(test)]
mod tests;

pub use answer::answer;

use list::Lists;
use page::Page;
use table::Table;

/// Text and spans of a text in Markdown.
pub fn render(markdown: &str) -> Content {
    let source = markdown.replace("\r\n", "\n");
    let parser = Parser::new_ext(&source, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH);
    let events: Vec<_> = parser.into_offset_iter().collect();
    if literal::is_plain(&source, &events) {
        return Content::plain(source.trim_end());
    }
    let mut renderer = Renderer { source: &source, ..Renderer::default() };
    for (event, range) in events {
        renderer.event(event, range.start, range.end);
    }
    renderer.page.into_content()
}

#[derive(Default)]
struct Renderer<'a> {
    source: &'a str,
    page: Page,
    /// What is open, with the unit where it began and what is written where it ends.
    opened: Vec<(u32, Option<Style>, &'static str)>,
    lists: Lists,
    /// The table that is being read.
    table: Option<Table>,
    quotes: usize,
    /// A list item or a quotation has just begun: what comes first in it stands on the same line.
    fresh: bool,
}

impl Renderer<'_> {
    fn event(&mut self, event: Event<'_>, start: usize, end: usize) {
        match event {
            Event::Start(tag) => self.start(tag, start, end),
            Event::End(tag) => self.end(tag),
            Event::Code(code) => {
                let from = self.page.units();
                self.say(&code);
                if self.table.is_none() {
                    self.page.mark(from, Style::Code);
                }
            }
            Event::SoftBreak | Event::HardBreak if self.table.is_none() => {
                self.page.push("\n");
                self.page.push(&self.lists.indent());
            }
            Event::SoftBreak | Event::HardBreak => self.say(" "),
            Event::Rule => {
                self.block(start);
                self.say("———");
            }
            Event::Text(text)
            | Event::Html(text)
            | Event::InlineHtml(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text)
            | Event::FootnoteReference(text) => self.say(&text),
            Event::TaskListMarker(_) => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>, start: usize, end: usize) {
        match tag {
            Tag::Paragraph | Tag::HtmlBlock => self.block(start),
            Tag::Heading { .. } => {
                self.block(start);
                self.open(Some(Style::Bold), "");
            }
            Tag::BlockQuote(_) => {
                self.block(start);
                self.open(Some(Style::Quote), "");
                self.quotes += 1;
                self.fresh = true;
            }
            Tag::CodeBlock(kind) => {
                self.preformatted(start);
                self.open(Some(Style::Pre { language: language(&kind) }), "");
            }
            Tag::List(first) => self.lists.open(first),
            Tag::Item => {
                if !self.fresh {
                    self.gap(start);
                    self.page.push(&self.lists.outer_indent());
                }
                let marker = self.lists.marker(&self.source[start..]);
                self.page.push(&marker);
                self.fresh = true;
            }
            Tag::Table(columns) => {
                self.preformatted(start);
                self.open(Some(Style::Pre { language: None }), "");
                self.table = Some(Table::new(columns));
            }
            Tag::TableHead | Tag::TableRow | Tag::TableCell => {
                if let Some(table) = &mut self.table {
                    if matches!(tag, Tag::TableCell) { table.cell() } else { table.row() }
                }
            }
            Tag::Emphasis | Tag::Strong | Tag::Strikethrough => {
                match literal::marker(&tag, self.source, start, end) {
                    Some(marker) => {
                        self.say(marker);
                        self.open(None, marker);
                    }
                    None => self.open(Some(emphasis(&tag)), ""),
                }
            }
            Tag::Link { dest_url, .. } => {
                let citation = literal::is_citation(&self.source[start..end]);
                let from = self.page.units();
                if citation {
                    self.say("[");
                }
                let url = dest_url.to_string();
                let style = is_link(&url).then_some(Style::Link { url });
                self.opened.push((from, style, if citation { "]" } else { "" }));
            }
            _ => self.open(None, ""),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::TableHead | TagEnd::TableRow | TagEnd::TableCell => {}
            TagEnd::HtmlBlock => self.page.trim_lines(),
            TagEnd::List(_) => self.lists.close(),
            TagEnd::Item => self.fresh = false,
            TagEnd::BlockQuote(_) => {
                self.quotes -= 1;
                self.fresh = false;
                self.close();
            }
            TagEnd::CodeBlock => {
                self.page.trim_lines();
                self.close();
            }
            TagEnd::Table => {
                let table = self.table.take().map(|table| table.to_string());
                self.page.push(&table.unwrap_or_default());
                self.close();
            }
            _ => self.close(),
        }
    }

    fn open(&mut self, style: Option<Style>, closing: &'static str) {
        self.opened.push((self.page.units(), style, closing));
    }

    fn close(&mut self) {
        let Some((from, style, closing)) = self.opened.pop() else { return };
        self.say(closing);
        // Within a table nothing is written until it ends, and a table is code.
        if let (Some(style), None) = (style, &self.table) {
            self.page.mark(from, style);
        }
    }

    fn say(&mut self, text: &str) {
        self.fresh &= text.is_empty();
        match &mut self.table {
            Some(table) => table.say(text),
            None => self.page.push(text),
        }
    }

    /// Before a block of text: the gap, and the indentation of the list it stands in.
    fn block(&mut self, start: usize) {
        if !self.fresh {
            self.gap(start);
            self.page.push(&self.lists.indent());
        }
        self.fresh = false;
    }

    /// Before code and tables, which begin a line also where an item has just begun.
    fn preformatted(&mut self, start: usize) {
        if !self.fresh || !self.page.text().ends_with('\n') {
            self.gap(start);
        }
        self.fresh = false;
    }

    /// As many line breaks as the source has before a block, at least one.
    fn gap(&mut self, start: usize) {
        self.fresh = false;
        if self.page.units() == 0 {
            return;
        }
        let quoted = self.quotes > 0;
        let before = self.source[..start].chars().rev();
        let gap = before.take_while(|c| c.is_whitespace() || (quoted && *c == '>'));
        let breaks = gap.filter(|c| *c == '\n').count();
        self.page.push(&"\n".repeat(breaks.max(1)));
    }
}

fn emphasis(tag: &Tag<'_>) -> Style {
    match tag {
        Tag::Emphasis => Style::Italic,
        Tag::Strong => Style::Bold,
        _ => Style::Strikethrough,
    }
}

/// The first word after a fence.
fn language(kind: &CodeBlockKind<'_>) -> Option<String> {
    let CodeBlockKind::Fenced(info) = kind else { return None };
    info.split_whitespace().next().map(str::to_owned)
}

/// What Telegram opens. Anything else would be dropped there, or open nothing.
fn is_link(url: &str) -> bool {
    let scheme = url.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("http" | "https" | "mailto" | "tg"))
}
