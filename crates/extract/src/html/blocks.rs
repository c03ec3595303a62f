//! The content of a page as blocks.

use super::{
    main_content::Page,
    table,
    tree::{Id, Tree},
};
use crate::assemble::Assembler;

pub(super) fn write(tree: &Tree, page: &Page) -> Assembler {
    let mut writer = Writer { tree, page, assembler: Assembler::default() };
    writer.node(page.top);
    writer.assembler
}

/// Walks the tree. It recurses, at most as deep as [`Limits::nesting`](crate::Limits) lets a page be.
struct Writer<'a> {
    tree: &'a Tree,
    page: &'a Page,
    assembler: Assembler,
}

impl Writer<'_> {
    fn node(&mut self, id: Id) {
        if self.page.is_dropped(id) {
            return;
        }
        if let Some(text) = self.tree.text(id) {
            self.text(text);
            return;
        }
        match self.tree.name(id) {
            "br" => self.assembler.line_break(),
            "img" => self.text(self.tree.attribute(id, "alt").unwrap_or_default()),
            name @ ("h1" | "h2" | "h3" | "h4" | "h5" | "h6") => {
                self.assembler.end_paragraph();
                self.children(id);
                self.assembler.end_heading(name.as_bytes()[1] - b'0');
            }
            name @ ("ul" | "ol" | "menu") => {
                let first =
                    self.tree.attribute(id, "start").and_then(|start| start.trim().parse().ok()).unwrap_or(1);
                self.assembler.begin_list((name == "ol").then_some(first));
                self.children(id);
                self.assembler.end_list();
            }
            "li" => {
                self.assembler.begin_item();
                self.children(id);
                self.assembler.end_paragraph();
            }
            "pre" => {
                self.assembler.end_paragraph();
                let (language, text) = (self.language(id), self.code(id));
                self.assembler.code(language.as_deref(), &text);
            }
            "table" => self.table(id),
            "a" if self.is_mark_of_heading(id) => {}
            name if is_block(name) => {
                self.assembler.end_paragraph();
                self.children(id);
                self.assembler.end_paragraph();
            }
            _ => self.children(id),
        }
    }

    fn children(&mut self, id: Id) {
        let tree = self.tree;
        for child in tree.children(id) {
            self.node(child);
        }
    }

    /// Line breaks of the source are spaces.
    fn text(&mut self, text: &str) {
        for (number, line) in text.split(['\n', '\r', '\u{c}']).enumerate() {
            if number > 0 {
                self.assembler.text(" ");
            }
            self.assembler.text(line);
        }
    }

    fn table(&mut self, id: Id) {
        self.assembler.end_paragraph();
        if table::is_layout(self.tree, self.page, id) {
            self.children(id);
            self.assembler.end_paragraph();
            return;
        }
        for caption in self.tree.children(id).filter(|child| self.tree.name(*child) == "caption") {
            self.node(caption);
        }
        let (header, rows) = table::read(self.tree, self.page, id);
        self.assembler.table(header, rows);
    }

    /// Text as it is written.
    fn code(&self, id: Id) -> String {
        let mut code = String::new();
        let mut hidden_in = None;
        for id in self.tree.below(id) {
            if hidden_in.is_some_and(|top| is_below(self.tree, id, top)) {
                continue;
            }
            hidden_in = self.page.is_dropped(id).then_some(id);
            match (self.tree.text(id), self.tree.name(id)) {
                _ if hidden_in.is_some() => {}
                (Some(text), _) => code.push_str(text),
                (None, "br") => code.push('\n'),
                _ => {}
            }
        }
        code.replace("\r\n", "\n")
    }

    /// `class="language-sh"` of the `pre`, of the `code` in it, or of the two boxes around it.
    fn language(&self, id: Id) -> Option<String> {
        let parent = self.tree.node(id).parent;
        let around = [parent, parent.and_then(|parent| self.tree.node(parent).parent)];
        let inside = self.tree.children(id).filter(|child| self.tree.name(*child) == "code");
        let classes = std::iter::once(id)
            .chain(inside)
            .chain(around.into_iter().flatten())
            .filter_map(|id| self.tree.attribute(id, "class"))
            .flat_map(str::split_whitespace);
        classes
            .filter_map(|class| {
                ["language-", "lang-", "highlight-source-", "highlight-"]
                    .iter()
                    .find_map(|sign| class.strip_prefix(sign))
            })
            .find(|language| !language.is_empty() && language.len() <= 24)
            .map(str::to_owned)
    }

    /// The `¶` or `#` behind a heading.
    fn is_mark_of_heading(&self, id: Id) -> bool {
        let mut text =
            self.tree.below(id).filter_map(|id| self.tree.text(id)).flat_map(str::split_whitespace);
        text.next().is_some_and(|first| matches!(first, "#" | "¶" | "§" | "🔗")) && text.next().is_none()
    }
}

fn is_below(tree: &Tree, id: Id, top: Id) -> bool {
    std::iter::successors(Some(id), |id| tree.node(*id).parent).any(|id| id == top)
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "caption"
            | "center"
            | "dd"
            | "details"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "header"
            | "hgroup"
            | "hr"
            | "html"
            | "legend"
            | "main"
            | "nav"
            | "p"
            | "section"
            | "summary"
            | "tbody"
            | "td"
            | "tfoot"
            | "th"
            | "thead"
            | "tr"
    )
}
