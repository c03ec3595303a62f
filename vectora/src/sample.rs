//! The sample knowledge base: `examples/knowledge`, in the binary, so that the first question has an answer.

use contract::IngestionId;
use rust_embed::RustEmbed;
use store::Ledger;
use store::ingestions::{self, File, Listing};

/// The source its documents belong to; they go with `vectora ingest --source sample --prune --force` of an empty
/// folder.
const SOURCE: &str = "sample";

#[derive(RustEmbed)]
#[folder = "../examples/knowledge"]
#[include = "*/*.md"]
struct Sample;

/// Takes the sample in, if this installation has never had any knowledge. Returns how many articles it has.
pub(crate) async fn load(ledger: &Ledger) -> anyhow::Result<Option<usize>> {
    if ingestions::any(ledger).await? {
        return Ok(None);
    }
    let files: Vec<File> = Sample::iter()
        .filter_map(|path| {
            let bytes = Sample::get(&path)?.data.into_owned();
            Some(File { path: path.into_owned(), bytes })
        })
        .collect();
    let listing = Listing {
        source: SOURCE.to_owned(),
        key: None,
        tags: Vec::new(),
        files: Vec::new(),
        prune: false,
        force: false,
        dry_run: false,
    };
    let id: IngestionId = match ingestions::open(ledger, &listing).await?.id {
        Some(id) => id,
        None => return Ok(None),
    };
    Ok(Some(ingestions::receive(ledger, id, &files).await?.len()))
}
