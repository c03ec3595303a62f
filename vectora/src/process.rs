//! One process: its connections, and which of the parts it runs. The only place where everything meets.

mod public;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use nats::Nats;
use nats::topology::{self, Topology};
use runtime::health::Health;
use runtime::lifecycle::Lifecycle;
use runtime::metrics::Registry;
use store::{Ledger, Role};
use web::Router;

use self::public::Public;
use crate::config::Config;

/// The longest a start waits for the first look at its dependencies; one that is away may take longer.
const FIRST_LOOK: std::time::Duration = std::time::Duration::from_millis(500);

/// The longest a start waits for its embedder. Some load their model at the first call, which takes longer.
const EMBEDDED: std::time::Duration = std::time::Duration::from_secs(3);

/// What a process does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) role: Role,
    pub(crate) ingress: bool,
    pub(crate) api: bool,
    /// Stages to work on.
    pub(crate) stages: &'a [String],
}

/// A process that runs.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) ledger: Ledger,
    pub(crate) lifecycle: Lifecycle,
    /// Where the public listener is, if the process has one.
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) internal: SocketAddr,
    nats: Nats,
    health: Health,
    drain: std::time::Duration,
    public: Public,
}

impl Process {
    /// Connects, checks that ledger and NATS fit this release, and starts the parts.
    pub(crate) async fn start(
        config: &Config,
        parts: Parts<'_>,
        lifecycle: Lifecycle,
    ) -> anyhow::Result<Self> {
        if let Some(at) = &config.faults.at {
            runtime::fault::arm(at, config.faults.release.as_deref())?;
        }
        let ledger = Ledger::open(&config.store, parts.role)?;
        wait_for_schema(&ledger, &lifecycle).await?;
        let nats = Nats::connect(&config.nats).await?;
        let topology = topology::wanted(&config.nats, workers::stages::ALL)?;
        check_topology(&nats, &topology).await?;

        let health = Health::default();
        watch_servers(&ledger, &nats, &health, &lifecycle);
        let mut registry = Registry::default();
        runtime::metrics::register_process(&mut registry);
        nats.metrics().register(&mut registry);
        let http = web::Metrics::register(&mut registry);
        let public = Public::open(config, parts.role, &ledger, &lifecycle)?;
        let keys = web::Keys::new(public.ledger.clone());
        let knowledge = Knowledge::of(config, parts, &ledger, &mut registry)?;
        if let Some(knowledge) = &knowledge {
            check_embedder(&knowledge.models.embedders).await?;
        }

        let mut router: Option<Router> = None;
        let mut merge = |part: Router| {
            router = Some(match router.take() {
                Some(router) => router.merge(part),
                None => part,
            });
        };
        if parts.ingress {
            let admission = ingress::admission::Admission::start(
                config.admission.clone(),
                public.ledger.clone(),
                &public.lifecycle,
            );
            let gate = admission.clone();
            let intake = workers::stages::ALL
                .iter()
                .find(|stage| stage.name == store::accept::INTAKE)
                .copied()
                .context("there is no stage that takes what comes in")?;
            let state = ingress::http::Parts {
                keys: keys.clone(),
                ledger: public.ledger.clone(),
                uploads: ingress::ingestions::Uploads::default(),
                acceptor: store::accept::Acceptor::new(&public.ledger, &public.lifecycle),
                admission,
                nats: nats.clone(),
                lifecycle: public.lifecycle.clone(),
                stages: workers::stages::ALL,
            };
            merge(ingress::http::router(state.into()));
            if let Some(door) = door(config, &public, &nats, gate, intake)? {
                merge(ingress::telegram::router(door));
            }
            let dispatcher = ingress::dispatcher::Dispatcher {
                ledger: ledger.clone(),
                nats: nats.clone(),
                stages: workers::stages::ALL.to_vec(),
                topology,
                settings: config.dispatcher.clone(),
                operators: config.telegram.operators_language,
                metrics: ingress::dispatcher::Metrics::register(&mut registry),
            };
            dispatcher.start(&lifecycle);
        }
        if let (true, Some(knowledge)) = (parts.api, &knowledge) {
            merge(api::http::router(api::http::State::new(
                public.ledger.clone(),
                keys,
                nats.clone(),
                knowledge.retriever.clone(),
                public.lifecycle.clone(),
            )));
        }
        if let Some(knowledge) = knowledge {
            let worker =
                Worker { ledger: &ledger, nats: &nats, lifecycle: &lifecycle, health: &health, knowledge };
            worker.start(config, parts.stages, &mut registry)?;
        }

        let internal = runtime::listener::bind(config.http.internal_listen)
            .await
            .context("http.internal_listen cannot be used")?;
        let internal_address = internal.local_addr()?;
        let internal_router = runtime::listener::internal_router(health.clone(), Arc::new(registry));
        runtime::listener::serve_internal(internal, internal_router, &lifecycle);
        let listen = match router {
            None => None,
            Some(router) => Some(public.listen(router, config, http).await?),
        };
        health.checked(FIRST_LOOK).await;
        let drain = config.workers.drain;
        Ok(Self { ledger, lifecycle, listen, internal: internal_address, nats, health, drain, public })
    }

    /// Runs until it is told to stop, then drains: readiness off, nothing new, what runs goes on up to the
    /// limit, leases are released. `false`: something had to be cut off.
    pub(crate) async fn run(self) -> bool {
        self.lifecycle.soft.cancelled().await;
        self.health.draining();
        let drained = self.lifecycle.drain(self.drain).await;
        self.nats.flush().await;
        self.public.ledger.close().await;
        self.ledger.close().await;
        drained.clean && !self.lifecycle.failed()
    }
}

/// Where Telegram's updates come in, if there is a bot.
fn door(
    config: &Config,
    public: &Public,
    nats: &Nats,
    admission: ingress::admission::Admission,
    intake: contract::Stage,
) -> anyhow::Result<Option<ingress::telegram::Door>> {
    let Some(bot) = config.telegram.bot()? else { return Ok(None) };
    Ok(Some(ingress::telegram::Door::open(ingress::telegram::Parts {
        bot,
        settings: config.telegram.clone(),
        ledger: public.ledger.clone(),
        receiver: store::accept::Receiver::new(public.ledger.clone(), &public.lifecycle),
        admission,
        nats: nats.clone(),
        lifecycle: public.lifecycle.clone(),
        intake,
    })))
}

/// What searches, and what is searched.
#[derive(Debug, Clone)]
struct Knowledge {
    models: models::Models,
    index: knowledge::Index,
    vectors: retrieval::Vectors,
    retriever: retrieval::Retriever,
}

impl Knowledge {
    /// `None` for a process that neither searches nor works.
    fn of(
        config: &Config,
        parts: Parts<'_>,
        ledger: &Ledger,
        registry: &mut Registry,
    ) -> anyhow::Result<Option<Self>> {
        if !parts.api && parts.stages.is_empty() {
            return Ok(None);
        }
        let index = knowledge::Index::connect(&config.index)?;
        let models = models::configured(&config.models, &models::Metrics::register(registry))?;
        let vectors = config.vectors_of(models.embedders.clone(), retrieval::Metrics::register(registry));
        let retriever = retrieval::Retriever::new(ledger.clone(), index.clone(), vectors.clone());
        Ok(Some(Self { models, index, vectors, retriever }))
    }
}

/// What the stages of a process share.
struct Worker<'a> {
    ledger: &'a Ledger,
    nats: &'a Nats,
    lifecycle: &'a Lifecycle,
    health: &'a Health,
    knowledge: Knowledge,
}

impl Worker<'_> {
    fn start(self, config: &Config, stages: &[String], registry: &mut Registry) -> anyhow::Result<()> {
        if stages.is_empty() {
            return Ok(());
        }
        let settings = Arc::new(config.workers.clone());
        let bot = config.telegram.bot()?;
        let channels = Arc::new(workers::channel::Channels::new(settings.loopback_url.as_deref(), bot));
        let Knowledge { models, index, vectors, retriever } = self.knowledge;
        if stages.iter().any(|stage| stage == store::batches::EMBED) {
            let keeper = workers::keeper::Keeper {
                ledger: self.ledger.clone(),
                index: index.clone(),
                vectors: vectors.clone(),
                prefix: config.nats.prefix.clone(),
                late: settings.hard_limit_of(store::batches::EMBED) + settings.lease,
                health: self.health.clone(),
            };
            keeper.start(self.lifecycle);
        }
        let metrics = workers::Metrics::register(registry);
        let quoter = knowledge::extractive::Quoter::default();
        let tools = workers::stages::Tools {
            lifecycle: self.lifecycle.clone(),
            ledger: self.ledger.clone(),
            author: author(self.ledger, config, models, &vectors, &quoter, &metrics, self.lifecycle),
            presence: workers::presence::Presence::new(
                channels.clone(),
                self.ledger.clone(),
                self.nats.clone(),
                self.lifecycle.clone(),
                metrics.clone(),
            ),
            metrics,
            telegram: Arc::new(config.telegram.clone()),
            channels,
            settings,
            index,
            retriever,
            vectors,
            // The program that runs, also after its file was replaced by an upgrade.
            sandbox: extract::Sandbox::new("/proc/self/exe"),
            quoter,
            answers: stages.iter().any(|stage| stage == store::turns::ANSWER),
        };
        let workshop = workers::runner::Workshop::new(&tools, self.nats.clone(), self.health.clone());
        for name in stages {
            if !workers::stages::start(name, &workshop, &tools) {
                let known: Vec<&str> = workers::stages::ALL.iter().map(|stage| stage.name).collect();
                anyhow::bail!("there is no stage {name:?}: choose from {}", known.join(", "));
            }
        }
        Ok(())
    }
}

/// Who answers, as the configuration wants it.
fn author(
    ledger: &Ledger,
    config: &Config,
    models: models::Models,
    vectors: &retrieval::Vectors,
    quoter: &knowledge::extractive::Quoter,
    metrics: &workers::Metrics,
    lifecycle: &Lifecycle,
) -> workers::Author {
    use workers::writer::{Spending, Writer};
    let Some(model) = models.chat else { return workers::Author::Quotes };
    if models.scripted {
        return workers::Author::Scripted(model);
    }
    let spending = Spending::keep(ledger.clone(), models.budget, lifecycle);
    let settings = Arc::new(config.answers.clone());
    let writer = Writer::new(model, settings, spending, vectors.clone(), quoter.clone(), metrics.clone());
    workers::Author::Writer(Box::new(writer))
}

/// Between two looks at the servers: how late `/readyz` may be.
const LOOK: std::time::Duration = std::time::Duration::from_secs(1);

/// Tells `/readyz` whether ledger and NATS answer, until the process has drained.
fn watch_servers(ledger: &Ledger, nats: &Nats, health: &Health, lifecycle: &Lifecycle) {
    let (of_ledger, of_nats) = (health.dependency("ledger"), health.dependency("nats"));
    let (ledger, nats, soft) = (ledger.clone(), nats.clone(), lifecycle.soft.clone());
    lifecycle.spawn("health", async move {
        loop {
            match ledger.ping().await {
                Ok(()) => of_ledger.up(),
                Err(_) => of_ledger.down("it does not answer"),
            }
            if nats.is_connected() {
                of_nats.up();
            } else {
                of_nats.down("not connected");
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = soft.cancelled() => return,
            }
        }
    });
}

/// Waits for a ledger that is not there yet; a schema that does not fit is an error at once.
async fn wait_for_schema(ledger: &Ledger, lifecycle: &Lifecycle) -> anyhow::Result<()> {
    let mut told = false;
    loop {
        match store::migrate::pending(ledger).await {
            Ok(0) => return Ok(()),
            Ok(missing) => anyhow::bail!("the ledger lacks {missing} migrations: run `vectora migrate up`"),
            Err(error) if error.is_unavailable() => {
                if !told {
                    tracing::warn!(error = &error as &dyn std::error::Error, "waiting for the ledger");
                    told = true;
                }
            }
            Err(error) => return Err(error).context("the ledger's schema cannot be read"),
        }
        tokio::select! {
            () = tokio::time::sleep(std::time::Duration::from_millis(250)) => {}
            () = lifecycle.soft.cancelled() => anyhow::bail!("told to stop while waiting for the ledger"),
        }
    }
}

/// An embedder that makes something else than is configured stops the process: nothing it makes could be indexed. One
/// that is away, or says nothing in time, is waited for.
async fn check_embedder(embedders: &models::Embedders) -> anyhow::Result<()> {
    match tokio::time::timeout(EMBEDDED, embedders.check()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) if matches!(error.error, models::ModelError::Misfit(_)) => {
            return Err(error)
                .context("an embedder that cannot be used: correct its dims, or name another model");
        }
        Ok(Err(error)) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(
                error,
                "the embedder was not checked: until it is there questions are searched by words"
            );
        }
        Err(_elapsed) => {
            tracing::warn!(limit = ?EMBEDDED, "the embedder was not checked: it says nothing yet");
        }
    }
    Ok(())
}

/// A stream or consumer that means something else than this release thinks stops the process; what is
/// missing is created by the dispatcher; NATS being away is waited for.
async fn check_topology(nats: &Nats, topology: &Topology) -> anyhow::Result<()> {
    if !nats.is_connected() {
        tracing::warn!("NATS is not reachable: questions are accepted, and answered when it is back");
        return Ok(());
    }
    match topology::check(nats, topology).await {
        Ok(differences) => {
            let mut fatal = Vec::new();
            for difference in differences {
                if difference.severity == topology::Severity::Fatal {
                    fatal.push(difference.to_string());
                } else {
                    tracing::warn!(%difference, "NATS is not quite as wanted: see `vectora topology check`");
                }
            }
            anyhow::ensure!(
                fatal.is_empty(),
                "NATS does not fit: {}. Run `vectora topology apply`, or choose another nats.prefix",
                fatal.join("; ")
            );
        }
        Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "NATS was not checked"),
    }
    Ok(())
}
