//! Questions to the bot, of many chats in a few statements.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use contract::Channel;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Read, Reading, Scene};
use crate::Error;
use crate::contacts::Contact;
use crate::limiter::{self, Rate};

/// Inbox rows that are passed over, and those of which nothing is kept.
pub(super) fn passed(reads: &[&Read]) -> (Vec<i64>, Vec<i64>) {
    let (mut passed, mut scrubbed) = (Vec::new(), Vec::new());
    for (update, reading) in reads.iter().flat_map(|read| read.queue.updates.iter().zip(&read.readings)) {
        match reading {
            Reading::Passed => passed.push(update.id),
            Reading::Overheard => scrubbed.push(update.id),
            _ => {}
        }
    }
    (passed, scrubbed)
}

/// Ends inbox rows nobody answers.
pub(super) async fn close(conn: &mut PgConnection, passed: &[i64], scrubbed: &[i64]) -> Result<(), Error> {
    if passed.is_empty() && scrubbed.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE inbox SET state = 'passed', payload = CASE WHEN id = ANY($2) THEN '{}' ELSE payload END
         WHERE id = ANY($1) OR id = ANY($2)",
        passed,
        scrubbed
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Inbox rows of people who ask too much, with the seconds they should wait. The pictures of an album are one.
pub(super) async fn refused(
    conn: &mut PgConnection,
    rate: Rate,
    reads: &[&Read],
    people: &HashMap<(Channel, String), Contact>,
) -> Result<HashMap<i64, u32>, Error> {
    let mut asked: HashMap<Uuid, Vec<i64>> = HashMap::new();
    let mut albums = HashSet::new();
    for read in reads {
        for (update, reading) in read.queue.updates.iter().zip(&read.readings) {
            let further = match reading {
                Reading::Question(said) | Reading::Kept(said, _) => {
                    said.album.is_some() && !albums.insert(said.album.as_deref())
                }
                Reading::Command(..) | Reading::Pressed { .. } => false,
                _ => true,
            };
            if further {
                continue;
            }
            let key = reading.sender().map(|sender| (read.queue.channel, sender.address.clone()));
            if let Some(contact) = key.and_then(|key| people.get(&key)) {
                asked.entry(contact.id.0).or_default().push(update.id);
            }
        }
    }
    if asked.is_empty() {
        return Ok(HashMap::new());
    }
    let asked: Vec<(Uuid, Vec<i64>)> = asked.into_iter().collect();
    let wanted: Vec<(String, u32)> = asked
        .iter()
        .map(|(contact, rows)| (format!("contact:{contact}"), u32::try_from(rows.len()).unwrap_or(u32::MAX)))
        .collect();
    let mut refused = HashMap::new();
    for ((_, rows), (allowed, wait)) in asked.iter().zip(limiter::allow(conn, &wanted, rate).await?) {
        let wait = seconds_of(wait);
        refused.extend(rows.iter().skip(allowed as usize).map(|row| (*row, wait)));
    }
    Ok(refused)
}

fn seconds_of(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1)
}

/// Writes the questions of these scenes: for the bot, or for the operator who has the conversation.
pub(super) async fn write(conn: &mut PgConnection, scenes: &[&Scene<'_>]) -> Result<(), Error> {
    let (mut done, mut ids, mut homes) = (Vec::new(), Vec::new(), Vec::new());
    let (mut texts, mut received) = (Vec::new(), Vec::new());
    let (mut contacts, mut externals, mut attachments) = (Vec::new(), Vec::new(), Vec::new());
    for scene in scenes {
        for (update, reading) in scene.read.queue.updates.iter().zip(&scene.read.readings) {
            let Reading::Question(said) = reading else { continue };
            done.push(update.id);
            ids.push(update.message.0);
            homes.push(scene.home.0);
            texts.push(said.text.clone());
            received.push(update.received_at);
            contacts.push(scene.sender(said).map(|contact| contact.id.0));
            externals.push(said.external_id.clone());
            attachments.push(said.attachment.clone());
        }
    }
    if done.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "WITH read AS (
             UPDATE inbox SET state = 'done' WHERE id = ANY($1)
         )
         INSERT INTO messages
             (id, conversation_id, position, text, state, received_at, contact_id, external_id, attachment)
         SELECT m.id, m.conversation_id, m.position, m.text,
                CASE c.handled_by WHEN 'bot' THEN 'waiting' ELSE 'operator' END, m.received_at,
                m.contact_id, m.external_id, m.attachment
         FROM unnest($2::uuid[], $3::uuid[], $1::bigint[], $4::text[], $5::timestamptz[],
                     $6::uuid[], $7::text[], $8::jsonb[])
             AS m(id, conversation_id, position, text, received_at, contact_id, external_id, attachment)
         JOIN conversations c ON c.id = m.conversation_id",
        &done,
        &ids,
        &homes,
        &texts,
        &received,
        &contacts as _,
        &externals as _,
        &attachments as &[Option<Value>]
    )
    .execute(conn)
    .await?;
    Ok(())
}
