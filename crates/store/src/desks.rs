//! Desks: where operators read and answer a conversation that was handed over.
//!
//! A desk is a conversation like any other, and its address is a topic of the operators' group: what a person writes
//! is delivered to the desk, what an operator writes there to the person, both by the same outbox, in order, at most
//! once. The topic is made with the first message (`store::outbound::sending`), and made again if it was deleted.
//!
//! Lock order: the person's conversation, then its desk; the desk is younger, so this is the order of their ids.

use std::time::Duration;

use contract::{Channel, Content, ConversationId, CopyOf, Language, Phrase, Ticket};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::outbound::{self, Draft, sending};
use crate::{Error, Ledger, conversations};

/// How far back an operator reads when a conversation is handed over.
const HISTORY: i64 = 10;
/// UTF-16 units of that history at the most; the newest is kept. A message has 4,096.
const HISTORY_UNITS: usize = 3_500;

/// What the hand-over needs to know.
#[derive(Debug, Clone)]
pub struct Operators {
    /// The group's address, `<bot>:<chat>`; `None`: nobody is there.
    pub home: Option<String>,
    /// What is said to operators is in this language.
    pub language: Language,
    /// A takeover nobody looks after lapses after this long.
    pub idle: Duration,
}

/// Hands a conversation over: the bot is silent from now on, and the operators find it at its desk. The caller holds
/// the conversation's lock. Returns what the person is told.
pub(crate) async fn hand_over(
    conn: &mut PgConnection,
    operators: &Operators,
    conversation: ConversationId,
    person: Option<&str>,
    language: Language,
) -> Result<Phrase<'static>, Error> {
    let held = sqlx::query_scalar!(
        r#"UPDATE conversations SET human_wanted_at = clock_timestamp() WHERE id = $1
           RETURNING handled_by = 'operator' AS "held!""#,
        conversation.0
    )
    .fetch_one(&mut *conn)
    .await?;
    if held {
        return Ok(Phrase::HumanAlready);
    }
    let Some(home) = &operators.home else { return Ok(Phrase::HumanNobody) };
    let name = person.map_or_else(|| format!("#{}", conversation.0.simple()), str::to_owned);
    let history = history(conn, conversation, operators.language).await?;
    conversations::take_locked(conn, conversation, operators.idle).await?;
    let (desk, reopened) = open(conn, conversation, home, &name).await?;
    let opened = Phrase::DeskOpened { name: &name, language }.text(operators.language);
    let mut drafts = Vec::new();
    if reopened {
        drafts.push(Draft::topic(desk, false));
    }
    drafts.push(Draft::desk_notice(desk, Content::plain(opened)));
    drafts.extend(history.into_iter().map(|content| Draft::desk_notice(desk, content)));
    outbound::insert(conn, &drafts).await?;
    outbound::promote(conn, &[desk.0]).await?;
    Ok(Phrase::HumanComing)
}

/// The desk of a conversation, made if there is none; and whether it was closed.
async fn open(
    conn: &mut PgConnection,
    conversation: ConversationId,
    home: &str,
    name: &str,
) -> Result<(ConversationId, bool), Error> {
    let known = sqlx::query!(
        r#"UPDATE desks d SET closed_at = NULL, home = $2, name = $3 FROM desks old
           WHERE d.conversation_id = $1 AND old.conversation_id = d.conversation_id
           RETURNING d.desk_id, old.closed_at IS NOT NULL AS "closed!", old.home <> $2 AS "moved!""#,
        conversation.0,
        home,
        name
    )
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(known) = known {
        let desk = ConversationId(known.desk_id);
        conversations::lock(conn, &[desk.0]).await?;
        if known.moved {
            // The operators have another group: the desk gets a topic there.
            sqlx::query!(
                "UPDATE conversations SET address = $2 WHERE id = $1",
                desk.0,
                sending::desk_address(desk)
            )
            .execute(conn)
            .await?;
        }
        return Ok((desk, known.closed && !known.moved));
    }
    let desk = ConversationId::new();
    sqlx::query!(
        "WITH desk AS (INSERT INTO conversations (id, channel, address) VALUES ($1, $2, $3))
         INSERT INTO desks (conversation_id, desk_id, home, name) VALUES ($4, $1, $5, $6)",
        desk.0,
        Channel::Telegram.as_str(),
        sending::desk_address(desk),
        conversation.0,
        home,
        name
    )
    .execute(conn)
    .await?;
    Ok((desk, false))
}

/// The desk of a conversation, if it was ever handed over.
pub(crate) async fn of(
    conn: &mut PgConnection,
    conversation: ConversationId,
) -> Result<Option<ConversationId>, Error> {
    let desk = sqlx::query_scalar!("SELECT desk_id FROM desks WHERE conversation_id = $1", conversation.0)
        .fetch_optional(conn)
        .await?;
    Ok(desk.map(ConversationId))
}

/// Of conversations those on the other side: the desks of people, the people of desks.
pub(crate) async fn partners(conn: &mut PgConnection, conversations: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    Ok(sqlx::query_scalar!(
        r#"SELECT desk_id AS "id!" FROM desks WHERE conversation_id = ANY($1)
           UNION SELECT conversation_id FROM desks WHERE desk_id = ANY($1)"#,
        conversations
    )
    .fetch_all(conn)
    .await?)
}

/// The message of `home` that shows the other side's message `origin`; or, with `back`, the other way round.
pub(crate) async fn counterpart(
    conn: &mut PgConnection,
    home: ConversationId,
    message: &str,
    back: bool,
) -> Result<Option<String>, Error> {
    let found = sqlx::query_scalar!(
        "SELECT CASE WHEN $3 THEN origin ELSE target END FROM outbound
         WHERE conversation_id = $1 AND origin IS NOT NULL AND target IS NOT NULL
           AND CASE WHEN $3 THEN target = $2 ELSE origin = $2 END
         ORDER BY seq DESC LIMIT 1",
        home.0,
        message,
        back
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.flatten())
}

/// What was said last, oldest first: the texts in one message, then what cannot be put into words.
async fn history(
    conn: &mut PgConnection,
    conversation: ConversationId,
    language: Language,
) -> Result<Vec<Content>, Error> {
    let rows = sqlx::query!(
        r#"SELECT m.text, m.external_id, m.attachment IS NOT NULL AS "attached!", c.address, a.text AS "answer?"
           FROM messages m JOIN conversations c ON c.id = m.conversation_id
           LEFT JOIN answers a ON a.turn_id = m.turn_id
           WHERE m.conversation_id = $1 AND m.state <> 'note'
             AND (c.cleared_at IS NULL OR m.received_at > c.cleared_at)
           ORDER BY m.position DESC LIMIT $2"#,
        conversation.0,
        HISTORY
    )
    .fetch_all(conn)
    .await?;
    let (person, bot) = (Phrase::DeskPerson.text(language), Phrase::DeskBot.text(language));
    let (mut lines, mut copies) = (Vec::new(), Vec::new());
    let mut units = 0;
    for row in &rows {
        let mut said = Vec::new();
        if !row.text.is_empty() {
            said.push(format!("{person}: {}", row.text));
        }
        said.extend(row.answer.as_ref().map(|answer| format!("{bot}: {answer}")));
        let said = shortened(&said.join("\n"), HISTORY_UNITS / 2);
        let length = said.encode_utf16().count() + 2;
        if units + length <= HISTORY_UNITS && !said.is_empty() {
            units += length;
            lines.push(said);
        }
        if let (true, Some(message), Some(address)) = (row.attached, &row.external_id, &row.address) {
            let copy_of = Some(CopyOf { address: address.clone(), message: message.clone() });
            copies.push(Content { copy_of, ..Content::default() });
        }
    }
    let mut contents = Vec::new();
    if !lines.is_empty() {
        lines.reverse();
        let heading = Phrase::DeskHistory.text(language);
        contents.push(Content::plain(format!("{heading}\n\n{}", lines.join("\n\n"))));
    }
    contents.extend(copies.into_iter().rev());
    Ok(contents)
}

/// The bot has the conversation again, and both sides are told: by whom the takeover was ended, or that it lapsed.
/// Without telling for conversations that have no desk. Returns tickets.
pub(crate) async fn lapse(
    ledger: &Ledger,
    conversation: ConversationId,
    operators: Language,
) -> Result<Vec<Ticket>, Error> {
    let mut conn = ledger.pool.acquire().await?;
    let Some(desk) = of(&mut conn, conversation).await? else {
        drop(conn);
        return conversations::end_takeover(ledger, conversation, true).await;
    };
    drop(conn);
    let mut tx = ledger.begin().await?;
    let homes = [conversation.0, desk.0];
    conversations::lock(&mut tx, &homes).await?;
    if !conversations::release(&mut tx, conversation, true).await? {
        return Ok(Vec::new());
    }
    let language = language_of(&mut tx, conversation).await?;
    outbound::insert(
        &mut tx,
        &[
            Draft::notice(conversation, Content::plain(Phrase::HandoverLapsed.text(language))),
            Draft::desk_notice(desk, Content::plain(Phrase::DeskLapsed.text(operators))),
        ],
    )
    .await?;
    let tickets = crate::turns::go_on(&mut tx, &homes, &homes).await?.tickets;
    tx.commit().await?;
    Ok(tickets)
}

/// What is said to the person of a conversation is said in this language.
pub(crate) async fn language_of(
    conn: &mut PgConnection,
    conversation: ConversationId,
) -> Result<Language, Error> {
    let last = last_words(conn, conversation).await?;
    let row = sqlx::query!(
        "SELECT p.language, p.language_hint FROM conversations c JOIN contacts p ON p.id = c.contact_id
         WHERE c.id = $1",
        conversation.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map_or(Language::of(&last), |row| {
        crate::turns::language(&last, row.language.as_deref(), row.language_hint.as_deref())
    }))
}

/// What a person said last in words; empty when they did not.
pub(crate) async fn last_words(
    conn: &mut PgConnection,
    conversation: ConversationId,
) -> Result<String, Error> {
    let last = sqlx::query_scalar!(
        "SELECT text FROM messages WHERE conversation_id = $1 AND state <> 'note' AND text <> ''
         ORDER BY received_at DESC LIMIT 1",
        conversation.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(last.unwrap_or_default())
}

/// Gives conversations back whose desk cannot be reached: the bot may not make topics, or the group is gone. The person
/// is told that nobody is there. Returns how many, and tickets.
pub(crate) async fn give_up_unreachable(ledger: &Ledger) -> Result<(usize, Vec<Ticket>), Error> {
    let lost = sqlx::query!(
        "SELECT DISTINCT d.conversation_id, d.desk_id FROM outbound o
         JOIN desks d ON d.desk_id = o.conversation_id
         JOIN conversations c ON c.id = d.desk_id AND c.address LIKE 'desk:%'
         WHERE o.author = 'operator' AND o.state IN ('failed', 'held', 'unknown') AND o.told_at IS NULL LIMIT 100"
    )
    .fetch_all(&ledger.pool)
    .await?;
    let (mut given_up, mut tickets) = (0, Vec::new());
    for desk in lost {
        let mut tx = ledger.begin().await?;
        let homes = [desk.conversation_id, desk.desk_id];
        conversations::lock(&mut tx, &homes).await?;
        sqlx::query!(
            "UPDATE outbound SET told_at = clock_timestamp(), ended_at = coalesce(ended_at, clock_timestamp()),
                 state = CASE WHEN state IN ('waiting', 'ready') THEN 'failed' ELSE state END, issued_at = NULL,
                 owner = NULL, lease_until = NULL
             WHERE conversation_id = $1 AND state IN ('waiting', 'ready', 'failed', 'held', 'unknown')",
            desk.desk_id
        )
        .execute(&mut *tx)
        .await?;
        let person = ConversationId(desk.conversation_id);
        if conversations::release(&mut tx, person, false).await? {
            let language = language_of(&mut tx, person).await?;
            let content = Content::plain(Phrase::HumanNobody.text(language));
            outbound::insert(&mut tx, &[Draft::notice(person, content)]).await?;
            tickets.extend(crate::turns::go_on(&mut tx, &homes, &homes).await?.tickets);
            given_up += 1;
        }
        tx.commit().await?;
    }
    Ok((given_up, tickets))
}

/// Tells operators of their messages of which nobody knows whether they arrived, or that did not. Returns tickets.
pub(crate) async fn tell_fates(ledger: &Ledger, language: Language) -> Result<Vec<Ticket>, Error> {
    let desks = sqlx::query!(
        "SELECT DISTINCT d.desk_id, d.conversation_id FROM outbound o
         JOIN desks d ON d.conversation_id = o.conversation_id
         WHERE o.author = 'operator' AND o.state IN ('failed', 'held', 'unknown') AND o.told_at IS NULL LIMIT 100"
    )
    .fetch_all(&ledger.pool)
    .await?;
    let mut tickets = Vec::new();
    for desk in desks {
        let mut tx = ledger.begin().await?;
        conversations::lock(&mut tx, &[desk.desk_id]).await?;
        let fates = sqlx::query!(
            "UPDATE outbound SET told_at = clock_timestamp()
             WHERE conversation_id = $1 AND author = 'operator' AND state IN ('failed', 'held', 'unknown')
               AND told_at IS NULL
             RETURNING seq, kind, state, text, origin,
                 EXISTS (SELECT 1 FROM conversations c JOIN contacts p ON p.id = c.contact_id
                         WHERE c.id = $1 AND p.gone_at IS NOT NULL) AS \"gone!\"",
            desk.conversation_id
        )
        .fetch_all(&mut *tx)
        .await?;
        let mut drafts = Vec::new();
        for fate in fates.iter().filter(|fate| matches!(fate.kind.as_str(), "operator" | "part")) {
            let text = &shortened(&fate.text, 80);
            let phrase = match fate.state.as_str() {
                _ if fate.gone => Phrase::DeskGone,
                "failed" => Phrase::DeskFailed { text },
                _ => Phrase::DeskHeld { text },
            };
            let content = Content { reply_to: fate.origin.clone(), ..Content::plain(phrase.text(language)) };
            drafts.push(Draft::desk_notice(ConversationId(desk.desk_id), content));
        }
        outbound::insert(&mut tx, &drafts).await?;
        tickets.extend(outbound::promote(&mut tx, &[desk.desk_id]).await?);
        tx.commit().await?;
    }
    Ok(tickets)
}

/// The beginning of a text.
fn shortened(text: &str, characters: usize) -> String {
    let mut start: String = text.chars().take(characters).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}
