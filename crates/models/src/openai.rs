//! Chat over the `OpenAI` API: `OpenAI` itself, vLLM, llama.cpp, `OpenRouter` and whatever else speaks it.
//!
//! The request is async-openai's; the exchange is not. Its stream has no bound on a line, swallows comments (a server
//! that only keeps alive would look alive for ever), loses the status of an error body it does not know, and
//! its client retries by itself: what a layer around it would have to undo is more than what is here. The
//! answer is read leniently, because compatible servers send `finish_reason: ""`, `usage: {}` and no `choices`.
//!
//! Deliberately not here: retrying, time limits beside that of the connection, tools.

use async_openai::types::chat::{
    ChatCompletionRequestAssistantMessage, ChatCompletionRequestMessage, ChatCompletionRequestSystemMessage,
    ChatCompletionRequestUserMessage, ChatCompletionStreamOptions, CreateChatCompletionRequest,
};
use serde::Deserialize;
use serde_json::Value;

use crate::chat::Replying;
use crate::growing::Growing;
use crate::http::{Body, Http, refusal_inside};
use crate::lines::{LONGEST, Lines, data};
use crate::{ChatModel, Finish, Grow, ModelError, Reply, Request, Role, tokens};

/// A model behind an `OpenAI`-compatible server.
#[derive(Debug)]
pub(crate) struct OpenAi {
    pub(crate) http: Http,
    /// Provider and model.
    pub(crate) name: String,
    pub(crate) model: String,
    /// Tokens.
    pub(crate) window: u32,
    /// Tokens.
    pub(crate) max_tokens: u32,
    /// Bytes.
    pub(crate) answer_limit: usize,
    /// It is `OpenAI` itself, which no longer takes `max_tokens`; older servers know nothing else.
    pub(crate) genuine: bool,
}

/// A chunk of the stream, or the whole answer of a server that does not stream.
#[derive(Debug, Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Option<Counted>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Option<Delta>,
    /// Instead of `delta` where nothing is streamed.
    #[serde(default)]
    message: Option<Delta>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Delta {
    #[serde(default)]
    content: Option<String>,
    /// Thoughts, of `DeepSeek`, vLLM and llama.cpp.
    #[serde(default)]
    reasoning_content: Option<Value>,
    /// Thoughts, of `OpenRouter` and newer vLLM; some send both.
    #[serde(default)]
    reasoning: Option<Value>,
    #[serde(default)]
    refusal: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Counted {
    #[serde(default)]
    prompt_tokens: Option<u32>,
    #[serde(default)]
    completion_tokens: Option<u32>,
}

/// What the chunks have told beside text.
#[derive(Debug, Default)]
struct Told {
    finish: Option<Finish>,
    usage: Option<(u32, u32)>,
    /// There is no room for more.
    full: bool,
}

impl Told {
    fn hear(&mut self, json: &[u8], growing: &mut Growing<'_>) -> Result<(), ModelError> {
        let chunk: Chunk = serde_json::from_slice(json)
            .map_err(|_| ModelError::Failed("what came is no JSON of this API".to_owned()))?;
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            return Err(refusal_inside(&error));
        }
        if let Some(Counted { prompt_tokens: Some(prompt), completion_tokens: Some(completion) }) =
            chunk.usage
            && prompt > 0
        {
            self.usage = Some((prompt, completion));
        }
        // One choice was asked for.
        let Some(choice) = chunk.choices.and_then(|choices| choices.into_iter().next()) else {
            return Ok(());
        };
        if let Some(delta) = choice.delta.or(choice.message) {
            let thought = delta.reasoning_content.or(delta.reasoning);
            if let Some(Value::String(thought)) = thought.filter(|thought| thought != "") {
                growing.thought(thought.len());
            }
            if let Some(text) = delta.content.filter(|text| !text.is_empty()) {
                self.full |= !growing.push(&text);
            }
            if delta.refusal.is_some_and(|refusal| !refusal.is_empty()) {
                self.finish = Some(Finish::Filtered);
            }
        }
        let finish = match choice.finish_reason.as_deref() {
            // Not yet, or a server that never says.
            None | Some("") => None,
            Some("length") => Some(Finish::Length),
            Some("content_filter") => Some(Finish::Filtered),
            // A server that ends with an error.
            Some("error") => return Err(refusal_inside(&Value::Null)),
            Some(_) => Some(Finish::Stop),
        };
        self.finish = self.finish.or(finish);
        Ok(())
    }
}

impl OpenAi {
    fn body(&self, request: &Request) -> Vec<u8> {
        let mut messages: Vec<ChatCompletionRequestMessage> = Vec::with_capacity(request.said.len() + 1);
        if !request.system.is_empty() {
            let system = ChatCompletionRequestSystemMessage::from(request.system.as_str());
            messages.push(system.into());
        }
        messages.extend(request.said.iter().map(|said| match said.role {
            Role::User => ChatCompletionRequestUserMessage::from(said.text.as_str()).into(),
            Role::Assistant => ChatCompletionRequestAssistantMessage::from(said.text.as_str()).into(),
        }));
        let max_tokens = request.max_tokens.min(self.max_tokens);
        #[expect(deprecated, reason = "compatible servers know `max_tokens` only")]
        let body = CreateChatCompletionRequest {
            messages,
            model: self.model.clone(),
            stream: Some(true),
            stream_options: Some(ChatCompletionStreamOptions {
                include_usage: Some(true),
                include_obfuscation: None,
            }),
            max_tokens: (!self.genuine).then_some(max_tokens),
            max_completion_tokens: self.genuine.then_some(max_tokens),
            temperature: (!self.has_fixed_temperature()).then_some(request.temperature),
            ..CreateChatCompletionRequest::default()
        };
        // Strings and numbers: this cannot fail.
        serde_json::to_vec(&body).unwrap_or_default()
    }

    /// `OpenAI`'s models that reason refuse any temperature but their own.
    fn has_fixed_temperature(&self) -> bool {
        self.genuine && ["o1", "o3", "o4", "gpt-5"].iter().any(|family| self.model.starts_with(family))
    }

    async fn stream(&self, mut body: Body, growing: &mut Growing<'_>) -> Result<Told, ModelError> {
        let (mut lines, mut told) = (Lines::default(), Told::default());
        while let Some(piece) = body.next().await? {
            lines.push(&piece);
            while let Some(line) = lines.next()? {
                match data(line) {
                    None => {}
                    Some(b"[DONE]") => {
                        body.finish().await;
                        told.finish = told.finish.or(Some(Finish::Stop));
                        return Ok(told);
                    }
                    Some(json) => told.hear(json, growing)?,
                }
                if told.full {
                    return Ok(told);
                }
            }
        }
        match data(lines.rest()) {
            None => {}
            Some(b"[DONE]") => told.finish = told.finish.or(Some(Finish::Stop)),
            Some(json) => told.hear(json, growing)?,
        }
        Ok(told)
    }

    async fn ask(&self, request: &Request, grow: &Grow<'_>) -> Result<Reply, ModelError> {
        let body = self.http.post("/chat/completions", self.body(request)).await?;
        let mut growing = Growing::new(self.answer_limit, grow);
        let told = if body.streams {
            self.stream(body, &mut growing).await?
        } else {
            // It did not stream, or this is an error with status 200.
            let mut told = Told::default();
            told.hear(&body.whole(LONGEST).await?, &mut growing)?;
            told.finish = told.finish.or(Some(Finish::Stop));
            told
        };
        let finish = told
            .finish
            .or(told.full.then_some(Finish::Length))
            .ok_or_else(|| ModelError::Failed("the stream ended before the answer did".to_owned()))?;
        growing.end(&self.name, finish, told.usage, tokens::estimate_prompt(request))
    }
}

impl ChatModel for OpenAi {
    fn name(&self) -> &str {
        &self.name
    }

    fn window(&self) -> u32 {
        self.window
    }

    fn reply<'a>(&'a self, request: &'a Request, grow: &'a Grow<'a>) -> Replying<'a> {
        Box::pin(self.ask(request, grow))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::tests::asking;

    fn told(json: &str) -> (Told, Result<Reply, ModelError>) {
        let (mut told, mut growing) = (Told::default(), Growing::new(1000, &|_| ()));
        told.hear(json.as_bytes(), &mut growing).expect("it can be read");
        let reply = growing.end("m", told.finish.unwrap_or(Finish::Stop), told.usage, 1);
        (told, reply)
    }

    #[test]
    fn answers_of_compatible_servers_are_read_leniently() {
        for json in [
            r#"{"choices":[{"message":{"role":"assistant","content":"Да"},"finish_reason":"stop"}]}"#,
            r#"{"choices":[{"delta":{"content":"Да"},"finish_reason":""}],"usage":{}}"#,
            r#"{"choices":[{"delta":{"content":"Да","reasoning":"x","reasoning_content":"x"}}],"usage":null}"#,
            r#"{"choices":[{"delta":{"content":"Да","tool_calls":[]},"index":0}],"error":null,"x":1}"#,
        ] {
            assert_eq!(told(json).1.expect("there is text").text, "Да", "{json}");
        }
        let (said, reply) = told(r#"{"choices":[{"delta":{"refusal":"I can't."}}]}"#);
        assert_eq!((said.finish, reply.expect("it declined").text.as_str()), (Some(Finish::Filtered), ""));
        let (said, _) = told(r#"{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}"#);
        assert_eq!(said.usage, Some((7, 2)));
    }

    #[test]
    fn a_request_has_the_fields_that_its_server_knows() {
        drop(rustls::crypto::ring::default_provider().install_default());
        let body = |genuine, model: &str| {
            let http = Http::new("http://localhost", None, Duration::from_secs(1)).expect("a client");
            let (name, model) = (String::new(), model.to_owned());
            let model = OpenAi { http, name, model, window: 9, max_tokens: 7, answer_limit: 9, genuine };
            serde_json::from_slice::<Value>(&model.body(&asking("?"))).expect("JSON")
        };
        let compatible = body(false, "gpt-5-like");
        assert_eq!(
            (&compatible["max_tokens"], &compatible["temperature"]),
            (&Value::from(7), &Value::from(0.0))
        );
        assert_eq!(compatible.get("max_completion_tokens"), None);
        let genuine = body(true, "gpt-5-mini");
        assert_eq!((&genuine["max_completion_tokens"], genuine.get("temperature")), (&Value::from(7), None));
        assert_eq!(genuine.get("max_tokens"), None);
    }
}
