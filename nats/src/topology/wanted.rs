//! The streams and consumers that shall exist, as data, in the words of the server's own API.

use std::time::Duration;

use contract::{Stage, Stream};
use serde_json::{Map, Value, json};

use super::Object;
use crate::{Names, Settings, SettingsError};

/// The small stream for what nobody can decode: it must never matter how much of it there is.
const UNDECODABLE_BYTES: u64 = 16 * 1024 * 1024;

/// What a ticket takes on disk with its id and the server's own bytes, rounded up. 2.9 forgets its own
/// bytes when it decides whether a new message fits into `max_bytes`, and then drops the *oldest* one
/// to make room in spite of `discard: new` (measured on 2.9.10). A number of messages is compared
/// exactly, so the stream is full by number.
const TICKET_BYTES: u64 = 512;

/// Pulls that may wait at one consumer at a time: one for each process of a stage. The server's
/// default, written down so that a difference shows.
const MAX_WAITING: u32 = 512;

/// What shall exist: streams first, then their consumers.
#[derive(Debug, Clone, PartialEq)]
pub struct Topology {
    pub(super) wanted: Vec<Wanted>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wanted {
    pub(super) object: Object,
    pub(super) config: Map<String, Value>,
}

impl Topology {
    /// All streams and consumers, with the configuration as the server's API writes it.
    pub fn objects(&self) -> impl Iterator<Item = (&Object, &Map<String, Value>)> {
        self.wanted.iter().map(|wanted| (&wanted.object, &wanted.config))
    }
}

/// The streams and consumers for these stages: every [`Stream`], the one for undecodable bytes, and a
/// durable consumer for each stage.
///
/// # Errors
/// When the prefix or a limit in the settings cannot work.
pub fn wanted(settings: &Settings, stages: &[Stage]) -> Result<Topology, SettingsError> {
    let names = settings.validate()?;
    let mut wanted: Vec<_> =
        Stream::ALL.iter().map(|stream| ticket_stream(settings, &names, *stream)).collect();
    wanted.push(undecodable_stream(settings, &names));
    wanted.extend(stages.iter().map(|stage| consumer(settings, &names, stage)));
    Ok(Topology { wanted })
}

fn ticket_stream(settings: &Settings, names: &Names, stream: Stream) -> Wanted {
    // New tickets are refused, not old ones dropped: the ledger knows which are not confirmed.
    let own = json!({
        "retention": "workqueue",
        "discard": "new",
        "max_bytes": settings.max_bytes,
        "max_msgs": settings.max_bytes / TICKET_BYTES,
    });
    stream_of(settings, names.stream(stream), &names.stream_subjects(stream), own)
}

fn undecodable_stream(settings: &Settings, names: &Names) -> Wanted {
    let own = json!({
        "retention": "limits",
        "discard": "old",
        "max_bytes": UNDECODABLE_BYTES,
        "max_msgs": -1,
    });
    stream_of(settings, names.undecodable_stream(), &names.undecodable_subjects(), own)
}

fn stream_of(settings: &Settings, name: String, subjects: &str, own: Value) -> Wanted {
    let mut config = object(json!({
        "name": name,
        "subjects": [subjects],
        "storage": "file",
        "num_replicas": settings.replicas,
        "max_age": nanoseconds(settings.max_age),
        "duplicate_window": nanoseconds(settings.duplicate_window),
        "max_consumers": -1,
        "max_msgs_per_subject": -1,
        "max_msg_size": -1,
    }));
    config.extend(object(own));
    Wanted { object: Object::Stream(name), config }
}

fn consumer(settings: &Settings, names: &Names, stage: &Stage) -> Wanted {
    let config = object(json!({
        "durable_name": stage.name,
        "name": stage.name,
        "filter_subject": names.subject(stage),
        "deliver_policy": "all",
        "replay_policy": "instant",
        "ack_policy": "explicit",
        // Without `backoff`, which would override it and the progress acks.
        "ack_wait": nanoseconds(settings.ack_wait),
        // Attempts are counted in the ledger; after a limit here a message would stay for ever, uncounted.
        "max_deliver": -1,
        "max_ack_pending": settings.max_ack_pending,
        "max_waiting": MAX_WAITING,
    }));
    Wanted {
        object: Object::Consumer { stream: names.stream(stage.stream), name: stage.name.to_owned() },
        config,
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => unreachable!("a literal object, not {other}"),
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
