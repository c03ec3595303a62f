//! A chat as Ollama writes it: one JSON object a line, the last one `done`; or that one alone with all of it.

use serde_json::{Value, json};

use super::CREATED;
use crate::misbehave::Misbehave;
use crate::record::{Api, ChatCall};
use crate::refusal::Refusal;
use crate::wire::{Ending, Piece, Wire};

#[derive(Debug)]
pub(crate) struct Ndjson {
    model: String,
    /// There is no `message`.
    empty: bool,
}

impl Ndjson {
    pub(crate) fn new(call: &ChatCall, misbehave: &Misbehave) -> Self {
        Self { model: call.model.clone(), empty: *misbehave == Misbehave::EmptyChoices }
    }

    fn object(&self, text: &str, thought: Option<&str>, done: bool) -> Value {
        let mut object = json!({ "model": self.model, "created_at": CREATED, "done": done });
        if !self.empty {
            object["message"] = json!({ "role": "assistant", "content": text });
            if let Some(thought) = thought {
                object["message"]["thinking"] = json!(thought);
            }
        }
        object
    }

    fn ended(&self, text: &str, thought: Option<&str>, ending: &Ending) -> Value {
        let mut object = self.object(text, thought, true);
        object["done_reason"] = json!(ending.reason);
        if ending.counted {
            object["prompt_eval_count"] = json!(ending.prompt_tokens);
            object["eval_count"] = json!(ending.completion_tokens);
            // Nanoseconds.
            for duration in ["total_duration", "load_duration", "prompt_eval_duration", "eval_duration"] {
                object[duration] = json!(1);
            }
        }
        object
    }
}

impl Wire for Ndjson {
    const API: Api = Api::Ollama;
    const STREAM: &'static str = "application/x-ndjson";
    const IDLE: &'static str = "\n";

    fn opening(&self) -> String {
        String::new()
    }

    fn piece(&self, piece: &Piece) -> String {
        line(&match piece {
            Piece::Thought(thought) => self.object("", Some(thought), false),
            Piece::Text(text) => self.object(text, None, false),
        })
    }

    fn closing(&self, ending: &Ending) -> Vec<String> {
        vec![line(&self.ended("", None, ending))]
    }

    fn failure(&self) -> String {
        line(&Refusal::fault(500).body(Api::Ollama))
    }

    fn whole(&self, thought: Option<&str>, text: &str, ending: &Ending) -> String {
        self.ended(text, thought, ending).to_string()
    }
}

fn line(value: &Value) -> String {
    format!("{value}\n")
}
