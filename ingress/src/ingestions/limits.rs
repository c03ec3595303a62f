//! How much may be sent, and the problems that say so: the thing, the limit, the remedy.

use std::time::Duration;

use axum::http::StatusCode;
use web::Problem;

const MIB: usize = 1024 * 1024;

/// Bytes of one file; what extraction reads at the most.
pub const FILE: usize = 64 * MIB;
/// Bytes of the files of one request: the largest file, and some small ones beside it.
pub const REQUEST: usize = 80 * MIB;
/// Files of one request. Each costs a row in each of four tables, all in one transaction.
pub const REQUEST_FILES: usize = 1_000;
/// Files of a listing: about 200 bytes each, so that it fits into [`LISTING_BYTES`].
pub const LISTING_FILES: usize = 100_000;
/// Bytes of a listing, the texts in it included.
pub const LISTING_BYTES: usize = 32 * MIB;
/// Files are handed to the ledger when this many bytes have come together. It is what a request keeps in memory; a
/// larger group is no faster, because the ledger's work is by row.
pub(crate) const GROUP: usize = 8 * MIB;
/// A file, or a listing, of more than this is a large one: see [`super::room`].
pub(crate) const SMALL: usize = 4 * MIB;
/// Bytes of a field that is not a file.
pub(crate) const FIELD: usize = 4096;
/// Tags of one ingestion.
pub(crate) const TAGS: usize = 32;
/// Bytes of a tag or of a source's name. A source is named after a folder, whose path may be long.
pub(crate) const NAME: usize = 1024;

/// A sender that sends nothing for so long has gone away, or holds a place on purpose.
pub(crate) const STALLED: Duration = Duration::from_secs(30);
/// The longest a call of the ledger may take: beyond its own limits, the answer is lost.
pub(crate) const LEDGER: Duration = Duration::from_secs(30);

fn too_large(slug: &'static str, detail: String) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, slug, "Too much was sent", detail)
}

pub(crate) fn file_too_large(path: &str) -> Problem {
    too_large(
        "file-too-large",
        format!("{path} has more than {} MiB, the limit of a file: split it", FILE / MIB),
    )
}

pub(crate) fn request_too_large() -> Problem {
    let limit = REQUEST / MIB;
    too_large(
        "body-too-large",
        format!(
            "the files of this request have more than {limit} MiB, the limit: send them in several requests"
        ),
    )
}

pub(crate) fn too_many_files() -> Problem {
    too_large(
        "too-many-files",
        format!("this request has more than {REQUEST_FILES} files, the limit: send them in several requests"),
    )
}

pub(crate) fn listing_too_long(files: usize) -> Problem {
    too_large(
        "too-many-files",
        format!("{files} files are listed, the limit is {LISTING_FILES}: make several sources of them"),
    )
}

pub(crate) fn unusable(slug: &'static str, detail: String) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, slug, "The files cannot be taken", detail)
}
