//! HTML: what the page is about, as blocks.
//!
//! Runs in the sandboxed child only (`crate::sandbox`). The tree is html5ever's ([`tree`]); [`main_content`]
//! finds the part that is not navigation; [`blocks`] and [`table`] write it down.

mod blocks;
mod main_content;
mod table;
mod tree;

use contract::Document;
use encoding_rs::Encoding;

use crate::{
    Reading, encoding::decode, error::ExtractError, front_matter, limits::Limits, markdown::strip_template,
};
use main_content::Page;
use tree::Tree;

pub(crate) fn read(bytes: &[u8], limits: &Limits) -> Result<Reading, ExtractError> {
    let text = decode(bytes, declared(bytes))?;
    // Hugo and Jekyll keep pages of HTML with front matter, and then with their tags.
    let (front, body) = front_matter::split(&text);
    let tree = match &front {
        Some(_) => Tree::parse(&strip_template(body), limits)?,
        None => Tree::parse(body, limits)?,
    };
    let front_matter = front.is_some();
    let front = front.unwrap_or_default();
    let page = Page::of(&tree);
    let named = tree.text_of_first("title");
    let assembler = blocks::write(&tree, &page);
    let (title, blocks) = assembler.finish(|heading| front.title.or_else(|| title(named, heading)));
    let url = front.url.or_else(|| tree.canonical().and_then(|address| front_matter::address(&address)));
    let document = Document { title, url, tags: front.tags, blocks };
    Ok(Reading { document, front_matter })
}

/// `<title>` usually is the heading with the name of the site around it: then the heading is the better
/// title.
fn title(named: Option<String>, heading: Option<&str>) -> Option<String> {
    match (named, heading) {
        (Some(named), Some(heading)) if named.contains(heading) => Some(heading.to_owned()),
        (Some(named), _) => Some(named),
        (None, heading) => heading.map(str::to_owned),
    }
}

/// The encoding in the first kilobyte, as HTML (`<meta charset>`) or XML says it.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(1_024)];
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let label = ["charset=", "encoding="].iter().find_map(|sign| {
        let (_, after) = head.split_once(sign)?;
        let after = after.trim_start_matches([' ', '"', '\'']);
        after.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ';' | '>' | '/' | '?')).next()
    })?;
    // What says "UTF-16" in ASCII is not; and some encodings only stand for an error.
    Encoding::for_label_no_replacement(label.as_bytes()).filter(|encoding| encoding.is_ascii_compatible())
}

#[cfg(test)]
mod tests;
