//! What an update of Telegram means here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::telegram::{Event, Me, MediaKind, Person, Pressed, Settings};
use contract::{Action, Channel, Chat, Content, CopyOf, Language, Phrase, QuestionText};
use serde_json::json;
use store::contacts::{self, Sender};
use store::intake::{Command, DeskAct, DeskWord, Kept, Reading, Said, Waiting};
use store::{Ledger, bots};

use super::Poison;
use crate::presence::Presence;
use crate::stage::StageError;

/// Reads updates of bots.
pub(super) struct Reader {
    ledger: Ledger,
    settings: Arc<Settings>,
    presence: Presence,
    /// As they were when they were last read.
    bots: Mutex<HashMap<i64, (Instant, Me)>>,
}

/// A bot that was given another name is known by it after this long.
const RENAMED: Duration = Duration::from_mins(1);

impl Reader {
    pub(super) fn new(ledger: Ledger, settings: Arc<Settings>, presence: Presence) -> Self {
        Self { ledger, settings, presence, bots: Mutex::default() }
    }

    pub(super) async fn read(
        &self,
        address: &str,
        update: &Waiting,
    ) -> Result<Result<Reading, Poison>, StageError> {
        let Ok(chat) = address.parse::<Chat>() else {
            return Ok(Err(Poison("it is queued under no chat".to_owned())));
        };
        let me = self.me(chat.bot).await?;
        let at_desk = self.settings.home(chat.bot).is_some_and(|home| home == chat.whole());
        let event = ::telegram::read(&update.payload, &me);
        if let Event::Pressed(pressed) = &event {
            self.acknowledge(chat, pressed).await?;
        }
        Ok(if at_desk { Ok(self.desk(chat, event)) } else { talk(chat, event) })
    }

    /// Who the bot is. Ingress writes it down when it first reaches Telegram; until then mentions are not recognised.
    async fn me(&self, bot: i64) -> Result<Me, StageError> {
        let known = self.bots.lock().unwrap_or_else(PoisonError::into_inner).get(&bot).cloned();
        if let Some((_, me)) = known.filter(|(read, _)| read.elapsed() < RENAMED) {
            return Ok(me);
        }
        match bots::get(&self.ledger, bot).await.map_err(StageError::ledger)? {
            Some(row) => {
                let me = Me { id: bot, username: row.username, name: row.name };
                let read = (Instant::now(), me.clone());
                self.bots.lock().unwrap_or_else(PoisonError::into_inner).insert(bot, read);
                Ok(me)
            }
            None => Ok(Me { id: bot, username: String::new(), name: String::new() }),
        }
    }

    /// Telegram shows a waiting button until it is told that it was taken.
    async fn acknowledge(&self, chat: Chat, pressed: &Pressed) -> Result<(), StageError> {
        let sender = sender(chat, &pressed.from);
        let chosen = contacts::chosen(&self.ledger, Channel::Telegram, &sender.address).await;
        let hint = || Language::of_tag(pressed.from.language.as_deref().unwrap_or_default());
        let language = chosen.map_err(StageError::ledger)?.unwrap_or_else(hint);
        let words = match pressed.action.parse() {
            Ok(Action::Helped(_)) => Some(Phrase::ThanksHelped),
            Ok(Action::NotHelped(_)) => Some(Phrase::ThanksNotHelped),
            Ok(Action::Human | Action::Language(_)) => None,
            Err(_) => Some(Phrase::TooLate),
        };
        let words = words.map(|phrase| phrase.text(language));
        self.presence.acknowledge(Channel::Telegram, &pressed.id, words);
        Ok(())
    }

    /// In the operators' group everything is addressed to the person whose desk it is, but commands.
    fn desk(&self, chat: Chat, event: Event) -> Reading {
        let (said, edited) = match event {
            Event::Said(said) if !said.service => (*said, false),
            Event::Edited(said) => (*said, true),
            _ => return Reading::Passed,
        };
        let act = match &said.command {
            _ if edited => DeskAct::Edited(content(chat, &said)),
            None => DeskAct::Say(content(chat, &said)),
            Some(command) => match command.name.as_str() {
                "take" => DeskAct::Take,
                "return" => DeskAct::Return,
                "close" => DeskAct::Close,
                "note" => DeskAct::Note(command.argument.clone()),
                "block" => DeskAct::Block,
                "unblock" => DeskAct::Unblock,
                _ => DeskAct::Unknown,
            },
        };
        let operator = said.from.filter(|_| !said.anonymous);
        let listed = operator.as_ref().is_some_and(|person| self.settings.operators.contains(&person.id));
        Reading::Desk(DeskWord {
            operator: operator.map(|person| (person.id, person.name)),
            listed,
            act,
            external_id: said.message,
            reply_to: said.reply_to,
        })
    }
}

/// In a chat with people.
fn talk(chat: Chat, event: Event) -> Result<Reading, Poison> {
    Ok(match event {
        Event::Said(said) if said.service => Reading::Passed,
        Event::Said(said) if !said.addressed => Reading::Overheard,
        Event::Said(said) => return heard(chat, *said),
        Event::Edited(edited) if !edited.addressed => Reading::Overheard,
        Event::Edited(edited) => Reading::Edited(said(chat, *edited)),
        Event::Pressed(pressed) => match pressed.action.parse() {
            Ok(action) => Reading::Pressed { sender: sender(chat, &pressed.from), action },
            Err(_) => Reading::Passed,
        },
        Event::Left => Reading::Left,
        Event::Joined => Reading::Joined,
        Event::Migrated(group) => Reading::Moved(Chat { chat: group, ..chat }.to_string()),
        Event::Passed(_) => Reading::Passed,
    })
}

/// Something that was said to the bot.
fn heard(chat: Chat, message: ::telegram::Said) -> Result<Reading, Poison> {
    let command = match message.command.as_ref().map(|command| (command.name.as_str(), &command.argument)) {
        None => None,
        Some(("ask", argument)) if !argument.is_empty() => None,
        Some(("ask", _)) => Some(Command::Ask),
        Some(("start", argument)) => match argument.as_str() {
            "human" => Some(Command::Human),
            link => Some(Command::Start(Some(link.to_owned()).filter(|link| !link.is_empty()))),
        },
        Some(("language", argument)) => Some(Command::Language(argument.parse().ok())),
        Some(("clear", _)) => Some(Command::Clear),
        Some(("human", _)) => Some(Command::Human),
        // In a group it may be meant for another bot.
        Some((name, _)) if name != "help" && chat.is_group() => return Ok(Reading::Overheard),
        Some(_) => Some(Command::Help),
    };
    let media = message.media.as_ref().map(|media| kept(media.kind));
    let said = said(chat, message);
    Ok(match (command, media) {
        (Some(command), _) => Reading::Command(said, command),
        (None, Some(media)) if said.text.is_empty() => Reading::Kept(said, media),
        // The bot was called and nothing was asked.
        (None, None) if said.text.is_empty() => Reading::Command(said, Command::Help),
        (None, _) => {
            QuestionText::new(said.text.as_str()).map_err(|error| Poison(error.to_string()))?;
            Reading::Question(said)
        }
    })
}

const fn kept(kind: MediaKind) -> Kept {
    match kind {
        MediaKind::Voice | MediaKind::VideoNote | MediaKind::Audio => Kept::Voice,
        MediaKind::Photo | MediaKind::Video | MediaKind::Document | MediaKind::Animation => Kept::Media,
        MediaKind::Sticker
        | MediaKind::Location
        | MediaKind::Contact
        | MediaKind::Poll
        | MediaKind::Other => Kept::Other,
    }
}

fn said(chat: Chat, message: ::telegram::Said) -> Said {
    Said {
        sender: message.from.as_ref().filter(|_| !message.anonymous).map(|person| sender(chat, person)),
        original: Content {
            spans: message.spans,
            reply_to: message.reply_to,
            ..Content::plain(message.original)
        },
        text: message.text,
        external_id: Some(message.message),
        attachment: message.media.as_ref().map(|media| json!({ "kind": format!("{:?}", media.kind) })),
        album: message.media.and_then(|media| media.group),
    }
}

fn sender(chat: Chat, person: &Person) -> Sender {
    let address = Chat { chat: person.id, topic: None, ..chat }.to_string();
    Sender { address, name: Some(person.name.clone()), language: person.language.clone() }
}

/// An operator's message as it goes to the person: what has no words is copied.
fn content(chat: Chat, said: &::telegram::Said) -> Content {
    if said.media.is_some() {
        let copy_of = Some(CopyOf { address: chat.to_string(), message: said.message.clone() });
        return Content { copy_of, ..Content::default() };
    }
    Content { spans: said.spans.clone(), ..Content::plain(said.original.clone()) }
}
