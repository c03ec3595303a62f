//! The whole configuration: each crate owns the struct of its section; here they meet.

use std::path::PathBuf;

use runtime::config::ConfigError;
use serde::Deserialize;

/// What every command takes.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Invocation {
    /// Configuration file; without it `vectora.toml` in this directory, if there is one.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where `vectora up` keeps its servers and `run.json`. Default: `/var/lib/vectora` for root,
    /// `~/.local/share/vectora` otherwise.
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// `vectora.toml`. All keys are optional, unknown keys are errors.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) log: runtime::telemetry::LogSettings,
    pub(crate) http: web::Settings,
    pub(crate) admission: ingress::admission::Settings,
    pub(crate) store: store::Settings,
    pub(crate) nats: nats::Settings,
    pub(crate) index: knowledge::Settings,
    pub(crate) dispatcher: ingress::dispatcher::Settings,
    pub(crate) workers: workers::Settings,
    pub(crate) models: models::Settings,
    pub(crate) answers: workers::writer::Settings,
    pub(crate) telegram: telegram::Settings,
    pub(crate) faults: runtime::fault::Settings,
}

impl Config {
    /// What makes dense vectors, for a tool: nobody reads its metrics.
    ///
    /// # Errors
    /// A model that cannot be.
    pub(crate) fn vectors(&self) -> Result<retrieval::Vectors, models::SettingsError> {
        let metrics = models::Metrics::register(&mut runtime::metrics::Registry::default());
        let models = models::configured(&self.models, &metrics)?;
        Ok(self.vectors_of(models.embedders, retrieval::Metrics::default()))
    }

    /// The vectors of these embedders, which see personal data where models that answer may see it.
    pub(crate) fn vectors_of(
        &self,
        embedders: models::Embedders,
        metrics: retrieval::Metrics,
    ) -> retrieval::Vectors {
        let vectors = retrieval::Vectors::new(embedders, metrics);
        if self.answers.mask { vectors } else { vectors.unmasked() }
    }
}

/// Whether a server's address was given, in the file or the environment: then none is started.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Given {
    nats: Address,
    store: Address,
    index: Address,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Address {
    url: Option<serde::de::IgnoredAny>,
}

impl Given {
    pub(crate) const fn nats(&self) -> bool {
        self.nats.url.is_some()
    }

    pub(crate) const fn store(&self) -> bool {
        self.store.url.is_some()
    }

    pub(crate) const fn index(&self) -> bool {
        self.index.url.is_some()
    }
}

impl Invocation {
    /// # Errors
    /// [`ConfigError`] naming the file or variable, the key and the remedy.
    pub(crate) fn load(&self) -> Result<Config, ConfigError> {
        runtime::config::load(self.file().as_deref(), &environment())
    }

    /// [`Invocation::load`], and what can be checked without a server.
    ///
    /// # Errors
    /// The first section, key and value that cannot work.
    pub(crate) fn checked(&self) -> anyhow::Result<Config> {
        let config = self.load()?;
        config.log.validate()?;
        config.store.validate()?;
        config.nats.validate()?;
        config.index.validate()?;
        config.http.validate()?;
        config.admission.validate()?;
        config.dispatcher.validate()?;
        config.workers.validate(config.nats.ack_wait)?;
        config.models.validate()?;
        config.answers.validate()?;
        config.telegram.validate()?;
        config.faults.validate()?;
        Ok(config)
    }

    /// # Errors
    /// As [`Invocation::load`].
    pub(crate) fn given(&self) -> Result<Given, ConfigError> {
        runtime::config::load(self.file().as_deref(), &environment())
    }

    fn file(&self) -> Option<PathBuf> {
        let beside = PathBuf::from("vectora.toml");
        self.config.clone().or_else(|| beside.exists().then_some(beside))
    }

    /// # Errors
    /// When there is no home directory to put it into.
    pub(crate) fn data_dir(&self) -> anyhow::Result<PathBuf> {
        if let Some(dir) = &self.data_dir {
            return Ok(std::path::absolute(dir)?);
        }
        if embedded::is_root() {
            return Ok(PathBuf::from("/var/lib/vectora"));
        }
        let environment = environment();
        let find = |name: &str| {
            environment.iter().find(|(key, _)| key == name).map(|(_, value)| PathBuf::from(value))
        };
        find("XDG_DATA_HOME")
            .or_else(|| find("HOME").map(|home| home.join(".local/share")))
            .map(|share| share.join("vectora"))
            .ok_or_else(|| anyhow::anyhow!("there is no HOME: say where to keep data with --data-dir DIR"))
    }
}

/// The environment, read here and nowhere else. A value that is not UTF-8 is not for us.
#[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Whether an error is the configuration's: exit code 78 then.
pub(crate) fn is_at_fault(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.is::<ConfigError>()
            || cause.is::<nats::SettingsError>()
            || matches!(
                cause.downcast_ref(),
                Some(nats::ConnectError::Settings(_) | nats::ConnectError::File { .. })
            )
            || cause.is::<knowledge::SettingsError>()
            || cause.is::<web::SettingsError>()
            || cause.is::<ingress::dispatcher::SettingsError>()
            || cause.is::<workers::SettingsError>()
            || cause.is::<models::SettingsError>()
            || matches!(
                cause.downcast_ref(),
                Some(models::EmbedderError { error: models::ModelError::Misfit(_), .. })
            )
            || cause.is::<telegram::SettingsError>()
            || cause.is::<store::UrlError>()
            || cause.is::<store::SettingsError>()
            || cause.is::<runtime::listener::BindError>()
            || cause.is::<runtime::fault::SpecError>()
    })
}
