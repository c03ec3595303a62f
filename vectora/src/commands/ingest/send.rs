//! Files on their way: in requests of some megabytes, a few at once.

use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use contract::IngestionId;
use futures_util::{StreamExt, TryStreamExt, stream};
use ingress::ingestions::path::encode;
use reqwest::multipart::{Form, Part};
use serde::de::IgnoredAny;

use super::hash::{Hashed, fits};
use super::{Client, Failure};
use crate::commands::display::Display;
use crate::commands::remote::insist;

/// Bytes of a request, unless a single file has more: what the server writes at once.
const BYTES: u64 = 8 * 1024 * 1024;
/// Files of a request.
const FILES: usize = 200;
/// Requests at once: one is read here, one is on its way, one is written there.
const REQUESTS: usize = 3;

/// Those of `files` that are needed, as requests.
pub(super) fn groups<'a>(files: &'a [Hashed], needed: &[String]) -> Vec<Vec<&'a Hashed>> {
    let needed: HashSet<&str> = needed.iter().map(String::as_str).collect();
    let mut groups: Vec<Vec<&Hashed>> = Vec::new();
    let mut bytes = 0;
    for file in files.iter().filter(|file| needed.contains(file.path.as_str())) {
        match groups.last_mut() {
            Some(group) if bytes + file.size <= BYTES && group.len() < FILES => {
                bytes += file.size;
                group.push(file);
            }
            _ => {
                bytes = file.size;
                groups.push(vec![file]);
            }
        }
    }
    groups
}

/// Sends them all. Files that cannot be read any more are returned, and the rest goes on. A file that has changed
/// since it was listed is sent as it is now. `shown`: nobody else shows how far it is.
pub(super) async fn all(
    client: &Client,
    id: IngestionId,
    groups: Vec<Vec<&Hashed>>,
    display: &Display,
    shown: bool,
) -> anyhow::Result<Vec<Failure>> {
    let total = groups.iter().map(Vec::len).sum();
    let sent = AtomicUsize::new(0);
    let requests = stream::iter(groups).map(|group| {
        let sent = &sent;
        async move {
            let unread = insist_on(client, id, &group).await?;
            let sent = sent.fetch_add(group.len(), Ordering::Relaxed) + group.len();
            if shown {
                display.show("sending", sent, total);
            }
            anyhow::Ok(unread)
        }
    });
    let failures: Vec<Vec<Failure>> = requests.buffer_unordered(REQUESTS).try_collect().await?;
    Ok(failures.concat())
}

async fn insist_on(client: &Client, id: IngestionId, group: &[&Hashed]) -> anyhow::Result<Vec<Failure>> {
    let path = format!("/v1/ingestions/{id}/files");
    // Read anew for each attempt: what is kept for later attempts would be in memory three times over.
    let mut unread = Vec::new();
    insist(async || {
        let (form, failures) = form(group).await;
        unread = failures;
        if unread.len() == group.len() {
            return Ok(());
        }
        client.call::<IgnoredAny>(client.post(&path).multipart(form)).await.map(drop)
    })
    .await?;
    Ok(unread)
}

async fn form(group: &[&Hashed]) -> (Form, Vec<Failure>) {
    let (mut form, mut failures) = (Form::new(), Vec::new());
    for file in group {
        match read(file).await {
            Ok(bytes) => form = form.part("file", Part::bytes(bytes).file_name(encode(&file.path))),
            Err(error) => failures.push(Failure { path: file.path.clone(), error: error.to_string() }),
        }
    }
    (form, failures)
}

async fn read(file: &Hashed) -> io::Result<Vec<u8>> {
    fits(tokio::fs::metadata(&file.file).await?.len())?;
    tokio::fs::read(&file.file).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_goes_in_requests_of_some_megabytes_and_files() {
        let file =
            |path: &str, size| Hashed { path: path.to_owned(), file: path.into(), size, hash: String::new() };
        let mib = 1024 * 1024;
        let files = [file("a", 5 * mib), file("b", 3 * mib), file("c", 1), file("d", 50 * mib), file("e", 1)];
        let names = |needed: &[&str]| -> Vec<String> {
            let needed: Vec<String> = needed.iter().map(|&path| path.to_owned()).collect();
            groups(&files, &needed)
                .iter()
                .map(|group| group.iter().map(|file| file.path.as_str()).collect())
                .collect()
        };
        assert_eq!(names(&["a", "b", "c", "d", "e"]), ["ab", "c", "d", "e"]);
        assert_eq!(names(&["e", "a", "other"]), ["ae"]);
        assert_eq!(names(&[]), [""; 0]);
        let many: Vec<Hashed> = (0..450).map(|n| file(&n.to_string(), 10)).collect();
        let needed: Vec<String> = many.iter().map(|file| file.path.clone()).collect();
        let sizes: Vec<usize> = groups(&many, &needed).iter().map(Vec::len).collect();
        assert_eq!(sizes, [200, 200, 50]);
    }
}
