//! Models as the configuration wants them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::breaker::Waits;
use crate::failover::Link;
use crate::guard::Guard;
use crate::guarded::Guarded;
use crate::http::{ClientError, Http};
use crate::limits::Timed;
use crate::ollama::Ollama;
use crate::ollama_embeddings::OllamaEmbedder;
use crate::openai::OpenAi;
use crate::openai_embeddings::OpenAiEmbedder;
use crate::scripted::Scripted;
use crate::scripted_embeddings::ScriptedEmbedder;
use crate::settings::{EmbedderSettings, Kind, OPENAI, ProviderSettings};
use crate::{Budget, Chain, ChatModel, Embedder, Embedders, Metrics, Settings, SettingsError};

/// Everything that the configuration asks for.
#[derive(Debug, Clone)]
pub struct Models {
    /// Who writes answers; `None`: nobody does, and answers are quoted.
    pub chat: Option<Arc<dyn ChatModel>>,
    /// `chat` is the scripted model alone: for measuring the mechanism, with nothing around it.
    pub scripted: bool,
    pub embedders: Embedders,
    /// Tokens of today: the caller tells what the ledger knows.
    pub budget: Arc<Budget>,
}

/// The configured models. Nothing is called yet.
///
/// # Errors
/// As [`Settings::validate`]; and a provider for which there is no HTTP client.
pub fn configured(settings: &Settings, metrics: &Metrics) -> Result<Models, SettingsError> {
    settings.validate()?;
    let names = &settings.provider.0;
    let mut limits = BTreeMap::new();
    let mut links = Vec::new();
    for name in names {
        match (name.as_str(), settings.provider(name)) {
            ("scripted", _) => links.push(scripted(settings, metrics)),
            // "none" and "extractive": nobody to ask.
            (_, None) => {}
            (_, Some(table)) => {
                limits.extend(table.tokens_per_day.map(|tokens| (name.clone(), tokens)));
                links.push(link(settings, name, &table, metrics)?);
            }
        }
    }
    let budget = Arc::new(Budget::new(limits));
    let chat: Option<Arc<dyn ChatModel>> = match links.as_slice() {
        [] => None,
        // Alone it is what is measured and tested: nothing stands around it.
        [_] if names[0] == "scripted" => Some(Arc::new(Scripted::new(settings.scripted_delay))),
        _ => Some(Arc::new(Chain::new(links, settings.total, budget.clone(), metrics.clone()))),
    };
    let embedders = embedders(settings, metrics)?;
    let scripted = names.len() == 1 && names[0] == "scripted";
    Ok(Models { chat, scripted, embedders, budget })
}

const fn waits(settings: &Settings) -> Waits {
    Waits { first: settings.breaker, longest: settings.breaker_max }
}

fn scripted(settings: &Settings, metrics: &Metrics) -> Link {
    let guard = Guard::new("scripted", 1024, settings.total, waits(settings), metrics.clone());
    Link { model: Box::new(Scripted::new(settings.scripted_delay)), guard }
}

fn link(
    settings: &Settings,
    name: &str,
    table: &ProviderSettings,
    metrics: &Metrics,
) -> Result<Link, SettingsError> {
    let unbuilt =
        |error: ClientError| SettingsError { key: format!("providers.{name}"), problem: error.to_string() };
    let Some(kind) = table.kind(name) else {
        // Validated above.
        return Err(SettingsError {
            key: format!("providers.{name}.kind"),
            problem: "is missing".to_owned(),
        });
    };
    let base_url = table.base_url(kind);
    let http = Http::new(base_url, table.api_key.as_ref(), table.connect).map_err(unbuilt)?;
    let model = table.model(kind).to_owned();
    let full_name = format!("{name}/{model}");
    let (window, max_tokens, answer_limit) = (table.window(kind), table.max_tokens, table.answer_limit);
    let model: Box<dyn ChatModel> = match kind {
        Kind::Ollama => {
            let keep_alive = table.keep_alive;
            let model = Ollama { http, name: full_name, model, window, max_tokens, answer_limit, keep_alive };
            timed(model, table)
        }
        Kind::OpenAi | Kind::Scripted => {
            let genuine = base_url.trim_end_matches('/') == OPENAI;
            let model = OpenAi { http, name: full_name, model, window, max_tokens, answer_limit, genuine };
            timed(model, table)
        }
    };
    let guard = Guard::new(name, table.concurrency(kind), table.total, waits(settings), metrics.clone());
    Ok(Link { model, guard })
}

fn timed<M: ChatModel + 'static>(model: M, table: &ProviderSettings) -> Box<dyn ChatModel> {
    Box::new(Timed { model, first_token: table.first_token, idle: table.idle })
}

fn embedders(settings: &Settings, metrics: &Metrics) -> Result<Embedders, SettingsError> {
    let mut all: Vec<(String, Arc<dyn Embedder>)> = Vec::new();
    for (name, table) in &settings.embedders {
        let embedder = embedder(settings, name, table, metrics)?;
        if let Some((twin, _)) = all.iter().find(|(_, other)| other.identity() == embedder.identity()) {
            let problem = format!("makes the same vectors as embedders.{twin}; keep one of them");
            return Err(SettingsError { key: format!("embedders.{name}"), problem });
        }
        all.push((name.clone(), embedder));
    }
    Ok(Embedders::new(all, settings.embedder.clone()))
}

fn embedder(
    settings: &Settings,
    name: &str,
    table: &EmbedderSettings,
    metrics: &Metrics,
) -> Result<Arc<dyn Embedder>, SettingsError> {
    let (shape, batch) = (table.shape(), table.batch);
    let model = if table.model.is_empty() { table.kind.name() } else { &table.model }.to_owned();
    if table.kind == Kind::Scripted {
        return Ok(Arc::new(ScriptedEmbedder::new(&model, shape, batch)));
    }
    let (base_url, api_key) = settings.address_of(table);
    let http = Http::new(&base_url, api_key.as_ref(), table.connect)
        .map_err(|error| SettingsError { key: format!("embedders.{name}"), problem: error.to_string() })?;
    // Beside a chat provider of the same name it is somebody else.
    let provider = format!("embedder {name}");
    let guard = Guard::new(&provider, table.concurrency, table.total, waits(settings), metrics.clone());
    let identity = shape.identity(&model);
    let spent = metrics.embedded(&format!("{name}/{model}"));
    Ok(if table.kind == Kind::Ollama {
        let keep_alive = table.keep_alive;
        let embedder = OllamaEmbedder { http, identity, model, shape, batch, keep_alive, spent };
        Arc::new(Guarded { embedder, guard })
    } else {
        Arc::new(Guarded { embedder: OpenAiEmbedder { http, identity, model, shape, batch, spent }, guard })
    })
}
