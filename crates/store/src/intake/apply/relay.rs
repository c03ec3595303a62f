//! What a person says while operators have the conversation, as they see it.

use contract::{Content, CopyOf, Phrase, Span};

use super::Talk;
use crate::intake::Said;
use crate::outbound::Draft;
use crate::{Error, desks};

impl Talk<'_> {
    /// Shows the operators what was said. What has no words is copied.
    pub(super) async fn relay(&mut self, said: &Said) -> Result<(), Error> {
        let (Some(desk), Some(external)) = (self.state.desk, &said.external_id) else { return Ok(()) };
        let mut content = if said.attachment.is_some() {
            let address = self.scene.read.queue.address.clone();
            let copy_of = Some(CopyOf { address, message: external.clone() });
            Content { copy_of, ..Content::default() }
        } else {
            self.signed(said)
        };
        if let Some(answered) = &said.original.reply_to {
            content.reply_to = desks::counterpart(self.conn, self.home, answered, true).await?;
        }
        self.touched.push(desk.0);
        self.say(Draft::relay(desk, "relay", content, external.clone())).await
    }

    pub(super) async fn relay_edit(&mut self, external: &str, said: &Said) -> Result<(), Error> {
        let Some(desk) = self.state.desk else { return Ok(()) };
        let edited = format!("{} ", Phrase::DeskEdited.text(self.manners.operators.language));
        let mut content = self.signed(said);
        prefix(&mut content, &edited);
        self.touched.push(desk.0);
        if said.attachment.is_none() {
            return self.say(Draft::edit(desk, external.to_owned(), content)).await;
        }
        // A caption: the copy cannot be changed by a text.
        content.reply_to = desks::counterpart(self.conn, desk, external, false).await?;
        self.say(Draft::desk_notice(desk, content)).await
    }

    /// What was said; in a group, by whom.
    fn signed(&self, said: &Said) -> Content {
        let mut content = Content { reply_to: None, ..said.original.clone() };
        let sender = said.sender.as_ref();
        let group = sender.is_some_and(|sender| sender.address != self.scene.read.queue.contact());
        if let (true, Some(name)) = (group, sender.and_then(|sender| sender.name.as_deref())) {
            prefix(&mut content, &format!("{name}: "));
        }
        content
    }
}

/// Puts words in front of a text, if there is room.
fn prefix(content: &mut Content, words: &str) {
    let by = words.encode_utf16().count();
    if by + content.text.encode_utf16().count() > contract::text::MAX_UTF16 {
        return;
    }
    content.text.insert_str(0, words);
    let by = u32::try_from(by).unwrap_or(0);
    content.spans =
        content.spans.iter().map(|span| Span { start: span.start + by, ..span.clone() }).collect();
}
