//! Files to [`contract::Document`]s: their text with its structure, one file a format.
//!
//! HTML is read in a child process ([`Sandbox`]), because no cap on the input keeps an HTML parser from using
//! more time or memory than anybody would grant (512 KB of nested lists cost html5ever 94 s). A child that
//! goes too far is killed, and the file is refused; this process goes on. Markdown and plain text are read
//! here: their readers do not recurse, and what a file of [`Limits::in_process`] bytes can cost is known.
//! Larger ones go to the child, too.
//!
//! **What is dropped and what is kept.** A document is what a reader sees: comments, scripts, hidden elements
//! and the tags of site generators are dropped. Text that looks like an order to a language model is text
//! like any other and stays: whoever puts it into a prompt has to quote it.

mod assemble;
mod clean;
mod encoding;
mod error;
mod format;
mod front_matter;
mod html;
mod limits;
mod magic;
mod markdown;
mod sandbox;
mod text;

pub use error::{ExtractError, Resource};
pub use format::{EXTENSIONS, Format};
pub use limits::Limits;
pub use sandbox::{CHILD_ARGUMENT, Sandbox, run_child};

use contract::Document;

/// Reads a file. `path` matters only for its extension; `bytes` are the whole file.
///
/// # Errors
/// See [`ExtractError`]; [`ExtractError::is_final`] says whether another attempt can end differently.
pub async fn extract(
    path: &str,
    bytes: impl AsRef<[u8]> + Send + Sync + 'static,
    sandbox: &Sandbox,
) -> Result<Document, ExtractError> {
    let format = Format::of(path).ok_or_else(|| ExtractError::unsupported(path))?;
    let limits = *sandbox.limits();
    let size = bytes.as_ref().len();
    limits.check(Resource::File, size)?;
    if size == 0 {
        return Err(ExtractError::Empty);
    }
    if format == Format::Html || size > limits.in_process {
        return sandbox.extract(format, bytes.as_ref()).await;
    }
    // A few milliseconds a megabyte: too long for a thread that also serves sockets. A panic stays there.
    let reading = tokio::task::spawn_blocking(move || read(format, bytes.as_ref(), &limits));
    reading.await.unwrap_or_else(|_| Err(ExtractError::Crashed { how: "a panic".to_owned() }))
}

/// What a reader makes of a file.
#[derive(Debug)]
struct Reading {
    document: Document,
    /// Whether the file had front matter. Then it may say nothing else: site generators need such files.
    front_matter: bool,
}

/// Reads a file in this thread. The same function works here and in the child.
fn read(format: Format, bytes: &[u8], limits: &Limits) -> Result<Document, ExtractError> {
    let Reading { mut document, front_matter } = match format {
        Format::Markdown => markdown::read(bytes, limits)?,
        Format::Text => text::read(bytes, limits)?,
        Format::Html => html::read(bytes, limits)?,
    };
    clean::document(&mut document);
    limits.check(Resource::Text, clean::bytes(&document))?;
    if document.blocks.is_empty() && document.title.is_none() && !front_matter {
        return Err(ExtractError::Empty);
    }
    Ok(document)
}
