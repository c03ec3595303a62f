//! Knowledge for tests: files into an installation's ledger, searches over its index, and what both agree on.

use std::collections::HashSet;

use contract::IngestionId;
use knowledge::{Index, Settings};
use retrieval::{Found, Retriever};
use sha2::{Digest, Sha256};
use store::generations;
use store::ingestions::{self, File, ListedFile, Listing, Progress};
use uuid::Uuid;

use crate::{Installation, eventually};

impl Installation {
    /// Opens an ingestion with these files and sends what is needed, as a client does. The dispatcher of an ingress
    /// issues the tickets.
    ///
    /// # Panics
    /// When the ledger does not take it.
    pub async fn ingest(&self, source: &str, files: &[(&str, &[u8])]) -> IngestionId {
        let listing = Listing {
            source: source.to_owned(),
            key: None,
            tags: Vec::new(),
            files: files
                .iter()
                .map(|(path, bytes)| ListedFile {
                    path: (*path).to_owned(),
                    hash: Sha256::digest(bytes).into(),
                })
                .collect(),
            prune: false,
            force: false,
            dry_run: false,
        };
        self.ingest_listing(&listing, files).await
    }

    /// As [`Installation::ingest`], with a listing of one's own.
    ///
    /// # Panics
    /// When the ledger does not take it.
    pub async fn ingest_listing(&self, listing: &Listing, files: &[(&str, &[u8])]) -> IngestionId {
        let opened = ingestions::open(&self.ledger, listing).await.expect("the ledger opens it");
        let id = opened.id.expect("it is not a dry run");
        let needed: Vec<File> = files
            .iter()
            .filter(|(path, _)| opened.needed.iter().any(|needed| needed == path))
            .map(|(path, bytes)| File { path: (*path).to_owned(), bytes: bytes.to_vec() })
            .collect();
        ingestions::receive(&self.ledger, id, &needed).await.expect("the ledger takes the files");
        id
    }

    /// How far an ingestion is.
    ///
    /// # Panics
    /// When there is none.
    pub async fn progress(&self, id: IngestionId) -> Progress {
        let progress = ingestions::progress(&self.ledger, id).await.expect("the ledger answers");
        progress.expect("the ingestion exists")
    }

    /// Waits until nothing more will happen to an ingestion.
    pub async fn ingested(&self, id: IngestionId) -> Progress {
        let started = std::time::Instant::now();
        loop {
            let progress = self.progress(id).await;
            if progress.is_final() {
                return progress;
            }
            let late = started.elapsed() > crate::DEADLINE;
            let left = if late { self.left().await } else { String::new() };
            assert!(!late, "the ingestion does not end: {progress:?}; left: {left}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// A client of this installation's index.
    ///
    /// # Panics
    /// When its address is none.
    pub fn index_client(&self) -> Index {
        let settings = Settings {
            url: Some(self.index.url()),
            api_key: Some(self.index.key.clone().into()),
            ..Settings::default()
        };
        Index::connect(&settings).expect("the index has an address")
    }

    pub fn retriever(&self) -> Retriever {
        self.retriever_with(retrieval::Vectors::default())
    }

    /// One that embeds its questions.
    pub fn retriever_with(&self, vectors: retrieval::Vectors) -> Retriever {
        Retriever::new(self.ledger.clone(), self.index_client(), vectors)
    }

    /// # Panics
    /// When the search fails.
    pub async fn search(&self, question: &str) -> Found {
        self.retriever().search(question, None, 10).await.expect("the search succeeds")
    }

    /// Waits until every live chunk has exactly its point and no other point is left: what `vectora index check` says,
    /// once the deletions that are due are done.
    pub async fn assert_index_clean(&self) {
        let index = self.index_client();
        eventually("the index to hold what the ledger says", || async {
            let live = generations::live(&self.ledger).await.ok()??;
            let points: HashSet<Uuid> =
                index.ids(&live.collection, None, 10_000).await.ok()?.into_iter().collect();
            let wanted: Vec<Uuid> = sqlx::query_scalar(
                "SELECT rc.chunk_id FROM documents d JOIN revision_chunks rc ON rc.revision_id = d.live_revision",
            )
            .fetch_all(&self.sql)
            .await
            .ok()?;
            let wanted: HashSet<Uuid> = wanted.into_iter().collect();
            (points == wanted).then_some(())
        })
        .await;
    }
}
