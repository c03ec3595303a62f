//! `getFile` and the download behind it.

use std::collections::HashMap;

use serde_json::json;

use super::FakeTelegram;
use super::answer::{Answer, Refusal};
use super::params::Params;

/// What a bot may download.
const DOWNLOAD_LIMIT: usize = 20 * 1024 * 1024;

#[derive(Debug, Default)]
pub(super) struct Files(HashMap<String, Vec<u8>>);

impl Files {
    /// A file that a message names is there, with some content of its own.
    pub(super) fn mention(&mut self, id: &str) {
        self.0.entry(id.to_owned()).or_insert_with(|| format!("content of {id}").into_bytes());
    }

    pub(super) fn get(&self, params: &Params) -> Answer {
        let id = params.text("file_id").filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| Refusal::bad("file_id not specified"))?;
        let bytes = self.0.get(id).ok_or_else(|| Refusal::bad("invalid file_id"))?;
        if bytes.len() > DOWNLOAD_LIMIT {
            return Err(Refusal::bad("file is too big"));
        }
        Ok(json!({
            "file_id": id,
            "file_unique_id": unique(id),
            "file_size": bytes.len(),
            "file_path": format!("files/{id}"),
        }))
    }

    pub(super) fn at(&self, path: &str) -> Option<Vec<u8>> {
        self.0.get(path.strip_prefix("files/")?).cloned()
    }
}

pub(super) fn unique(id: &str) -> String {
    format!("unique-{id}")
}

impl FakeTelegram {
    /// What a download of this file gives.
    pub fn file(&self, file_id: &str, content: impl Into<Vec<u8>>) {
        self.lock().files.0.insert(file_id.to_owned(), content.into());
    }
}
