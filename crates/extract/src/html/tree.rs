//! html5ever's tree as an arena: nodes are numbers, links are numbers, nothing recurses when it is dropped.
//!
//! It counts depth and nodes while the page is parsed, and the page is fed in pieces: html5ever looks through
//! all open elements at every tag, so that 512 KB of nested lists would take minutes. It ends at the first
//! piece that is too deep.

mod sink;

use html5ever::{
    ParseOpts, QualName, local_name, ns,
    tendril::{StrTendril, TendrilSink as _},
    tree_builder::TreeBuilderOpts,
};

use crate::{error::ExtractError, limits::Limits};
use sink::Sink;

/// A node's number. Nodes are numbered as they are made, which is not the order of the page.
pub(super) type Id = u32;

/// The document node.
pub(super) const ROOT: Id = 0;

/// Bytes given to the parser at once. Between two pieces at most a thousand elements are opened.
const PIECE: usize = 4 * 1024;

#[derive(Debug)]
pub(super) struct Node {
    pub(super) parent: Option<Id>,
    pub(super) previous: Option<Id>,
    pub(super) next: Option<Id>,
    pub(super) first: Option<Id>,
    pub(super) last: Option<Id>,
    depth: u32,
    pub(super) data: Data,
}

#[derive(Debug)]
pub(super) enum Data {
    /// The document, or the content of a `<template>`.
    Root,
    Element {
        name: QualName,
        attributes: Vec<(String, String)>,
    },
    Text(String),
    /// A comment or a processing instruction.
    Other,
}

#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    pub(super) fn parse(html: &str, limits: &Limits) -> Result<Self, ExtractError> {
        let options = ParseOpts {
            tree_builder: TreeBuilderOpts { scripting_enabled: false, ..TreeBuilderOpts::default() },
            ..ParseOpts::default()
        };
        let mut parser = html5ever::parse_document(Sink::new(limits), options);
        let mut rest = html;
        while !rest.is_empty() {
            let mut end = rest.len().min(PIECE);
            while !rest.is_char_boundary(end) {
                end += 1;
            }
            parser.process(StrTendril::from(&rest[..end]));
            parser.tokenizer.sink.sink.within_limits()?;
            rest = &rest[end..];
        }
        let tree = Self { nodes: parser.finish()? };
        tree.check_depth(limits.nesting)?;
        Ok(tree)
    }

    /// Moved parts may be deeper than they were when they were counted.
    fn check_depth(&self, limit: usize) -> Result<(), ExtractError> {
        let mut depths = vec![0_usize; self.nodes.len()];
        for id in self.in_order() {
            let depth = self.node(id).parent.map_or(0, |parent| depths[parent as usize] + 1);
            depths[id as usize] = depth;
            if depth > limit {
                return Err(ExtractError::TooDeep { limit });
            }
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn node(&self, id: Id) -> &Node {
        &self.nodes[id as usize]
    }

    pub(super) fn children(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        std::iter::successors(self.node(id).first, |child| self.node(*child).next)
    }

    /// All nodes of the page, each before its children. What is in a `<template>` is not part of the page.
    pub(super) fn in_order(&self) -> impl Iterator<Item = Id> + '_ {
        self.below(ROOT)
    }

    /// A node and all nodes below it, each before its children.
    pub(super) fn below(&self, top: Id) -> impl Iterator<Item = Id> + '_ {
        std::iter::successors(Some(top), move |id| {
            if let Some(child) = self.node(*id).first {
                return Some(child);
            }
            let mut id = *id;
            loop {
                if id == top {
                    return None;
                }
                if let Some(next) = self.node(id).next {
                    return Some(next);
                }
                id = self.node(id).parent?;
            }
        })
    }

    /// The name of an element in lower case; empty for everything else. Names of SVG and `MathML` are empty
    /// too.
    pub(super) fn name(&self, id: Id) -> &str {
        match &self.node(id).data {
            Data::Element { name, .. } if name.ns == ns!(html) => &name.local,
            Data::Element { name, .. } if name.local == local_name!("svg") => "svg",
            Data::Element { name, .. } if name.local == local_name!("math") => "math",
            _ => "",
        }
    }

    pub(super) fn attribute(&self, id: Id, wanted: &str) -> Option<&str> {
        let Data::Element { attributes, .. } = &self.node(id).data else { return None };
        attributes.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    }

    pub(super) fn text(&self, id: Id) -> Option<&str> {
        match &self.node(id).data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text of the first element of this name, on one line; `None` when it is empty.
    pub(super) fn text_of_first(&self, name: &str) -> Option<String> {
        let id = self.in_order().find(|id| self.name(*id) == name)?;
        let text: Vec<&str> =
            self.below(id).filter_map(|id| self.text(id)).flat_map(str::split_whitespace).collect();
        (!text.is_empty()).then(|| text.join(" "))
    }

    /// Where the page says it is: `<link rel=canonical>`, or what it tells social networks.
    pub(super) fn canonical(&self) -> Option<String> {
        let is = |id: Id, name: &str, key: &str, value: &str| {
            self.name(id) == name
                && self.attribute(id, key).is_some_and(|found| found.eq_ignore_ascii_case(value))
        };
        let link = self.in_order().find(|id| is(*id, "link", "rel", "canonical"));
        let address = link.and_then(|id| self.attribute(id, "href")).or_else(|| {
            let meta = self.in_order().find(|id| is(*id, "meta", "property", "og:url"));
            meta.and_then(|id| self.attribute(id, "content"))
        });
        address.map(str::to_owned)
    }
}
