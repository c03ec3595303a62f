//! Why a file was not read: each reason with its limit and what to do about it.

use std::{path::Path, time::Duration};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::format::EXTENSIONS;

/// What of a file is too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Bytes as they came.
    File,
    /// Bytes of text.
    Text,
    /// Elements of a page.
    Nodes,
}

/// Why there is no document. No message holds anything of the file's content.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ExtractError {
    #[error("files of the type \"{extension}\" are not read; convert it to one of: {}", EXTENSIONS.join(", "))]
    Unsupported { extension: String },

    #[error("the file is not text but {what}; give it the extension of its format, or leave it out")]
    Binary { what: String },

    #[error("the file holds no text; leave it out, or fill it")]
    Empty,

    #[error("{}", too_large(*.what, *.limit))]
    TooLarge { what: Resource, limit: usize },

    #[error("more than {limit} elements, lists or quotes are nested in one another; flatten the file")]
    TooDeep { limit: usize },

    #[error("the file is not valid text in {encoding}, nor in any encoding it may be in; save it as UTF-8")]
    Encoding { encoding: String },

    #[error("reading the file took more than {} s; split or simplify it", .limit.as_secs_f32())]
    TooSlow { limit: Duration },

    #[error("reading the file took more than {} MiB of memory; split or simplify it", .limit >> 20)]
    TooMuchMemory { limit: u64 },

    #[error("the reader ended with {how} at this file; simplify it, or convert it to Markdown")]
    Crashed { how: String },

    #[error("the reader was stopped by {how}, which may have nothing to do with the file; it is tried again")]
    Stopped { how: String },

    #[error("the process that reads this format cannot be used: {reason}; it is tried again")]
    Unavailable { reason: String },
}

impl ExtractError {
    /// Whether the same bytes will end the same way: the file is rejected. Otherwise it is tried again.
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Stopped { .. } | Self::Unavailable { .. })
    }

    /// A word for metrics and tables.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unsupported { .. } => "unsupported",
            Self::Binary { .. } => "binary",
            Self::Empty => "empty",
            Self::TooLarge { .. } => "too_large",
            Self::TooDeep { .. } => "too_deep",
            Self::Encoding { .. } => "encoding",
            Self::TooSlow { .. } => "too_slow",
            Self::TooMuchMemory { .. } => "too_much_memory",
            Self::Crashed { .. } => "crashed",
            Self::Stopped { .. } => "stopped",
            Self::Unavailable { .. } => "unavailable",
        }
    }

    pub(crate) fn unsupported(path: &str) -> Self {
        let extension = Path::new(path).extension().and_then(|extension| extension.to_str()).unwrap_or("");
        // It may be anything: a few letters tell enough.
        Self::Unsupported { extension: extension.chars().take(16).collect() }
    }

    pub(crate) fn binary(what: &str) -> Self {
        Self::Binary { what: what.to_owned() }
    }
}

fn too_large(what: Resource, limit: usize) -> String {
    match what {
        Resource::File => format!("the file is larger than {} MiB; split it", limit >> 20),
        Resource::Text => format!("the file holds more than {} MiB of text; split it", limit >> 20),
        Resource::Nodes => format!("the page has more than {limit} elements; split it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_the_thing_the_limit_and_the_remedy() {
        let large = ExtractError::TooLarge { what: Resource::Text, limit: 8 << 20 };
        assert_eq!(large.to_string(), "the file holds more than 8 MiB of text; split it");
        let pdf = ExtractError::unsupported("handbook.pdf").to_string();
        assert!(pdf.contains("\"pdf\"") && pdf.contains("md, markdown"), "{pdf}");
    }

    #[test]
    fn only_what_the_file_did_not_cause_is_tried_again() {
        assert!(ExtractError::Empty.is_final());
        assert!(ExtractError::Crashed { how: String::new() }.is_final());
        assert!(!ExtractError::Unavailable { reason: String::new() }.is_final());
    }
}
