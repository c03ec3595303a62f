//! Markdown as people write it for GitHub, Hugo, Jekyll, `VuePress` and `MkDocs`.
//!
//! Front matter, then the tags of the site generator ([`template`]), then `CommonMark` with tables, footnotes
//! and definition lists. Kept: texts of links, alternative texts of images, code as it is. Dropped:
//! addresses, comments, tags of HTML ([`tags`]), attributes of headings. Soft line breaks are spaces.

mod nesting;
mod tags;
mod template;

use contract::Document;
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::{
    Reading,
    assemble::Assembler,
    encoding::decode,
    error::{ExtractError, Resource},
    front_matter,
    limits::Limits,
};

pub(crate) use template::strip as strip_template;

pub(crate) fn read(bytes: &[u8], limits: &Limits) -> Result<Reading, ExtractError> {
    let text = decode(bytes, None)?;
    limits.check(Resource::Text, text.len())?;
    let (front, body) = front_matter::split(&text);
    let body = strip_template(body);
    nesting::check(&body)?;

    let mut reader = Reader::default();
    for event in Parser::new_ext(&body, options()) {
        reader.event(event, limits.nesting)?;
    }
    let front_matter = front.is_some();
    let front = front.unwrap_or_default();
    let (title, blocks) =
        reader.assembler.finish(|heading| front.title.or_else(|| heading.map(str::to_owned)));
    let document = Document { title, url: front.url, tags: front.tags, blocks };
    Ok(Reading { document, front_matter })
}

fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_GFM
        | Options::ENABLE_DEFINITION_LIST
}

#[derive(Debug, Default)]
struct Reader {
    assembler: Assembler,
    depth: usize,
    /// Quotes and footnotes that are open: a heading there is no section of the document.
    quotes: usize,
    code: Option<Code>,
    /// The block of HTML that is open.
    html: Option<String>,
    table: Table,
    /// Inside `<script>` or `<style>` in the middle of a paragraph.
    hidden: bool,
}

#[derive(Debug)]
struct Code {
    language: Option<String>,
    text: String,
}

#[derive(Debug, Default)]
struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    row: Vec<String>,
}

impl Reader {
    fn event(&mut self, event: Event, nesting: usize) -> Result<(), ExtractError> {
        match event {
            Event::Start(tag) => {
                self.depth += 1;
                if self.depth > nesting {
                    return Err(ExtractError::TooDeep { limit: nesting });
                }
                self.start(tag);
            }
            Event::End(tag) => {
                self.depth = self.depth.saturating_sub(1);
                self.end(tag);
            }
            Event::Text(text) | Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.text(&text);
            }
            Event::Html(html) => match &mut self.html {
                Some(block) => block.push_str(&html),
                None => self.inline_tag(&html),
            },
            Event::InlineHtml(tag) => self.inline_tag(&tag),
            Event::SoftBreak => self.text(" "),
            Event::HardBreak => self.assembler.line_break(),
            Event::TaskListMarker(done) => self.text(if done { "[x] " } else { "[ ] " }),
            Event::Rule => self.assembler.end_paragraph(),
            Event::FootnoteReference(_) => {}
        }
        Ok(())
    }

    fn start(&mut self, tag: Tag) {
        match tag {
            Tag::Paragraph
            | Tag::Heading { .. }
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition => {
                self.assembler.end_paragraph();
                self.hidden = false;
            }
            Tag::BlockQuote(_) | Tag::FootnoteDefinition(_) => {
                self.assembler.end_paragraph();
                self.quotes += 1;
            }
            Tag::CodeBlock(kind) => {
                self.assembler.end_paragraph();
                let language = match kind {
                    CodeBlockKind::Fenced(info) => language(&info),
                    CodeBlockKind::Indented => None,
                };
                self.code = Some(Code { language, text: String::new() });
            }
            Tag::HtmlBlock => {
                self.assembler.end_paragraph();
                self.html = Some(String::new());
            }
            Tag::List(first) => self.assembler.begin_list(first),
            Tag::Item => self.assembler.begin_item(),
            Tag::Table(_) => {
                self.assembler.end_paragraph();
                self.table = Table::default();
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph
            | TagEnd::Item
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition => {
                self.assembler.end_paragraph();
            }
            TagEnd::Heading(level) if self.quotes == 0 => self.assembler.end_heading(level as u8),
            TagEnd::Heading(_) => self.assembler.end_paragraph(),
            TagEnd::BlockQuote(_) | TagEnd::FootnoteDefinition => {
                self.assembler.end_paragraph();
                self.quotes = self.quotes.saturating_sub(1);
            }
            TagEnd::CodeBlock => {
                if let Some(code) = self.code.take() {
                    self.assembler.code(code.language.as_deref(), &code.text);
                }
            }
            TagEnd::HtmlBlock => {
                if let Some(html) = self.html.take() {
                    tags::write(&html, &mut self.assembler, self.quotes == 0);
                }
            }
            TagEnd::List(_) => self.assembler.end_list(),
            TagEnd::TableCell => {
                let cell = self.assembler.take_text();
                self.table.row.push(cell.replace('\n', " "));
            }
            TagEnd::TableHead => self.table.header = std::mem::take(&mut self.table.row),
            TagEnd::TableRow => self.table.rows.push(std::mem::take(&mut self.table.row)),
            TagEnd::Table => {
                let Table { header, rows, .. } = std::mem::take(&mut self.table);
                self.assembler.table(header, rows);
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(code) = &mut self.code {
            code.text.push_str(text);
        } else if !self.hidden {
            self.assembler.text(text);
        }
    }

    fn inline_tag(&mut self, tag: &str) {
        match tags::name(tag) {
            Some((name, closes)) if tags::is_hidden(&name) => self.hidden = !closes && !tag.ends_with("/>"),
            Some((name, _)) if name == "br" => self.assembler.line_break(),
            _ => {}
        }
    }
}

/// The language of a fence: the first word, without what generators add (`js{1,3}`, `{.python}`,
/// `rust,ignore`).
fn language(info: &str) -> Option<String> {
    let word = info.trim().trim_start_matches(['{', '.']);
    let end = word
        .find(|c: char| c.is_whitespace() || matches!(c, ',' | '{' | '}' | ':' | '['))
        .unwrap_or(word.len());
    // Hugo's word for no language.
    (end > 0 && &word[..end] != "none").then(|| word[..end].to_owned())
}

#[cfg(test)]
mod tests;
