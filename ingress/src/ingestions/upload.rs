//! A form with files, read piece by piece: at no time is more in memory than the group that is being collected and
//! the file that is being read.

use std::time::Duration;

use axum::extract::multipart::Field;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::StatusCode;
use store::ingestions::File;
use web::Problem;

use super::limits::{self, FIELD, FILE, REQUEST, REQUEST_FILES, SMALL, STALLED};
use super::room::Place;
use super::{listing, path};

/// Bytes that are read in order to be thrown away, and for how long: a client that writes all before it reads would
/// find its connection broken instead of the answer.
const DISCARDED: usize = 16 * 1024 * 1024;
const DISCARDING: Duration = Duration::from_secs(5);

/// A form that is being read.
pub(crate) struct Upload {
    form: Multipart,
    bytes: usize,
    files: usize,
}

/// One part of a form.
pub(crate) enum Part {
    Source(String),
    Tag(String),
    File(File),
}

impl Upload {
    /// # Errors
    /// 415 or 400 when it is no form.
    pub(crate) async fn new(request: Request) -> Result<Self, Problem> {
        if !web::is_multipart(request.headers()) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "Unsupported media type",
                "the Content-Type is not multipart/form-data: send the files as parts of a form, each named file",
            ));
        }
        let form = Multipart::from_request(request, &()).await;
        let form = form.map_err(|rejection| malformed(&rejection.body_text()))?;
        Ok(Self { form, bytes: 0, files: 0 })
    }

    /// The next part. A large file waits for a large place.
    ///
    /// # Errors
    /// What breaks a rule or a limit, by name.
    pub(crate) async fn next(&mut self, place: &mut Place) -> Result<Option<Part>, Problem> {
        let Some(mut field) = patient(self.form.next_field()).await? else { return Ok(None) };
        match field.name() {
            Some("source") => Ok(Some(Part::Source(text(&mut field).await?))),
            Some("tag") => Ok(Some(Part::Tag(text(&mut field).await?))),
            Some("file") => {
                self.files += 1;
                if self.files > REQUEST_FILES {
                    return Err(limits::too_many_files());
                }
                let path = name(&field)?;
                let mut bytes = Vec::new();
                while let Some(piece) = patient(field.chunk()).await? {
                    self.bytes += piece.len();
                    let size = bytes.len() + piece.len();
                    if size > FILE {
                        return Err(limits::file_too_large(&path));
                    }
                    if self.bytes > REQUEST {
                        return Err(limits::request_too_large());
                    }
                    if size > SMALL {
                        place.enlarge().await?;
                    }
                    bytes.extend_from_slice(&piece);
                }
                Ok(Some(Part::File(File { path, bytes })))
            }
            other => {
                let name: String = other.unwrap_or_default().chars().take(100).collect();
                Err(malformed(&format!(
                    "there is a part named {name:?}: parts are named source, tag and file"
                )))
            }
        }
    }

    /// Reads what is still coming, within bounds, so that the client gets to read the answer.
    pub(crate) async fn discard(mut self) {
        let reading = async {
            let mut left = DISCARDED;
            while let Ok(Some(mut field)) = self.form.next_field().await {
                while let Ok(Some(piece)) = field.chunk().await {
                    let Some(rest) = left.checked_sub(piece.len()) else { return };
                    left = rest;
                }
            }
        };
        tokio::time::timeout(DISCARDING, reading).await.unwrap_or_default();
    }
}

fn name(field: &Field<'_>) -> Result<String, Problem> {
    let Some(name) = field.file_name() else {
        return Err(malformed("a part named file has no file name: send the file's path there (filename=…)"));
    };
    let decoded =
        path::decode(name).ok_or_else(|| malformed("a file name is not UTF-8 when it is decoded"))?;
    listing::path(&decoded)
}

async fn text(field: &mut Field<'_>) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    while let Some(piece) = patient(field.chunk()).await? {
        if bytes.len() + piece.len() > FIELD {
            return Err(malformed(&format!("source or tag has more than {FIELD} bytes: shorten it")));
        }
        bytes.extend_from_slice(&piece);
    }
    String::from_utf8(bytes).map_err(|_| malformed("source or tag is not UTF-8"))
}

/// Waits for the client, but not for ever.
async fn patient<T>(
    piece: impl Future<Output = Result<T, axum::extract::multipart::MultipartError>>,
) -> Result<T, Problem> {
    match tokio::time::timeout(STALLED, piece).await {
        Ok(Ok(piece)) => Ok(piece),
        Ok(Err(error)) if error.status().is_client_error() => Err(malformed(&error.body_text())),
        Ok(Err(_)) => Err(Problem::bad_request(
            "body-broken-off",
            "the body ended before it was complete: send it again; what was taken is not taken twice",
        )),
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "upload-stalled",
            "The upload stalled",
            format!(
                "nothing came for {} s: send it again; what was taken is not taken twice",
                STALLED.as_secs()
            ),
        )),
    }
}

fn malformed(problem: &str) -> Problem {
    Problem::bad_request("malformed-form", format!("the form cannot be taken: {problem}"))
}
