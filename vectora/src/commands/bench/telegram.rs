//! `vectora bench telegram`: a bot against a fake Telegram on this machine, with Telegram's own limits.
//!
//! Three rounds: messages at a steady rate (how soon a person sees that somebody is there, and the answer), updates at
//! a higher one (how soon Telegram is told that we have them, with NATS and without), a crowd that asks at once.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use fake_telegram::{FakeTelegram, Limits};
use serde_json::{Value, json};

use super::machine::{Stolen, machine, scratch};
use super::server::Server;
use crate::commands::output;

#[derive(Debug, Args)]
pub(crate) struct Telegram {
    /// Seconds of load in each of the steady rounds.
    #[arg(long, default_value_t = 15)]
    seconds: u32,
    /// People who ask at once in the last round.
    #[arg(long, default_value_t = 1000)]
    crowd: u32,
}

/// Messages a second of the first round, and updates a second of the second.
const MESSAGES: u32 = 50;
const UPDATES: u32 = 200;
/// The longest a round waits for its last answer.
const LONGEST: Duration = Duration::from_mins(3);
/// Between two looks at the screens.
const LOOK: Duration = Duration::from_millis(20);

impl Telegram {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let dir = scratch()?;
        output::json(&self.measure(dir.path()).await?)?;
        Ok(ExitCode::SUCCESS)
    }

    async fn measure(&self, dir: &std::path::Path) -> anyhow::Result<Value> {
        let telegram = FakeTelegram::with(Limits::default()).await;
        let listen = format!("127.0.0.1:{}", free_port()?);
        let env = [
            ("TELEGRAM_BOT_TOKEN", telegram.token().to_owned()),
            ("VECTORA__TELEGRAM__API_URL", telegram.url()),
            ("VECTORA__TELEGRAM__PUBLIC_URL", format!("http://{listen}")),
        ];
        let server = Server::start_with(dir, "scripted", &listen, &env).await?;
        let crowd = Crowd { telegram: &telegram };
        crowd.reachable().await?;
        // Warm: connections, caches, statements.
        crowd.steady(1_000_000, 20, 2, true).await?;

        let mut report = json!({ "machine": machine()? });
        let stolen = Stolen::from_now();
        report["messages"] = crowd.steady(2_000_000, MESSAGES, self.seconds, true).await?;
        report["webhook"] = crowd.steady(3_000_000, UPDATES, self.seconds, false).await?;
        let nats = server.run.nats_pid.context("vectora up started NATS")?;
        pause(nats, true)?;
        let without = crowd.updates(4_000_000, UPDATES, self.seconds).await;
        pause(nats, false)?;
        report["webhook_without_nats"] = without?;
        crowd.settled(4_000_000, UPDATES * self.seconds).await?;
        report["crowd"] = crowd.at_once(5_000_000, self.crowd).await?;
        report["machine"]["stolen_percent"] = json!(stolen.percent());
        report["rss_anon_mb"] = json!(server.rss_anon() / 1_000_000);
        report["seen_twice"] = json!(telegram.duplicates());
        report["violations"] = json!(telegram.violations());
        report["limited"] = json!(telegram.limited());
        server.stop().await?;
        Ok(report)
    }
}

/// People, numbered from a first one on, who ask one question each.
struct Crowd<'a> {
    telegram: &'a FakeTelegram,
}

impl Crowd<'_> {
    async fn reachable(&self) -> anyhow::Result<()> {
        self.wait("the webhook is not set", || self.telegram.calls("setWebhook") > 0).await
    }

    /// `rate` people a second ask; everybody is answered. `reactions`: what they saw, else what Telegram heard.
    async fn steady(&self, first: i64, rate: u32, seconds: u32, reactions: bool) -> anyhow::Result<Value> {
        let heard = self.telegram.webhook_times().len();
        let asked = self.ask(first, rate, rate * seconds).await;
        self.settled(first, rate * seconds).await?;
        if !reactions {
            return Ok(percentiles(self.telegram.webhook_times()[heard..].to_vec()));
        }
        let (mut seen, mut answered) = (Vec::new(), Vec::new());
        for (person, at) in (first..).zip(asked) {
            let reaction = self.telegram.first_reaction(person, at).context("nobody reacted")?;
            seen.push(reaction - at);
            answered.push(self.answered(person).context("nobody answered")? - at);
        }
        Ok(json!({ "first_reaction": percentiles(seen), "answered": percentiles(answered) }))
    }

    /// `rate` people a second ask; nobody waits for answers.
    async fn updates(&self, first: i64, rate: u32, seconds: u32) -> anyhow::Result<Value> {
        let heard = self.telegram.webhook_times().len();
        self.ask(first, rate, rate * seconds).await;
        self.wait("updates are not taken", || self.telegram.undelivered() == 0).await?;
        let mut report = percentiles(self.telegram.webhook_times()[heard..].to_vec());
        report["refused"] = json!(self.telegram.webhook_failures());
        Ok(report)
    }

    /// Everybody asks at once.
    async fn at_once(&self, first: i64, people: u32) -> anyhow::Result<Value> {
        let started = Instant::now();
        let asked = self.ask(first, u32::MAX, people).await;
        self.settled(first, people).await?;
        let took = started.elapsed();
        let times =
            (first..).zip(asked).filter_map(|(person, at)| Some(self.answered(person)? - at)).collect();
        let mut report = percentiles(times);
        report["people"] = json!(people);
        report["lost"] =
            json!((first..first + i64::from(people)).filter(|who| self.answered(*who).is_none()).count());
        report["all_answered_s"] = json!(took.as_secs_f64());
        Ok(report)
    }

    async fn ask(&self, first: i64, rate: u32, people: u32) -> Vec<Instant> {
        let started = Instant::now();
        let mut asked = Vec::new();
        for n in 0..people {
            let due = started + Duration::from_secs_f64(f64::from(n) / f64::from(rate));
            tokio::time::sleep_until(due.into()).await;
            let person = first + i64::from(n);
            self.telegram.person(person, "Person", "en");
            asked.push(Instant::now());
            self.telegram.say(person, &format!("question {person}"));
        }
        asked
    }

    /// Waits until everybody has their answer.
    async fn settled(&self, first: i64, people: u32) -> anyhow::Result<()> {
        let (mut next, end) = (first, first + i64::from(people));
        self.wait("somebody has no answer", || {
            while next < end && self.answered(next).is_some() {
                next += 1;
            }
            next == end
        })
        .await
    }

    /// When a person saw their answer.
    fn answered(&self, person: i64) -> Option<Instant> {
        let answer = format!("Scripted answer to: question {person}");
        let seen = self.telegram.seen(person).into_iter().find(|seen| seen.text() == answer)?;
        Some(seen.edited.last().copied().unwrap_or(seen.at))
    }

    async fn wait(&self, what: &str, mut done: impl FnMut() -> bool) -> anyhow::Result<()> {
        let started = Instant::now();
        while !done() {
            anyhow::ensure!(started.elapsed() < LONGEST, "{what} after {} s", LONGEST.as_secs());
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }
}

fn percentiles(mut times: Vec<Duration>) -> Value {
    times.sort_unstable();
    let at = |share: usize| {
        let place = (times.len().saturating_sub(1) * share).div_ceil(100);
        times.get(place).map(|time| (time.as_secs_f64() * 10_000.0).round() / 10.0)
    };
    json!({ "n": times.len(), "p50_ms": at(50), "p95_ms": at(95), "p99_ms": at(99), "max_ms": at(100) })
}

/// NATS stands still: connections stay open and nothing is answered, which is worse than being gone.
fn pause(pid: u32, stop: bool) -> anyhow::Result<()> {
    use rustix::process::{Pid, Signal};
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).context("NATS has a pid")?;
    rustix::process::kill_process(pid, if stop { Signal::STOP } else { Signal::CONT })?;
    Ok(())
}

fn free_port() -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
