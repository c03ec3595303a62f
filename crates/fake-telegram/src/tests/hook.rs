//! A webhook made of a socket: what came, and answers as planned.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::http::read_message;
use crate::in_background;

#[derive(Debug, Clone)]
pub(super) struct Came {
    pub(super) update: Value,
    pub(super) secret: Option<String>,
    pub(super) at: Instant,
}

/// Answers 200 unless something else is planned.
#[derive(Clone)]
pub(super) struct Hook {
    pub(super) url: String,
    came: Arc<Mutex<Vec<Came>>>,
    plan: Arc<Mutex<VecDeque<&'static str>>>,
    /// Every answer takes one: closed by [`Hook::hold`].
    gate: Arc<Semaphore>,
}

impl Hook {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let gate = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        let hook = Self { url, came: Arc::default(), plan: Arc::default(), gate };
        let serving = hook.clone();
        in_background(async move {
            while let Ok((stream, _)) = listener.accept().await {
                in_background(serving.clone().serve(stream));
            }
        });
        hook
    }

    /// The next answers: a status, and headers if need be. "cut" closes the connection.
    pub(super) fn plan(&self, answers: impl IntoIterator<Item = &'static str>) {
        self.plan.lock().unwrap().extend(answers);
    }

    /// Nothing is answered until [`Hook::release`].
    pub(super) fn hold(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub(super) fn release(&self, answers: usize) {
        self.gate.add_permits(answers);
    }

    pub(super) fn came(&self) -> Vec<Came> {
        self.came.lock().unwrap().clone()
    }

    /// The texts of the messages that came, in order.
    pub(super) fn texts(&self) -> Vec<String> {
        let text = |came: &Came| came.update["message"]["text"].as_str().unwrap_or_default().to_owned();
        self.came().iter().map(text).collect()
    }

    async fn serve(self, mut stream: TcpStream) {
        let mut buffer = Vec::new();
        while let Some(message) = read_message(&mut stream, &mut buffer).await {
            self.came.lock().unwrap().push(Came {
                update: serde_json::from_slice(&message.body).unwrap(),
                secret: message.header("x-telegram-bot-api-secret-token").map(str::to_owned),
                at: Instant::now(),
            });
            tokio::time::timeout(Duration::from_secs(20), self.gate.acquire())
                .await
                .unwrap()
                .unwrap()
                .forget();
            let answer = self.plan.lock().unwrap().pop_front().unwrap_or("200");
            if answer == "cut" {
                return;
            }
            let (status, headers) = answer.split_once(' ').unwrap_or((answer, ""));
            let headers = if headers.is_empty() { String::new() } else { format!("{headers}\r\n") };
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n{headers}\r\n");
            drop(stream.write_all(head.as_bytes()).await);
        }
    }
}
