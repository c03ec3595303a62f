//! What one file may cost.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{ExtractError, Resource};

/// Limits of one file. The defaults let through every honest page we have seen, and end everything else
/// in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of the file. 64 MiB: what the API accepts in one part of an ingestion.
    pub bytes: usize,
    /// Bytes up to which Markdown and plain text are read in this process; larger files go to the child, as
    /// HTML does. 1 MiB: the worst we know of takes a tenth of a second, and 100 MB for that long.
    pub in_process: usize,
    /// Bytes of text, as UTF-8, that a document may hold. 8 MiB: four times "War and Peace". Markdown and
    /// plain text are measured before they are read, too.
    pub text: usize,
    /// Elements, lists or quotes inside one another. 512 is where Chromium stops nesting.
    pub nesting: usize,
    /// Elements and texts of an HTML page. 2 million: what fits into `memory`; the longest page of the HTML
    /// standard, all of it on one page, has half a million.
    pub nodes: usize,
    /// Memory of the child, in bytes, beyond what the program itself has mapped. 512 MiB: a page of `bytes`,
    /// decoded, and its tree.
    pub memory: u64,
    /// Processor time of the child, rounded down to seconds. 5 s: an honest page of `bytes` takes one on the
    /// machine it was measured on.
    pub cpu: Duration,
    /// Time from the start of the child to its end. Six times `cpu`, for machines that are busy.
    pub wall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 64 << 20,
            in_process: 1 << 20,
            text: 8 << 20,
            nesting: 512,
            nodes: 2_000_000,
            memory: 512 << 20,
            cpu: Duration::from_secs(5),
            wall: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// Whether `size` of something is within its limit.
    pub(crate) fn check(&self, what: Resource, size: usize) -> Result<(), ExtractError> {
        let limit = match what {
            Resource::File => self.bytes,
            Resource::Text => self.text,
            Resource::Nodes => self.nodes,
        };
        if size <= limit { Ok(()) } else { Err(ExtractError::TooLarge { what, limit }) }
    }

    /// What the child may write: the text, where JSON needs two bytes for a quote or a line break, and the
    /// structure.
    pub(crate) fn output(&self) -> usize {
        self.text.saturating_mul(3).saturating_add(1 << 20)
    }
}
