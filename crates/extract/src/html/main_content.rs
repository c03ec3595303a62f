//! What of a page is its text, and what is around it.
//!
//! First what nobody sees goes: scripts, controls, hidden elements. Then the part that says it is the content
//! is taken (`<main>`, `<article>`, `role=main`); a page that does not say it loses what is called navigation
//! and lists of links, and then everything around the one box that holds nearly all of the text. No step may
//! take away most of the text: a page that is built in a way we have not seen is better read with its menu
//! than not read.

use super::tree::{Id, ROOT, Tree};

/// Bytes of text a page must have before any of it is judged by its share.
const ENOUGH: usize = 200;

#[derive(Debug)]
pub(super) struct Page {
    /// Where the content begins.
    pub(super) top: Id,
    /// By node: neither it nor what is below it is read.
    dropped: Vec<bool>,
}

/// Bytes of text below each node, and how many of them are links.
struct Weights {
    text: Vec<usize>,
    links: Vec<usize>,
}

impl Page {
    pub(super) fn of(tree: &Tree) -> Self {
        let mut page = Self { top: ROOT, dropped: vec![false; tree.len()] };
        for id in tree.in_order() {
            page.dropped[id as usize] = is_unseen(tree, id);
        }
        let body = tree.in_order().find(|id| tree.name(*id) == "body").unwrap_or(ROOT);
        let weights = page.weigh(tree);
        if let Some(top) = page.said_to_be_content(tree, body, &weights) {
            page.top = top;
            page.drop_surroundings(tree, &weights);
        } else {
            page.top = body;
            page.drop_surroundings(tree, &weights);
            page.drop_lists_of_links(tree);
            page.top = page.densest(tree, body);
        }
        page
    }

    pub(super) fn is_dropped(&self, id: Id) -> bool {
        self.dropped[id as usize]
    }

    fn weigh(&self, tree: &Tree) -> Weights {
        let mut weights = Weights { text: vec![0; tree.len()], links: vec![0; tree.len()] };
        let order: Vec<Id> = self.seen(tree, ROOT);
        for id in order.into_iter().rev() {
            let at = id as usize;
            if let Some(text) = tree.text(id) {
                weights.text[at] = text.split_whitespace().map(str::len).sum();
            }
            if tree.name(id) == "a" {
                weights.links[at] = weights.text[at];
            }
            if let Some(parent) = tree.node(id).parent {
                weights.text[parent as usize] += weights.text[at];
                weights.links[parent as usize] += weights.links[at];
            }
        }
        weights
    }

    /// Nodes below `top` that are not dropped, each before its children.
    fn seen(&self, tree: &Tree, top: Id) -> Vec<Id> {
        let mut seen = Vec::new();
        let mut waiting = vec![top];
        while let Some(id) = waiting.pop() {
            if !self.is_dropped(id) {
                seen.push(id);
                waiting.extend(tree.children(id));
            }
        }
        seen
    }

    /// The largest element that calls itself the content, unless it holds next to nothing of the page.
    fn said_to_be_content(&self, tree: &Tree, body: Id, weights: &Weights) -> Option<Id> {
        let seen = self.seen(tree, body);
        let largest = |is_it: &dyn Fn(Id) -> bool| {
            seen.iter().copied().filter(|id| is_it(*id)).max_by_key(|id| weights.text[*id as usize])
        };
        let is_main = |id: Id| tree.name(id) == "main" || tree.attribute(id, "role") == Some("main");
        let is_article = |id: Id| tree.name(id) == "article" || tree.attribute(id, "role") == Some("article");
        let share =
            |id: Id, of_ten: usize| weights.text[id as usize] * 10 >= weights.text[body as usize] * of_ten;
        let main = largest(&is_main).filter(|id| weights.text[*id as usize] > 0 && share(*id, 1));
        // One article of many is no content: half of the page at least.
        main.or_else(|| largest(&is_article).filter(|id| weights.text[*id as usize] > 0 && share(*id, 5)))
    }

    fn drop_surroundings(&mut self, tree: &Tree, weights: &Weights) {
        let whole = weights.text[self.top as usize];
        for id in self.seen(tree, self.top) {
            let most = whole > ENOUGH && weights.text[id as usize] * 2 > whole;
            if id != self.top && !most && is_surrounding(tree, id, self.top) {
                self.dropped[id as usize] = true;
            }
        }
    }

    fn drop_lists_of_links(&mut self, tree: &Tree) {
        let weights = self.weigh(tree);
        let whole = weights.text[self.top as usize];
        for id in self.seen(tree, self.top) {
            let (text, links) = (weights.text[id as usize], weights.links[id as usize]);
            let is_box = matches!(tree.name(id), "ul" | "ol" | "div" | "section" | "table");
            // A list of links is half of an index page: there it is the content.
            if is_box && text > 0 && links * 10 > text * 8 && text * 3 < whole && whole > ENOUGH {
                self.dropped[id as usize] = true;
            }
        }
    }

    /// Down from `top` while one box holds nine tenths of the text, and no heading is beside it.
    fn densest(&self, tree: &Tree, top: Id) -> Id {
        let weights = self.weigh(tree);
        let whole = weights.text[top as usize];
        let mut at = top;
        loop {
            let children: Vec<Id> = tree.children(at).filter(|id| !self.is_dropped(*id)).collect();
            let is_box = |id: Id| matches!(tree.name(id), "div" | "section" | "form" | "center");
            let heaviest =
                children.iter().copied().filter(|id| is_box(*id)).max_by_key(|id| weights.text[*id as usize]);
            let Some(heaviest) = heaviest.filter(|id| weights.text[*id as usize] * 10 >= whole * 9) else {
                return at;
            };
            let has_heading = |id: Id| self.seen(tree, id).iter().any(|id| is_heading(tree.name(*id)));
            if whole <= ENOUGH || children.iter().any(|id| *id != heaviest && has_heading(*id)) {
                return at;
            }
            at = heaviest;
        }
    }
}

/// What no reader of the page sees.
fn is_unseen(tree: &Tree, id: Id) -> bool {
    let is_control = matches!(
        tree.name(id),
        "head"
            | "script"
            | "style"
            | "template"
            | "noscript"
            | "svg"
            | "math"
            | "iframe"
            | "object"
            | "embed"
            | "canvas"
            | "audio"
            | "video"
            | "button"
            | "input"
            | "select"
            | "textarea"
            | "datalist"
            | "dialog"
            | "map"
    );
    is_control
        || tree.attribute(id, "hidden").is_some_and(|value| !value.eq_ignore_ascii_case("until-found"))
        || tree.attribute(id, "aria-hidden").is_some_and(|value| value.eq_ignore_ascii_case("true"))
        || tree.attribute(id, "style").is_some_and(hides)
}

/// Whether a style makes an element invisible.
fn hides(style: &str) -> bool {
    style.split(';').any(|declaration| {
        let Some((property, value)) = declaration.split_once(':') else { return false };
        let value = value.trim().trim_end_matches("!important").trim().to_ascii_lowercase();
        let is_nothing = || {
            let number = value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
            number.parse::<f32>().is_ok_and(|number| number.abs() < 0.1)
        };
        match property.trim().to_ascii_lowercase().as_str() {
            "display" => value == "none",
            "visibility" => value == "hidden" || value == "collapse",
            "font-size" | "opacity" => is_nothing(),
            _ => false,
        }
    })
}

/// What is around the content: navigation, banners, footers, forms.
fn is_surrounding(tree: &Tree, id: Id, top: Id) -> bool {
    let has_word = |words: &[&str]| {
        let names = [tree.attribute(id, "class"), tree.attribute(id, "id")];
        names.into_iter().flatten().flat_map(str::split_whitespace).any(|name| {
            let name = name.to_ascii_lowercase();
            words.contains(&name.as_str())
        })
    };
    let role = tree.attribute(id, "role").unwrap_or_default();
    match tree.name(id) {
        "" => false,
        "nav" | "footer" | "form" => true,
        // Many generators write notes and tips as asides.
        "aside" => {
            !(matches!(role, "note" | "alert") || is_note(tree.attribute(id, "class").unwrap_or_default()))
        }
        // That of an article holds its heading.
        "header" => tree.name(top) == "body" && !holds_heading(tree, id),
        name if is_heading(name) => false,
        _ => {
            matches!(role, "navigation" | "banner" | "contentinfo" | "complementary" | "search" | "dialog")
                || has_word(&[
                    "nav",
                    "navbar",
                    "navigation",
                    "menu",
                    "sidebar",
                    "breadcrumb",
                    "breadcrumbs",
                    "pagination",
                    "pager",
                    "footer",
                    "site-footer",
                    "site-header",
                    "toc",
                    "table-of-contents",
                    "cookie-banner",
                    "cookies",
                    "share",
                    "social",
                    "related",
                    "related-posts",
                    "skip-link",
                    "headerlink",
                    "gutter",
                    "lineno",
                    "linenos",
                    "linenodiv",
                    "screen-reader-only",
                    "sr-only",
                    "visually-hidden",
                ])
        }
    }
}

fn is_note(class: &str) -> bool {
    let class = class.to_ascii_lowercase();
    [
        "note",
        "tip",
        "warning",
        "caution",
        "danger",
        "important",
        "info",
        "admonition",
        "callout",
        "alert",
        "aside",
    ]
    .iter()
    .any(|word| class.contains(word))
}

fn holds_heading(tree: &Tree, id: Id) -> bool {
    tree.below(id).any(|id| tree.name(id) == "h1")
}

fn is_heading(name: &str) -> bool {
    matches!(name, "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
}
