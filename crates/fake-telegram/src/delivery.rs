//! Pushes updates to the webhook: several chats at once, each chat in order, until each is taken.

use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use super::lanes::Lane;
use super::push::{Reply, push};
use super::serve::PATIENCE;
use super::state::date;
use super::updates::Updates;
use super::webhook::Target;
use super::{FakeTelegram, in_background};

/// Telegram waits longer; a test has less time.
const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_secs(2);
/// So many 410s in a row close the webhook.
const GONE: u32 = 5;

/// One delivery that was begun.
#[derive(Debug)]
struct Job {
    key: u64,
    lane: Lane,
    target: Option<Target>,
    secret: Option<String>,
    body: String,
    idle: Option<TcpStream>,
    epoch: u64,
}

/// A delivery that goes again.
struct Retry {
    after: Duration,
    epoch: u64,
}

impl FakeTelegram {
    pub(super) async fn deliver_updates(self) {
        loop {
            while let Some(job) = self.next_job() {
                in_background(self.clone().deliver(job));
            }
            self.inner.deliveries.notified().await;
        }
    }

    fn next_job(&self) -> Option<Job> {
        self.lock().updates.next_job()
    }

    async fn deliver(self, mut job: Job) {
        let started = Instant::now();
        let idle = job.idle.take();
        let reply = match &job.target {
            Some(target) => {
                let pushed = push(target, job.secret.as_deref(), &job.body, idle);
                tokio::time::timeout(PATIENCE, pushed).await.ok().flatten()
            }
            None => None,
        };
        let retry = self.lock().updates.settle(&job, reply, started.elapsed());
        self.inner.deliveries.notify_one();
        if let Some(retry) = retry {
            tokio::time::sleep(retry.after).await;
            self.lock().updates.try_again(&job, &retry);
            self.inner.deliveries.notify_one();
        }
    }

    /// How long the webhook took for each update that it accepted, in the order of acceptance.
    pub fn webhook_times(&self) -> Vec<Duration> {
        self.lock().updates.times.clone()
    }

    /// How many deliveries were answered with something else than 2xx, or not at all.
    pub fn webhook_failures(&self) -> u64 {
        self.lock().updates.failures
    }
}

impl Updates {
    fn next_job(&mut self) -> Option<Job> {
        let webhook = self.webhook.as_mut()?;
        while self.flying.len() < webhook.max_connections {
            let (key, lane) = self.lanes.take()?;
            let Some(parcel) = self.pending.get(&key) else {
                // Dropped while it waited.
                self.lanes.done(lane, key);
                continue;
            };
            self.flying.insert(key);
            let (idle, target, secret) = (webhook.idle.pop(), webhook.target.clone(), webhook.secret.clone());
            let body = self.logged(parcel.update_id).map(ToString::to_string).unwrap_or_default();
            return Some(Job { key, lane, target, secret, body, idle, epoch: self.epoch });
        }
        None
    }

    fn settle(&mut self, job: &Job, reply: Option<Reply>, took: Duration) -> Option<Retry> {
        self.flying.remove(&job.key);
        let status = reply.as_ref().map(|reply| reply.status);
        let wait = reply.as_ref().and_then(|reply| reply.retry_after);
        if let Some(webhook) = self.webhook.as_mut().filter(|_| job.epoch == self.epoch) {
            webhook.idle.extend(reply.and_then(|reply| reply.idle));
        }
        if status.is_some_and(|status| (200..300).contains(&status)) {
            self.times.push(took);
            self.confirmed += u64::from(self.pending.remove(&job.key).is_some());
            self.lanes.done(job.lane, job.key);
            if let Some(webhook) = &mut self.webhook {
                webhook.gone = 0;
            }
            return None;
        }
        self.failures += 1;
        self.complain(status);
        let Some(parcel) = self.pending.get_mut(&job.key) else {
            self.lanes.done(job.lane, job.key);
            return None;
        };
        let growing = FIRST_RETRY.saturating_mul(1 << parcel.tries.min(10)).min(LAST_RETRY);
        parcel.tries += 1;
        Some(Retry { after: wait.unwrap_or(growing), epoch: self.epoch })
    }

    fn complain(&mut self, status: Option<u16>) {
        let Some(webhook) = &mut self.webhook else { return };
        let what = status.map_or_else(
            || "Connection refused or reset".to_owned(),
            |status| format!("Wrong response from the webhook: {status}"),
        );
        webhook.last_error = Some((date(), what));
        webhook.gone = if status == Some(410) { webhook.gone + 1 } else { 0 };
        if webhook.gone >= GONE {
            self.delete_webhook(false);
        }
    }

    fn try_again(&mut self, job: &Job, retry: &Retry) {
        if retry.epoch == self.epoch {
            self.lanes.again(job.lane, job.key);
        }
    }
}
