//! Collections: one a generation.

use std::collections::HashMap;

use qdrant_client::qdrant::{
    CreateCollectionBuilder, Distance, Modifier, SparseIndexConfigBuilder, SparseVectorConfig,
    SparseVectorParamsBuilder, VectorParamsBuilder, VectorsConfigBuilder,
};

use super::{DENSE, Index, IndexError, VECTOR};

/// A collection that small is scanned rather than searched through its inverted index. 0 would always use the
/// index; scanning gives the same scores, so Qdrant's own default stays.
const FULL_SCAN_THRESHOLD: u64 = 5_000;

impl Index {
    /// Creates a collection, with dense vectors of so many dimensions beside the sparse ones if `dense` says so.
    /// `false`: it was there already.
    ///
    /// # Errors
    /// [`IndexError`]
    pub async fn create(&self, collection: &str, dense: Option<usize>) -> Result<bool, IndexError> {
        if self.exists(collection).await? {
            return Ok(false);
        }
        let vector = SparseVectorParamsBuilder::default()
            .modifier(Modifier::Idf)
            .index(SparseIndexConfigBuilder::default().full_scan_threshold(FULL_SCAN_THRESHOLD));
        let vectors = SparseVectorConfig { map: HashMap::from([(VECTOR.to_owned(), vector.build())]) };
        let mut request = CreateCollectionBuilder::new(collection)
            .sparse_vectors_config(vectors)
            .timeout(self.write_timeout.as_secs().max(1));
        if let Some(dims) = dense {
            let mut vectors = VectorsConfigBuilder::default();
            vectors.add_named_vector_params(DENSE, VectorParamsBuilder::new(dims as u64, Distance::Cosine));
            request = request.vectors_config(vectors);
        }
        match self.write(collection, self.writer.create_collection(request)).await {
            Ok(_) => {
                self.terms.forget(collection);
                Ok(true)
            }
            // Somebody else was faster, or the first of two attempts arrived: which code says so depends on
            // the version.
            Err(IndexError::Refused(_)) if self.exists(collection).await? => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// # Errors
    /// [`IndexError`]
    pub async fn exists(&self, collection: &str) -> Result<bool, IndexError> {
        self.read(collection, self.reader.collection_exists(collection)).await
    }

    /// Drops a collection with all its points; one that is not there is no error.
    ///
    /// # Errors
    /// [`IndexError`]
    pub async fn drop_collection(&self, collection: &str) -> Result<(), IndexError> {
        self.terms.forget(collection);
        match self.write(collection, self.writer.delete_collection(collection)).await {
            Ok(_) | Err(IndexError::Missing(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The names that begin so, sorted. A server may hold other people's collections.
    ///
    /// # Errors
    /// [`IndexError`]
    pub async fn collections(&self, prefix: &str) -> Result<Vec<String>, IndexError> {
        let listed = self.read("", self.reader.list_collections()).await?;
        let mut names: Vec<String> = listed
            .collections
            .into_iter()
            .map(|collection| collection.name)
            .filter(|name| name.starts_with(prefix))
            .collect();
        names.sort_unstable();
        Ok(names)
    }
}
