//! The words of a message: its text or caption, and what Telegram found in them.

use std::ops::Range;

use contract::{Span, Style};
use serde_json::Value;
use teloxide::types::{MessageEntity, MessageEntityKind};

use super::Command;
use crate::client::Me;
use crate::spans::tidy;
use crate::utf16::{bytes, narrow, units};

pub(super) struct Words<'a> {
    text: String,
    /// Those that can be read and lie within the text, with the bytes they cover.
    entities: Vec<(MessageEntity, Range<usize>)>,
    me: &'a Me,
}

impl<'a> Words<'a> {
    pub(super) fn new(message: &Value, me: &'a Me) -> Self {
        let (words, entities) = match message["text"].as_str() {
            Some(text) => (text, &message["entities"]),
            None => (message["caption"].as_str().unwrap_or_default(), &message["caption_entities"]),
        };
        let entities = entities.as_array().into_iter().flatten().filter_map(|entity| {
            let entity: MessageEntity = serde_json::from_value(entity.clone()).ok()?;
            let range = bytes(words, entity.offset, entity.length)?;
            Some((entity, range))
        });
        Self { entities: entities.collect(), text: words.to_owned(), me }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// The formatting; links that Telegram finds by itself are not part of it.
    pub(super) fn spans(&self) -> Vec<Span> {
        let spans = self.entities.iter().filter_map(|(entity, _)| {
            Some(Span {
                start: narrow(entity.offset),
                length: narrow(entity.length),
                style: style(&entity.kind)?,
            })
        });
        tidy(spans.collect(), units(&self.text))
    }

    /// Whether the bot is mentioned, by its username or, where people wrote its name, by its id.
    pub(super) fn mentions(&self) -> bool {
        self.entities.iter().any(|(entity, range)| self.is_me(entity, range))
    }

    /// The command for this bot that the text begins with.
    pub(super) fn command(&self) -> Option<Command> {
        let (name, bot, end) = self.first_command()?;
        let ours = bot.is_none_or(|bot| self.is_my_name(bot));
        ours.then(|| Command { name: name.to_lowercase(), argument: self.without_mentions(end) })
    }

    /// Whether the text begins with `/command@another_bot`.
    pub(super) fn commands_another(&self) -> bool {
        self.first_command().is_some_and(|(_, bot, _)| bot.is_some_and(|bot| !self.is_my_name(bot)))
    }

    /// The text without mentions of the bot.
    pub(super) fn cleaned(&self) -> String {
        self.without_mentions(0)
    }

    /// Its name, the bot it names, and the byte where it ends.
    fn first_command(&self) -> Option<(&str, Option<&str>, usize)> {
        let first = |(entity, _): &&(MessageEntity, Range<usize>)| {
            entity.offset == 0 && entity.kind == MessageEntityKind::BotCommand
        };
        let (_, range) = self.entities.iter().find(first)?;
        let command = self.text[range.clone()].strip_prefix('/')?;
        let (name, bot) = command.split_once('@').map_or((command, None), |(name, bot)| (name, Some(bot)));
        Some((name, bot, range.end))
    }

    fn is_me(&self, entity: &MessageEntity, range: &Range<usize>) -> bool {
        match &entity.kind {
            MessageEntityKind::Mention => {
                self.text[range.clone()].strip_prefix('@').is_some_and(|name| self.is_my_name(name))
            }
            MessageEntityKind::TextMention { user } => i64::try_from(user.id.0) == Ok(self.me.id),
            _ => false,
        }
    }

    fn is_my_name(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case(&self.me.username)
    }

    /// The text from a byte on. Where a mention stood between two words one space is left; where it opened the
    /// text, the comma or colon after it goes too.
    fn without_mentions(&self, from: usize) -> String {
        let mut text = String::with_capacity(self.text.len());
        let mut at = from;
        for (entity, range) in &self.entities {
            if range.start < at || !self.is_me(entity, range) {
                continue;
            }
            text.push_str(&self.text[at..range.start]);
            at = range.end;
            if text.trim().is_empty() {
                at += count(&self.text[at..], |c| c.is_whitespace() || c == ',' || c == ':');
            } else if text.ends_with(char::is_whitespace) {
                at += count(&self.text[at..], |c| c == ' ');
            }
        }
        text.push_str(&self.text[at..]);
        text.trim().to_owned()
    }
}

/// Bytes of the characters at the beginning that are such.
fn count(text: &str, such: impl Fn(char) -> bool) -> usize {
    text.len() - text.trim_start_matches(such).len()
}

fn style(kind: &MessageEntityKind) -> Option<Style> {
    Some(match kind {
        MessageEntityKind::Bold => Style::Bold,
        MessageEntityKind::Italic => Style::Italic,
        MessageEntityKind::Underline => Style::Underline,
        MessageEntityKind::Strikethrough => Style::Strikethrough,
        MessageEntityKind::Spoiler => Style::Spoiler,
        MessageEntityKind::Blockquote | MessageEntityKind::ExpandableBlockquote => Style::Quote,
        MessageEntityKind::Code => Style::Code,
        MessageEntityKind::Pre { language } => Style::Pre { language: language.clone() },
        MessageEntityKind::TextLink { url } => Style::Link { url: url.to_string() },
        _ => return None,
    })
}
