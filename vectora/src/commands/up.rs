//! `vectora up`: everything in the foreground.
//!
//! It decides only *where* the servers are; what runs is the same as in production. Order of the start: lock,
//! servers, schema, topology, the local key, the parts, `run.json`, the ready line. Ctrl-C: Vectora drains
//! first, then NATS stops, PostgreSQL last.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use embedded::lock::DataDirLock;
use embedded::nats::NatsServer;
use embedded::postgres::PostgresServer;
use embedded::runfile::RunFile;
use embedded::{nats as nats_server, postgres};
use nats::topology;
use runtime::lifecycle::Lifecycle;
use secrecy::{ExposeSecret, SecretString};
use store::{Ledger, Role};

use super::{output, serve};
use crate::config::{Config, Given, Invocation};
use crate::process::{Parts, Process};

/// How the key of this machine's tools is called, with the data directory behind it: two of us may share a
/// ledger. It is made anew at each start and taken back at the next, so that a copy of an old `run.json` opens
/// nothing.
const LOCAL_KEY: &str = "vectora up";

/// A server that ends more often than this within [`RESTARTS_WITHIN`] has a fault a restart does not mend
/// (a full disk, a broken directory).
const RESTARTS: usize = 5;
const RESTARTS_WITHIN: Duration = Duration::from_mins(1);

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Where to listen for HTTP.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Another server of the Bot API than Telegram's own.
    #[arg(long, value_name = "URL")]
    telegram_api_url: Option<String>,
    /// Do not load the sample knowledge base on the first start.
    #[arg(long)]
    no_sample: bool,
}

/// The servers this process started.
#[derive(Debug, Default)]
struct Servers {
    postgres: Option<PostgresServer>,
    nats: Option<NatsServer>,
    #[cfg(feature = "embedded")]
    index: Option<qdrant_local::Server>,
}

impl Up {
    pub(crate) async fn run(self, invocation: &Invocation) -> anyhow::Result<ExitCode> {
        let mut config = invocation.checked()?;
        let given = invocation.given()?;
        if let Some(listen) = self.listen {
            config.http.listen = listen;
        }
        if let Some(url) = &self.telegram_api_url {
            config.telegram.api_url.clone_from(url);
            config.telegram.validate()?;
        }
        runtime::telemetry::init(&config.log)?;
        let lifecycle = Lifecycle::default();
        lifecycle.watch_signals();
        let data_dir = invocation.data_dir()?;
        let _lock = DataDirLock::acquire(&data_dir)?;
        // Before the servers: a port in use should not cost their start.
        drop(runtime::listener::bind(config.http.listen).await?);
        let internal = runtime::listener::bind(config.http.internal_listen).await;
        drop(internal.context("http.internal_listen cannot be used")?);

        let mut servers = Servers::start(&mut config, &given, &data_dir).await?;
        let result = self.run_parts(&config, &data_dir, &mut servers, lifecycle.clone()).await;
        lifecycle.soft.cancel();
        drop(RunFile::remove(&data_dir));
        servers.stop().await;
        Ok(if result? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn run_parts(
        &self,
        config: &Config,
        data_dir: &Path,
        servers: &mut Servers,
        lifecycle: Lifecycle,
    ) -> anyhow::Result<bool> {
        let ledger = Ledger::open(&config.store, Role::Tool)?;
        store::migrate::up(&ledger).await.context("the ledger's schema could not be brought up to date")?;
        apply_topology(config).await?;
        let key = local_key(&ledger, data_dir).await?;
        let sample = if self.no_sample { None } else { crate::sample::load(&ledger).await? };
        ledger.close().await;

        let stages = serve::all_stages();
        let parts = Parts { role: Role::All, ingress: true, api: true, stages: &stages };
        let process = Box::pin(Process::start(config, parts, lifecycle.clone())).await?;
        let listen = process.listen.context("vectora up has a public listener")?;
        let mut run = RunFile {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            listen: listen.to_string(),
            internal: process.internal.to_string(),
            database_url: expose(config.store.url.as_ref()),
            nats_url: config.nats.url.expose_secret().to_owned(),
            nats_token: config.nats.token.as_ref().map(|token| token.expose_secret().to_owned()),
            qdrant_url: config.index.url.clone(),
            qdrant_api_key: config.index.api_key.as_ref().map(|key| key.expose_secret().to_owned()),
            key: Some(key.expose_secret().to_owned()),
            postgres_pid: servers.postgres.as_ref().map(PostgresServer::pid),
            nats_pid: servers.nats.as_ref().map(NatsServer::pid),
        };
        // Told to stop while starting: nobody should begin to ask.
        if !lifecycle.soft.is_cancelled() {
            run.write(data_dir)?;
            ready(&run, data_dir, sample, bot_at_work(config).as_deref())?;
        }

        #[cfg(feature = "embedded")]
        if servers.index.is_some() {
            mend_index(config, &lifecycle)?;
        }

        tokio::select! {
            clean = process.run() => Ok(clean),
            ended = servers.supervise(&mut run, data_dir) => {
                lifecycle.soft.cancel();
                Err(ended)
            }
        }
    }
}

impl Servers {
    async fn start(config: &mut Config, given: &Given, data_dir: &Path) -> anyhow::Result<Self> {
        let mut servers = Self::default();
        if !given.store() {
            let options = postgres::Options::new(data_dir.join("postgres"));
            let server = postgres::start(options).await?;
            config.store.url = Some(SecretString::from(server.url()));
            servers.postgres = Some(server);
        }
        if !given.nats() {
            let options = nats_server::Options::new(data_dir.join("nats"), embedded::random_token()?);
            match nats_server::start(options).await {
                Ok(server) => {
                    config.nats.url = SecretString::from(server.url());
                    config.nats.token = Some(SecretString::from(server.token().to_owned()));
                    servers.nats = Some(server);
                }
                Err(error) => {
                    servers.stop().await;
                    return Err(error.into());
                }
            }
        }
        if !given.index()
            && let Err(error) = servers.start_index(config, data_dir).await
        {
            servers.stop().await;
            return Err(error);
        }
        Ok(servers)
    }

    /// Qdrant's engine in this process, behind the same gRPC as a server of its own.
    #[cfg(feature = "embedded")]
    async fn start_index(&mut self, config: &mut Config, data_dir: &Path) -> anyhow::Result<()> {
        let key = SecretString::from(embedded::random_token()?);
        let server =
            qdrant_local::Server::start(qdrant_local::Options::new(data_dir.join("index"), key.clone()))
                .await
                .context("the embedded index does not start")?;
        config.index.url = Some(server.url());
        config.index.api_key = Some(key);
        self.index = Some(server);
        Ok(())
    }

    #[cfg(not(feature = "embedded"))]
    #[expect(clippy::unused_async, clippy::unused_self, reason = "as the other")]
    async fn start_index(&mut self, _config: &mut Config, _data_dir: &Path) -> anyhow::Result<()> {
        anyhow::bail!("this binary was built without the feature `embedded`: set QDRANT_URL")
    }

    /// Starts a server that ended again, on the same address. Returns when one ends again and again: then
    /// something is wrong that a restart does not mend.
    async fn supervise(&mut self, run: &mut RunFile, data_dir: &Path) -> anyhow::Error {
        let mut ends = Vec::new();
        loop {
            let postgres = self.postgres.as_ref().map(PostgresServer::wait);
            let nats = self.nats.as_ref().map(NatsServer::wait);
            let name = tokio::select! {
                _ = or_never(postgres) => "PostgreSQL",
                _ = or_never(nats) => "nats-server",
            };
            tracing::error!(server = name, "a server ended: starting it again");
            ends.retain(|at: &Instant| at.elapsed() < RESTARTS_WITHIN);
            ends.push(Instant::now());
            if ends.len() > RESTARTS {
                return anyhow::anyhow!(
                    "{name} ended {RESTARTS} times within {} s: its log is in the data directory",
                    RESTARTS_WITHIN.as_secs()
                );
            }
            let restarted = match (name, &mut self.postgres, &mut self.nats) {
                ("PostgreSQL", Some(server), _) => server.restart().await.map_err(anyhow::Error::from),
                (_, _, Some(server)) => server.restart().await.map_err(anyhow::Error::from),
                _ => Ok(()),
            };
            if let Err(error) = restarted {
                return error.context(format!("{name} ended and does not start again"));
            }
            run.postgres_pid = self.postgres.as_ref().map(PostgresServer::pid);
            run.nats_pid = self.nats.as_ref().map(NatsServer::pid);
            if let Err(error) = run.write(data_dir) {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "run.json names a server that has ended"
                );
            }
        }
    }

    async fn stop(&mut self) {
        #[cfg(feature = "embedded")]
        if let Some(index) = self.index.take() {
            index.stop().await;
        }
        if let Some(nats) = &mut self.nats {
            nats.stop().await;
        }
        if let Some(postgres) = &mut self.postgres {
            postgres.stop().await;
        }
    }
}

async fn or_never<T>(future: Option<impl Future<Output = T>>) -> T {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

/// `up` owns its index: one that was lost (deleted, or a ledger came from elsewhere), or that another analyser or
/// embedder has made than this release and configuration have, is built anew from the ledger, in the background, as
/// `vectora reindex` does.
#[cfg(feature = "embedded")]
fn mend_index(config: &Config, lifecycle: &Lifecycle) -> anyhow::Result<()> {
    let ledger = Ledger::open(&config.store, Role::Tool)?;
    let index = knowledge::Index::connect(&config.index)?;
    let vectors = config.vectors()?;
    let (prefix, soft) = (config.nats.prefix.clone(), lifecycle.soft.clone());
    lifecycle.spawn("mend index", async move {
        let mending = async {
            match retrieval::prepare(&ledger, &index, &vectors, &prefix).await {
                Ok(live) => {
                    let embedder = vectors.current();
                    let wanted = retrieval::recipe(&prefix, embedder.as_deref());
                    if retrieval::reindex::is_made_with(&live, wanted) {
                        return Ok(());
                    }
                    let (embedder, before) = (wanted.embedder.map(|(identity, _)| identity), live.embedder);
                    tracing::info!(
                        embedder,
                        before,
                        "the index is built anew; the old one is searched meanwhile"
                    );
                }
                Err(lost @ retrieval::RetrievalError::Lost { .. }) => {
                    let error = &lost as &dyn std::error::Error;
                    tracing::warn!(error, "building the index anew from the ledger");
                }
                Err(_) => return Ok(()),
            }
            let options = retrieval::reindex::Options { prefix: &prefix, chunks: false, force: false };
            Box::pin(retrieval::reindex::reindex(&ledger, &index, &vectors, options, |_| ())).await.map(drop)
        };
        tokio::select! {
            mended = mending => if let Err(error) = mended {
                tracing::error!(error = &error as &dyn std::error::Error, "not built: run `vectora reindex`");
            },
            () = soft.cancelled() => {}
        }
        ledger.close().await;
    });
    Ok(())
}

/// `up` owns its streams: what is missing is created, what differs is changed.
async fn apply_topology(config: &Config) -> anyhow::Result<()> {
    let nats = nats::Nats::connect(&config.nats).await?;
    if !nats.is_connected() {
        tracing::warn!("NATS is not reachable: its streams are created when it is");
        return Ok(());
    }
    let wanted = topology::wanted(&config.nats, workers::stages::ALL)?;
    for change in topology::apply(&nats, &wanted).await? {
        tracing::info!(%change, "NATS");
    }
    Ok(())
}

async fn local_key(ledger: &Ledger, data_dir: &Path) -> anyhow::Result<SecretString> {
    let name = format!("{LOCAL_KEY} {}", data_dir.display());
    for old in store::keys::list(ledger).await? {
        if old.name == name && old.revoked_at.is_none() {
            store::keys::revoke(ledger, old.id).await?;
        }
    }
    let scopes = store::keys::SCOPES.map(str::to_owned);
    Ok(store::keys::create(ledger, &name, &scopes, None, None).await?.1)
}

/// What a person needs now. The key is shown on a terminal only: elsewhere it would end up in a log.
fn ready(run: &RunFile, data_dir: &Path, sample: Option<usize>, bot: Option<&str>) -> anyhow::Result<()> {
    output::line(&format!("Vectora {} is ready at http://{}", run.version, run.listen))?;
    output::line(&format!(
        "  ask:     vectora ask \"How do I reset my password?\" --data-dir {}",
        data_dir.display()
    ))?;
    if let Some(articles) = sample {
        output::line(&format!(
            "  sample:  {articles} articles are being loaded; --no-sample starts without"
        ))?;
    }
    if let Some(bot) = bot {
        output::line(&format!("  bot:     {bot}"))?;
    }
    output::line(&format!("  state:   http://{}/readyz", run.internal))?;
    if std::io::stdout().is_terminal() {
        output::line(&format!("  key:     {}", run.key.as_deref().unwrap_or("none")))?;
    }
    output::line("  stop:    Ctrl-C")?;
    Ok(())
}

/// How the bot of the configuration gets its updates.
fn bot_at_work(config: &Config) -> Option<String> {
    let bot = config.telegram.bot().ok().flatten()?;
    let how = match &config.telegram.public_url {
        Some(url) => format!("by webhook at {url}"),
        None => "by long polling".to_owned(),
    };
    Some(format!("{}, {how}", bot.id()))
}

fn expose(url: Option<&SecretString>) -> String {
    url.map(|url| url.expose_secret().to_owned()).unwrap_or_default()
}
