//! Where an evaluation keeps its collection: in the index of the installation, or in one of its own.

use std::path::Path;

use knowledge::Index;

use crate::commands::local;
use crate::config::{Config, Invocation};

/// An index to evaluate in.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) index: Index,
    /// Dropped last: the server lies in it.
    #[cfg(feature = "embedded")]
    private: Option<(qdrant_local::Server, tempfile::TempDir)>,
}

impl Place {
    /// The index that is configured or runs here; otherwise a private one that goes with it.
    pub(crate) async fn find(invocation: &Invocation) -> anyhow::Result<Self> {
        let config = local::config(invocation)?;
        if config.index.url.is_some() {
            return Self::at(&config);
        }
        Self::private(config, &std::env::temp_dir()).await
    }

    pub(crate) fn at(config: &Config) -> anyhow::Result<Self> {
        Ok(Self {
            index: local::index(config)?,
            #[cfg(feature = "embedded")]
            private: None,
        })
    }

    #[cfg(feature = "embedded")]
    async fn private(mut config: Config, parent: &Path) -> anyhow::Result<Self> {
        use anyhow::Context;
        use secrecy::SecretString;

        let directory = tempfile::Builder::new().prefix("vectora-eval-").tempdir_in(parent)?;
        let key = SecretString::from(embedded::random_token()?);
        let options = qdrant_local::Options::new(directory.path().join("index"), key.clone());
        let server =
            qdrant_local::Server::start(options).await.context("the private index does not start")?;
        config.index.url = Some(server.url());
        config.index.api_key = Some(key);
        Ok(Self { index: local::index(&config)?, private: Some((server, directory)) })
    }

    #[cfg(not(feature = "embedded"))]
    #[expect(clippy::unused_async, reason = "as the other")]
    async fn private(_config: Config, _parent: &Path) -> anyhow::Result<Self> {
        anyhow::bail!("no index: start `vectora up`, or set QDRANT_URL to the one to use")
    }

    /// Stops a private index, and removes it.
    #[cfg_attr(not(feature = "embedded"), expect(clippy::unused_async, reason = "as the other"))]
    pub(crate) async fn leave(self) {
        #[cfg(feature = "embedded")]
        if let Some((server, directory)) = self.private {
            server.stop().await;
            // In the system's temporary directory, which forgets by itself.
            drop(directory.close());
        }
    }
}
