//! A messenger that can send and edit, keeps what a person would have seen, and misbehaves on demand.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What happens to the next calls, one each, in order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Misbehaviour {
    /// It does what it shall: the place of a call that goes well before one that does not.
    Behave,
    /// The connection is cut before the request is read: nothing arrived.
    CutBefore,
    /// The message arrives, and the connection is cut without an answer.
    CutAfter,
    /// 429 with this `Retry-After`.
    Limit(Duration),
    /// 500, nothing done.
    Fault,
    /// 403: the person is gone.
    Gone,
    /// 400: never this message.
    Refuse,
    /// The message arrives, and the answer waits.
    Stall(Duration),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub id: String,
    /// Every text the message has had, the last one is what is on the screen.
    pub texts: Vec<String>,
}

#[derive(Debug, Default)]
struct State {
    chats: HashMap<String, Vec<Seen>>,
    plan: VecDeque<Misbehaviour>,
    /// Least time between two messages to one chat, enforced with 429; the real thing does so too.
    pace: Option<Duration>,
    last: HashMap<String, Instant>,
    calls: Vec<Instant>,
    limited: u64,
    next: u64,
}

/// Clones share the messenger.
#[derive(Debug, Clone)]
pub struct Messenger {
    state: Arc<Mutex<State>>,
    address: std::net::SocketAddr,
}

impl Messenger {
    /// # Panics
    /// When there is no port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let messenger = Self { state: Arc::default(), address };
        let serving = messenger.clone();
        #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
                tokio::spawn(async move { serving.serve(stream).await });
            }
        });
        messenger
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next calls go like this, one each.
    pub fn misbehave(&self, plan: impl IntoIterator<Item = Misbehaviour>) {
        self.lock().plan.extend(plan);
    }

    /// Refuses more than one message in `pace` to one chat.
    pub fn pace(&self, pace: Duration) {
        self.lock().pace = Some(pace);
    }

    /// What a person in `chat` sees.
    pub fn seen(&self, chat: &str) -> Vec<Seen> {
        self.lock().chats.get(chat).cloned().unwrap_or_default()
    }

    /// The texts on the screen of `chat`.
    pub fn screen(&self, chat: &str) -> Vec<String> {
        self.seen(chat).iter().filter_map(|seen| seen.texts.last().cloned()).collect()
    }

    /// How many messages show `text` on the screen of `chat`.
    pub fn showing(&self, chat: &str, text: &str) -> usize {
        self.screen(chat).iter().filter(|shown| shown.as_str() == text).count()
    }

    pub fn calls(&self) -> usize {
        self.lock().calls.len()
    }

    /// When each call came, whatever became of it.
    pub fn call_times(&self) -> Vec<Instant> {
        self.lock().calls.clone()
    }

    pub fn limited(&self) -> u64 {
        self.lock().limited
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(&self, mut stream: TcpStream) {
        let Some((path, body)) = read_request(&mut stream).await else { return };
        let misbehaviour = {
            let mut state = self.lock();
            state.calls.push(Instant::now());
            state.plan.pop_front()
        };
        let (status, retry_after, answer) = match misbehaviour {
            Some(Misbehaviour::CutBefore) => return cut(stream),
            Some(Misbehaviour::CutAfter) => {
                self.apply(&path, &body);
                return cut(stream);
            }
            Some(Misbehaviour::Limit(wait)) => {
                self.lock().limited += 1;
                (429, Some(wait), json!({}))
            }
            Some(Misbehaviour::Fault) => (500, None, json!({})),
            Some(Misbehaviour::Gone) => (403, None, json!({})),
            Some(Misbehaviour::Refuse) => (400, None, json!({})),
            Some(Misbehaviour::Stall(wait)) => {
                let answer = self.apply(&path, &body);
                tokio::time::sleep(wait).await;
                answer
            }
            Some(Misbehaviour::Behave) | None => self.apply(&path, &body),
        };
        let text = answer.to_string();
        let wait =
            retry_after.map(|wait| format!("retry-after: {}\r\n", wait.as_secs_f64())).unwrap_or_default();
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{wait}connection: close\r\n\r\n",
            text.len()
        );
        drop(stream.write_all(head.as_bytes()).await);
        drop(stream.write_all(text.as_bytes()).await);
    }

    /// Does what was asked: status, `Retry-After`, answer.
    fn apply(&self, path: &str, body: &Value) -> (u16, Option<Duration>, Value) {
        let chat = body["address"].as_str().unwrap_or_default().to_owned();
        let text = body["text"].as_str().unwrap_or_default().to_owned();
        let mut state = self.lock();
        if let Some(pace) = state.pace {
            let now = Instant::now();
            if let Some(left) = state.last.get(&chat).and_then(|last| pace.checked_sub(now - *last)) {
                state.limited += 1;
                return (429, Some(left), json!({}));
            }
            state.last.insert(chat.clone(), now);
        }
        if path == "/send" {
            state.next += 1;
            let id = state.next.to_string();
            state.chats.entry(chat).or_default().push(Seen { id: id.clone(), texts: vec![text] });
            return (200, None, json!({ "id": id }));
        }
        let id = body["id"].as_str().unwrap_or_default();
        let known = state.chats.get_mut(&chat).and_then(|seen| seen.iter_mut().find(|seen| seen.id == id));
        match known {
            Some(seen) => {
                // "Not modified" is success for the caller, and nothing a person sees.
                if seen.texts.last() != Some(&text) {
                    seen.texts.push(text);
                }
                (200, None, json!({ "id": id }))
            }
            None => (400, None, json!({ "error": "no such message" })),
        }
    }
}

/// Closes with a reset, so that the peer cannot mistake it for an end.
fn cut(stream: TcpStream) {
    drop(stream.set_zero_linger());
    drop(stream);
}

async fn read_request(stream: &mut TcpStream) -> Option<(String, Value)> {
    let mut bytes = Vec::new();
    let mut buffer = [0_u8; 8192];
    loop {
        let count = stream.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&buffer[..count]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_string();
        let length: usize = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok())
            .unwrap_or(0);
        if bytes.len() < end + 4 + length {
            continue;
        }
        let path = head.split_whitespace().nth(1)?.to_owned();
        return Some((path, serde_json::from_slice(&bytes[end + 4..]).ok()?));
    }
}
