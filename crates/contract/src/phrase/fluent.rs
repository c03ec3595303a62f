//! The texts themselves: one Fluent file a language, built into the binary and read once a process.
//!
//! A text that is missing or broken must not take a conversation down, so nothing here panics: the id stands in
//! for the text, and the tests of [`super`] see to it that no release has one.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentError, FluentResource};

use super::Language;

type Bundle = FluentBundle<FluentResource>;

static ENGLISH: LazyLock<Bundle> = LazyLock::new(|| bundle(Language::English));
static RUSSIAN: LazyLock<Bundle> = LazyLock::new(|| bundle(Language::Russian));

pub(super) const fn source(language: Language) -> &'static str {
    match language {
        Language::English => include_str!("en.ftl"),
        Language::Russian => include_str!("ru.ftl"),
    }
}

fn bundle(language: Language) -> Bundle {
    let mut bundle = Bundle::new_concurrent(vec![language.as_str().parse().unwrap_or_default()]);
    // Isolating marks are for text of both directions; in a chat they are seen as boxes, or copied along.
    bundle.set_use_isolating(false);
    let source = FluentResource::try_new(source(language).to_owned());
    bundle.add_resource_overriding(source.unwrap_or_else(|(readable, _)| readable));
    bundle
}

/// The text with this id, and what was wrong with it.
pub(super) fn format(language: Language, id: &str, args: &FluentArgs<'_>) -> (String, Vec<FluentError>) {
    let bundle = match language {
        Language::English => &*ENGLISH,
        Language::Russian => &*RUSSIAN,
    };
    let mut errors = Vec::new();
    let text = match bundle.get_message(id).and_then(|message| message.value()) {
        Some(pattern) => bundle.format_pattern(pattern, Some(args), &mut errors).into_owned(),
        None => id.to_owned(),
    };
    (text, errors)
}
