//! A document as text with its structure: what extraction makes of a file, and what chunking takes.
//!
//! It is kept in the ledger for ever, as JSON: another chunker can start from it without the file. So fields
//! may be added with a default, and never change their meaning.

use serde::{Deserialize, Serialize};

/// The text of a file. No string in it contains NUL, which PostgreSQL stores in no text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// From the front matter, the first heading of level 1, or HTML's `<title>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Where people can read it, when the file says so itself (front matter `url`, HTML's canonical link).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `tags` of the front matter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    pub blocks: Vec<Block>,
}

/// A part of a document that is not cut without need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Block {
    /// `level` from 1 to 6. A title taken from a heading of level 1 is not repeated as a block.
    Heading {
        level: u8,
        text: String,
    },
    Paragraph {
        text: String,
    },
    /// One string an item; deeper items begin with two spaces a level. Numbered when `ordered`.
    List {
        ordered: bool,
        items: Vec<String>,
    },
    /// A row may have fewer cells than the header, never more.
    Table {
        header: Vec<String>,
        rows: Vec<Vec<String>>,
    },
    Code {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        language: Option<String>,
        text: String,
    },
}
