//! Server-sent events: a question as it goes on, to whoever asked it, whatever happens to NATS.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use serde_json::Value;
use testkit::{Installation, Plan, eventually, measured};
use tokio::sync::mpsc;

use crate::BINARY;

/// One frame, as `status accepted`, `stage answer` or `text It is …`, and its data.
pub(crate) type Frame = (String, Value);

/// An open stream.
pub(crate) struct Events {
    frames: mpsc::UnboundedReceiver<Frame>,
}

impl Events {
    pub(crate) async fn open(installation: &Installation, api: &str, id: contract::MessageId) -> Self {
        let request = installation.http.get(format!("{api}/v1/questions/{id}/events"));
        let response = request.bearer_auth(&installation.key).send().await.expect("the API answers");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-cache");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        let (found, frames) = mpsc::unbounded_channel();
        let mut bytes = response.bytes_stream();
        #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
        tokio::spawn(async move {
            let mut text = String::new();
            while let Some(Ok(chunk)) = bytes.next().await {
                text.push_str(&String::from_utf8_lossy(&chunk));
                while let Some((frame, rest)) = text.split_once("\n\n") {
                    if let Some(frame) = parse(frame) {
                        drop(found.send(frame));
                    }
                    text = rest.to_owned();
                }
            }
        });
        Self { frames }
    }

    /// The next frame; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        let next = tokio::time::timeout(testkit::DEADLINE, self.frames.recv()).await;
        next.expect("the stream goes on or ends")
    }

    /// All frames up to the end.
    pub(crate) async fn rest(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        while let Some((name, _)) = self.next().await {
            names.push(name);
        }
        names
    }
}

/// `None`: a comment that keeps the connection alive.
fn parse(frame: &str) -> Option<Frame> {
    let line = |field: &str| frame.lines().find_map(|line| line.strip_prefix(field)).map(str::trim);
    let event = line("event:")?;
    let data: Value = serde_json::from_str(line("data:")?).expect("data is JSON");
    let what = data[event].as_str().expect("a frame tells what its name says").to_owned();
    Some((format!("{event} {what}"), data))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_sees_each_status_and_stage_and_then_the_end() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let (_ingress, url) = installation.ingress(&[]).await;
    let (_api, api) = installation.api(&[]).await;
    let id = installation.ask(&url, "hello #wait=1200ms").await;
    let mut events = Events::open(&installation, &api, id).await;
    let (first, question) = events.next().await.expect("a first frame");
    assert_eq!(first, "status accepted");
    assert_eq!(question["id"], id.to_string());
    let _worker = installation.worker("intake,retrieve,answer", &[]).await;
    let mut frames = Vec::new();
    let mut last = Value::Null;
    while let Some((name, data)) = events.next().await {
        frames.push(name);
        last = data;
    }
    let position = |name: &str| frames.iter().position(|frame| frame == name);
    assert!(position("stage answer").is_some(), "{frames:?}");
    assert!(position("status working") < position("status answered"), "{frames:?}");
    assert!(position("status working").is_some(), "{frames:?}");
    assert_eq!(frames.last().map(String::as_str), Some("status answered"), "{frames:?}");
    let mut once = frames.clone();
    once.dedup();
    assert_eq!(once, frames, "nothing is told twice");
    assert_eq!(last["answer"], "Scripted answer to: hello #wait=1200ms");

    // Whoever comes later gets the final status at once, and nothing else.
    let began = Instant::now();
    let again = Events::open(&installation, &api, id).await.rest().await;
    assert_eq!(again, ["status answered"]);
    measured("a later follower has the final status", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    installation.assert_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_is_told_the_end_while_nats_is_down() {
    let mut installation = Installation::new(BINARY, Plan::default()).await;
    let release = installation.nats.store_dir().with_file_name("release").display().to_string();
    let (_ingress, url) = installation.ingress(&[]).await;
    let (_api, api) = installation.api(&[]).await;
    let held =
        [("VECTORA__FAULTS__AT", "answer.worked=hold"), ("VECTORA__FAULTS__RELEASE", release.as_str())];
    let worker = installation.worker("intake,retrieve,answer", &held).await;
    let id = installation.ask(&url, "hello").await;
    worker.says("held at answer.worked").await;
    let mut before = Events::open(&installation, &api, id).await;
    assert_eq!(before.next().await.map(|frame| frame.0).as_deref(), Some("status working"));
    installation.nats.kill().await;
    let began = Instant::now();
    let mut after = Events::open(&installation, &api, id).await;
    assert_eq!(after.next().await.map(|frame| frame.0).as_deref(), Some("status working"));
    measured("the first frame while NATS is down", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());

    std::fs::write(&release, "").expect("there is room");
    eventually("the answer to be in the ledger", || async {
        installation.status(id).await.is_final().then_some(())
    })
    .await;
    let settled = Instant::now();
    for (name, events) in [("before", &mut before), ("after", &mut after)] {
        let frames = events.rest().await;
        assert_eq!(frames.last().map(String::as_str), Some("status answered"), "{name}: {frames:?}");
    }
    measured("the end is told without NATS", settled.elapsed());
    assert!(settled.elapsed() < Duration::from_secs(3), "{:?}", settled.elapsed());

    // And a question asked now is followed through NATS's return.
    let second = installation.ask(&url, "later").await;
    let mut events = Events::open(&installation, &api, second).await;
    assert_eq!(events.next().await.map(|frame| frame.0).as_deref(), Some("status accepted"));
    drop(worker);
    installation.nats.restart().await.expect("nats-server starts again");
    let back = Instant::now();
    let _worker = installation.worker("intake,retrieve,answer", &[]).await;
    let frames = events.rest().await;
    measured("a question asked while NATS was down is answered", back.elapsed());
    assert_eq!(frames.last().map(String::as_str), Some("status answered"), "{frames:?}");
    installation.assert_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_waits_while_the_ledger_is_away() {
    let (_dir, mut server, database) = testkit::postgres::own_server().await;
    let installation = Installation::new(BINARY, Plan { database: Some(database), ..Plan::default() }).await;
    let (_ingress, url) = installation.ingress(&[]).await;
    let (_api, api) = installation.api(&[]).await;
    let id = installation.ask(&url, "hello").await;
    let mut events = Events::open(&installation, &api, id).await;
    assert_eq!(events.next().await.map(|frame| frame.0).as_deref(), Some("status accepted"));
    server.kill().await;
    let refused = installation.http.get(format!("{api}/v1/questions/{id}/events"));
    let refused = refused.bearer_auth(&installation.key).send().await.expect("the API answers");
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    // Longer than a reading.
    let quiet = tokio::time::timeout(Duration::from_secs(2), events.next()).await;
    assert!(quiet.is_err(), "the stream must wait, it said {quiet:?}");
    server.restart().await.expect("PostgreSQL starts again");
    let _worker = installation.worker("intake,retrieve,answer", &[]).await;
    let frames = events.rest().await;
    assert_eq!(frames.last().map(String::as_str), Some("status answered"), "{frames:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_stream_does_not_hold_up_the_end_of_the_process() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let (_ingress, url) = installation.ingress(&[]).await;
    let (mut api_program, api) = installation.api(&[]).await;
    let id = installation.ask(&url, "hello").await;
    let mut events = Events::open(&installation, &api, id).await;
    assert!(events.next().await.is_some());
    api_program.terminate();
    let began = Instant::now();
    assert!(events.rest().await.is_empty());
    assert!(api_program.ended().await.success(), "{}", api_program.output());
    measured("the API ends with an open stream", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}
