//! What Vectora itself says, in Russian and English.
//!
//! A text is an id in `phrase/en.ftl` and `phrase/ru.ftl`, and a variant of [`Phrase`] with its arguments. Both
//! files have the same ids. **Invariant:** what Vectora says in a chat stands nowhere else, the languages' own names
//! aside.

mod fluent;
mod language;
#[cfg(test)]
mod tests;

use fluent_bundle::FluentArgs;

pub use language::{Language, UnknownLanguage};

/// One thing to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phrase<'a> {
    // -- answers
    /// The refusal while there is no knowledge base.
    NoKnowledge,
    /// The refusal of a question the knowledge base does not cover: what was looked for, and the offer of a human.
    NotCovered {
        words: &'a [&'a str],
    },
    /// A turn was given up.
    Apology,
    /// Stands where the answer will be.
    Placeholder,
    /// Stands where the answer would have been: the question was changed.
    QuestionChanged,
    /// Stands where the answer would have been: a human answers.
    HumanAnswers,
    /// The heading above the sources of an answer.
    Sources,

    // -- commands
    /// To /start.
    Welcome,
    /// To /help: the commands, groups, and what is stored.
    Help,
    /// To /ask without a question.
    AskUsage,
    /// Above the buttons of /language.
    LanguageChoose,
    /// To the choice, in the language chosen.
    LanguageSet,
    /// To /clear.
    Cleared,

    // -- handing over
    /// To /human: handed over.
    HumanComing,
    /// To /human while a human has the conversation.
    HumanAlready,
    /// To /human while no operators' group is connected.
    HumanNobody,
    /// An operator has given the conversation back.
    BotReturned,
    /// An operator has closed it.
    HandoverClosed,
    /// No operator answered for too long.
    HandoverLapsed,

    // -- what is not a question
    /// A voice message.
    VoiceUnread,
    /// A photo, file or video, which an operator can see.
    MediaUnread,
    /// A sticker, a location, a contact.
    OtherUnread,
    /// A message that was not taken: there were too many. How long to wait, in seconds; 0 counts as 1.
    TooMany {
        seconds: u32,
    },
    /// The notice of a pause that has none of its own.
    Paused,

    // -- buttons under an answer: at most 20 characters
    ButtonHelped,
    ButtonNotHelped,
    ButtonHuman,
    /// The toasts after them: at most 200 characters (`answerCallbackQuery`).
    ThanksHelped,
    ThanksNotHelped,
    /// The toast after a button whose time is over.
    TooLate,

    // -- the bot's profile
    /// What an empty chat shows: at most 512 characters.
    BotDescription,
    /// The line in the profile: at most 120 characters.
    BotShortDescription,
    /// Lines of the menu of commands: 3 to 256 characters.
    CommandStart,
    CommandHelp,
    CommandAsk,
    CommandLanguage,
    CommandClear,
    CommandHuman,

    // -- to operators, in their group
    /// The first message of a topic: the person's name, the language they write in, the operators' commands.
    DeskOpened {
        name: &'a str,
        language: Language,
    },
    /// The heading above the latest messages.
    DeskHistory,
    /// Whose message it was: the person's.
    DeskPerson,
    /// Whose message it was: the assistant's.
    DeskBot,
    /// An operator, by name, took the conversation.
    DeskTaken {
        name: &'a str,
    },
    /// An operator, by name, gave it back.
    DeskReturned {
        name: &'a str,
    },
    /// An operator, by name, closed it.
    DeskClosed {
        name: &'a str,
    },
    /// A note is kept.
    DeskNoted,
    /// An operator, by name, blocked the person.
    DeskBlocked {
        name: &'a str,
    },
    /// An operator, by name, unblocked the person.
    DeskUnblocked {
        name: &'a str,
    },
    /// The sender may not act: their id on the channel, for the administrator.
    DeskNotOperator {
        id: i64,
    },
    /// The sender is an anonymous administrator.
    DeskAnonymous,
    DeskUnknownCommand,
    /// The topic is of no conversation.
    DeskNoConversation,
    /// Nothing can be delivered to the person.
    DeskGone,
    /// An operator's message of unknown outcome, which was not repeated.
    DeskHeld {
        text: &'a str,
    },
    /// An operator's message that was not delivered.
    DeskFailed {
        text: &'a str,
    },
    /// No operator answered for too long.
    DeskLapsed,
    /// In front of the new text of a message that was edited.
    DeskEdited,
}

impl Phrase<'_> {
    /// The text, ready to be sent. Arguments stand in it as they are: escaping is the channel's.
    pub fn text(&self, language: Language) -> String {
        fluent::format(language, self.id(), &self.args(language)).0
    }

    fn args(&self, language: Language) -> FluentArgs<'_> {
        let mut args = FluentArgs::new();
        match *self {
            Self::NotCovered { words } => {
                args.set("count", words.len());
                args.set("words", quoted(language, words));
            }
            Self::TooMany { seconds } => args.set("seconds", seconds.max(1)),
            Self::DeskOpened { name, language } => {
                args.set("name", name);
                args.set("language", language.as_str());
            }
            Self::DeskTaken { name }
            | Self::DeskReturned { name }
            | Self::DeskClosed { name }
            | Self::DeskBlocked { name }
            | Self::DeskUnblocked { name } => args.set("name", name),
            // As text: Fluent's numbers are floating-point ones.
            Self::DeskNotOperator { id } => args.set("id", id.to_string()),
            Self::DeskHeld { text } | Self::DeskFailed { text } => args.set("text", text),
            _ => {}
        }
        args
    }

    /// The name of the variant, in kebab case.
    const fn id(&self) -> &'static str {
        match self {
            Self::NoKnowledge => "no-knowledge",
            Self::NotCovered { .. } => "not-covered",
            Self::Apology => "apology",
            Self::Placeholder => "placeholder",
            Self::QuestionChanged => "question-changed",
            Self::HumanAnswers => "human-answers",
            Self::Sources => "sources",
            Self::Welcome => "welcome",
            Self::Help => "help",
            Self::AskUsage => "ask-usage",
            Self::LanguageChoose => "language-choose",
            Self::LanguageSet => "language-set",
            Self::Cleared => "cleared",
            Self::HumanComing => "human-coming",
            Self::HumanAlready => "human-already",
            Self::HumanNobody => "human-nobody",
            Self::BotReturned => "bot-returned",
            Self::HandoverClosed => "handover-closed",
            Self::HandoverLapsed => "handover-lapsed",
            Self::VoiceUnread => "voice-unread",
            Self::MediaUnread => "media-unread",
            Self::OtherUnread => "other-unread",
            Self::TooMany { .. } => "too-many",
            Self::Paused => "paused",
            Self::ButtonHelped => "button-helped",
            Self::ButtonNotHelped => "button-not-helped",
            Self::ButtonHuman => "button-human",
            Self::ThanksHelped => "thanks-helped",
            Self::ThanksNotHelped => "thanks-not-helped",
            Self::TooLate => "too-late",
            Self::BotDescription => "bot-description",
            Self::BotShortDescription => "bot-short-description",
            Self::CommandStart => "command-start",
            Self::CommandHelp => "command-help",
            Self::CommandAsk => "command-ask",
            Self::CommandLanguage => "command-language",
            Self::CommandClear => "command-clear",
            Self::CommandHuman => "command-human",
            Self::DeskOpened { .. } => "desk-opened",
            Self::DeskHistory => "desk-history",
            Self::DeskPerson => "desk-person",
            Self::DeskBot => "desk-bot",
            Self::DeskTaken { .. } => "desk-taken",
            Self::DeskReturned { .. } => "desk-returned",
            Self::DeskClosed { .. } => "desk-closed",
            Self::DeskNoted => "desk-noted",
            Self::DeskBlocked { .. } => "desk-blocked",
            Self::DeskUnblocked { .. } => "desk-unblocked",
            Self::DeskNotOperator { .. } => "desk-not-operator",
            Self::DeskAnonymous => "desk-anonymous",
            Self::DeskUnknownCommand => "desk-unknown-command",
            Self::DeskNoConversation => "desk-no-conversation",
            Self::DeskGone => "desk-gone",
            Self::DeskHeld { .. } => "desk-held",
            Self::DeskFailed { .. } => "desk-failed",
            Self::DeskLapsed => "desk-lapsed",
            Self::DeskEdited => "desk-edited",
        }
    }
}

/// The id of a word in the quotation marks of a language, the one text that is no phrase of its own.
const QUOTED: &str = "quoted";

fn quoted(language: Language, words: &[&str]) -> String {
    let quoted = words.iter().map(|word| {
        let args = FluentArgs::from_iter([("word", *word)]);
        fluent::format(language, QUOTED, &args).0
    });
    quoted.collect::<Vec<_>>().join(", ")
}
