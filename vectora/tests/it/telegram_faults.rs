//! A bot whose processes are killed, whose ledger is away, and whose Telegram misbehaves: nothing accepted is lost, and
//! no answer is on a screen twice.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use testkit::bot::{Bot, Receiving};
use testkit::sqlx::query;
use testkit::telegram::{FakeTelegram, Limits, Misbehaviour, Say};
use testkit::up::Home;
use testkit::{Program, eventually};

use crate::BINARY;

const ANNA: i64 = 101;

async fn bot(receiving: Receiving, env: &[(&str, &str)]) -> Bot {
    let bot = Box::pin(Bot::new(BINARY, receiving, Limits::default(), env)).await;
    bot.telegram.person(ANNA, "Anna", "en");
    bot
}

/// People who ask at once, one question each.
fn ask(bot: &Bot, people: std::ops::Range<i64>) {
    for person in people {
        bot.telegram.person(1000 + person, "Person", "en");
        bot.telegram.say(1000 + person, &format!("question {person}"));
    }
}

/// Everybody has their answer, once, and at most `orphans` empty messages are left.
async fn all_answered(bot: &Bot, people: std::ops::Range<i64>, orphans: usize) {
    let mut empty = 0;
    for person in people {
        bot.shows(1000 + person, &format!("Scripted answer to: question {person}")).await;
        let screen = bot.telegram.screen(1000 + person);
        empty += screen.iter().filter(|text| text.as_str() == "…").count();
    }
    bot.assert_quiet().await;
    assert!(empty <= orphans, "{empty} orphaned placeholders");
}

#[tokio::test(flavor = "multi_thread")]
async fn ingress_killed_around_the_commit_loses_no_update() {
    let cases = [
        (Receiving::Webhook, ["webhook.received", "webhook.committed"]),
        (Receiving::Polling, ["poll.received", "poll.committed"]),
    ];
    for (receiving, points) in cases {
        for point in points {
            let bot = bot(receiving, &[]).await;
            let _worker = bot.worker(&[]).await;
            let mut doomed = bot.ingress(&[("VECTORA__FAULTS__AT", &format!("{point}=kill@2"))]).await;
            for part in 0..4 {
                ask(&bot, part * 3..(part + 1) * 3);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            assert_eq!(doomed.ended().await.signal(), Some(9), "it dies at {point}");
            let _heir = bot.ingress(&[]).await;
            all_answered(&bot, 0..12, 0).await;
            assert_eq!(bot.installation.count("SELECT count(*) FROM answers").await, 12, "{point}");
        }
    }
}

async fn worker_killed(stage: &str, points: &[&str], arrivals: std::ops::RangeInclusive<u32>) {
    for point in points {
        for arrival in arrivals.clone() {
            let bot = bot(Receiving::Webhook, &[]).await;
            let _ingress = bot.ingress(&[]).await;
            let fault = format!("{stage}.{point}=kill@{arrival}");
            let mut doomed = bot.worker(&[("VECTORA__FAULTS__AT", &fault)]).await;
            ask(&bot, 0..6);
            assert_eq!(doomed.ended().await.signal(), Some(9), "it dies at {fault}");
            let _heir = bot.worker(&[]).await;
            // Whatever was inside a call when the process died may have left an empty message.
            all_answered(&bot, 0..6, 6).await;
            assert_eq!(bot.installation.count("SELECT count(*) FROM answers").await, 6, "{fault}");
        }
    }
}

const POINTS: [&str; 7] = ["received", "claimed", "worked", "uncommitted", "settled", "published", "acked"];

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_killed_in_intake_answers_everybody_once() {
    worker_killed("intake", &POINTS, 1..=1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_killed_in_retrieve_answers_everybody_once() {
    worker_killed("retrieve", &POINTS, 2..=2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_killed_in_answer_answers_everybody_once() {
    worker_killed("answer", &POINTS, 2..=2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_killed_in_deliver_answers_everybody_once() {
    worker_killed("deliver", &POINTS, 2..=2).await;
    worker_killed("deliver", &["begun", "called"], 1..=3).await;
}

/// One kill leaves one empty message at most: the call that was under way.
#[tokio::test(flavor = "multi_thread")]
async fn one_call_that_is_killed_leaves_one_empty_message_at_most() {
    for point in ["begun", "called"] {
        for arrival in 1..=2 {
            let bot = bot(Receiving::Webhook, &[]).await;
            let _ingress = bot.ingress(&[]).await;
            let fault = format!("deliver.{point}=kill@{arrival}");
            let mut doomed = bot.worker(&[("VECTORA__FAULTS__AT", &fault)]).await;
            ask(&bot, 0..1);
            assert_eq!(doomed.ended().await.signal(), Some(9), "it dies at {fault}");
            let _heir = bot.worker(&[]).await;
            all_answered(&bot, 0..1, 1).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_killed_again_and_again_under_load_lose_and_double_nothing() {
    let bot = bot(Receiving::Webhook, &[]).await;
    let mut ingress = bot.ingress(&[]).await;
    let mut worker = bot.worker(&[]).await;
    let mut kills = 0;
    for round in 0..6 {
        ask(&bot, round * 20..(round + 1) * 20);
        tokio::time::sleep(Duration::from_millis(400)).await;
        if round % 3 == 2 {
            ingress.kill();
            ingress = bot.ingress(&[]).await;
        } else {
            worker.kill();
            worker = bot.worker(&[]).await;
        }
        kills += 1;
    }
    for person in 0..120 {
        bot.shows(1000 + person, &format!("Scripted answer to: question {person}")).await;
    }
    bot.assert_quiet().await;
    let orphans =
        (0..120).flat_map(|person| bot.telegram.screen(1000 + person)).filter(|text| text == "…").count();
    testkit::figure(format!("{kills} kills under load left {orphans} empty messages"));
    // An empty message is a call of which nobody knew: all of them are counted.
    let unknown = bot.installation.count("SELECT coalesce(sum(unknowns), 0) FROM outbound").await;
    assert!(i64::try_from(orphans).is_ok_and(|orphans| orphans <= unknown), "{orphans} of {unknown}");
    drop((ingress, worker));
}

/// Everything at once: the stages, the listener, the index, and the servers that end with it.
#[tokio::test(flavor = "multi_thread")]
async fn vectora_up_that_is_killed_as_a_whole_answers_everybody_once() {
    let telegram = FakeTelegram::with(Limits::default()).await;
    let home = Home::new(BINARY);
    let (token, url) = (telegram.token(), telegram.url());
    let env = [
        ("TELEGRAM_BOT_TOKEN", token),
        ("VECTORA__TELEGRAM__API_URL", &url),
        ("VECTORA__MODELS__PROVIDER", "scripted"),
        ("VECTORA__WORKERS__LEASE", "1500ms"),
        ("VECTORA__WORKERS__RENEW", "400ms"),
    ];
    let answer = |person: i64| format!("Scripted answer to: question {person}");
    let mut up = home.up(&env).await;
    for round in 0..3 {
        let people = round * 10..(round + 1) * 10;
        for person in people.clone() {
            telegram.person(1000 + person, "Person", "en");
            telegram.say(1000 + person, &format!("question {person}"));
        }
        eventually("somebody to be answered", || async {
            people.clone().any(|person| telegram.showing(1000 + person, &answer(person)) > 0).then_some(())
        })
        .await;
        up.program.kill();
        home.empty().await;
        up = home.up(&env).await;
    }
    for person in 0..30 {
        eventually(&format!("the answer to question {person}"), || async {
            (telegram.showing(1000 + person, &answer(person)) == 1).then_some(())
        })
        .await;
    }
    assert_eq!(telegram.duplicates(), 0, "something is on a screen twice");
    assert_eq!(telegram.violations(), 0, "a retry_after was not obeyed");
    let empty = (0..30).flat_map(|person| telegram.screen(1000 + person)).filter(|text| text == "…").count();
    testkit::figure(format!("3 kills of everything left {empty} empty messages"));
    up.interrupt();
    assert!(up.program.ended().await.success(), "{}", up.program.output());
}

/// Whoever looks at the screen while the turn ends may see it once more; nobody should have to guess how often.
#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_is_late_is_counted_and_changes_no_message() {
    use Misbehaviour::{Behave, Stall};
    let bot = bot(Receiving::Webhook, &[]).await;
    let (_ingress, worker) = (bot.ingress(&[]).await, bot.worker(&[]).await);
    bot.telegram.misbehave_for("sendMessageDraft", [Behave, Stall(Duration::from_secs(4))]);
    bot.telegram.say(ANNA, "a story #stream=300ms");
    let answer = bot.says(ANNA, "Scripted answer to: a story").await;
    eventually("the late frame to be counted", || async {
        let late = bot.installation.metric(&worker, "vectora_draft_late_frames_total", &[]).await;
        (late >= 1.0).then_some(())
    })
    .await;
    assert_eq!(bot.telegram.screen(ANNA), [answer]);
    bot.assert_quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_connection_shows_the_answer_once_wherever_it_is_cut() {
    use Misbehaviour::{BadGateway, Behave, CutAfter, CutBefore, Fault, Garbage};
    let bot = bot(Receiving::Webhook, &[]).await;
    let _programs: [Program; 2] = [bot.ingress(&[]).await, bot.worker(&[]).await];
    let plans: [&[Misbehaviour]; 9] = [
        &[CutBefore],
        &[CutAfter],
        &[Behave, CutBefore],
        &[Behave, CutAfter],
        &[CutAfter, CutAfter],
        &[Fault, Behave, Fault],
        &[BadGateway],
        &[Behave, BadGateway],
        &[Garbage, Behave, Garbage],
    ];
    for (n, plan) in plans.into_iter().enumerate() {
        let person = i64::try_from(n).expect("a small number");
        bot.telegram.misbehave(plan.iter().copied());
        ask(&bot, person..person + 1);
        bot.shows(1000 + person, &format!("Scripted answer to: question {person}")).await;
        bot.assert_quiet().await;
        assert_eq!(bot.telegram.misbehaviours_left(), 0, "{plan:?}");
    }
}

/// Every call of some minutes fails, in this test's time: more often than an item has attempts.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_broken_for_long_delays_the_answer_and_loses_nothing() {
    let bot = bot(Receiving::Webhook, &[("VECTORA__WORKERS__RETRY", "5ms")]).await;
    let (_ingress, worker) = (bot.ingress(&[]).await, bot.worker(&[]).await);
    bot.telegram.misbehave([Misbehaviour::BadGateway; 7]);
    ask(&bot, 0..1);
    all_answered(&bot, 0..1, 0).await;
    assert_eq!(bot.telegram.misbehaviours_left(), 0);
    let unknown = bot.installation.metric(&worker, "vectora_outbound_unknown_total", &[]).await;
    assert!(unknown >= 7.0, "calls nobody knows the outcome of are counted: {unknown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_unknown_fate_is_repeated_once_and_counted() {
    use Misbehaviour::{Behave, CutBefore};
    let bot = bot(Receiving::Webhook, &[]).await;
    let _programs: [Program; 2] = [bot.ingress(&[]).await, bot.worker(&[]).await];
    // The stub, its edit, and the second part.
    bot.telegram.misbehave([Behave, Behave, CutBefore]);
    bot.telegram.say(ANNA, &format!("{} #times=120", "a line of an answer that does not fit".repeat(2)));
    bot.assert_quiet().await;
    assert_eq!(bot.telegram.misbehaviours_left(), 0);
    let parts = "SELECT count(*) FROM outbound WHERE kind = 'part' AND state = 'sent'";
    let unknown = "SELECT count(*) FROM outbound WHERE kind = 'part' AND unknowns = 1 AND state = 'sent'";
    eventually("the parts to be sent", || async { (bot.installation.count(parts).await >= 2).then_some(()) })
        .await;
    assert_eq!(bot.installation.count(unknown).await, 1);
    assert!(bot.telegram.seen(ANNA).len() >= 3, "{:?}", bot.telegram.screen(ANNA));
    bot.assert_quiet().await;
}

/// Telegram lets one in at a time: who polls holds a place in the ledger.
#[tokio::test(flavor = "multi_thread")]
async fn two_pollers_take_each_others_place_and_ask_nothing_twice() {
    let bot = bot(Receiving::Polling, &[]).await;
    let mut first = bot.ingress(&[]).await;
    let second = bot.ingress(&[("VECTORA__HTTP__LISTEN", "127.0.0.1:0")]).await;
    let _worker = bot.worker(&[]).await;
    ask(&bot, 0..5);
    all_answered(&bot, 0..5, 0).await;
    first.terminate();
    assert!(first.ended().await.success(), "{}", first.output());
    ask(&bot, 5..10);
    all_answered(&bot, 0..10, 0).await;
    // Telegram tells a second poller "Conflict", and it says so.
    assert!(!second.output().contains("no updates from Telegram"), "{}", second.output());
    assert!(!first.output().contains("no updates from Telegram"), "{}", first.output());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_429_slows_down_and_loses_nothing() {
    let bot = bot(Receiving::Webhook, &[]).await;
    let _programs: [Program; 2] = [bot.ingress(&[]).await, bot.worker(&[]).await];
    bot.telegram.storm(Duration::from_secs(4), 0.5);
    ask(&bot, 0..60);
    all_answered(&bot, 0..60, 0).await;
    assert!(bot.telegram.limited() > 20, "{}", bot.telegram.limited());
    assert_eq!(bot.installation.count("SELECT coalesce(sum(attempts), 0) FROM outbound").await, 0);
}

/// All topics of a group share a limit: what had its slot before a 429 must not use it.
#[tokio::test(flavor = "multi_thread")]
async fn a_429_in_a_group_holds_back_what_was_reserved_before_it() {
    const GROUP: i64 = -500;
    let env =
        [("VECTORA__WORKERS__GROUP_RATE__INTERVAL", "400ms"), ("VECTORA__WORKERS__GROUP_RATE__BURST", "1")];
    let bot = bot(Receiving::Webhook, &env).await;
    bot.telegram.group(GROUP, "Users", true);
    let _programs: [Program; 2] = [bot.ingress(&[]).await, bot.worker(&[]).await];
    for n in 0..5 {
        let topic = bot.telegram.create_topic(GROUP, &format!("topic {n}"));
        let text = format!("/ask@{} question {n}", bot.telegram.username());
        bot.telegram.say_with(Say::by(ANNA).in_chat(GROUP).topic(topic).text(&text));
    }
    eventually("slots to be reserved", || async {
        let reserved = "SELECT count(*) FROM outbound WHERE reserved";
        (bot.installation.count(reserved).await >= 3).then_some(())
    })
    .await;
    bot.telegram.misbehave([Misbehaviour::Limit(3)]);
    for n in 0..5 {
        bot.shows(GROUP, &format!("Scripted answer to: question {n}")).await;
    }
    bot.assert_quiet().await;
    assert_eq!(bot.telegram.misbehaviours_left(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_is_away_is_503_with_retry_after_and_the_update_comes_again() {
    let bot = bot(Receiving::Webhook, &[("VECTORA__STORE__LOCK_TIMEOUT", "300ms")]).await;
    let _programs: [Program; 2] = [bot.ingress(&[]).await, bot.worker(&[]).await];
    let mut locked = bot.installation.sql.begin().await.expect("the ledger answers");
    let lock = "LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE";
    query(lock).execute(&mut *locked).await.expect("nobody else holds it");
    let update = bot.telegram.say(ANNA, "hello");
    eventually("a refusal", || async { (bot.telegram.webhook_failures() > 0).then_some(()) }).await;
    locked.rollback().await.expect("the ledger answers");
    let started = Instant::now();
    bot.shows(ANNA, "Scripted answer to: hello").await;
    testkit::measured("from the ledger's return to the answer", started.elapsed());
    bot.assert_quiet().await;
    assert!(bot.telegram.update(update).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_paused_in_the_middle_of_a_draft_changes_no_message() {
    let bot = bot(Receiving::Webhook, &[]).await;
    let _ingress = bot.ingress(&[]).await;
    let paused = bot.worker(&[]).await;
    bot.telegram.say(ANNA, "a story #stream=400ms");
    eventually("a draft that grows", || async {
        bot.telegram.drafts(ANNA).iter().any(|draft| draft.texts.len() > 1).then_some(())
    })
    .await;
    paused.stop();
    let _heir = bot.worker(&[]).await;
    bot.says(ANNA, "Scripted answer to: a story").await;
    let shown = bot.telegram.seen(ANNA);
    paused.go_on();
    bot.assert_quiet().await;
    assert_eq!(bot.telegram.seen(ANNA).len(), 1);
    assert_eq!(bot.telegram.seen(ANNA)[0].text(), shown[0].text());
}
