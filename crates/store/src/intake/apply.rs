//! What depends on what was before it, one after the other: commands, edits, buttons, what is said while a human has
//! the conversation, and what is refused.

mod desk;
mod relay;

use std::collections::HashMap;
use std::time::Duration;

use contract::{Action, Content, ConversationId, Language, Phrase};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Command, Kept, Manners, Reading, Said, Scene, State, Waiting};
use crate::contacts::{self, Contact, Sender};
use crate::outbound::{self, Draft};
use crate::{Error, conversations, desks, limiter, turns};

/// An album's pictures come within this.
const ALBUM: Duration = Duration::from_secs(30);
/// A person who sends more and more is told so only this often.
const TOLD_LIMIT: Duration = Duration::from_secs(15);
/// That the bot is paused is said this often.
const TOLD_PAUSE: Duration = Duration::from_hours(1);

/// Applies a queue. Returns the conversations it wrote something for, beside its own.
pub(super) async fn all(
    conn: &mut PgConnection,
    manners: &Manners,
    scene: &Scene<'_>,
    refused: &HashMap<i64, u32>,
) -> Result<Vec<Uuid>, Error> {
    let mut talk =
        Talk { conn, manners, scene, home: scene.home, state: scene.state.clone(), touched: Vec::new() };
    for (update, reading) in scene.read.queue.updates.iter().zip(&scene.read.readings) {
        if reading.is_passed() {
            continue;
        }
        let state = match talk.refused(update, reading, refused).await? {
            Some(state) => state,
            None => talk.apply(update, reading).await?,
        };
        sqlx::query!("UPDATE inbox SET state = $2 WHERE id = $1", update.id, state)
            .execute(&mut *talk.conn)
            .await?;
    }
    Ok(talk.touched)
}

/// How an inbox row ends.
type Ending = &'static str;
const DONE: Ending = "done";
const PASSED: Ending = "passed";

/// The talk in one conversation, as it goes on.
struct Talk<'a> {
    conn: &'a mut PgConnection,
    manners: &'a Manners,
    scene: &'a Scene<'a>,
    home: ConversationId,
    state: State,
    touched: Vec<Uuid>,
}

impl Talk<'_> {
    /// Of who is blocked nothing is taken; who asks too much is told so.
    async fn refused(
        &mut self,
        update: &Waiting,
        reading: &Reading,
        refused: &HashMap<i64, u32>,
    ) -> Result<Option<Ending>, Error> {
        let sender = reading.sender().and_then(|sender| self.scene.person(sender));
        if self.scene.is_blocked(sender) {
            return Ok(Some(PASSED));
        }
        // A human who listens is not to be protected from what a person says.
        let Some(seconds) = refused.get(&update.id).filter(|_| !self.state.held) else { return Ok(None) };
        if self.once("limit", TOLD_LIMIT).await? {
            let language = language(sender, "");
            self.notice(Phrase::TooMany { seconds: *seconds }.text(language)).await?;
        }
        Ok(Some(PASSED))
    }

    async fn apply(&mut self, update: &Waiting, reading: &Reading) -> Result<Ending, Error> {
        match reading {
            Reading::Question(said) => self.question(update, said).await?,
            Reading::Kept(said, kept) => self.kept(update, said, *kept).await?,
            Reading::Edited(said) => return self.edited(said).await,
            Reading::Command(said, command) => self.command(said, command).await?,
            Reading::Pressed { sender, action } => self.pressed(sender, *action).await?,
            Reading::Desk(word) => self.desk(update, word).await?,
            Reading::Left | Reading::Joined => self.gone(matches!(reading, Reading::Left)).await?,
            Reading::Moved(address) => conversations::move_to(self.conn, self.home, address).await?,
            Reading::Passed | Reading::Overheard => return Ok(PASSED),
        }
        Ok(DONE)
    }

    async fn question(&mut self, update: &Waiting, said: &Said) -> Result<(), Error> {
        if self.state.held {
            self.store(update, said, "operator").await?;
            return self.relay(said).await;
        }
        self.store(update, said, "waiting").await?;
        if let Some(notice) = self.state.paused.clone()
            && self.once("pause", TOLD_PAUSE).await?
        {
            let language = language(self.scene.sender(said), &said.text);
            let usual = || Phrase::Paused.text(language);
            self.notice(if notice.is_empty() { usual() } else { notice }).await?;
        }
        Ok(())
    }

    /// Kept with the conversation; the person is told once an album.
    async fn kept(&mut self, update: &Waiting, said: &Said, kept: Kept) -> Result<(), Error> {
        if self.state.held {
            self.store(update, said, "operator").await?;
            return self.relay(said).await;
        }
        self.store(update, said, "dropped").await?;
        let album = said.album.as_deref();
        if let Some(album) = album
            && !self.once(&format!("album:{album}"), ALBUM).await?
        {
            return Ok(());
        }
        let language = language(self.scene.sender(said), "");
        let buttons = vec![vec![Action::Human.button(language)]];
        let content = Content {
            buttons,
            reply_to: self.reply_to(said),
            ..Content::plain(kept.notice().text(language))
        };
        self.say(Draft::notice(self.home, content)).await
    }

    /// A question that is not answered yet is asked anew; one that was answered stays as it was. An operator sees
    /// the new text beside the old one's message.
    async fn edited(&mut self, said: &Said) -> Result<Ending, Error> {
        let Some(external) = &said.external_id else { return Ok(PASSED) };
        let known = sqlx::query!(
            r#"SELECT m.id, m.state, m.turn_id, t.state AS "turn_state?" FROM messages m
               LEFT JOIN turns t ON t.id = m.turn_id
               WHERE m.conversation_id = $1 AND m.external_id = $2"#,
            self.home.0,
            external
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        let Some(known) = known else { return Ok(PASSED) };
        let open = known.state == "waiting" || known.turn_state.as_deref() == Some("active");
        if self.state.held {
            self.change(known.id, said).await?;
            self.relay_edit(external, said).await?;
        } else if open && !said.text.is_empty() {
            self.change(known.id, said).await?;
            if known.state == "taken" {
                let ended = turns::supersede(self.conn, self.home).await?;
                sqlx::query!(
                    "UPDATE messages SET state = 'waiting', turn_id = NULL WHERE turn_id = $1",
                    ended.map(|turn| turn.0)
                )
                .execute(&mut *self.conn)
                .await?;
                if let Some(ended) = ended {
                    let text = Phrase::QuestionChanged.text(language(self.scene.sender(said), &said.text));
                    outbound::withdraw(self.conn, self.home, ended, text).await?;
                }
            }
        } else {
            return Ok(PASSED);
        }
        Ok(DONE)
    }

    async fn change(&mut self, message: Uuid, said: &Said) -> Result<(), Error> {
        sqlx::query!("UPDATE messages SET text = $2 WHERE id = $1", message, said.text)
            .execute(&mut *self.conn)
            .await?;
        Ok(())
    }

    async fn command(&mut self, said: &Said, command: &Command) -> Result<(), Error> {
        let sender = self.scene.sender(said).cloned();
        let language = self.tongue(sender.as_ref()).await?;
        match command {
            Command::Start(link) => {
                if let (Some(link), Some(sender)) = (link, &sender) {
                    contacts::came_by(self.conn, sender.id, link).await?;
                }
                self.answer(said, Phrase::Welcome.text(language)).await
            }
            Command::Help => self.answer(said, Phrase::Help.text(language)).await,
            Command::Ask => self.answer(said, Phrase::AskUsage.text(language)).await,
            Command::Language(None) => {
                let buttons =
                    vec![Language::ALL.iter().map(|one| Action::Language(*one).button(language)).collect()];
                let content = Content { buttons, ..Content::plain(Phrase::LanguageChoose.text(language)) };
                self.say(Draft::notice(self.home, content)).await
            }
            Command::Language(Some(chosen)) => self.choose(sender.as_ref(), *chosen).await,
            Command::Clear => self.clear(language).await,
            Command::Human => self.human(sender.as_ref(), language).await,
        }
    }

    async fn pressed(&mut self, sender: &Sender, action: Action) -> Result<(), Error> {
        let contact = self.scene.person(sender).cloned();
        let language = self.tongue(contact.as_ref()).await?;
        match action {
            Action::Human => self.human(contact.as_ref(), language).await,
            Action::Language(chosen) => self.choose(contact.as_ref(), chosen).await,
            Action::Helped(turn) | Action::NotHelped(turn) => {
                let Some(contact) = contact else { return Ok(()) };
                sqlx::query!(
                    "INSERT INTO feedback (turn_id, contact_id, helped)
                     SELECT t.id, $3, $4 FROM turns t WHERE t.id = $1 AND t.conversation_id = $2
                     ON CONFLICT (turn_id, contact_id) DO UPDATE SET helped = $4, given_at = clock_timestamp()",
                    turn.0,
                    self.home.0,
                    contact.id.0,
                    matches!(action, Action::Helped(_))
                )
                .execute(&mut *self.conn)
                .await?;
                Ok(())
            }
        }
    }

    async fn choose(&mut self, contact: Option<&Contact>, chosen: Language) -> Result<(), Error> {
        if let Some(contact) = contact {
            contacts::choose(self.conn, contact.id, chosen).await?;
        }
        self.notice(Phrase::LanguageSet.text(chosen)).await
    }

    /// What was asked is not answered any more, and is no context of what comes.
    async fn clear(&mut self, language: Language) -> Result<(), Error> {
        let cleared = Phrase::Cleared.text(language);
        if self.state.held {
            return self.say(Draft::desk_notice(self.home, Content::plain(cleared))).await;
        }
        let ended = turns::supersede(self.conn, self.home).await?;
        sqlx::query!(
            "WITH dropped AS (
                 UPDATE messages SET state = 'dropped' WHERE conversation_id = $1 AND state = 'waiting'
             )
             UPDATE conversations SET cleared_at = clock_timestamp() WHERE id = $1",
            self.home.0
        )
        .execute(&mut *self.conn)
        .await?;
        // Where a placeholder stands for the answer, these words take its place.
        let stands = match ended {
            Some(turn) => outbound::withdraw(self.conn, self.home, turn, cleared.clone()).await?,
            None => false,
        };
        if stands { Ok(()) } else { self.notice(cleared).await }
    }

    async fn human(&mut self, contact: Option<&Contact>, language: Language) -> Result<(), Error> {
        let name = contact.and_then(|contact| contact.name.clone());
        let operators = &self.manners.operators;
        let said = desks::hand_over(self.conn, operators, self.home, name.as_deref(), language).await?;
        if said == Phrase::HumanComing {
            self.state.held = true;
            self.state.desk = desks::of(self.conn, self.home).await?;
            self.touched.extend(self.state.desk.map(|desk| desk.0));
        }
        // Said for the operators: a takeover does not cancel it.
        self.say(Draft::desk_notice(self.home, Content::plain(said.text(language)))).await
    }

    async fn gone(&mut self, gone: bool) -> Result<(), Error> {
        let queue = &self.scene.read.queue;
        if let Some(contact) = self.scene.people.get(&(queue.channel, queue.contact())) {
            contacts::set_gone(self.conn, contact.id, gone).await?;
        }
        if let (true, Some(desk)) = (gone && self.state.held, self.state.desk) {
            let text = Phrase::DeskGone.text(self.manners.operators.language);
            self.touched.push(desk.0);
            self.say(Draft::desk_notice(desk, Content::plain(text))).await?;
        }
        Ok(())
    }

    async fn store(&mut self, update: &Waiting, said: &Said, state: &str) -> Result<(), Error> {
        sqlx::query!(
            "INSERT INTO messages
                 (id, conversation_id, position, text, state, received_at, contact_id, external_id, attachment)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            update.message.0,
            self.home.0,
            update.id,
            said.text,
            state,
            update.received_at,
            self.scene.sender(said).map(|contact| contact.id.0),
            said.external_id,
            said.attachment
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Of what has no words of its own: that of the last words.
    async fn tongue(&mut self, contact: Option<&Contact>) -> Result<Language, Error> {
        let last = desks::last_words(self.conn, self.home).await?;
        Ok(contact.map_or_else(|| Language::of(&last), |contact| contact.language(&last)))
    }

    /// In a group one sees whom it answers.
    fn reply_to(&self, said: &Said) -> Option<String> {
        let group = said.sender.as_ref()?.address != self.scene.read.queue.contact();
        said.external_id.clone().filter(|_| group)
    }

    async fn answer(&mut self, said: &Said, text: String) -> Result<(), Error> {
        let content = Content { reply_to: self.reply_to(said), ..Content::plain(text) };
        self.say(Draft::notice(self.home, content)).await
    }

    async fn notice(&mut self, text: String) -> Result<(), Error> {
        self.say(Draft::notice(self.home, Content::plain(text))).await
    }

    async fn say(&mut self, draft: Draft) -> Result<(), Error> {
        outbound::insert(self.conn, &[draft]).await
    }

    /// Whether this was not said in this conversation within `interval`.
    async fn once(&mut self, what: &str, interval: Duration) -> Result<bool, Error> {
        limiter::once(self.conn, format!("told:{what}:{}", self.home), interval).await
    }

    /// Gives the conversation back to the bot. `false`: it had it.
    async fn give_back(&mut self, person: ConversationId) -> Result<bool, Error> {
        conversations::release(self.conn, person, false).await
    }
}

fn language(contact: Option<&Contact>, text: &str) -> Language {
    contact.map_or_else(|| Language::of(text), |contact| contact.language(text))
}
