//! What things are called on the server. One prefix for all of them, so that two installations can
//! share a server without seeing each other.

use std::sync::Arc;

use contract::{MessageId, Stage, Stream};

use crate::SettingsError;

/// Bytes a prefix may have: subjects stay short, and the name of a stream (a directory) far from 255.
const MAX_PREFIX: usize = 32;

/// Subjects, streams and consumers of one prefix.
#[derive(Debug, Clone)]
pub struct Names {
    prefix: Arc<str>,
}

impl Names {
    /// # Errors
    /// When the prefix is not 1 to 32 lower-case letters, digits, `-` or `_`: anything else is a
    /// wildcard, a separator or a path somewhere, and two prefixes must not differ by case only
    /// because stream names are in upper case.
    pub fn new(prefix: &str) -> Result<Self, SettingsError> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if prefix.is_empty() || prefix.len() > MAX_PREFIX || !prefix.chars().all(allowed) {
            return Err(SettingsError {
                key: "prefix",
                problem: format!("{prefix:?} is no prefix"),
                remedy: "use 1 to 32 of a-z, 0-9, - and _",
            });
        }
        Ok(Self { prefix: prefix.into() })
    }

    /// The subject of a stage's tickets: `vectora.turns.answer`.
    pub fn subject(&self, stage: &Stage) -> String {
        format!("{}.{}.{}", self.prefix, stage.stream.as_str(), stage.name)
    }

    /// The stream's name: `VECTORA_TURNS`.
    pub fn stream(&self, stream: Stream) -> String {
        format!("{}_{}", self.prefix, stream.as_str()).to_ascii_uppercase()
    }

    /// What a stream stores: `vectora.turns.>`.
    pub fn stream_subjects(&self, stream: Stream) -> String {
        format!("{}.{}.>", self.prefix, stream.as_str())
    }

    /// Where bytes go that are no ticket: `VECTORA_UNDECODABLE`.
    pub fn undecodable_stream(&self) -> String {
        format!("{}_UNDECODABLE", self.prefix).to_ascii_uppercase()
    }

    /// `vectora.undecodable.>`
    pub fn undecodable_subjects(&self) -> String {
        format!("{}.undecodable.>", self.prefix)
    }

    /// `vectora.undecodable.answer`
    pub fn undecodable_subject(&self, stage: &Stage) -> String {
        format!("{}.undecodable.{}", self.prefix, stage.name)
    }

    /// The subject of a question's events: `vectora.events.question.<id>`.
    pub fn question_events(&self, id: MessageId) -> String {
        format!("{}.events.question.{id}", self.prefix)
    }

    /// Nobody listens here, so that a request is answered at once: a round trip on the connection.
    pub(crate) fn echo(&self) -> String {
        format!("{}.events.echo", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use contract::Kind;

    use super::*;

    const ANSWER: Stage = Stage { name: "answer", kind: Kind::Turn, stream: Stream::Turns };

    #[test]
    fn names_are_those_of_the_design() {
        let names = Names::new("vectora").expect("valid");
        assert_eq!(names.subject(&ANSWER), "vectora.turns.answer");
        assert_eq!(names.stream(Stream::Turns), "VECTORA_TURNS");
        assert_eq!(names.stream_subjects(Stream::Turns), "vectora.turns.>");
        assert_eq!(names.undecodable_stream(), "VECTORA_UNDECODABLE");
        assert_eq!(names.undecodable_subject(&ANSWER), "vectora.undecodable.answer");
        let id = MessageId::new();
        assert_eq!(names.question_events(id), format!("vectora.events.question.{id}"));
    }

    #[test]
    fn a_prefix_that_could_reach_into_another_is_refused() {
        let long = "x".repeat(33);
        for bad in ["", "a.b", "a*", ">", "Vectora", "a b", "a/b", "ä", long.as_str()] {
            let error = Names::new(bad).expect_err(bad);
            assert_eq!(error.key, "prefix");
        }
        assert!(Names::new("team-2_test").is_ok());
    }
}
