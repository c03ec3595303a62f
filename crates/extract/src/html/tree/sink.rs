//! What html5ever calls to build the arena.

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    rc::Rc,
};

use html5ever::{
    Attribute, ExpandedName, QualName,
    tendril::StrTendril,
    tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeSink},
};

use super::{Data, Id, Node, ROOT};
use crate::{
    error::{ExtractError, Resource},
    limits::Limits,
};

/// Attributes that are looked at anywhere in this crate; the others are not kept.
const ATTRIBUTES: [&str; 15] = [
    "id",
    "class",
    "role",
    "rel",
    "href",
    "property",
    "content",
    "style",
    "hidden",
    "aria-hidden",
    "alt",
    "start",
    "colspan",
    "rowspan",
    "title",
];

#[derive(Debug)]
pub(super) struct Sink {
    nodes: RefCell<Vec<Node>>,
    limits: Limits,
    too_deep: Cell<bool>,
}

#[derive(Debug, Clone)]
pub(super) struct Handle {
    id: Id,
    /// Elements only. The parser asks for names all the time, and wants them borrowed.
    name: Option<Rc<QualName>>,
    template: Option<Id>,
}

impl Sink {
    pub(super) fn new(limits: &Limits) -> Self {
        let sink = Self { nodes: RefCell::default(), limits: *limits, too_deep: Cell::new(false) };
        sink.add(Data::Root);
        sink
    }

    pub(super) fn within_limits(&self) -> Result<(), ExtractError> {
        if self.too_deep.get() {
            Err(ExtractError::TooDeep { limit: self.limits.nesting })
        } else {
            self.limits.check(Resource::Nodes, self.nodes.borrow().len())
        }
    }

    fn add(&self, data: Data) -> Id {
        let mut nodes = self.nodes.borrow_mut();
        let id = Id::try_from(nodes.len()).expect("memory ends before four thousand million nodes");
        nodes.push(Node {
            parent: None,
            previous: None,
            next: None,
            first: None,
            last: None,
            depth: 0,
            data,
        });
        id
    }

    fn plain(&self, data: Data) -> Handle {
        Handle { id: self.add(data), name: None, template: None }
    }

    fn detach(&self, id: Id) {
        let mut nodes = self.nodes.borrow_mut();
        let node = &mut nodes[id as usize];
        let (parent, previous, next) = (node.parent.take(), node.previous.take(), node.next.take());
        let Some(parent) = parent else { return };
        match previous {
            Some(previous) => nodes[previous as usize].next = next,
            None => nodes[parent as usize].first = next,
        }
        match next {
            Some(next) => nodes[next as usize].previous = previous,
            None => nodes[parent as usize].last = previous,
        }
    }

    /// Makes a node without a parent a child, before `next` or as the last one.
    fn attach(&self, parent: Id, id: Id, next: Option<Id>) {
        let mut nodes = self.nodes.borrow_mut();
        let depth = nodes[parent as usize].depth + 1;
        if depth as usize > self.limits.nesting {
            self.too_deep.set(true);
        }
        let previous = match next {
            Some(next) => nodes[next as usize].previous.replace(id),
            None => nodes[parent as usize].last.replace(id),
        };
        match previous {
            Some(previous) => nodes[previous as usize].next = Some(id),
            None => nodes[parent as usize].first = Some(id),
        }
        let node = &mut nodes[id as usize];
        (node.parent, node.previous, node.next, node.depth) = (Some(parent), previous, next, depth);
    }

    /// Inserts before `next`, or as the last child. Neighbouring texts become one.
    fn insert(&self, parent: Id, child: NodeOrText<Handle>, next: Option<Id>) {
        match child {
            NodeOrText::AppendNode(node) => {
                self.detach(node.id);
                self.attach(parent, node.id, next);
            }
            NodeOrText::AppendText(text) => {
                let before = match next {
                    Some(next) => self.nodes.borrow()[next as usize].previous,
                    None => self.nodes.borrow()[parent as usize].last,
                };
                if let Some(before) = before
                    && let Data::Text(known) = &mut self.nodes.borrow_mut()[before as usize].data
                {
                    known.push_str(&text);
                    return;
                }
                let id = self.add(Data::Text(text.to_string()));
                self.attach(parent, id, next);
            }
        }
    }
}

impl TreeSink for Sink {
    type Handle = Handle;
    type Output = Result<Vec<Node>, ExtractError>;
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) -> Self::Output {
        self.within_limits()?;
        Ok(self.nodes.into_inner())
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Handle {
        Handle { id: ROOT, name: None, template: None }
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> ExpandedName<'a> {
        target.name.as_ref().expect("only elements are asked for their name").expanded()
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, flags: ElementFlags) -> Handle {
        let template = flags.template.then(|| self.add(Data::Root));
        let id = self.add(Data::Element { name: name.clone(), attributes: kept(attributes) });
        Handle { id, name: Some(Rc::new(name)), template }
    }

    fn create_comment(&self, _: StrTendril) -> Handle {
        self.plain(Data::Other)
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Handle {
        self.plain(Data::Other)
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        self.insert(parent.id, child, None);
    }

    fn append_based_on_parent_node(&self, element: &Handle, previous: &Handle, child: NodeOrText<Handle>) {
        let has_parent = self.nodes.borrow()[element.id as usize].parent.is_some();
        if has_parent {
            self.append_before_sibling(element, child);
        } else {
            self.append(previous, child);
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn get_template_contents(&self, target: &Handle) -> Handle {
        let id = target.template.expect("only templates are asked for their content");
        Handle { id, name: None, template: None }
    }

    fn same_node(&self, one: &Handle, other: &Handle) -> bool {
        one.id == other.id
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Handle, child: NodeOrText<Handle>) {
        // It was moved away meanwhile: nothing can be before it.
        let Some(parent) = self.nodes.borrow()[sibling.id as usize].parent else { return };
        self.insert(parent, child, Some(sibling.id));
    }

    fn add_attrs_if_missing(&self, target: &Handle, new: Vec<Attribute>) {
        if let Data::Element { attributes, .. } = &mut self.nodes.borrow_mut()[target.id as usize].data {
            for (name, value) in kept(new) {
                if !attributes.iter().any(|(known, _)| *known == name) {
                    attributes.push((name, value));
                }
            }
        }
    }

    fn remove_from_parent(&self, target: &Handle) {
        self.detach(target.id);
    }

    fn reparent_children(&self, node: &Handle, new_parent: &Handle) {
        loop {
            let Some(child) = self.nodes.borrow()[node.id as usize].first else { break };
            self.detach(child);
            self.attach(new_parent.id, child, None);
        }
    }
}

fn kept(attributes: Vec<Attribute>) -> Vec<(String, String)> {
    attributes
        .into_iter()
        .filter(|attribute| ATTRIBUTES.contains(&&*attribute.name.local))
        .map(|attribute| (attribute.name.local.to_string(), attribute.value.to_string()))
        .collect()
}
