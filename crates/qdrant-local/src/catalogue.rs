//! Which collections there are: the directories, and which of them are open.

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use qdrant_edge::EdgeConfig;

use crate::{
    error::{Error, Refusal},
    shard::{self, Rhythm, Shard},
};

/// Before the name of a directory that is being made.
const CREATING: &str = ".creating-";
/// Before the name of one that is being removed.
const REMOVED: &str = ".removed-";
/// Held while the server runs.
const LOCK: &str = "lock";

#[derive(Debug, Clone)]
enum Collection {
    Open(Arc<Shard>),
    /// Why it did not open.
    Damaged(String),
}

/// All collections of a directory.
#[derive(Debug)]
pub(crate) struct Catalogue {
    directory: PathBuf,
    rhythm: Rhythm,
    collections: RwLock<BTreeMap<String, Collection>>,
    /// Creations and removals one at a time: both are a few steps on the disk.
    changes: tokio::sync::Mutex<()>,
    /// `None` once it is closed, and another server may have the directory.
    lock: Mutex<Option<File>>,
}

impl Catalogue {
    /// Takes the directory, tidies it, and opens every collection. Blocks.
    pub(crate) fn open(directory: PathBuf, rhythm: Rhythm) -> Result<Self, Error> {
        let failed = |path: &Path, source| Error::Directory { path: path.to_owned(), source };
        fs::create_dir_all(&directory).map_err(|error| failed(&directory, error))?;
        let lock = lock(&directory)?;
        let mut collections = BTreeMap::new();
        for entry in fs::read_dir(&directory).map_err(|error| failed(&directory, error))? {
            let path = entry.map_err(|error| failed(&directory, error))?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            if name.starts_with(CREATING) || name.starts_with(REMOVED) {
                fs::remove_dir_all(&path).map_err(|error| failed(&path, error))?;
            } else if path.is_dir() && !name.starts_with('.') {
                let collection = Shard::open(&path, name, rhythm).map_or_else(
                    |error| {
                        tracing::error!(collection = %name, %error, "a collection does not open");
                        Collection::Damaged(error)
                    },
                    |shard| Collection::Open(Arc::new(shard)),
                );
                collections.insert(name.to_owned(), collection);
            }
        }
        let collections = RwLock::new(collections);
        Ok(Self {
            directory,
            rhythm,
            collections,
            changes: tokio::sync::Mutex::new(()),
            lock: Mutex::new(Some(lock)),
        })
    }

    /// # Errors
    /// It does not exist, or did not open.
    pub(crate) fn shard(&self, name: &str) -> Result<Arc<Shard>, Refusal> {
        match self.read().get(name) {
            None => Err(Refusal::Missing(name.to_owned())),
            Some(Collection::Open(shard)) => Ok(Arc::clone(shard)),
            Some(Collection::Damaged(reason)) => {
                Err(Refusal::Damaged { name: name.to_owned(), reason: reason.clone() })
            }
        }
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.read().contains_key(name)
    }

    /// In the order of the alphabet.
    pub(crate) fn names(&self) -> Vec<String> {
        self.read().keys().cloned().collect()
    }

    /// Makes a collection: it is there whole, or not at all.
    pub(crate) async fn create(&self, name: &str, config: EdgeConfig) -> Result<(), Refusal> {
        check_name(name)?;
        let _one_at_a_time = self.changes.lock().await;
        // A closed catalogue lists nothing: what lies there would be taken for what a failed creation left.
        if self.lock.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            return Err(Refusal::Closed);
        }
        if self.exists(name) {
            return Err(Refusal::Exists(name.to_owned()));
        }
        let (directory, rhythm, owned) = (self.directory.clone(), self.rhythm, name.to_owned());
        let opened = tokio::task::spawn_blocking(move || {
            let half = directory.join(format!("{CREATING}{owned}"));
            let whole = directory.join(&owned);
            // A creation that failed after its rename was never listed, and must not be in the way of the next.
            take_away(&whole, &half).map_err(|error| error.to_string())?;
            shard::create(&half, config)?;
            fs::rename(&half, &whole).map_err(|error| error.to_string())?;
            File::open(&directory)
                .and_then(|directory| directory.sync_all())
                .map_err(|error| error.to_string())?;
            Shard::open(&whole, &owned, rhythm)
        });
        let shard = opened.await.map_err(|error| error.to_string()).flatten().map_err(Refusal::Failed)?;
        self.write().insert(name.to_owned(), Collection::Open(Arc::new(shard)));
        Ok(())
    }

    /// Removes a collection; false if there is none. From its first step on it answers no call.
    pub(crate) async fn remove(&self, name: &str) -> Result<bool, Refusal> {
        let _one_at_a_time = self.changes.lock().await;
        let Some(collection) = self.write().remove(name) else { return Ok(false) };
        if let Collection::Open(shard) = collection {
            shard.close().await;
        }
        let whole = self.directory.join(name);
        let removed = self.directory.join(format!("{REMOVED}{name}"));
        let done = tokio::task::spawn_blocking(move || take_away(&whole, &removed));
        match done.await.map_err(io::Error::other).flatten() {
            Ok(()) => Ok(true),
            Err(error) => {
                let reason = format!("its directory cannot be removed: {error}");
                if self.directory.join(name).exists() {
                    self.write().insert(name.to_owned(), Collection::Damaged(reason.clone()));
                }
                Err(Refusal::Failed(reason))
            }
        }
    }

    /// Lets every collection look at the clock.
    pub(crate) fn tick(&self) {
        for collection in self.read().values() {
            if let Collection::Open(shard) = collection {
                shard.tick();
            }
        }
    }

    /// Flushes and closes all, and lets go of the directory.
    pub(crate) async fn close(&self) {
        let _no_changes = self.changes.lock().await;
        let collections = std::mem::take(&mut *self.write());
        for collection in collections.into_values() {
            if let Collection::Open(shard) = collection {
                shard.close().await;
            }
        }
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Closing the file would not do while a child process that is about to start has it too.
        if let Some(Err(error)) = lock.map(|file| file.unlock()) {
            tracing::warn!(%error, "the index directory was not unlocked");
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, Collection>> {
        self.collections.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Collection>> {
        self.collections.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lock(directory: &Path) -> Result<File, Error> {
    let path = directory.join(LOCK);
    let opened = File::options().create(true).truncate(false).write(true).open(&path);
    let file = opened.map_err(|source| Error::Directory { path: path.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse { path: directory.to_owned() }),
        Err(TryLockError::Error(source)) => Err(Error::Directory { path, source }),
    }
}

/// Removes a directory if it is there. Half gone it bears the name `aside`, which the next start removes.
fn take_away(directory: &Path, aside: &Path) -> io::Result<()> {
    let if_there = |done: io::Result<()>| match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    };
    if_there(fs::remove_dir_all(aside))?;
    if_there(fs::rename(directory, aside))?;
    if_there(fs::remove_dir_all(aside))
}

/// Qdrant's rule, and what would be a path or one of this directory's own names.
fn check_name(name: &str) -> Result<(), Refusal> {
    const NEVER: &[char] = &['/', '\\', '<', '>', ':', '"', '|', '?', '*', '\0', '\u{1f}'];
    if name.is_empty() || name.len() > 240 {
        return Err(Refusal::field("collection_name", "must be from 1 to 240 bytes"));
    }
    if name.contains(NEVER) || name.starts_with('.') || name == LOCK {
        return Err(Refusal::field("collection_name", "holds or begins with a character that it must not"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use qdrant_client::qdrant::{CreateCollectionBuilder, SparseVectorsConfigBuilder};

    use super::*;
    use crate::convert;

    #[tokio::test]
    async fn a_closed_catalogue_makes_nothing_and_leaves_what_lies_there() {
        let directory = tempfile::tempdir().expect("a directory");
        let rhythm = Rhythm { seal_every: 100, flush_every: Duration::from_secs(1) };
        let catalogue = Catalogue::open(directory.path().to_owned(), rhythm).expect("it opens");
        let config = || {
            let mut sparse = SparseVectorsConfigBuilder::default();
            sparse.add_named_vector_params(
                "words",
                qdrant_client::qdrant::SparseVectorParamsBuilder::default(),
            );
            let request = CreateCollectionBuilder::new("c").sparse_vectors_config(sparse).build();
            convert::settings(request).expect("it is understood")
        };
        catalogue.create("c", config()).await.expect("made");
        catalogue.close().await;
        assert!(matches!(catalogue.create("c", config()).await, Err(Refusal::Closed)));
        assert!(directory.path().join("c").join("segments").is_dir());
    }
}
