//! One connection of the bot: reads its calls, plans what becomes of each, answers.

use std::time::Duration;

use tokio::net::TcpStream;

use super::answer::{Answer, Refusal};
use super::http::{Connection, Request};
use super::misbehave::Misbehaviour;
use super::params::Params;
use super::state::{State, now};
use super::{FakeTelegram, TOKEN, methods};

/// What the client gets to see of a call.
enum Outcome {
    Answer(Answer),
    File(Vec<u8>),
    Cut,
    BadGateway,
    Garbage,
}

/// What is done with a call before it is processed.
enum Verdict {
    Refused(Refusal),
    Process,
    Misbehave(Misbehaviour),
}

impl FakeTelegram {
    pub(super) async fn serve(self, stream: TcpStream) {
        let mut connection = Connection::new(stream);
        while let Some(request) = connection.request().await {
            let sent = match self.outcome(&request).await {
                Outcome::Cut => return connection.cut(),
                Outcome::Answer(Ok(result)) => {
                    let body = serde_json::json!({ "ok": true, "result": result }).to_string();
                    connection.answer(200, "application/json", None, body.as_bytes()).await
                }
                Outcome::Answer(Err(refusal)) => {
                    let body = refusal.body().to_string();
                    let wait = refusal.retry_after();
                    connection.answer(refusal.code(), "application/json", wait, body.as_bytes()).await
                }
                Outcome::File(bytes) => {
                    connection.answer(200, "application/octet-stream", None, &bytes).await
                }
                Outcome::BadGateway => {
                    let page = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>";
                    connection.answer(502, "text/html", None, page).await
                }
                Outcome::Garbage => {
                    connection.answer(200, "application/json", None, b"{\"ok\":tru\xFF <html>").await
                }
            };
            if sent.is_err() || request.close {
                return;
            }
        }
    }

    async fn outcome(&self, request: &Request) -> Outcome {
        if let Some(path) = request.path.strip_prefix("/file/bot") {
            return self.download(path);
        }
        let Some((token, method)) = request.path.strip_prefix("/bot").and_then(|rest| rest.split_once('/'))
        else {
            return Outcome::Answer(Err(Refusal::not_found()));
        };
        if token != TOKEN {
            return Outcome::Answer(Err(Refusal::unauthorized()));
        }
        let Some(params) = &request.params else {
            return Outcome::Answer(Err(Refusal::bad("can't parse the request body")));
        };
        let verdict = self.lock().verdict(method, params);
        match verdict {
            Verdict::Refused(refusal) => Outcome::Answer(Err(refusal)),
            Verdict::Process => Outcome::Answer(self.process(method, params).await),
            Verdict::Misbehave(misbehaviour) => self.misbehaved(misbehaviour, method, params).await,
        }
    }

    async fn misbehaved(&self, misbehaviour: Misbehaviour, method: &str, params: &Params) -> Outcome {
        match misbehaviour {
            Misbehaviour::CutBefore => Outcome::Cut,
            Misbehaviour::CutAfter => {
                drop(self.process(method, params).await);
                Outcome::Cut
            }
            Misbehaviour::BadGateway => Outcome::BadGateway,
            Misbehaviour::Garbage => {
                drop(self.process(method, params).await);
                Outcome::Garbage
            }
            Misbehaviour::Stall(wait) => {
                let answer = self.process(method, params).await;
                tokio::time::sleep(wait).await;
                Outcome::Answer(answer)
            }
            Misbehaviour::Fault => Outcome::Answer(Err(Refusal::fault())),
            Misbehaviour::Forbidden => {
                Outcome::Answer(Err(Refusal::forbidden("bot was blocked by the user")))
            }
            Misbehaviour::Refuse(description) => Outcome::Answer(Err(Refusal::refuse(description))),
            Misbehaviour::Limit(seconds) => Outcome::Answer(Err(Refusal::too_many(seconds.max(1)))),
            Misbehaviour::Behave => Outcome::Answer(self.process(method, params).await),
        }
    }

    async fn process(&self, method: &str, params: &Params) -> Answer {
        if method == "getUpdates" {
            return self.get_updates(params).await;
        }
        let answer = self.lock().apply(method, params);
        if matches!(method, "setWebhook" | "deleteWebhook") {
            self.wake();
        }
        answer
    }

    fn download(&self, path: &str) -> Outcome {
        let bytes = path
            .split_once('/')
            .filter(|(token, _)| *token == TOKEN)
            .and_then(|(_, path)| self.lock().files.at(path));
        bytes.map_or_else(|| Outcome::Answer(Err(Refusal::not_found())), Outcome::File)
    }
}

impl State {
    /// A pause goes before the plan, which goes before the storm: a client that does not obey is caught even
    /// while other things go wrong.
    fn verdict(&mut self, method: &str, params: &Params) -> Verdict {
        let now = now();
        self.calls.record(method, now);
        let scope = methods::scope(method, params);
        if let Some((chat, family)) = scope
            && let Err(refusal) = self.governor.obeyed(chat, family, now)
        {
            return Verdict::Refused(refusal);
        }
        match (self.plans.next(method), scope) {
            (Some(Misbehaviour::Limit(seconds)), Some((chat, family))) => {
                return Verdict::Refused(self.governor.impose(chat, family, seconds, now));
            }
            (Some(misbehaviour), _) => return Verdict::Misbehave(misbehaviour),
            (None, _) => {}
        }
        if let Some((chat, family)) = scope
            && let Some(seconds) = self.plans.storm(now)
        {
            return Verdict::Refused(self.governor.impose(chat, family, seconds, now));
        }
        Verdict::Process
    }
}

/// Long enough for any client's own timeout, so that nothing here waits for ever.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
