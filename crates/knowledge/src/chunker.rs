//! Documents to chunks: what is indexed, found, quoted and cited.
//!
//! By structure first: a heading opens a section, and a chunk never crosses into another one, however small
//! the section is, because its heading says what the text is about. Then by size. Chunks do not overlap:
//! neighbours are put together again when a search finds both. The same document always gives the same
//! chunks, so that a changed file embeds only what changed.

mod cut;
mod pack;
mod piece;
mod section;

use std::collections::HashSet;

use contract::Document;
use sha2::{Digest, Sha256};

/// Part of a generation: another cut is another generation (LEDGER.md). Raise it with every change of what
/// [`chunks`] gives.
pub const VERSION: &str = "structure-1";

/// A part of a document, as it is indexed and quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Of the document.
    pub title: String,
    /// The headings above it, from the outermost.
    pub heading: Vec<String>,
    /// As a person reads it: `- ` before items, `1. ` when they are numbered, cells parted by ` | `, code
    /// between fences.
    pub text: String,
}

impl Chunk {
    /// SHA-256 of all that is indexed. Not of [`VERSION`]: what another chunker cuts the same is the same.
    pub fn hash(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        let mut part = |text: &str| {
            // The length first: "a" + "bc" and "ab" + "c" are different chunks.
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        part(&self.title);
        part(&self.heading.len().to_string());
        self.heading.iter().for_each(|heading| part(heading));
        part(&self.text);
        hasher.finalize().into()
    }
}

/// The chunks of a document in its order. `fallback_title` is used when the document has none; a file's name,
/// usually. A document without text has no chunks; a chunk that occurs twice is given once.
pub fn chunks(document: &Document, fallback_title: &str) -> Vec<Chunk> {
    let given = document.title.as_deref().map(str::trim).filter(|title| !title.is_empty());
    let title = section::heading(given.unwrap_or(fallback_title));
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for section in section::sections(&document.blocks) {
        for text in pack::packed(piece::pieces(&section.blocks)) {
            let chunk = Chunk { title: title.clone(), heading: section.path.clone(), text };
            if seen.insert(chunk.hash()) {
                found.push(chunk);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
