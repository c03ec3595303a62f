//! A chat as OpenAI writes it: server-sent events of `chat.completion.chunk`, or one `chat.completion`.

use serde_json::{Value, json};

use super::CREATED;
use crate::misbehave::Misbehave;
use crate::record::{Api, ChatCall};
use crate::refusal::Refusal;
use crate::wire::{Ending, Piece, Wire};

#[derive(Debug)]
pub(crate) struct Sse {
    model: String,
    include_usage: bool,
    /// `choices` are empty.
    empty: bool,
}

impl Sse {
    pub(crate) fn new(call: &ChatCall, include_usage: bool, misbehave: &Misbehave) -> Self {
        let empty = *misbehave == Misbehave::EmptyChoices;
        Self { model: call.model.clone(), include_usage, empty }
    }

    /// With `choices` empty when there is no delta.
    fn chunk(&self, delta: Option<Value>, finish: Option<&str>, usage: &Value) -> String {
        let choice = delta
            .map(|delta| json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish }));
        let choices: Vec<Value> = choice.into_iter().filter(|_| !self.empty).collect();
        let mut chunk = json!({
            "id": ID, "object": "chat.completion.chunk", "created": CREATED, "model": self.model,
            "choices": choices,
        });
        // Only who asked for the counts sees the field, null until the end.
        if self.include_usage || !usage.is_null() {
            chunk["usage"] = usage.clone();
        }
        event(&chunk.to_string())
    }
}

impl Wire for Sse {
    const API: Api = Api::OpenAi;
    const STREAM: &'static str = "text/event-stream; charset=utf-8";
    const IDLE: &'static str = ": ping\n\n";

    fn opening(&self) -> String {
        self.chunk(Some(json!({ "role": "assistant", "content": "" })), None, &Value::Null)
    }

    fn piece(&self, piece: &Piece) -> String {
        let delta = match piece {
            Piece::Thought(text) => json!({ "reasoning_content": text }),
            Piece::Text(text) => json!({ "content": text }),
        };
        self.chunk(Some(delta), None, &Value::Null)
    }

    fn closing(&self, ending: &Ending) -> Vec<String> {
        // Servers that send empty counts send them with the reason, asked or not.
        let early = if ending.counted { Value::Null } else { json!({}) };
        let mut frames = vec![self.chunk(Some(json!({})), Some(ending.reason), &early)];
        if self.include_usage {
            frames.push(self.chunk(None, None, &usage(ending)));
        }
        frames.push(event("[DONE]"));
        frames
    }

    /// vLLM sends `[DONE]` even then.
    fn failure(&self) -> String {
        event(&Refusal::fault(500).body(Api::OpenAi).to_string()) + &event("[DONE]")
    }

    fn whole(&self, thought: Option<&str>, text: &str, ending: &Ending) -> String {
        let mut message = json!({ "role": "assistant", "content": text, "refusal": null });
        if let Some(thought) = thought {
            message["reasoning_content"] = json!(thought);
        }
        let choice =
            json!({ "index": 0, "message": message, "logprobs": null, "finish_reason": ending.reason });
        let choices: Vec<Value> = Some(choice).into_iter().filter(|_| !self.empty).collect();
        let body = json!({
            "id": ID, "object": "chat.completion", "created": CREATED, "model": self.model,
            "choices": choices, "usage": usage(ending),
        });
        body.to_string()
    }
}

fn usage(ending: &Ending) -> Value {
    if !ending.counted {
        return json!({});
    }
    let (prompt, completion) = (ending.prompt_tokens, ending.completion_tokens);
    json!({
        "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
    })
}

fn event(data: &str) -> String {
    format!("data: {data}\n\n")
}

const ID: &str = "chatcmpl-fake";
