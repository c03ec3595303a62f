//! People who go on asking while a test harms the servers, and remember what they were told.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use contract::MessageId;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::{Installation, eventually};

/// Each of three asks its next question when the last one is accepted or refused and this has passed: about 30
/// questions a second together.
const PAUSE: Duration = Duration::from_millis(100);

/// To be run beside the test: `tokio::join!(load.run(), async { …; load.stop() })`.
#[derive(Debug)]
pub struct Load {
    http: reqwest::Client,
    key: String,
    questions: String,
    stopped: AtomicBool,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    accepted: Vec<MessageId>,
    refused: usize,
}

impl Load {
    /// For the ingress at `url`; nobody asks yet.
    pub fn new(installation: &Installation, url: &str) -> Self {
        Self {
            http: installation.http.clone(),
            key: installation.key.clone(),
            questions: format!("{url}/v1/questions"),
            stopped: AtomicBool::new(false),
            told: Mutex::default(),
        }
    }

    /// Asks until [`Load::stop`]; every other question takes the model 300 ms.
    ///
    /// # Panics
    /// When ingress says anything but 202, or 503 in due form.
    pub async fn run(&self) {
        tokio::join!(self.go_on_asking(1), self.go_on_asking(2), self.go_on_asking(3));
    }

    async fn go_on_asking(&self, asker: u32) {
        let (mut number, mut home) = (0, None);
        while !self.stopped.load(Ordering::SeqCst) {
            number += 1;
            let think = if number % 2 == 0 { " #wait=300ms" } else { "" };
            // One of the three asks twice in each conversation: the second question goes through its queue.
            home = self.ask(&format!("asker {asker}, question {number}{think}"), home.take()).await;
            home = home.filter(|_| asker == 3 && number % 2 == 1);
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Returns the conversation, if it was accepted.
    async fn ask(&self, text: &str, home: Option<Value>) -> Option<Value> {
        let request = self.http.post(&self.questions).bearer_auth(&self.key);
        let question = json!({ "text": text, "conversation_id": home });
        let response = request.json(&question).send().await.expect("ingress answers");
        if response.status() == StatusCode::ACCEPTED {
            let body: Value = response.json().await.expect("202 has a body");
            let id = body["id"].as_str().and_then(|id| id.parse().ok()).expect("it has an id");
            self.lock().accepted.push(id);
            Some(body["conversation_id"].clone())
        } else {
            assert_try_later(response).await;
            self.lock().refused += 1;
            None
        }
    }

    pub fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }

    /// What was answered 202 so far.
    pub fn accepted(&self) -> Vec<MessageId> {
        self.lock().accepted.clone()
    }

    /// How often 503 was the answer.
    pub fn refused(&self) -> usize {
        self.lock().refused
    }

    /// Waits until so many more questions have been accepted.
    pub async fn more_accepted(&self, number: usize) {
        let wanted = self.accepted().len() + number;
        eventually(&format!("{wanted} questions to be accepted"), || async {
            (self.accepted().len() >= wanted).then_some(())
        })
        .await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// "Not now" as a client can understand it: 503, `Retry-After` in seconds, problem+json.
///
/// # Panics
/// When it is anything else.
pub async fn assert_try_later(response: Response) {
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.text().await.unwrap_or_default();
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    assert_eq!(header(CONTENT_TYPE), "application/problem+json", "{body}");
    assert!(header(RETRY_AFTER).parse().is_ok_and(|seconds: u32| seconds > 0), "no Retry-After: {body}");
    let problem: Value = serde_json::from_str(&body).expect("a problem is JSON");
    assert_eq!(problem["status"], json!(503), "{body}");
}
