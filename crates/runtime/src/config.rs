//! Configuration: one file, `VECTORA__SECTION__KEY` on top, and the plain names people already use.
//!
//! Later wins: file, then `VECTORA__…`, then plain names. Any of the variables may come as `NAME_FILE`, whose
//! value is the name of a file that holds the value. Unknown keys are errors, wherever they come from.
//! **Invariant:** an error names the file or variable, the key and the remedy, and never shows a value.

use std::path::Path;

use config::{Config, File, FileFormat, Value, ValueKind};
use serde::de::DeserializeOwned;

/// `EX_CONFIG` of sysexits.h: the process cannot start because of its configuration.
pub const EX_CONFIG: u8 = 78;

/// Names without a prefix, and the keys they stand for. A list is separated by commas.
const PLAIN: &[(&str, &str, Form)] = &[
    ("DATABASE_URL", "store.url", Form::Text),
    ("NATS_URL", "nats.url", Form::Text),
    ("QDRANT_URL", "index.url", Form::Text),
    ("QDRANT_API_KEY", "index.api_key", Form::Text),
    ("TELEGRAM_BOT_TOKEN", "telegram.token", Form::Text),
    ("OPERATOR_IDS", "telegram.operators", Form::List),
    ("LLM_PROVIDER", "models.provider", Form::List),
    ("OPENAI_API_KEY", "models.providers.openai.api_key", Form::Text),
    ("OPENAI_BASE_URL", "models.providers.openai.base_url", Form::Text),
    ("OLLAMA_BASE_URL", "models.providers.ollama.base_url", Form::Text),
    ("LOG_LEVEL", "log.level", Form::Text),
    ("ALLOWED_HOSTS", "http.allowed_hosts", Form::List),
    ("CORS_ORIGINS", "http.cors_origins", Form::List),
];

/// Keys whose values are lists.
const LISTS: &[&str] = &[
    "http.allowed_hosts",
    "http.cors_origins",
    "models.provider",
    "telegram.operators",
    "telegram.audience",
];

#[derive(Debug, Clone, Copy)]
enum Form {
    Text,
    List,
}

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{origin}: {problem}; {remedy}")]
    Invalid { origin: String, problem: String, remedy: String },
}

impl ConfigError {
    /// A value that cannot work.
    pub fn invalid(origin: impl Into<String>, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Invalid { origin: origin.into(), problem: problem.into(), remedy: remedy.into() }
    }
}

/// Reads a configuration. `env` is the whole environment.
///
/// # Errors
/// [`ConfigError`]; the process should exit with [`EX_CONFIG`].
pub fn load<T: DeserializeOwned>(file: Option<&Path>, env: &[(String, String)]) -> Result<T, ConfigError> {
    let mut builder = Config::builder();
    if let Some(path) = file {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            ConfigError::invalid(
                &name,
                format!("cannot be read ({})", error.kind()),
                "check the path and its rights",
            )
        })?;
        // Parsed alone first, so that a fault in the file is told apart from one in a variable.
        let source = File::from_str(&text, FileFormat::Toml);
        let alone =
            Config::builder().add_source(source.clone()).build().map_err(|error| syntax(&name, &error))?;
        let values = alone.cache.clone();
        alone.try_deserialize::<T>().map_err(|error| describe(&name, &error, &values))?;
        builder = builder.add_source(source);
    }
    for variable in variables(env) {
        let parsed = parse(&read(&variable)?, variable.form);
        builder = builder.set_override(&variable.key, parsed.clone()).map_err(|_| {
            ConfigError::invalid(variable.name, "is no configuration key", "see vectora.example.toml")
        })?;
        // One at a time: an error is then this variable's.
        let so_far = builder.clone().build().map_err(|error| describe(variable.name, &error, &parsed))?;
        match so_far.try_deserialize::<T>() {
            // What is missing may come with the next one (the other half of a rate): the end decides.
            Err(error) if is_missing(&error) => {}
            result => drop(result.map_err(|error| describe(variable.name, &error, &parsed))?),
        }
    }
    let built = builder.build().map_err(|error| describe("configuration", &error, &Value::default()))?;
    let values = built.cache.clone();
    built.try_deserialize().map_err(|error| describe("configuration", &error, &values))
}

/// A variable that is configuration.
struct Variable<'a> {
    name: &'a str,
    value: &'a str,
    key: String,
    form: Form,
    /// The value is the name of the file that holds the value.
    names_file: bool,
}

/// The variables that are configuration, in the order in which they apply. `NAME` wins over `NAME_FILE`; a
/// plain name that is empty counts as not set, because Compose passes on empty what is not there.
fn variables(env: &[(String, String)]) -> Vec<Variable<'_>> {
    let mut found: Vec<Variable<'_>> = env
        .iter()
        .filter_map(|(name, value)| {
            let upper = name.to_ascii_uppercase();
            let path = upper.strip_prefix("VECTORA__")?;
            let (path, names_file) = path.strip_suffix("_FILE").map_or((path, false), |path| (path, true));
            let key = path.to_lowercase().replace("__", ".");
            let form = if LISTS.contains(&key.as_str()) { Form::List } else { Form::Text };
            Some(Variable { name, value, key, form, names_file })
        })
        .collect();
    found.sort_by(|one, other| {
        (&one.key, one.names_file, one.name).cmp(&(&other.key, other.names_file, other.name))
    });
    found.dedup_by(|one, other| one.key == other.key);
    for (plain, key, form) in PLAIN {
        let given = |wanted: &str| env.iter().find(|(name, value)| name == wanted && !value.is_empty());
        let found_as = given(plain).map(|pair| (pair, false));
        let found_as = found_as.or_else(|| given(&format!("{plain}_FILE")).map(|pair| (pair, true)));
        if let Some(((name, value), names_file)) = found_as {
            found.push(Variable { name, value, key: (*key).to_owned(), form: *form, names_file });
        }
    }
    found
}

/// The value of a variable, or of the file it names.
fn read(variable: &Variable<'_>) -> Result<String, ConfigError> {
    if !variable.names_file {
        return Ok(variable.value.to_owned());
    }
    let text = std::fs::read_to_string(variable.value).map_err(|error| {
        // Who puts the secret itself where its file belongs must not find it in a log.
        let path = if variable.value.contains("://") { "it names" } else { variable.value };
        let problem = format!("the file {path} cannot be read ({})", error.kind());
        ConfigError::invalid(variable.name, problem, "check the path and its rights")
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn parse(value: &str, form: Form) -> Value {
    let text = |part: &str| Value::new(None, ValueKind::String(part.trim().to_owned()));
    match form {
        // The deserialiser turns text into numbers and booleans where the key wants them.
        Form::Text => text(value),
        Form::List => {
            let items = value.split(',').filter(|part| !part.trim().is_empty()).map(text).collect();
            Value::new(None, ValueKind::Array(items))
        }
    }
}

fn syntax(file: &str, error: &config::ConfigError) -> ConfigError {
    // The parser's own message quotes the line, and the line may hold a secret: only its number is taken.
    let message = error.to_string();
    let line =
        message.split_once("at line ").and_then(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next());
    let line = line.map(|line| format!(" at line {line}")).unwrap_or_default();
    ConfigError::invalid(file, format!("is not TOML{line}"), "compare with vectora.example.toml")
}

/// Whether a key is only not there yet.
fn is_missing(error: &config::ConfigError) -> bool {
    match error {
        config::ConfigError::At { error, .. } => is_missing(error),
        config::ConfigError::Message(message) => message.starts_with("missing field"),
        config::ConfigError::NotFound(_) => true,
        _ => false,
    }
}

/// What the deserialiser says, without the value it says it about; `values` is what it may have quoted.
fn describe(origin: &str, error: &config::ConfigError, values: &Value) -> ConfigError {
    let (key, problem) = match error {
        config::ConfigError::Type { key, expected, .. } => {
            (key.clone().unwrap_or_default(), format!("the value is not {expected}"))
        }
        config::ConfigError::At { error, key, .. } => match error.as_ref() {
            config::ConfigError::Type { expected, .. } => {
                (key.clone().unwrap_or_default(), format!("the value is not {expected}"))
            }
            // Its text has the key in quotes, which are taken out below.
            config::ConfigError::NotFound(key) => (key.clone(), "is missing".to_owned()),
            inner => {
                let key = key.clone().unwrap_or_default();
                let problem = without_values(inner.to_string(), under(values, &key));
                (key, problem)
            }
        },
        config::ConfigError::NotFound(key) => (key.clone(), "is missing".to_owned()),
        other => (String::new(), without_values(other.to_string(), values)),
    };
    let origin = if key.is_empty() { origin.to_owned() } else { format!("{origin}: {key}") };
    ConfigError::invalid(origin, problem, "see vectora.example.toml for the keys and their units")
}

/// The part of `values` at a dotted key, as far as it leads.
fn under<'a>(values: &'a Value, key: &str) -> &'a Value {
    key.split('.').fold(values, |value, part| match &value.kind {
        ValueKind::Table(table) => table.get(part).unwrap_or(value),
        _ => value,
    })
}

/// Every value that is no table, as the messages of types would write it. Below three bytes it is no secret,
/// and taking it out would leave nothing readable.
fn texts(value: &Value, found: &mut Vec<String>) {
    match &value.kind {
        ValueKind::Table(table) => table.values().for_each(|value| texts(value, found)),
        ValueKind::Array(values) => values.iter().for_each(|value| texts(value, found)),
        kind => found.extend(Some(kind.to_string()).filter(|text| text.len() > 2)),
    }
}

/// Takes the values out: an unknown variant is quoted in backquotes, what a type says may quote in any way.
/// Then everything in double quotes, which is never a key.
fn without_values(mut message: String, values: &Value) -> String {
    // What the crate says of a word that an enum does not know is about Rust.
    if message.contains("does not have variant constructor") {
        return "the value is none of the known words".to_owned();
    }
    // These hold the names of keys and nothing else.
    if !message.starts_with("unknown field") && !message.starts_with("missing field") {
        let mut secrets = Vec::new();
        texts(values, &mut secrets);
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        for secret in secrets {
            message = message.replace(&format!("{secret:?}"), "…").replace(&secret, "…");
        }
    }
    let mut kept = String::new();
    for (index, part) in message.split('"').enumerate() {
        kept.push_str(if index % 2 == 0 { part } else { "…" });
    }
    kept
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Whole {
        store: Store,
        http: Http,
        nats: Store,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Store {
        url: Option<String>,
        max_connections: Option<u32>,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Http {
        allowed_hosts: Vec<String>,
        body_limit: Option<usize>,
        wait: Option<String>,
        mode: Mode,
        token: Option<Token>,
        rate: Option<Rate>,
    }

    /// Both halves are needed.
    #[derive(Debug, Deserialize, PartialEq)]
    struct Rate {
        interval: String,
        burst: u32,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Mode {
        #[default]
        Plain,
        Strict,
    }

    /// A type whose own message quotes what it was given.
    #[derive(Debug, Deserialize)]
    #[serde(try_from = "String")]
    struct Token;

    impl TryFrom<String> for Token {
        type Error = String;

        fn try_from(text: String) -> Result<Self, String> {
            Err(format!("the token {text} is too short"))
        }
    }

    fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vectora.toml");
        std::fs::write(&path, text).unwrap();
        (dir, path)
    }

    #[test]
    fn plain_names_win_over_prefixed_ones_and_those_over_the_file() {
        let (_dir, path) = file("[store]\nurl = \"file\"\nmax_connections = 3\n[http]\nwait = \"25s\"\n");
        let env = env(&[
            ("VECTORA__STORE__URL", "prefixed"),
            ("VECTORA__STORE__MAX_CONNECTIONS", "7"),
            ("DATABASE_URL", "plain"),
            ("ALLOWED_HOSTS", "a.org, b.org"),
            ("HOME", "/root"),
            ("VECTORA_TEST_DATABASE_URL", "not ours"),
        ]);
        let whole: Whole = load(Some(&path), &env).unwrap();
        assert_eq!(whole.store.url.as_deref(), Some("plain"));
        assert_eq!(whole.store.max_connections, Some(7));
        assert_eq!(whole.http.allowed_hosts, ["a.org", "b.org"]);
        assert_eq!(whole.http.wait.as_deref(), Some("25s"));
        assert!(whole.nats.url.is_none() && whole.http.body_limit.is_none());
    }

    #[test]
    fn a_text_that_looks_like_a_number_stays_a_text() {
        let whole: Whole = load(None, &env(&[("VECTORA__STORE__URL", "0123")])).unwrap();
        assert_eq!(whole.store.url.as_deref(), Some("0123"));
    }

    #[test]
    fn a_secret_may_come_from_a_file() {
        let (_dir, path) = file("postgres://secret\n");
        let whole: Whole = load(None, &env(&[("DATABASE_URL_FILE", path.to_str().unwrap())])).unwrap();
        assert_eq!(whole.store.url.as_deref(), Some("postgres://secret"));
        let error = load::<Whole>(None, &env(&[("DATABASE_URL_FILE", "/nowhere")])).unwrap_err().to_string();
        assert!(error.contains("DATABASE_URL_FILE") && error.contains("/nowhere"), "{error}");
    }

    #[test]
    fn unknown_keys_are_errors_that_name_where_they_are() {
        let (_dir, path) = file("[store]\nulr = \"typo\"\n");
        let error = load::<Whole>(Some(&path), &[]).unwrap_err().to_string();
        assert!(error.contains("vectora.toml") && error.contains("ulr"), "{error}");
        let error = load::<Whole>(None, &env(&[("VECTORA__STORE__ULR", "x")])).unwrap_err().to_string();
        assert!(error.contains("VECTORA__STORE__ULR") && error.contains("ulr"), "{error}");
    }

    #[test]
    fn an_error_never_shows_a_value() {
        let (_dir, path) = file("[store]\nmax_connections = \"hunter2\"\n");
        let error = load::<Whole>(Some(&path), &[]).unwrap_err().to_string();
        assert!(error.contains("max_connections") && !error.contains("hunter2"), "{error}");
        let (_dir, path) = file("[store]\nurl = hunter2\n");
        let error = load::<Whole>(Some(&path), &[]).unwrap_err().to_string();
        assert!(error.contains("line 2") && !error.contains("hunter2"), "{error}");
        let error = load::<Whole>(None, &env(&[("VECTORA__STORE__MAX_CONNECTIONS", "hunter2")])).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn no_message_of_a_type_shows_a_value_either() {
        for (key, value) in [
            ("mode", "hunter2"),
            ("token", "hunter2"),
            ("token", "say \\\"hunter2"),
            ("mode", "a\\\"hunter2"),
        ] {
            let (_dir, path) = file(&format!("[http]\n{key} = \"{value}\"\n"));
            let error = load::<Whole>(Some(&path), &[]).unwrap_err().to_string();
            assert!(error.contains(key) && !error.contains("hunter2"), "{error}");
            let name = format!("VECTORA__HTTP__{}", key.to_uppercase());
            let error = load::<Whole>(None, &env(&[(&name, value)])).unwrap_err().to_string();
            assert!(error.contains(&name) && error.contains(key) && !error.contains("hunter2"), "{error}");
        }
        let error = load::<Whole>(None, &env(&[("DATABASE_URL_FILE", "postgres://hunter2@db")])).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn a_mistake_below_a_list_of_several_lines_has_its_own_line() {
        let (_dir, path) = file("[http]\nallowed_hosts = [\n  \"a\",\n]\nwait = hunter2\n");
        let error = load::<Whole>(Some(&path), &[]).unwrap_err().to_string();
        assert!(error.contains("line 5") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn the_halves_of_a_value_may_come_in_variables_of_their_own() {
        let halves = [("VECTORA__HTTP__RATE__BURST", "3"), ("VECTORA__HTTP__RATE__INTERVAL", "1s")];
        let whole: Whole = load(None, &env(&halves)).unwrap();
        assert_eq!(whole.http.rate, Some(Rate { interval: "1s".to_owned(), burst: 3 }));
        let error = load::<Whole>(None, &env(&halves[..1])).unwrap_err().to_string();
        assert!(error.contains("interval"), "{error}");
    }

    #[test]
    fn the_case_of_a_variable_does_not_matter_and_an_empty_plain_name_is_not_set() {
        let (_dir, path) = file("postgres://secret\n");
        let given = [
            ("vectora__Store__max_connections", "4"),
            ("vectora__nats__url_file", path.to_str().unwrap()),
            ("DATABASE_URL", ""),
            ("DATABASE_URL_FILE", path.to_str().unwrap()),
            ("NATS_URL", ""),
        ];
        let whole: Whole = load(None, &env(&given)).unwrap();
        assert_eq!(whole.store.max_connections, Some(4));
        assert_eq!(whole.store.url.as_deref(), Some("postgres://secret"));
        assert_eq!(whole.nats.url.as_deref(), Some("postgres://secret"));
    }

    #[test]
    fn a_value_wins_over_the_file_that_would_hold_it() {
        let given = [("VECTORA__STORE__URL", "here"), ("VECTORA__STORE__URL_FILE", "/nowhere")];
        let whole: Whole = load(None, &env(&given)).unwrap();
        assert_eq!(whole.store.url.as_deref(), Some("here"));
    }

    #[test]
    fn a_variable_that_names_no_key_is_an_error() {
        for name in ["VECTORA__", "VECTORA__STORE____URL", "VECTORA__NOTHING"] {
            let error = load::<Whole>(None, &env(&[(name, "hunter2")])).unwrap_err().to_string();
            assert!(error.contains(name) && !error.contains("hunter2"), "{error}");
        }
        let error = load::<Whole>(Some(Path::new("/nowhere/vectora.toml")), &[]).unwrap_err().to_string();
        assert!(error.contains("/nowhere/vectora.toml"), "{error}");
    }
}
