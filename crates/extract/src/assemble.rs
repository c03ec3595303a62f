//! Blocks out of a stream of headings, texts and lists: what Markdown and HTML have in common.
//!
//! **Lists.** An item is one string with everything it says; deeper items follow as items of the same list,
//! indented. Code and tables are never part of an item, because they are kept whole: they divide the list,
//! and what follows carries its numbers itself, since a [`Block::List`] counts from one.

use std::mem;

use contract::Block;

/// Levels of indentation that are shown; deeper items look like the deepest. Otherwise a page of one-letter
/// items at the bottom of a deep list grows two hundredfold.
const SHOWN_LEVELS: usize = 8;

/// Columns of a table that are kept.
pub(crate) const COLUMNS: usize = 256;

#[derive(Debug, Default)]
pub(crate) struct Assembler {
    blocks: Vec<Block>,
    /// What was said since the last block began. Whitespace is put right when it ends.
    text: String,
    lists: Vec<List>,
    items: Vec<Item>,
    /// The first heading of level 1, and where it stands.
    title: Option<(usize, String)>,
}

/// A list that is open.
#[derive(Debug)]
struct List {
    /// The number of the next item, when they have numbers.
    next: Option<u64>,
    /// Whether an item is open and says nothing yet, and its number.
    is_fresh: bool,
    number: Option<u64>,
    /// Where in `items` the text of the open item is; `None` before its first text, and after it was cut off.
    at: Option<usize>,
}

#[derive(Debug)]
struct Item {
    level: usize,
    number: Option<u64>,
    text: String,
}

impl Assembler {
    pub(crate) fn text(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub(crate) fn line_break(&mut self) {
        self.text.push('\n');
    }

    /// Takes what was said since the last block: a cell of a table.
    pub(crate) fn take_text(&mut self) -> String {
        tidy(&mem::take(&mut self.text))
    }

    /// Ends a paragraph, or a part of an item.
    pub(crate) fn end_paragraph(&mut self) {
        if self.text.is_empty() {
            return;
        }
        let text = self.take_text();
        for part in text.split("\n\n").map(str::trim).filter(|part| !part.is_empty()) {
            self.push_text(part);
        }
    }

    fn push_text(&mut self, text: &str) {
        let Some(level) = self.lists.len().checked_sub(1) else {
            self.blocks.push(Block::Paragraph { text: text.to_owned() });
            return;
        };
        let written = self.items.len();
        let list = &mut self.lists[level];
        if mem::take(&mut list.is_fresh) {
            list.at = Some(written);
            let number = list.number;
            self.items.push(Item { level, number, text: text.to_owned() });
        } else if list.at.is_some_and(|at| at + 1 == written) {
            let item = &mut self.items[written - 1].text;
            item.push('\n');
            item.push_str(text);
        } else if self.items.is_empty() {
            // What an item says after its code.
            self.blocks.push(Block::Paragraph { text: text.to_owned() });
        } else {
            // What an item says after the items below it.
            self.items.push(Item { level: level + 1, number: None, text: text.to_owned() });
        }
    }

    /// Ends a heading. In a list it is a text of its item; an empty one is none.
    pub(crate) fn end_heading(&mut self, level: u8) {
        if !self.lists.is_empty() {
            self.end_paragraph();
            return;
        }
        let text = self.take_text().replace('\n', " ");
        if text.is_empty() {
            return;
        }
        if level == 1 && self.title.is_none() {
            self.title = Some((self.blocks.len(), text.clone()));
        }
        self.blocks.push(Block::Heading { level, text });
    }

    /// `first` is the number of the first item, when they have numbers.
    pub(crate) fn begin_list(&mut self, first: Option<u64>) {
        self.end_paragraph();
        self.lists.push(List { next: first, is_fresh: false, number: None, at: None });
    }

    pub(crate) fn begin_item(&mut self) {
        self.end_paragraph();
        if let Some(list) = self.lists.last_mut() {
            (list.is_fresh, list.number) = (true, list.next);
            list.at = None;
            list.next = list.next.map(|number| number.saturating_add(1));
        }
    }

    pub(crate) fn end_list(&mut self) {
        self.end_paragraph();
        self.lists.pop();
        if self.lists.is_empty() {
            self.write_list();
        }
    }

    /// Writes the items there are as a block; the list may go on.
    fn write_list(&mut self) {
        let items = mem::take(&mut self.items);
        for list in &mut self.lists {
            list.at = None;
        }
        let Some(first) = items.first() else { return };
        let has_numbers = items.iter().any(|item| item.level == 0 && item.number.is_some());
        let ordered = has_numbers && first.level == 0 && first.number == Some(1);
        let items = items.into_iter().map(|Item { level, number, text }| {
            let indent = "  ".repeat(level.min(SHOWN_LEVELS));
            match number {
                Some(number) if level > 0 || !ordered => format!("{indent}{number}. {text}"),
                _ => format!("{indent}{text}"),
            }
        });
        self.blocks.push(Block::List { ordered, items: items.collect() });
    }

    pub(crate) fn code(&mut self, language: Option<&str>, text: &str) {
        self.divide();
        let text = text.trim_end().trim_matches('\n').to_owned();
        let language = language.map(str::trim).filter(|language| !language.is_empty()).map(str::to_owned);
        if !text.is_empty() {
            self.blocks.push(Block::Code { language, text });
        }
    }

    /// A row longer than the header makes the header longer: no cell is lost. A table of one column is a
    /// list.
    pub(crate) fn table(&mut self, mut header: Vec<String>, mut rows: Vec<Vec<String>>) {
        self.divide();
        rows.retain(|row| row.iter().any(|cell| !cell.is_empty()));
        let columns = rows.iter().map(Vec::len).chain([header.len()]).max().unwrap_or(0).min(COLUMNS);
        if columns == 1 {
            let items: Vec<String> = header
                .into_iter()
                .chain(rows.into_iter().flatten())
                .filter(|cell| !cell.is_empty())
                .collect();
            if !items.is_empty() {
                self.blocks.push(Block::List { ordered: false, items });
            }
            return;
        }
        header.resize(columns, String::new());
        for row in &mut rows {
            row.truncate(columns);
        }
        if columns > 0 {
            self.blocks.push(Block::Table { header, rows });
        }
    }

    /// Ends what is being said, for a block that cannot be a part of it.
    fn divide(&mut self) {
        self.end_paragraph();
        self.write_list();
    }

    /// The blocks, and the first heading of level 1. `title` is what the document is called anyway: the
    /// heading is taken out of the blocks when it is the title.
    pub(crate) fn finish(
        mut self,
        title: impl FnOnce(Option<&str>) -> Option<String>,
    ) -> (Option<String>, Vec<Block>) {
        self.end_paragraph();
        self.lists.clear();
        self.write_list();
        let heading = self.title.as_ref().map(|(_, text)| text.as_str());
        let title = title(heading);
        if let Some((at, text)) = self.title
            && title.as_ref() == Some(&text)
        {
            self.blocks.remove(at);
        }
        (title, self.blocks)
    }
}

/// Runs of spaces to one, none at the ends of lines, at most one empty line, none at the ends.
fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.split('\n') {
        let mut words = line.split_whitespace();
        let Some(first) = words.next() else {
            empty += 1;
            continue;
        };
        if !tidy.is_empty() {
            tidy.push_str(if empty > 0 { "\n\n" } else { "\n" });
        }
        empty = 0;
        tidy.push_str(first);
        for word in words {
            tidy.push(' ');
            tidy.push_str(word);
        }
    }
    tidy
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(ordered: bool, items: &[&str]) -> Block {
        Block::List { ordered, items: items.iter().map(|item| (*item).to_owned()).collect() }
    }

    #[test]
    fn whitespace_is_put_right() {
        assert_eq!(tidy("  a \t b \n\n \n c\nd  "), "a b\n\nc\nd");
        assert_eq!(tidy(" \n "), "");
    }

    #[test]
    fn deeper_items_are_indented_and_later_texts_stay_with_their_item() {
        let mut assembler = Assembler::default();
        assembler.begin_list(Some(1));
        assembler.begin_item();
        assembler.text("one");
        assembler.end_paragraph();
        assembler.text("still one");
        assembler.begin_list(None);
        assembler.begin_item();
        assembler.text("deeper");
        assembler.end_list();
        assembler.text("one again");
        assembler.begin_item();
        assembler.text("two");
        assembler.end_list();
        let (_, blocks) = assembler.finish(|_| None);
        assert_eq!(blocks, [list(true, &["one\nstill one", "  deeper", "  one again", "two"])]);
    }

    #[test]
    fn code_divides_a_list_and_the_numbers_go_on() {
        let mut assembler = Assembler::default();
        assembler.begin_list(Some(1));
        assembler.begin_item();
        assembler.text("run");
        assembler.code(Some("sh"), "make\n");
        assembler.text("and wait");
        assembler.begin_item();
        assembler.text("look");
        assembler.end_list();
        let (_, blocks) = assembler.finish(|_| None);
        let code = Block::Code { language: Some("sh".to_owned()), text: "make".to_owned() };
        let wait = Block::Paragraph { text: "and wait".to_owned() };
        assert_eq!(blocks, [list(true, &["run"]), code, wait, list(false, &["2. look"])]);
    }

    #[test]
    fn a_row_longer_than_the_header_loses_nothing() {
        let cells = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let mut assembler = Assembler::default();
        assembler.table(cells(&["a"]), vec![cells(&["1", "2"]), cells(&["", ""]), cells(&["3"])]);
        let (_, blocks) = assembler.finish(|_| None);
        assert_eq!(
            blocks,
            [Block::Table { header: cells(&["a", ""]), rows: vec![cells(&["1", "2"]), cells(&["3"])] }]
        );
    }
}
