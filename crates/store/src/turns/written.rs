//! Answers, as they are written down.

use std::sync::Arc;

use contract::{Answer, Content, TurnId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::Error;

/// What was made of a turn.
#[derive(Debug, Clone)]
pub struct Answered {
    pub answer: Answer,
    /// What is shown on a channel that delivers: the answer, and what did not fit into its first message.
    pub contents: Vec<Content>,
    /// What writing it took; `None`: no model wrote it.
    pub written: Option<Written>,
    /// What it was made from, where `retrieve` quoted it at once and it is not kept yet.
    pub found: Option<Arc<str>>,
}

/// What a stage made of a turn.
#[derive(Debug, Clone)]
pub enum Step {
    /// What was found for it, as it is kept; `answer` comes next.
    Found(Arc<str>),
    /// Its end.
    Answered(Box<Answered>),
}

/// What it took a model to write an answer, all its calls together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Of the prompts and the rules the answer was checked by.
    pub prompt_version: String,
    pub prompt_tokens: u32,
    pub completion_tokens: u32,
    /// A provider did not say, and characters were counted.
    pub estimated: bool,
}

/// Writes the answers of turns: one each, its primary key is the turn.
pub(super) async fn insert(
    conn: &mut PgConnection,
    answers: &[(TurnId, &Answer, Option<&Written>)],
) -> Result<(), Error> {
    if answers.is_empty() {
        return Ok(());
    }
    let tokens = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    let written = || answers.iter().map(|(_, _, written)| *written);
    let turns: Vec<Uuid> = answers.iter().map(|(turn, ..)| turn.0).collect();
    let kinds: Vec<String> = answers.iter().map(|(_, answer, _)| answer.kind.as_str().to_owned()).collect();
    // PostgreSQL stores no NUL, and a model may write one.
    let texts: Vec<String> = answers.iter().map(|(_, answer, _)| answer.text.replace('\0', "")).collect();
    let models: Vec<String> = answers.iter().map(|(_, answer, _)| answer.model.clone()).collect();
    let citations: Vec<serde_json::Value> = answers
        .iter()
        .map(|(_, answer, _)| serde_json::to_value(&answer.citations).expect("citations are plain data"))
        .collect();
    let versions: Vec<Option<String>> = written().map(|by| Some(by?.prompt_version.clone())).collect();
    let prompts: Vec<Option<i32>> = written().map(|by| Some(tokens(by?.prompt_tokens))).collect();
    let completions: Vec<Option<i32>> = written().map(|by| Some(tokens(by?.completion_tokens))).collect();
    let estimated: Vec<Option<bool>> = written().map(|by| Some(by?.estimated)).collect();
    sqlx::query!(
        "INSERT INTO answers
             (turn_id, kind, text, citations, model, prompt_version, prompt_tokens, completion_tokens, tokens_estimated)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[], $5::text[], $6::text[], $7::int[],
                              $8::int[], $9::bool[])",
        &turns,
        &kinds,
        &texts,
        &citations,
        &models,
        &versions as _,
        &prompts as _,
        &completions as _,
        &estimated as _
    )
    .execute(conn)
    .await?;
    Ok(())
}
