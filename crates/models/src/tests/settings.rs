//! What the `[models]` section takes and refuses.

use super::{models, settings};
use crate::SettingsError;

fn refused(text: &str) -> SettingsError {
    settings(text).validate().expect_err(text)
}

#[test]
fn a_value_that_cannot_work_is_named_with_its_key_and_a_remedy() {
    for (text, key, remedy) in [
        ("provider = \"hunter2\"", "models.provider", "[models.providers.<name>]"),
        ("provider = []", "models.provider", "at least one"),
        ("provider = [\"openai\", \"openai\"]", "models.provider", "once"),
        ("provider = [\"none\", \"openai\"]", "models.provider", "stands alone"),
        ("provider = \"extractive,openai\"", "models.provider", "put it last"),
        ("total = \"1ms\"", "models.total", "10ms to 1800s"),
        ("breaker_max = \"1ms\"", "models.breaker_max", "1s to 3600s"),
        ("embedder = \"hunter2\"", "models.embedder", "[models.embedders.<name>]"),
        ("[providers.vllm]", "models.providers.vllm.kind", "\"openai\""),
        ("[providers.none]", "models.providers.none", "choose another"),
        ("[providers.\"a b\"]", "models.providers", "a-z"),
        ("[providers.openai]\nbase_url = \"ftp://x\"", "models.providers.openai.base_url", "http://"),
        (
            "[providers.openai]\nbase_url = \"http://a:hunter2@x\"",
            "models.providers.openai.base_url",
            "password",
        ),
        ("[providers.openai]\napi_key = \"hunter2\\n\"", "models.providers.openai.api_key", "line end"),
        ("[providers.openai]\napi_key = \"\"", "models.providers.openai.api_key", "one word"),
        ("[providers.ollama]\nmax_tokens = 5000", "models.providers.ollama.max_tokens", "1 to 4096"),
        ("[providers.openai]\ntotal = \"2m\"", "models.providers.openai.total", "90s"),
        ("[providers.openai]\nidle = \"61s\"", "models.providers.openai.idle", "60s"),
        ("[providers.openai]\nconcurrency = 0", "models.providers.openai.concurrency", "1 to"),
        ("[embedders.e]\nmodel = \"m\"", "models.embedders.e.dims", "1 to 65536"),
        ("[embedders.e]\ndims = 3", "models.embedders.e.model", "name a model"),
    ] {
        let error = refused(text).to_string();
        assert!(error.starts_with(&format!("{key}: ")) && error.contains(remedy), "{text}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn providers_come_as_a_text_with_commas_and_as_a_list() {
    for text in
        ["provider = \"openai, ollama ,extractive\"", "provider = [\"openai\", \"ollama\", \"extractive\"]"]
    {
        let chain = models(text);
        assert_eq!(chain.chat().name(), "openai/gpt-4o-mini, ollama/qwen2.5:7b");
        assert_eq!(chain.chat().window(), 8_192, "what is asked must fit into each of them");
    }
    assert!(models("provider = \"none\"").models.chat.is_none());
    assert_eq!(models("provider = \"scripted\"").chat().name(), "scripted");
}

#[test]
fn the_key_of_a_chat_provider_goes_to_no_other_server() {
    let text = "[providers.openai]\napi_key = \"k\"\n[embedders.e]\nmodel = \"m\"\ndims = 3\n";
    let with_key = |text: &str| {
        let settings = settings(text);
        settings.address_of(&settings.embedders["e"])
    };
    let (url, key) = with_key(text);
    assert!(url == "https://api.openai.com/v1" && key.is_some());
    let (url, key) = with_key(&format!("{text}base_url = \"http://elsewhere/v1\"\n"));
    assert!(url == "http://elsewhere/v1" && key.is_none());
}

#[test]
fn two_embedders_of_the_same_vectors_are_one_too_many() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let of = |name: &str| format!("[embedders.{name}]\nmodel = \"m\"\ndims = 3\nkind = \"scripted\"\n");
    let error = crate::configured(&settings(&(of("a") + &of("b"))), &crate::Metrics::default());
    let error = error.expect_err("they cannot be told apart").to_string();
    assert!(error.contains("embedders.b") && error.contains("embedders.a"), "{error}");
}

#[test]
fn the_environment_says_all_of_it_too() {
    #[derive(serde::Deserialize)]
    struct Whole {
        models: crate::Settings,
    }
    let env = [
        ("LLM_PROVIDER", "openai, vllm,extractive"),
        ("OPENAI_API_KEY", "sk-1"),
        ("OLLAMA_BASE_URL", "http://ollama:11434"),
        ("VECTORA__MODELS__PROVIDERS__VLLM__KIND", "openai"),
        ("VECTORA__MODELS__PROVIDERS__VLLM__WINDOW", "4096"),
        ("VECTORA__MODELS__PROVIDERS__VLLM__IDLE", "3s"),
        ("VECTORA__MODELS__EMBEDDERS__E__DIMS", "384"),
        ("VECTORA__MODELS__EMBEDDERS__E__MODEL", "0123"),
    ];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let settings = runtime::config::load::<Whole>(None, &env).expect("it can be read").models;
    assert_eq!(settings.validate(), Ok(()));
    assert_eq!(settings.provider.0, ["openai", "vllm", "extractive"]);
    let vllm = &settings.providers["vllm"];
    assert_eq!((vllm.window, vllm.idle), (Some(4096), std::time::Duration::from_secs(3)));
    assert!(settings.providers["openai"].api_key.is_some());
    assert_eq!(settings.providers["ollama"].base_url.as_deref(), Some("http://ollama:11434"));
    assert_eq!((settings.embedders["e"].dims, settings.embedders["e"].model.as_str()), (384, "0123"));
}

/// Every field of the tables stands in the example, under its table.
#[test]
fn the_example_names_every_key() {
    let example = include_str!("../../../../vectora.example.toml");
    let section = |header: &str| {
        let (_, rest) =
            example.split_once(&format!("# [{header}")).unwrap_or_else(|| panic!("no [{header}]"));
        rest.split_once("\n# [").map_or(rest, |(section, _)| section)
    };
    let tables = [
        ("models]", format!("{:#?}", crate::Settings::default())),
        ("models.providers.", format!("{:#?}", crate::ProviderSettings::default())),
        ("models.embedders.", format!("{:#?}", crate::EmbedderSettings::default())),
    ];
    for (header, shown) in tables {
        // One level in are the fields themselves.
        let fields = shown.lines().filter_map(|line| line.strip_prefix("    ")?.split_once(':'));
        for (field, _) in fields.filter(|(field, _)| !field.starts_with(' ')) {
            let table = ["providers", "embedders"].contains(&field);
            assert!(table || section(header).contains(&format!("\n# {field} = ")), "{field} of [{header}");
        }
    }
}

/// With every key uncommented the example is a configuration that can work.
#[test]
fn the_example_can_work_with_every_key() {
    let example = include_str!("../../../../vectora.example.toml");
    let (_, rest) = example.split_once("# [models]").expect("the section is there");
    let (section, _) = rest.split_once("# [answers]").expect("another follows");
    let key = |line: &&str| {
        line.starts_with('[') || line.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '))
    };
    let lines: Vec<&str> = section.lines().filter_map(|line| line.strip_prefix("# ")).filter(key).collect();
    assert!(lines.len() > 30, "{lines:?}");
    // The tables have their names from the section.
    let text = lines.join("\n").replace("[models.", "[");
    assert_eq!(settings(&text).validate(), Ok(()));
    assert!(models(&text).models.embedders.current().is_some());
}
