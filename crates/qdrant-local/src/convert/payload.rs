//! Payloads, which both sides hold as JSON objects.

use std::collections::HashMap;

use qdrant_client::{
    Payload as ClientPayload,
    qdrant::{Value, WithPayloadSelector, with_payload_selector::SelectorOptions},
};
use qdrant_edge::{Payload, WithPayloadInterface};

use crate::error::Refusal;

pub(crate) fn payload(fields: HashMap<String, Value>) -> Payload {
    Payload(ClientPayload::from(fields).into())
}

pub(crate) fn to_proto_payload(payload: Option<Payload>) -> HashMap<String, Value> {
    payload.map(|payload| ClientPayload::from(payload.0).into()).unwrap_or_default()
}

/// Whole payloads or none; `default` is what the call does when nothing is said.
pub(crate) fn with_payload(
    selector: Option<WithPayloadSelector>,
    default: bool,
) -> Result<WithPayloadInterface, Refusal> {
    match selector.and_then(|selector| selector.selector_options) {
        None => Ok(WithPayloadInterface::Bool(default)),
        Some(SelectorOptions::Enable(enable)) => Ok(WithPayloadInterface::Bool(enable)),
        Some(SelectorOptions::Include(_) | SelectorOptions::Exclude(_)) => {
            Err(Refusal::Unsupported("a selection of payload fields"))
        }
    }
}
