//! What operators do at a desk.

use contract::{Content, ConversationId, Phrase};

use super::Talk;
use crate::intake::{DeskAct, DeskWord, Waiting};
use crate::outbound::Draft;
use crate::{Error, contacts, conversations, desks, operators};

impl Talk<'_> {
    /// Who may not, is told why; who may, acts for the person whose desk it is.
    pub(super) async fn desk(&mut self, update: &Waiting, word: &DeskWord) -> Result<(), Error> {
        let language = self.manners.operators.language;
        let Some(person) = self.state.of else {
            // Talk among operators outside of desks is theirs; a command there is a mistake.
            return match word.act {
                DeskAct::Say(_) | DeskAct::Edited(_) => Ok(()),
                _ => self.at_desk(word, Phrase::DeskNoConversation.text(language)).await,
            };
        };
        let Some((id, name)) = &word.operator else {
            return self.at_desk(word, Phrase::DeskAnonymous.text(language)).await;
        };
        if !word.listed && !operators::is_listed(self.conn, *id).await? {
            return self.at_desk(word, Phrase::DeskNotOperator { id: *id }.text(language)).await;
        }
        self.touched.push(person.0);
        match &word.act {
            DeskAct::Say(content) => self.operator_says(person, word, content).await,
            DeskAct::Edited(content) => self.operator_edits(person, word, content).await,
            DeskAct::Take => {
                conversations::take_locked(self.conn, person, self.manners.operators.idle).await?;
                self.at_desk(word, Phrase::DeskTaken { name }.text(language)).await
            }
            DeskAct::Return => {
                if self.give_back(person).await? {
                    self.tell_person(person, Phrase::BotReturned).await?;
                }
                self.at_desk(word, Phrase::DeskReturned { name }.text(language)).await
            }
            DeskAct::Close => {
                self.give_back(person).await?;
                self.tell_person(person, Phrase::HandoverClosed).await?;
                self.at_desk(word, Phrase::DeskClosed { name }.text(language)).await?;
                sqlx::query!(
                    "UPDATE desks SET closed_at = clock_timestamp() WHERE desk_id = $1",
                    self.home.0
                )
                .execute(&mut *self.conn)
                .await?;
                self.say(Draft::topic(self.home, true)).await
            }
            DeskAct::Note(text) => {
                self.note(update, person, text).await?;
                self.at_desk(word, Phrase::DeskNoted.text(language)).await
            }
            DeskAct::Block | DeskAct::Unblock => {
                let blocked = matches!(word.act, DeskAct::Block);
                contacts::set_blocked(self.conn, person, blocked).await?;
                let phrase =
                    if blocked { Phrase::DeskBlocked { name } } else { Phrase::DeskUnblocked { name } };
                self.at_desk(word, phrase.text(language)).await
            }
            DeskAct::Unknown => self.at_desk(word, Phrase::DeskUnknownCommand.text(language)).await,
        }
    }

    /// An operator who writes has the conversation: a bot that talks over them is worse than one that is silent.
    async fn operator_says(
        &mut self,
        person: ConversationId,
        word: &DeskWord,
        content: &Content,
    ) -> Result<(), Error> {
        conversations::take_locked(self.conn, person, self.manners.operators.idle).await?;
        let mut content = content.clone();
        if let Some(answered) = &word.reply_to {
            content.reply_to = desks::counterpart(self.conn, self.home, answered, true).await?;
        }
        self.say(Draft::relay(person, "operator", content, word.external_id.clone())).await
    }

    async fn operator_edits(
        &mut self,
        person: ConversationId,
        word: &DeskWord,
        content: &Content,
    ) -> Result<(), Error> {
        // Another caption: the copy cannot be changed by a text.
        if content.copy_of.is_some() {
            return Ok(());
        }
        self.say(Draft::edit(person, word.external_id.clone(), content.clone())).await
    }

    async fn note(&mut self, update: &Waiting, person: ConversationId, text: &str) -> Result<(), Error> {
        sqlx::query!(
            "INSERT INTO messages (id, conversation_id, position, text, state, received_at)
             VALUES ($1, $2, $3, $4, 'note', $5)",
            update.message.0,
            person.0,
            update.id,
            text,
            update.received_at
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    async fn tell_person(&mut self, person: ConversationId, phrase: Phrase<'_>) -> Result<(), Error> {
        let language = desks::language_of(self.conn, person).await?;
        self.say(Draft::desk_notice(person, Content::plain(phrase.text(language)))).await
    }

    async fn at_desk(&mut self, word: &DeskWord, text: String) -> Result<(), Error> {
        let content = Content { reply_to: Some(word.external_id.clone()), ..Content::plain(text) };
        self.say(Draft::desk_notice(self.home, content)).await
    }
}
