//! A message of a person, put together by the test.

use serde_json::{Map, Value, json};

use super::files::unique;

/// What a person says. Without a chat it is said to the bot alone.
#[derive(Debug, Clone)]
pub struct Say {
    pub(super) from: i64,
    pub(super) chat: i64,
    pub(super) topic: Option<i64>,
    pub(super) reply_to: Option<i64>,
    pub(super) anonymous: bool,
    pub(super) text: String,
    /// Added to those that Telegram finds by itself.
    pub(super) entities: Vec<Value>,
    pub(super) media: Option<(String, Value)>,
    pub(super) files: Vec<String>,
    /// Everything else that the message carries.
    pub(super) more: Map<String, Value>,
}

impl Say {
    pub fn by(user: i64) -> Self {
        Self {
            from: user,
            chat: user,
            topic: None,
            reply_to: None,
            anonymous: false,
            text: String::new(),
            entities: Vec::new(),
            media: None,
            files: Vec::new(),
            more: Map::new(),
        }
    }

    /// The caption, if there is media.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        text.clone_into(&mut self.text);
        self
    }

    #[must_use]
    pub fn in_chat(mut self, chat: i64) -> Self {
        self.chat = chat;
        self
    }

    #[must_use]
    pub fn topic(mut self, topic: i64) -> Self {
        self.topic = Some(topic);
        self
    }

    #[must_use]
    pub fn reply_to(mut self, message_id: i64) -> Self {
        self.reply_to = Some(message_id);
        self
    }

    /// The part of the replied message that the person marked.
    #[must_use]
    pub fn quote(self, quote: &str) -> Self {
        self.with("quote", json!({ "text": quote, "position": 0, "is_manual": true }))
    }

    /// An entity that Telegram would not find by itself: bold, a link with another text.
    #[must_use]
    pub fn entity(mut self, entity: Value) -> Self {
        self.entities.push(entity);
        self
    }

    /// In two sizes, as Telegram makes them; `file_id` is the larger.
    #[must_use]
    pub fn photo(self, file_id: &str) -> Self {
        let small = format!("{file_id}-small");
        let sizes = json!([
            { "file_id": small, "file_unique_id": unique(&small), "file_size": 900, "width": 90, "height": 60 },
            { "file_id": file_id, "file_unique_id": unique(file_id), "file_size": 9000, "width": 1280,
              "height": 853 },
        ]);
        self.media("photo", sizes, &[&small, file_id])
    }

    #[must_use]
    pub fn voice(self, file_id: &str) -> Self {
        let voice = json!({ "file_id": file_id, "file_unique_id": unique(file_id), "duration": 3,
            "mime_type": "audio/ogg", "file_size": 4000 });
        self.media("voice", voice, &[file_id])
    }

    #[must_use]
    pub fn document(self, file_id: &str, name: &str, mime_type: &str) -> Self {
        let document = json!({ "file_id": file_id, "file_unique_id": unique(file_id), "file_name": name,
            "mime_type": mime_type, "file_size": 5000 });
        self.media("document", document, &[file_id])
    }

    #[must_use]
    pub fn sticker(self, file_id: &str, emoji: &str) -> Self {
        let sticker = json!({ "file_id": file_id, "file_unique_id": unique(file_id), "type": "regular",
            "width": 512, "height": 512, "is_animated": false, "is_video": false, "emoji": emoji });
        self.media("sticker", sticker, &[file_id])
    }

    /// Messages with the same id are one album on the screen.
    #[must_use]
    pub fn album(self, media_group_id: &str) -> Self {
        self.with("media_group_id", media_group_id.into())
    }

    /// It was written by somebody else, who hides the account.
    #[must_use]
    pub fn forwarded_from(self, name: &str) -> Self {
        let origin = json!({ "type": "hidden_user", "sender_user_name": name, "date": 1_700_000_000 });
        self.with("forward_origin", origin)
    }

    /// An administrator who speaks as the group: the person's id is not in the update.
    #[must_use]
    pub fn anonymously(mut self) -> Self {
        self.anonymous = true;
        self
    }

    /// Any other field of a message.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.more.insert(name.to_owned(), value);
        self
    }

    fn media(mut self, kind: &str, media: Value, files: &[&str]) -> Self {
        self.media = Some((kind.to_owned(), media));
        self.files = files.iter().map(|file| (*file).to_owned()).collect();
        self
    }
}

/// The entities that Telegram finds in a person's text: a command at its beginning, and mentions.
pub(super) fn found(text: &str) -> Vec<Value> {
    let name = |character: &char| character.is_ascii_alphanumeric() || *character == '_';
    let mut found = Vec::new();
    if let Some(rest) = text.strip_prefix('/') {
        let word = |rest: &str| rest.chars().take_while(name).count();
        let mut length = word(rest);
        if length > 0 {
            let addressed = rest[length..].strip_prefix('@').map_or(0, word);
            length += if addressed > 0 { addressed + 1 } else { 0 };
            found.push(json!({ "type": "bot_command", "offset": 0, "length": length + 1 }));
        }
    }
    let (mut offset, mut before) = (0, ' ');
    for (at, character) in text.char_indices() {
        let length = text[at + character.len_utf8()..].chars().take_while(name).count();
        if character == '@' && !name(&before) && length >= 4 {
            found.push(json!({ "type": "mention", "offset": offset, "length": length + 1 }));
        }
        offset += character.len_utf16();
        before = character;
    }
    found
}
