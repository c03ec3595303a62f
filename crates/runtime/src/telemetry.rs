//! Logs: to stderr, so that a command's stdout is its result. Never message bodies, tokens or personal data.

use std::io::IsTerminal;
use std::panic::PanicHookInfo;

use serde::Deserialize;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

use crate::config::ConfigError;

/// The `[log]` section.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// What is logged, in `tracing`'s syntax: `info`, `info,store=debug`. Plain name `LOG_LEVEL`.
    pub level: String,
    pub format: Format,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: Format::Auto }
    }
}

impl LogSettings {
    /// # Errors
    /// [`ConfigError`] when the filter cannot be read.
    pub fn validate(&self) -> Result<(), ConfigError> {
        filter(&self.level).map(drop)
    }
}

/// How a record is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    Text,
    Json,
}

/// Starts logging; a second call changes nothing.
///
/// # Errors
/// [`ConfigError`] when the filter cannot be read.
pub fn init(settings: &LogSettings) -> Result<(), ConfigError> {
    let filter = filter(&settings.level)?;
    let json = match settings.format {
        Format::Json => true,
        Format::Text => false,
        Format::Auto => !std::io::stderr().is_terminal(),
    };
    // Its internal errors are printed to the stderr that has just refused a record, which panics.
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .log_internal_errors(false);
    let started = if json {
        builder.json().flatten_event(true).with_current_span(false).try_init()
    } else {
        builder.with_ansi(std::io::stderr().is_terminal()).try_init()
    };
    if started.is_ok() {
        std::panic::set_hook(Box::new(log_panic));
    }
    Ok(())
}

fn filter(level: &str) -> Result<EnvFilter, ConfigError> {
    let wrong = || {
        ConfigError::invalid(
            "log.level (LOG_LEVEL)",
            "not a log filter",
            "write off, error, warn, info, debug or trace, or info,store=debug",
        )
    };
    // A bare word that is no level would be taken for a crate: `inof` silences everything else.
    let misspelt = |directive: &str| {
        !directive.contains(['=', '[', ':']) && directive.trim().parse::<LevelFilter>().is_err()
    };
    if level.trim().is_empty() || (!level.contains('[') && level.split(',').any(misspelt)) {
        return Err(wrong());
    }
    let asked = EnvFilter::try_new(level).map_err(|_| wrong())?;
    // Who asks for less than warnings does not want those of the libraries either.
    if asked.max_level_hint().is_some_and(|most| most < LevelFilter::WARN) {
        return Ok(asked);
    }
    // sqlx logs statements, async-nats each reconnect: their warnings are enough.
    EnvFilter::try_new(format!("sqlx=warn,async_nats=warn,hyper=warn,{level}")).map_err(|_| wrong())
}

/// A panic is a record like any other. Its message may quote data (slicing inside a letter quotes the whole
/// text), so only a literal one is shown; the rest at `debug`.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let message = panic.payload().downcast_ref::<&'static str>();
    let message = message.unwrap_or(&"its message is withheld, as it may quote data: debug shows it");
    tracing::error!(%location, "panicked: {message}");
    if let Some(message) = panic.payload().downcast_ref::<String>() {
        tracing::debug!(%location, "the message of the panic: {message}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_level_is_an_error_and_not_silence() {
        for level in ["info", "INFO", "off", "info,store=debug", "warn,sqlx::query=info", "store::work=trace"]
        {
            filter(level).unwrap_or_else(|error| panic!("{level}: {error}"));
        }
        for level in ["inof", "warning", "info,debgu", "info=what", ""] {
            assert!(filter(level).is_err_and(|error| error.to_string().contains("LOG_LEVEL")), "{level}");
        }
    }

    #[test]
    fn libraries_are_quiet_unless_they_are_named() {
        assert!(filter("info").unwrap().to_string().contains("sqlx=warn"));
        assert!(filter("info,sqlx=debug").unwrap().to_string().contains("sqlx=debug"));
        assert_eq!(filter("off").unwrap().to_string(), "off");
    }
}
