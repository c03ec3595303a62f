//! `POST /v1/ingestions` and `POST /v1/ingestions/{id}/files`: files become revisions in the ledger, and only then the
//! client hears 202. Extraction and indexing follow; `GET` the `Location` to see how far they are.
//!
//! A client that has many files says first what it has (paths and hashes, as JSON), and sends what is `needed`. One
//! that has a few sends a form with the files at once. Both may be repeated at will: a file whose content is known
//! does nothing, so there is no `Idempotency-Key`.
//!
//! Files are read piece by piece and handed to the ledger in groups. A group is one transaction; when a request fails
//! half way, what was handed over stays, and is not taken twice when the request comes again. No ticket is published:
//! those of documents are issued by the dispatcher alone, a window at a time.

mod group;
pub mod limits;
mod listing;
mod owners;
pub mod path;
mod room;
mod upload;

use std::collections::HashSet;

use axum::Json;
use axum::extract::{FromRequest, Request, State as Extract};
use axum::http::header::{CONTENT_LENGTH, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use contract::{DocumentId, IngestionId, RevisionId};
use serde::Serialize;
use store::ingestions::{File, Listing, OpenError, Opened, Received};
use web::{BodyLimit, Caller, JsonBody, Problem, RawId, parse_id, scope};

use self::group::Group;
use self::listing::{Body, Checked};
use self::owners::Owners;
use self::room::{Place, Room};
use self::upload::{Part, Upload};
use crate::http::State;

pub(crate) const ROUTE: &str = "/v1/ingestions";
pub(crate) const FILES: &str = "/v1/ingestions/{id}/files";

/// What the handlers share within a process.
#[derive(Debug, Default)]
pub struct Uploads {
    room: Room,
    owners: Owners,
}

#[cfg(test)]
impl Uploads {
    /// As if `key` had opened `id` here.
    pub(crate) fn mine(&self, id: IngestionId, key: contract::ApiKeyId) {
        self.owners.remember(id, key);
    }
}

/// The answer to an opened ingestion.
#[derive(Serialize)]
struct Answer {
    /// Absent for a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<IngestionId>,
    needed: Vec<String>,
    unchanged: usize,
    known: usize,
    removed: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    received: Vec<Taken>,
}

/// The answer to files.
#[derive(Serialize)]
struct Files {
    id: IngestionId,
    received: Vec<Taken>,
}

/// A file that was taken.
#[derive(Serialize)]
struct Taken {
    path: String,
    document: DocumentId,
    revision: RevisionId,
    /// Its content is new.
    fresh: bool,
}

impl From<Received> for Taken {
    fn from(Received { path, document, revision, fresh }: Received) -> Self {
        Self { path, document, revision, fresh }
    }
}

/// `POST /v1/ingestions`.
pub(crate) async fn open(
    Extract(state): Extract<State>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    caller.demand(scope::KNOWLEDGE_WRITE)?;
    let mut place = state.0.uploads.room.enter().await?;
    let answer = if web::is_multipart(request.headers()) {
        let mut upload = Upload::new(request).await?;
        let taken = Box::pin(open_form(&state, &caller, &mut upload, &mut place)).await;
        if taken.is_err() {
            upload.discard().await;
        }
        taken?
    } else {
        Box::pin(open_listing(&state, &caller, request, &mut place)).await?
    };
    let status = if answer.id.is_some() { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok(respond(status, answer.id, Json(answer)))
}

/// `POST /v1/ingestions/{id}/files`.
pub(crate) async fn files(
    Extract(state): Extract<State>,
    caller: Caller,
    id: RawId,
    request: Request,
) -> Result<Response, Problem> {
    caller.demand(scope::KNOWLEDGE_WRITE)?;
    let id: IngestionId = parse_id(id, "ingestion")?;
    let mut upload = Upload::new(request).await?;
    let taken = Box::pin(more_files(&state, &caller, id, &mut upload)).await;
    if taken.is_err() {
        upload.discard().await;
    }
    Ok(respond(StatusCode::ACCEPTED, Some(id), Json(Files { id, received: taken? })))
}

fn respond(status: StatusCode, id: Option<IngestionId>, body: impl IntoResponse) -> Response {
    let mut response = (status, body).into_response();
    if let Some(id) = id {
        let location = HeaderValue::from_str(&format!("{ROUTE}/{id}"));
        let location = location.expect("a path and a UUID are visible ASCII");
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

async fn open_listing(
    state: &State,
    caller: &Caller,
    mut request: Request,
    place: &mut Place,
) -> Result<Answer, Problem> {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_none_or(|length: usize| length > limits::SMALL) {
        place.enlarge().await?;
    }
    request.extensions_mut().insert(BodyLimit(limits::LISTING_BYTES));
    let JsonBody(body) = JsonBody::<Body>::from_request(request, &()).await?;
    let Checked { listing, texts } = body.check(caller.id())?;
    let Opened { id, mut needed, unchanged, known, removed } = open_in_ledger(state, &listing).await?;
    drop(listing);
    let mut received = Vec::new();
    if let Some(id) = id {
        let wanted: HashSet<String> = needed.iter().cloned().collect();
        let mut group = Group::default();
        for file in texts.into_iter().filter(|file| wanted.contains(&file.path)) {
            group.add(state, id, file, &mut received).await?;
        }
        group.hand_over(state, id, &mut received).await?;
        let taken: HashSet<&str> = received.iter().map(|taken: &Taken| taken.path.as_str()).collect();
        needed.retain(|path| !taken.contains(path.as_str()));
    }
    Ok(Answer { id, needed, unchanged, known, removed, received })
}

/// A form that opens an ingestion: `source` first, then tags, then files.
async fn open_form(
    state: &State,
    caller: &Caller,
    upload: &mut Upload,
    place: &mut Place,
) -> Result<Answer, Problem> {
    let (mut source, mut tags, mut first) = (None, Vec::new(), None);
    while first.is_none() {
        match upload.next(place).await? {
            Some(Part::Source(text)) => source = Some(listing::source(&text)?),
            Some(Part::Tag(text)) => tags.push(text),
            Some(Part::File(file)) => first = Some(file),
            None => break,
        }
    }
    let rule = |detail: &'static str| Problem::bad_request("malformed-form", detail);
    let source = source.ok_or_else(|| {
        rule(
            "the form has no source before its files: name what they belong to in a part named source, first",
        )
    })?;
    let first = first.ok_or_else(|| rule("the form has no files: send each in a part named file"))?;
    let listing = Listing {
        source,
        key: Some(caller.id()),
        tags: listing::tags(&tags)?,
        files: Vec::new(),
        prune: false,
        force: false,
        dry_run: false,
    };
    let opened = open_in_ledger(state, &listing).await?;
    let id = opened.id.ok_or_else(Problem::internal)?;
    let received = take(state, id, Some(first), upload, place).await?;
    Ok(Answer { id: Some(id), needed: Vec::new(), unchanged: 0, known: 0, removed: 0, received })
}

async fn more_files(
    state: &State,
    caller: &Caller,
    id: IngestionId,
    upload: &mut Upload,
) -> Result<Vec<Taken>, Problem> {
    let owner = state.0.uploads.owners.of(&state.0.ledger, id).await.map_err(Problem::ledger)?;
    if owner != Some(caller.id()) {
        return Err(Problem::not_found("ingestion"));
    }
    let mut place = state.0.uploads.room.enter().await?;
    let received = take(state, id, None, upload, &mut place).await?;
    if received.is_empty() {
        let detail = "the form has no files: send each in a part named file";
        return Err(Problem::bad_request("malformed-form", detail));
    }
    Ok(received)
}

/// Takes all files of a form, a group at a time.
async fn take(
    state: &State,
    id: IngestionId,
    first: Option<File>,
    upload: &mut Upload,
    place: &mut Place,
) -> Result<Vec<Taken>, Problem> {
    let mut received = Vec::new();
    let mut group = Group::default();
    let mut next = first;
    loop {
        let file = match next.take() {
            Some(file) => file,
            None => match upload.next(place).await? {
                Some(Part::File(file)) => file,
                Some(Part::Source(_) | Part::Tag(_)) => {
                    return Err(Problem::bad_request(
                        "malformed-form",
                        "there is a source or a tag after a file, or for an ingestion that is open: they come first, \
                         where it is opened",
                    ));
                }
                None => break,
            },
        };
        let large = file.bytes.len() > limits::SMALL;
        group.add(state, id, file, &mut received).await?;
        if large {
            group.hand_over(state, id, &mut received).await?;
            place.shrink();
        }
    }
    group.hand_over(state, id, &mut received).await?;
    Ok(received)
}

async fn open_in_ledger(state: &State, listing: &Listing) -> Result<Opened, Problem> {
    let opening = Box::pin(store::ingestions::open(&state.0.ledger, listing));
    let opened = tokio::time::timeout(limits::LEDGER, opening).await;
    let opened = opened.map_err(|_| Problem::ledger_unavailable())?.map_err(not_opened)?;
    if let (Some(id), Some(key)) = (opened.id, listing.key) {
        state.0.uploads.owners.remember(id, key);
    }
    Ok(opened)
}

fn not_opened(error: OpenError) -> Problem {
    match error {
        OpenError::Ledger(error) => Problem::ledger(error),
        OpenError::RemovesTooMuch { .. } => {
            let detail = error.to_string();
            Problem::new(StatusCode::CONFLICT, "removes-too-much", "Too much would be removed", detail)
        }
    }
}
