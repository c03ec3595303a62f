//! Every phrase, in every language.

use std::collections::{BTreeMap, BTreeSet};

use fluent_bundle::FluentResource;

use super::*;

/// Defines `every()`. A variant that is not listed does not compile.
macro_rules! every {
    ($($name:ident $({ $($field:ident: $value:expr),* })?),* $(,)?) => {
        const _: fn(Phrase<'_>) = |phrase| match phrase {
            $(Phrase::$name { .. } => ()),*
        };

        fn every() -> Vec<(&'static str, Phrase<'static>)> {
            vec![$((stringify!($name), Phrase::$name { $($($field: $value),*)? })),*]
        }
    };
}

every! {
    NoKnowledge, NotCovered { words: &["smartwatch", "sync"] }, Apology, Placeholder,
    QuestionChanged, HumanAnswers, Sources,
    Welcome, Help, AskUsage, LanguageChoose, LanguageSet, Cleared,
    HumanComing, HumanAlready, HumanNobody, BotReturned, HandoverClosed, HandoverLapsed,
    VoiceUnread, MediaUnread, OtherUnread, TooMany { seconds: 5 }, Paused,
    ButtonHelped, ButtonNotHelped, ButtonHuman, ThanksHelped, ThanksNotHelped, TooLate,
    BotDescription, BotShortDescription,
    CommandStart, CommandHelp, CommandAsk, CommandLanguage, CommandClear, CommandHuman,
    DeskOpened { name: "Anna", language: Language::Russian }, DeskHistory, DeskPerson, DeskBot,
    DeskTaken { name: "Anna" }, DeskReturned { name: "Anna" }, DeskClosed { name: "Anna" }, DeskNoted,
    DeskBlocked { name: "Anna" }, DeskUnblocked { name: "Anna" }, DeskNotOperator { id: 7_000_000_001 },
    DeskAnonymous, DeskUnknownCommand, DeskNoConversation, DeskGone, DeskHeld { text: "Try again" },
    DeskFailed { text: "Try again" }, DeskLapsed, DeskEdited,
}

/// The ids of a file, as they stand in it.
fn ids(language: Language) -> Vec<String> {
    let lines = fluent::source(language).lines();
    let ids = lines.filter_map(|line| line.split_once(" =").map(|(id, _)| id));
    ids.filter(|id| id.starts_with(|c: char| c.is_ascii_lowercase())).map(str::to_owned).collect()
}

fn kebab(name: &str) -> String {
    let words = name.replace(|c: char| c.is_ascii_uppercase(), "-?");
    let mut capitals = name.chars().filter(char::is_ascii_uppercase);
    let spelled = words.chars().map(|c| if c == '?' { capitals.next().unwrap_or(c) } else { c });
    spelled.collect::<String>().trim_start_matches('-').to_ascii_lowercase()
}

/// The commands a text names.
fn commands(text: &str) -> BTreeMap<&str, usize> {
    let words = text.split_whitespace().filter(|word| word.starts_with('/'));
    let mut commands = BTreeMap::new();
    for word in words {
        *commands.entry(word.trim_end_matches(|c: char| !c.is_ascii_alphabetic())).or_default() += 1;
    }
    commands
}

#[test]
fn both_files_are_valid_and_have_every_phrase_once_and_nothing_else() {
    let phrases = every();
    let expected: BTreeSet<&str> = phrases.iter().map(|(_, phrase)| phrase.id()).chain([QUOTED]).collect();
    assert_eq!(expected.len(), phrases.len() + 1);
    for language in Language::ALL {
        let parsed = FluentResource::try_new(fluent::source(language).to_owned());
        let errors = parsed.err().map(|(_, errors)| errors).unwrap_or_default();
        assert!(errors.is_empty(), "{language}: {errors:?}");
        let ids = ids(language);
        assert_eq!(ids.iter().map(String::as_str).collect::<BTreeSet<_>>(), expected, "{language}");
        assert_eq!(ids.len(), expected.len(), "{language}: an id stands twice");
    }
    assert_eq!(ids(Language::English), ids(Language::Russian), "the files are read side by side");
}

#[test]
fn an_id_is_the_name_of_its_variant() {
    for (name, phrase) in every() {
        assert_eq!(phrase.id(), kebab(name));
    }
}

#[test]
fn every_phrase_can_be_said_in_every_language() {
    for (name, phrase) in every() {
        for language in Language::ALL {
            let (text, errors) = fluent::format(language, phrase.id(), &phrase.args(language));
            assert!(errors.is_empty(), "{name}, {language}: {errors:?}");
            assert_ne!(text, phrase.id());
            assert_eq!(text.trim(), text, "{name}, {language}");
            assert!(!text.is_empty() && text.chars().count() < 4_000, "{name}, {language}");
            assert!(!text.contains(['"', '{', '}', '\u{2068}']), "{name}, {language}: {text}");
            // Commands are Latin in every language.
            let words: String = text.split_whitespace().filter(|word| !word.starts_with('/')).collect();
            let script = Language::script_of(&words);
            assert!(script.is_none_or(|script| script == language), "{name}, {language}: {text}");
        }
    }
}

#[test]
fn both_languages_name_the_same_commands() {
    for (name, phrase) in every() {
        let (english, russian) = (phrase.text(Language::English), phrase.text(Language::Russian));
        assert_eq!(commands(&english), commands(&russian), "{name}");
    }
}

#[test]
fn what_telegram_limits_stays_within_its_limits() {
    for (name, phrase) in every() {
        let most = match phrase {
            Phrase::ButtonHelped | Phrase::ButtonNotHelped | Phrase::ButtonHuman => 20,
            Phrase::ThanksHelped | Phrase::ThanksNotHelped | Phrase::TooLate => 200,
            Phrase::BotDescription => 512,
            Phrase::BotShortDescription => 120,
            // Telegram takes 256; the menu cuts what is longer than a line.
            _ if name.starts_with("Command") => 40,
            _ => continue,
        };
        for language in Language::ALL {
            let text = phrase.text(language);
            assert!((3..=most).contains(&text.chars().count()), "{name}, {language}: {text}");
        }
    }
}

#[test]
fn a_refusal_names_what_was_looked_for() {
    let words = &["smartwatch", "sync"];
    let refusal = Phrase::NotCovered { words };
    let [english, russian] = Language::ALL.map(|language| refusal.text(language));
    assert!(english.contains("I looked for “smartwatch”, “sync”.") && english.contains("human"), "{english}");
    assert!(russian.contains("Я искал: «smartwatch», «sync».") && russian.contains("оператор"), "{russian}");
}

#[test]
fn a_refusal_without_words_leaves_that_sentence_out() {
    let refusal = Phrase::NotCovered { words: &[] };
    assert_eq!(
        refusal.text(Language::English),
        "The knowledge base has no answer to this. Put it in other words, or ask for a human."
    );
    assert_eq!(
        refusal.text(Language::Russian),
        "В базе знаний нет ответа на этот вопрос. Спросите иначе или попросите оператора."
    );
}

#[test]
fn seconds_have_their_plural_forms() {
    let said = |seconds, language| Phrase::TooMany { seconds }.text(language);
    for (seconds, end) in [(0, "1 second."), (1, "1 second."), (2, "2 seconds."), (3600, "3600 seconds.")] {
        let text = said(seconds, Language::English);
        assert!(text.ends_with(&format!(" {end}")), "{text}");
    }
    for (seconds, end) in [
        (1, "1 секунду."),
        (2, "2 секунды."),
        (5, "5 секунд."),
        (11, "11 секунд."),
        (12, "12 секунд."),
        (21, "21 секунду."),
        (104, "104 секунды."),
        (3600, "3600 секунд."),
    ] {
        let text = said(seconds, Language::Russian);
        assert!(text.ends_with(&format!(" {end}")), "{text}");
    }
}

#[test]
fn what_people_write_is_shown_as_it_is() {
    for name in ["{ $id }", "{\"\"}", "1", "\u{202e}x", "<b>&"] {
        let text = Phrase::DeskTaken { name }.text(Language::English);
        assert!(text.starts_with(&format!("{name} has taken")), "{text}");
    }
    let id = i64::MAX;
    assert!(Phrase::DeskNotOperator { id }.text(Language::Russian).ends_with(&id.to_string()));
}

#[test]
fn operators_see_which_language_a_person_writes_in() {
    let opened = |language| Phrase::DeskOpened { name: "Анна", language };
    let text = opened(Language::English).text(Language::Russian);
    assert!(text.starts_with("Новое обращение: Анна, пишет по-английски.\nВсё, что"), "{text}");
    let text = opened(Language::Russian).text(Language::English);
    assert!(text.starts_with("New request from Анна, who writes in Russian.\nWhat you"), "{text}");
    assert!(text.contains("\n\n/take – "), "{text}");
}
