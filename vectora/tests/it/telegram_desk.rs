//! Operators in Telegram: a conversation is handed over, answered by a human, and given back.

use std::time::Duration;

use testkit::bot::{Bot, OPERATOR, OPERATORS, Receiving};
use testkit::telegram::{Limits, Misbehaviour, Say};
use testkit::{Program, eventually};

use crate::BINARY;

const ANNA: i64 = 101;
const STRANGER: i64 = 666;

/// A group that takes more than 20 messages a minute: what is tested here is not the limit.
fn roomy() -> Limits {
    Limits { group_count: 1000, ..Limits::default() }
}

struct Desk {
    bot: Bot,
    topic: i64,
    programs: [Program; 2],
}

/// Anna has asked for a human, and her topic is there.
async fn handed_over(env: &[(&str, &str)]) -> Desk {
    let mut all = vec![
        ("VECTORA__WORKERS__GROUP_RATE__INTERVAL", "1ms"),
        ("VECTORA__WORKERS__GROUP_RATE__BURST", "100"),
    ];
    all.extend(env);
    let bot = Box::pin(Bot::new(BINARY, Receiving::Polling, roomy(), &all)).await;
    bot.telegram.person(ANNA, "Anna", "en");
    bot.telegram.person(STRANGER, "Stranger", "en");
    let programs = [bot.ingress(&[]).await, bot.worker(&[]).await];
    bot.telegram.say(ANNA, "hello");
    bot.shows(ANNA, "Scripted answer to: hello").await;
    bot.telegram.say(ANNA, "/human");
    bot.says(ANNA, "human").await;
    let topic =
        eventually("the topic", || async { bot.telegram.topics(OPERATORS).first().map(|topic| topic.id) })
            .await;
    bot.installation.assert_finished().await;
    Desk { bot, topic, programs }
}

impl Desk {
    fn operator(&self, text: &str) -> i64 {
        self.bot.telegram.say_with(Say::by(OPERATOR).in_chat(OPERATORS).topic(self.topic).text(text))
    }

    /// What stands in the topic.
    fn screen(&self) -> Vec<String> {
        self.bot.telegram.screen_in(OPERATORS, self.topic)
    }

    async fn has(&self, words: &str) -> String {
        eventually(&format!("{words:?} at the desk; there is {:?}", self.screen()), || async {
            self.screen().into_iter().find(|text| text.contains(words))
        })
        .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_each_side_writes_reaches_the_other_and_the_bot_is_silent() {
    let desk = handed_over(&[]).await;
    let bot = &desk.bot;
    assert_eq!(bot.telegram.topics(OPERATORS)[0].name, "Anna");
    desk.has("/return").await;
    desk.has("hello").await;

    bot.telegram.say(ANNA, "is anybody there?");
    desk.has("is anybody there?").await;
    desk.operator("yes, I am");
    bot.shows(ANNA, "yes, I am").await;
    bot.telegram.say_with(Say::by(ANNA).photo("p1"));
    eventually("the picture at the desk", || async {
        let seen = bot.telegram.seen(OPERATORS);
        seen.iter().any(|seen| seen.media.is_some() && seen.from_copy.is_some()).then_some(())
    })
    .await;
    bot.telegram.say_with(Say::by(OPERATOR).in_chat(OPERATORS).topic(desk.topic).document(
        "d1",
        "a.pdf",
        "application/pdf",
    ));
    eventually("the file with Anna", || async {
        bot.telegram.seen(ANNA).iter().any(|seen| seen.media.is_some()).then_some(())
    })
    .await;
    bot.assert_quiet().await;
    assert_eq!(
        bot.installation.count("SELECT count(*) FROM turns").await,
        1,
        "the bot answered once, before"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_and_quotes_go_both_ways() {
    let desk = handed_over(&[]).await;
    let bot = &desk.bot;
    let said = desk.operator("hello Ana");
    bot.shows(ANNA, "hello Ana").await;
    bot.assert_quiet().await;
    bot.telegram.edit(said, "hello Anna");
    bot.shows(ANNA, "hello Anna").await;
    let shown =
        bot.telegram.seen(ANNA).into_iter().find(|seen| seen.text() == "hello Anna").expect("it is there");
    let asked = bot.telegram.say_with(Say::by(ANNA).text("thank you").reply_to(shown.id));
    desk.has("thank you").await;
    let relayed =
        bot.telegram.seen(OPERATORS).into_iter().find(|seen| seen.text() == "thank you").expect("there");
    assert_eq!(relayed.reply_to, Some(bot.telegram.message_of(said)), "it quotes the operator's own message");
    bot.assert_quiet().await;
    bot.telegram.edit(asked, "thanks a lot");
    desk.has("thanks a lot").await;
    bot.telegram.say_with(
        Say::by(OPERATOR).in_chat(OPERATORS).topic(desk.topic).text("you are welcome").reply_to(relayed.id),
    );
    bot.shows(ANNA, "you are welcome").await;
    let answer =
        bot.telegram.seen(ANNA).into_iter().find(|seen| seen.text() == "you are welcome").expect("there");
    assert_eq!(answer.reply_to, Some(bot.telegram.message_of(asked)));
}

#[tokio::test(flavor = "multi_thread")]
async fn return_gives_the_conversation_back_and_writing_takes_it_again() {
    let desk = handed_over(&[]).await;
    let bot = &desk.bot;
    desk.operator("/return");
    desk.has("Olga").await;
    bot.assert_quiet().await;
    bot.telegram.say(ANNA, "and the bot?");
    bot.shows(ANNA, "Scripted answer to: and the bot?").await;
    desk.operator("I am here again");
    bot.shows(ANNA, "I am here again").await;
    bot.telegram.say(ANNA, "good");
    desk.has("good").await;
    bot.assert_quiet().await;
    assert_eq!(bot.telegram.showing(ANNA, "Scripted answer to: good"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn close_closes_the_topic_and_a_note_reaches_nobody() {
    let desk = handed_over(&[]).await;
    let bot = &desk.bot;
    desk.operator("/note she is a friend");
    eventually("the note to be kept", || async {
        let kept = "SELECT count(*) FROM messages WHERE state = 'note' AND text = 'she is a friend'";
        (bot.installation.count(kept).await == 1).then_some(())
    })
    .await;
    desk.operator("/close");
    eventually("the topic to be closed", || async { bot.telegram.topics(OPERATORS)[0].closed.then_some(()) })
        .await;
    bot.assert_quiet().await;
    assert!(bot.telegram.screen(ANNA).iter().all(|text| !text.contains("friend")));
    bot.telegram.say(ANNA, "/human");
    eventually("the same topic to be open again", || async {
        let topics = bot.telegram.topics(OPERATORS);
        (topics.len() == 1 && !topics[0].closed).then_some(())
    })
    .await;
    bot.installation.assert_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_was_deleted_is_made_again() {
    let desk = handed_over(&[]).await;
    let bot = &desk.bot;
    bot.telegram.delete_topic(OPERATORS, desk.topic);
    bot.telegram.say(ANNA, "are you still there?");
    eventually("another topic with the message", || async {
        let topic = bot.telegram.topics(OPERATORS).into_iter().find(|topic| !topic.deleted)?;
        let screen = bot.telegram.screen_in(OPERATORS, topic.id);
        screen.iter().any(|text| text == "are you still there?").then_some(())
    })
    .await;
    bot.assert_quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_no_operator_cannot_act_and_is_told_so() {
    let desk = handed_over(&[]).await;
    let bot = &desk.bot;
    let topic = desk.topic;
    bot.telegram.say_with(Say::by(STRANGER).in_chat(OPERATORS).topic(topic).text("trust me"));
    desk.has(&STRANGER.to_string()).await;
    bot.telegram.say_with(Say::by(OPERATOR).in_chat(OPERATORS).topic(topic).text("/return").anonymously());
    bot.assert_quiet().await;
    assert!(bot.telegram.screen(ANNA).iter().all(|text| text != "trust me"));
    let held = "SELECT count(*) FROM conversations WHERE handled_by = 'operator'";
    assert_eq!(bot.installation.count(held).await, 1, "nobody gave it back");
    let mut add = bot.installation.start(&["operators", "add", &STRANGER.to_string(), "Stranger"], &[]);
    assert!(add.ended().await.success(), "{}", add.output());
    bot.telegram.say_with(Say::by(STRANGER).in_chat(OPERATORS).topic(topic).text("now you can"));
    bot.shows(ANNA, "now you can").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_blocked_is_heard_no_more() {
    let desk = handed_over(&[]).await;
    let bot = &desk.bot;
    desk.operator("/block");
    desk.operator("/return");
    bot.assert_quiet().await;
    let before = bot.telegram.seen(ANNA).len();
    bot.telegram.say(ANNA, "hello?");
    bot.assert_quiet().await;
    assert_eq!(bot.telegram.seen(ANNA).len(), before);
    desk.operator("/unblock");
    bot.assert_quiet().await;
    bot.telegram.say(ANNA, "hello again");
    bot.shows(ANNA, "Scripted answer to: hello again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_takeover_nobody_looks_after_lapses_and_both_sides_are_told() {
    let desk = handed_over(&[("VECTORA__TELEGRAM__TAKEOVER_IDLE", "1500ms")]).await;
    let bot = &desk.bot;
    eventually("the bot to have it again", || async {
        let held = "SELECT count(*) FROM conversations WHERE handled_by = 'operator'";
        (bot.installation.count(held).await == 0).then_some(())
    })
    .await;
    bot.assert_quiet().await;
    bot.telegram.say(ANNA, "hello again");
    bot.shows(ANNA, "Scripted answer to: hello again").await;
    assert_eq!(
        bot.telegram.seen(ANNA).len(),
        4,
        "answer, handed over, lapsed, answer: {:?}",
        bot.telegram.screen(ANNA)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_writes_and_writes_does_not_keep_a_forgotten_takeover_alive() {
    let desk = handed_over(&[("VECTORA__TELEGRAM__TAKEOVER_IDLE", "2s")]).await;
    let bot = &desk.bot;
    let mut n = 0;
    eventually("the bot to have it again", || {
        n += 1;
        if n % 10 == 0 {
            bot.telegram.say(ANNA, &format!("anybody there, {n}?"));
        }
        async {
            let held = "SELECT count(*) FROM conversations WHERE handled_by = 'operator'";
            (bot.installation.count(held).await == 0).then_some(())
        }
    })
    .await;
    bot.assert_quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hand_over_that_reaches_no_operator_is_told_and_the_bot_goes_on() {
    let bot = Box::pin(Bot::new(BINARY, Receiving::Polling, roomy(), &[])).await;
    bot.telegram.person(ANNA, "Anna", "en");
    bot.telegram.allow_topics(OPERATORS, false);
    let programs = [bot.ingress(&[]).await, bot.worker(&[]).await];
    bot.telegram.say(ANNA, "/human");
    let told = contract::Phrase::HumanNobody.text(contract::Language::English);
    bot.shows(ANNA, &told).await;
    programs[0].says("may manage topics").await;
    bot.telegram.say(ANNA, "hello");
    bot.shows(ANNA, "Scripted answer to: hello").await;
    bot.installation.assert_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operators_message_of_unknown_fate_is_repeated_once_or_held_and_shown() {
    let desk = handed_over(&[]).await;
    let bot = &desk.bot;
    bot.telegram.misbehave([Misbehaviour::CutBefore]);
    desk.operator("one");
    bot.shows(ANNA, "one").await;
    bot.assert_quiet().await;
    // Of the second nobody ever knows.
    bot.telegram.misbehave([Misbehaviour::CutBefore, Misbehaviour::CutBefore]);
    desk.operator("two");
    desk.has("two").await;
    bot.installation.assert_finished().await;
    assert_eq!(bot.telegram.showing(ANNA, "two"), 0);
    let unknown =
        "SELECT count(*) FROM outbound WHERE kind = 'operator' AND state = 'unknown' AND unknowns = 2";
    assert_eq!(bot.installation.count(unknown).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_takeover_at_any_moment_leaves_the_bot_silent() {
    for (wait, words) in [(0, "at once"), (300, "in the middle"), (900, "late")] {
        let desk = handed_over(&[]).await;
        let bot = &desk.bot;
        desk.operator("/return");
        bot.assert_quiet().await;
        let before = bot.telegram.seen(ANNA).len();
        bot.telegram.say(ANNA, &format!("what is it {words} #wait=900ms"));
        tokio::time::sleep(Duration::from_millis(wait)).await;
        desk.operator("I take this");
        bot.shows(ANNA, "I take this").await;
        bot.assert_quiet().await;
        let seen = bot.telegram.seen(ANNA);
        let taken = seen.iter().find(|seen| seen.text() == "I take this").expect("there").at;
        let late = seen.iter().skip(before).filter(|seen| {
            // What was inside a call at that moment may still arrive.
            let last = seen.edited.last().copied().unwrap_or(seen.at);
            seen.text().contains("Scripted") && last > taken + Duration::from_millis(250)
        });
        assert_eq!(late.count(), 0, "{words}: {seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_operators_a_wish_for_a_human_is_noted() {
    let env = [("VECTORA__TELEGRAM__OPERATORS_CHAT", "-1")];
    let bot = Box::pin(Bot::new(BINARY, Receiving::Polling, roomy(), &env)).await;
    bot.telegram.person(ANNA, "Anna", "en");
    let _programs = [bot.ingress(&[]).await, bot.worker(&[]).await];
    bot.telegram.say(ANNA, "/human");
    eventually("the wish to be kept", || async {
        let wanted = "SELECT count(*) FROM conversations WHERE human_wanted_at IS NOT NULL";
        (bot.installation.count(wanted).await == 1).then_some(())
    })
    .await;
}

/// The operators move to another group: who is handed over from then on is found there.
#[tokio::test(flavor = "multi_thread")]
async fn operators_who_have_another_group_find_the_conversation_there() {
    const ELSEWHERE: i64 = -1_009_999_999_999;
    let desk = handed_over(&[]).await;
    desk.operator("/return");
    desk.bot.says(ANNA, "assistant is answering again").await;
    let Desk { bot, programs, .. } = desk;
    drop(programs);
    bot.telegram.group(ELSEWHERE, "Other operators", true);
    let there = [("VECTORA__TELEGRAM__OPERATORS_CHAT", ELSEWHERE.to_string())];
    let there: Vec<(&str, &str)> = there.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let _programs = [bot.ingress(&there).await, bot.worker(&there).await];
    bot.telegram.say(ANNA, "/human");
    bot.says(ELSEWHERE, "New request from").await;
    bot.telegram.say(ANNA, "are you there?");
    bot.shows(ELSEWHERE, "are you there?").await;
    bot.installation.assert_finished().await;
}

/// In a group the placeholder of a question that a human takes says who answers.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_in_a_group_that_a_human_takes_leaves_no_empty_message() {
    const GROUP: i64 = -500;
    let desk = handed_over(&[]).await;
    let bot = &desk.bot;
    bot.telegram.group(GROUP, "Users", false);
    let say = |text: &str| {
        bot.telegram.say_with(Say::by(ANNA).in_chat(GROUP).text(text));
    };
    say(&format!("/ask@{} hello #wait=60000ms", bot.telegram.username()));
    bot.shows(GROUP, "…").await;
    say(&format!("/human@{}", bot.telegram.username()));
    bot.says(GROUP, "A human answers this").await;
    bot.assert_quiet().await;
    assert!(!bot.telegram.screen(GROUP).iter().any(|text| text == "…"), "{:?}", bot.telegram.screen(GROUP));
}
