//! `extract` makes text of a file, and chunks of the text.
//!
//! Reads: a revision and its bytes, or the text extracted earlier when only the chunks are to be made anew. Writes:
//! the text with its structure, the chunks that are new, and the batches that embed them, in one transaction.
//! Deliberately not here: vectors. What takes untrusted input apart (HTML) runs in a child process; a repeat does the
//! same again, and a late result is thrown away by the fence.

use std::sync::Arc;

use ::extract::ExtractError;
use contract::{Kind, Stream};
use knowledge::chunker;
use store::revisions::{self, Draft, Extracted, NewChunk, Source};
use store::work::{Claim, Outcome, Verdict};
use store::{Error, Ledger};

use super::Tools;
use crate::stage::{Stage, StageError};

pub(super) struct Extract {
    ledger: Ledger,
    sandbox: ::extract::Sandbox,
}

impl Extract {
    pub(super) fn new(tools: &Tools) -> Self {
        Self { ledger: tools.ledger.clone(), sandbox: tools.sandbox.clone() }
    }
}

impl Stage for Extract {
    const STAGE: contract::Stage =
        contract::Stage { name: revisions::EXTRACT, kind: Kind::Revision, stream: Stream::Documents };
    type Input = Draft;
    /// Shared, as the bytes of the input are: the runner keeps a copy of both until the ledger has them.
    type Output = Arc<Extracted>;

    async fn load(&self, claims: &[Claim]) -> Result<Vec<Option<Draft>>, Error> {
        revisions::load(&self.ledger, claims).await
    }

    async fn handle(&self, _claim: &Claim, draft: &Draft) -> Result<Arc<Extracted>, StageError> {
        let content = match &draft.source {
            Source::Content(content) => (**content).clone(),
            Source::Bytes(bytes) => {
                ::extract::extract(&draft.path, bytes.clone(), &self.sandbox).await.map_err(unread)?
            }
        };
        let title = content.title.clone().unwrap_or_else(|| file_name(&draft.path));
        let chunks: Vec<NewChunk> = chunker::chunks(&content, &title)
            .into_iter()
            .map(|chunk| NewChunk { hash: chunk.hash(), heading: chunk.heading, text: chunk.text })
            .collect();
        // A page of a title alone has no chunks: it is live, and nothing of it can be found.
        Ok(Arc::new(Extracted { content, title, chunks }))
    }

    /// Nothing outside the ledger was called.
    fn proves_dependencies(_extracted: &Arc<Extracted>) -> bool {
        false
    }

    async fn settle(&self, batch: &[(Claim, Draft, Verdict<Arc<Extracted>>)]) -> Result<Vec<Outcome>, Error> {
        revisions::settle(&self.ledger, &Self::STAGE, batch).await
    }
}

/// A file that cannot be read will not be read later either; a child that was killed from outside may be.
fn unread(error: ExtractError) -> StageError {
    match error {
        ExtractError::Unavailable { .. } => {
            StageError::Unavailable { dependency: "sandbox", source: error.into() }
        }
        error if error.is_final() => StageError::Reject { source: error.into() },
        error => StageError::Retry { source: error.into() },
    }
}

/// What a document without a title is called: its file, without folders and extension.
fn file_name(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    stem.replace(['-', '_'], " ")
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn a_document_without_a_title_is_called_as_its_file() {
        assert_eq!(file_name("guide/reset-your_password.md"), "reset your password");
        assert_eq!(file_name("README"), "README");
    }
}
