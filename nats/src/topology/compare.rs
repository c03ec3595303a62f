//! What the server echoes against what is wanted, field by field.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};

use super::Object;

/// How bad a difference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It works, otherwise than configured: log it.
    Warning,
    /// The object does not exist (yet): not ready.
    Missing,
    /// Tickets would go to the wrong stage, or vanish: do not start.
    Fatal,
}

/// One field that is not as wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub severity: Severity,
    pub object: Object,
    /// As the server's API calls it; empty when the object is missing.
    pub field: String,
    pub wanted: String,
    pub found: String,
}

impl Difference {
    pub(super) fn missing(object: &Object) -> Self {
        Self {
            severity: Severity::Missing,
            object: object.clone(),
            field: String::new(),
            wanted: String::new(),
            found: String::new(),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { severity, object, field, wanted, found } = self;
        match severity {
            Severity::Missing => write!(f, "{object} does not exist: run `vectora topology apply`"),
            _ if *object == Object::Server => {
                write!(f, "{object} has {field} {found}, and can be reached from elsewhere: use {wanted}")
            }
            _ => write!(
                f,
                "{object}: {field} is {found}, wanted is {wanted}: run `vectora topology apply`, or change [nats]"
            ),
        }
    }
}

/// Fields that decide which tickets come and whether they stay until they are acknowledged.
const FATAL: [&str; 5] = ["subjects", "retention", "filter_subject", "filter_subjects", "ack_policy"];

/// The operator's own, or the server's: nothing here depends on them. `num_replicas` of a consumer is
/// inherited from its stream.
const FREE: [&str; 10] = [
    "allow_direct",
    "allow_msg_ttl",
    "compression",
    "consumer_limits",
    "description",
    "metadata",
    "mirror_direct",
    "name",
    "persist_mode",
    "placement",
];

fn is_free(field: &str, wanted: &Map<String, Value>) -> bool {
    FREE.contains(&field) || (field == "num_replicas" && !wanted.contains_key(field))
}

/// Servers leave out or write out what is not set: both are the same.
fn is_unset(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => true,
        Some(Value::Number(number)) => number.as_i64() == Some(0),
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(fields)) => fields.is_empty(),
        Some(Value::Bool(true)) => false,
    }
}

/// The names of the fields that differ, in alphabetical order.
pub(super) fn fields(wanted: &Map<String, Value>, found: &Map<String, Value>) -> Vec<String> {
    let all: BTreeSet<&String> = wanted.keys().chain(found.keys()).collect();
    let differs = |field: &str| {
        let (wanted, found) = (wanted.get(field), found.get(field));
        wanted != found && !(is_unset(wanted) && is_unset(found))
    };
    all.into_iter().filter(|field| !is_free(field, wanted) && differs(field)).cloned().collect()
}

pub(super) fn differences(
    object: &Object,
    wanted: &Map<String, Value>,
    found: &Map<String, Value>,
) -> impl Iterator<Item = Difference> {
    let shown = |value: Option<&Value>| value.map_or("not set".to_owned(), ToString::to_string);
    fields(wanted, found).into_iter().map(move |field| Difference {
        severity: if FATAL.contains(&field.as_str()) { Severity::Fatal } else { Severity::Warning },
        object: object.clone(),
        wanted: shown(wanted.get(&field)),
        found: shown(found.get(&field)),
        field,
    })
}

/// What to send as an update: what is wanted, and what is free as it is.
pub(super) fn merged(wanted: &Map<String, Value>, found: &Map<String, Value>) -> Map<String, Value> {
    let mut config = wanted.clone();
    for (field, value) in found.iter().filter(|(field, _)| is_free(field, wanted)) {
        config.entry(field).or_insert_with(|| value.clone());
    }
    config
}

/// 2.9 (CVE-2023-47090 and what came after it) is for one machine only.
pub(super) fn server(version: Option<&str>, loopback: bool) -> Option<Difference> {
    let found = version?;
    let mut numbers = found.split(['.', '-']).map(|part| part.parse::<u32>().ok());
    let version = (numbers.next().flatten()?, numbers.next().flatten()?);
    (version < (2, 10) && !loopback).then(|| Difference {
        severity: Severity::Warning,
        object: Object::Server,
        field: "version".to_owned(),
        wanted: "a current 2.10 or newer".to_owned(),
        found: found.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        let Value::Object(map) = value else { panic!("an object") };
        map
    }

    #[test]
    fn what_a_server_leaves_out_or_adds_as_default_is_no_difference() {
        let wanted = map(json!({ "max_msgs": -1, "ack_wait": 30, "sealed": false }));
        let found = map(json!({
            "max_msgs": -1, "ack_wait": 30, "deny_delete": false, "backoff": [], "inactive_threshold": 0,
            "compression": "none", "metadata": { "_nats.level": "1" }, "num_replicas": 3, "mirror": null,
        }));
        assert_eq!(fields(&wanted, &found), Vec::<String>::new());
    }

    #[test]
    fn filter_retention_and_ack_policy_are_fatal_and_the_rest_is_reported() {
        let object = Object::Stream("S".into());
        let wanted = map(json!({ "filter_subject": "a", "retention": "workqueue", "ack_wait": 30 }));
        let found = map(
            json!({ "filter_subjects": ["a", "b"], "retention": "limits", "ack_wait": 5, "backoff": [1] }),
        );
        let found: Vec<_> = differences(&object, &wanted, &found)
            .map(|difference| (difference.field, difference.severity))
            .collect();
        let expected = [
            ("ack_wait", Severity::Warning),
            ("backoff", Severity::Warning),
            ("filter_subject", Severity::Fatal),
            ("filter_subjects", Severity::Fatal),
            ("retention", Severity::Fatal),
        ];
        assert_eq!(found, expected.map(|(field, severity)| (field.to_owned(), severity)));
    }

    #[test]
    fn an_update_keeps_what_the_operator_has_added() {
        let wanted = map(json!({ "name": "S", "max_bytes": 2 }));
        let found =
            map(json!({ "name": "S", "max_bytes": 1, "placement": { "tags": ["ssd"] }, "sealed": true }));
        assert_eq!(
            Value::Object(merged(&wanted, &found)),
            json!({ "name": "S", "max_bytes": 2, "placement": { "tags": ["ssd"] } })
        );
    }

    #[test]
    fn an_old_server_is_for_loopback_only() {
        assert!(server(Some("2.9.10"), true).is_none());
        assert!(server(Some("2.10.29"), false).is_none());
        assert!(server(Some("2.14.0-RC.1"), false).is_none());
        assert!(server(Some("3.0.0"), false).is_none());
        let warning = server(Some("2.9.10"), false).expect("a warning");
        assert_eq!(warning.severity, Severity::Warning);
        assert!(warning.to_string().contains("2.9.10"));
    }
}
