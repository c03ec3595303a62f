//! A bot in private chats and groups: what people write, and what they get.

use std::time::Duration;

use serde_json::json;
use testkit::bot::{Bot, Receiving};
use testkit::telegram::{Limits, Say};
use testkit::{Program, eventually};

use crate::BINARY;

const ANNA: i64 = 101;
const BORIS: i64 = 102;
const GROUP: i64 = -500;

async fn bot(receiving: Receiving, env: &[(&str, &str)]) -> (Bot, [Program; 2]) {
    let bot = Box::pin(Bot::new(BINARY, receiving, Limits::default(), env)).await;
    bot.telegram.person(ANNA, "Anna", "en");
    bot.telegram.person(BORIS, "Борис", "ru");
    let programs = [bot.ingress(&[]).await, bot.worker(&[]).await];
    (bot, programs)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_answered_by_polling_and_by_webhook() {
    for receiving in [Receiving::Polling, Receiving::Webhook] {
        let (bot, _programs) = bot(receiving, &[]).await;
        bot.telegram.say(ANNA, "hello");
        bot.shows(ANNA, "Scripted answer to: hello").await;
        bot.assert_quiet().await;
        assert!(!bot.telegram.typing(ANNA).is_empty(), "somebody was seen typing");
        let seen = bot.telegram.seen(ANNA);
        assert_eq!(seen.len(), 1, "one message: {seen:?}");
        let labels: Vec<&str> = seen[0].buttons.iter().map(|button| button.text.as_str()).collect();
        assert_eq!(labels.len(), 3, "helped, did not help, a human: {labels:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_update_ten_times_gives_one_answer() {
    let (bot, _programs) = bot(Receiving::Webhook, &[]).await;
    let update = bot.telegram.say(ANNA, "hello");
    (0..9).for_each(|_| {
        bot.telegram.repeat(update);
    });
    bot.shows(ANNA, "Scripted answer to: hello").await;
    bot.assert_quiet().await;
    assert_eq!(bot.telegram.visible_messages(), 1);
    assert_eq!(bot.installation.count("SELECT count(*) FROM inbox").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_401_and_stores_nothing() {
    let (bot, _programs) = bot(Receiving::Webhook, &[]).await;
    let update = json!({ "update_id": 1, "message": { "message_id": 1, "date": 0, "text": "hi",
        "chat": { "id": ANNA, "type": "private" }, "from": { "id": ANNA, "is_bot": false, "first_name": "A" } } });
    for secret in [None, Some(""), Some("wrong")] {
        assert_eq!(bot.bring(&update, secret).await.status(), 401, "{secret:?}");
    }
    assert_eq!(bot.installation.count("SELECT count(*) FROM inbox").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_kind_of_update_is_stored_and_passed_over() {
    let (bot, _programs) = bot(Receiving::Webhook, &[]).await;
    bot.telegram.raw(json!({ "brand_new_thing": { "surprise": true } }));
    bot.telegram
        .raw(json!({ "business_message": { "message_id": 1, "chat": { "id": ANNA, "type": "private" } } }));
    bot.telegram.say(ANNA, "hello");
    bot.shows(ANNA, "Scripted answer to: hello").await;
    bot.assert_quiet().await;
    assert_eq!(bot.installation.count("SELECT count(*) FROM inbox WHERE state = 'passed'").await, 2);
    assert_eq!(bot.telegram.webhook_failures(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_obeyed_in_the_language_of_the_person() {
    let (bot, _programs) = bot(Receiving::Polling, &[]).await;
    bot.telegram.say(ANNA, "/start");
    bot.says(ANNA, "/human").await;
    bot.telegram.say(BORIS, "/start shop");
    let welcome = bot.says(BORIS, "/human").await;
    assert!(welcome.chars().any(|letter| ('а'..='я').contains(&letter)), "{welcome}");
    let link = "SELECT count(*) FROM contacts WHERE came_by = 'shop'";
    assert_eq!(bot.installation.count(link).await, 1);

    bot.telegram.say(BORIS, "/language en");
    eventually("the choice to be kept", || async {
        let chosen = "SELECT count(*) FROM contacts WHERE language = 'en'";
        (bot.installation.count(chosen).await == 1).then_some(())
    })
    .await;
    bot.telegram.say(BORIS, "/ask");
    let usage = bot.says(BORIS, "/ask ").await;
    assert!(usage.is_ascii() || !usage.chars().any(|letter| ('а'..='я').contains(&letter)), "{usage}");
    bot.telegram.say(BORIS, "/ask what is it");
    bot.shows(BORIS, "Scripted answer to: what is it").await;
    bot.assert_quiet().await;
    for language in ["", "ru"] {
        assert_eq!(bot.telegram.commands(language).len(), 6, "{language:?}");
        assert!(!bot.telegram.description(language).is_empty());
    }
    assert_ne!(bot.telegram.description(""), bot.telegram.description("ru"));
}

#[tokio::test(flavor = "multi_thread")]
async fn captions_are_questions_and_what_has_no_words_is_kept_and_answered_politely() {
    let (bot, _programs) = bot(Receiving::Polling, &[]).await;
    bot.telegram.say_with(Say::by(ANNA).photo("p1").text("what is this"));
    bot.shows(ANNA, "Scripted answer to: what is this").await;
    bot.telegram.say_with(Say::by(BORIS).voice("v1"));
    bot.says(BORIS, "Голосовые").await;
    bot.assert_quiet().await;
    let kept = "SELECT count(*) FROM messages WHERE attachment IS NOT NULL";
    assert_eq!(bot.installation.count(kept).await, 2);
    // Three pictures sent as one are answered once.
    for file in ["a", "b", "c"] {
        bot.telegram.say_with(Say::by(BORIS).photo(file).album("album"));
    }
    bot.assert_quiet().await;
    assert_eq!(bot.telegram.seen(BORIS).len(), 2, "{:?}", bot.telegram.screen(BORIS));
    assert_eq!(bot.installation.count(kept).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_question_is_asked_anew_while_it_is_open_and_not_afterwards() {
    let (bot, _programs) = bot(Receiving::Polling, &[]).await;
    let asked = bot.telegram.say(ANNA, "hello #wait=3000ms");
    eventually("the turn to be open", || async {
        (bot.installation.count("SELECT count(*) FROM turns WHERE stage = 'answer'").await == 1).then_some(())
    })
    .await;
    bot.telegram.edit(asked, "goodbye");
    bot.shows(ANNA, "Scripted answer to: goodbye").await;
    bot.telegram.edit(asked, "once more");
    bot.assert_quiet().await;
    assert_eq!(bot.telegram.screen(ANNA), ["Scripted answer to: goodbye"]);
    assert_eq!(bot.installation.count("SELECT count(*) FROM turns WHERE state = 'superseded'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn clear_drops_what_is_open() {
    let (bot, _programs) = bot(Receiving::Polling, &[]).await;
    bot.telegram.say(ANNA, "hello #wait=3000ms");
    eventually("the turn to be open", || async {
        (bot.installation.count("SELECT count(*) FROM turns WHERE stage = 'answer'").await == 1).then_some(())
    })
    .await;
    bot.telegram.say(ANNA, "/clear");
    bot.telegram.say(ANNA, "and now");
    bot.shows(ANNA, "Scripted answer to: and now").await;
    bot.assert_quiet().await;
    assert_eq!(bot.telegram.seen(ANNA).len(), 2, "cleared, and the answer: {:?}", bot.telegram.screen(ANNA));
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_group_the_bot_answers_only_who_speaks_to_it_and_in_the_right_topic() {
    let (bot, _programs) = bot(Receiving::Polling, &[]).await;
    let telegram = &bot.telegram;
    telegram.group(GROUP, "Users", true);
    let topic = telegram.create_topic(GROUP, "Help");
    let mention = format!("@{} how", telegram.username());
    telegram.say_with(Say::by(ANNA).in_chat(GROUP).text("just chatting"));
    telegram.say_with(Say::by(ANNA).in_chat(GROUP).topic(topic).text(&mention));
    telegram.say_with(Say::by(BORIS).in_chat(GROUP).text("/ask@other_bot not us"));
    telegram.say_with(Say::by(BORIS).in_chat(GROUP).text(&format!("/ask@{} why", telegram.username())));
    bot.shows(GROUP, "Scripted answer to: how").await;
    bot.shows(GROUP, "Scripted answer to: why").await;
    bot.assert_quiet().await;
    assert_eq!(telegram.screen_in(GROUP, topic), ["Scripted answer to: how"]);
    assert_eq!(telegram.seen(GROUP).len(), 2, "{:?}", telegram.screen(GROUP));
    assert!(telegram.seen(GROUP).iter().all(|seen| seen.reply_to.is_some()), "it answers a message");
    // Of what was not said to us nothing is kept.
    let overheard = "SELECT count(*) FROM inbox WHERE payload::text LIKE '%chatting%'";
    assert_eq!(bot.installation.count(overheard).await, 0);
    // A reply to the bot is said to it.
    let answer =
        telegram.seen(GROUP).into_iter().find(|seen| seen.text().contains("why")).expect("it is there");
    telegram.say_with(Say::by(BORIS).in_chat(GROUP).text("and then").reply_to(answer.id));
    bot.shows(GROUP, "Scripted answer to: and then").await;
}

/// In a group a placeholder stands for the answer: when the question is changed, it says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_in_a_group_that_is_changed_leaves_no_empty_message() {
    let (bot, _programs) = bot(Receiving::Polling, &[]).await;
    bot.telegram.group(GROUP, "Users", false);
    let ask = |text: &str| format!("/ask@{} {text}", bot.telegram.username());
    let asked = bot.telegram.say_with(Say::by(ANNA).in_chat(GROUP).text(&ask("hello #wait=60000ms")));
    bot.shows(GROUP, "…").await;
    bot.telegram.edit(asked, &ask("goodbye"));
    bot.shows(GROUP, "Scripted answer to: goodbye").await;
    bot.assert_quiet().await;
    let screen = bot.telegram.screen(GROUP);
    assert!(screen[0].contains("changed the question"), "{screen:?}");
    assert_eq!(screen.len(), 2, "{screen:?}");
}

/// Typing fades after five seconds, and an answer may take longer.
#[tokio::test(flavor = "multi_thread")]
async fn typing_goes_on_in_a_group_as_long_as_the_answer_is_being_made() {
    let (bot, _programs) = bot(Receiving::Polling, &[]).await;
    bot.telegram.group(GROUP, "Users", false);
    let text = format!("/ask@{} hello #wait=60000ms", bot.telegram.username());
    bot.telegram.say_with(Say::by(ANNA).in_chat(GROUP).text(&text));
    let typed = eventually("typing three times", || async {
        let typed = bot.telegram.typing(GROUP);
        (typed.len() >= 3).then_some(typed)
    })
    .await;
    let pauses: Vec<Duration> = typed.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses.iter().all(|pause| *pause < Duration::from_millis(5_500)), "{pauses:?}");
    bot.telegram.say_with(Say::by(ANNA).in_chat(GROUP).text(&format!("/clear@{}", bot.telegram.username())));
    bot.assert_quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_chats_are_answered_side_by_side() {
    let (bot, _programs) = bot(Receiving::Webhook, &[]).await;
    for person in 0..1000 {
        bot.telegram.person(5000 + person, "Person", "en");
        bot.telegram.say(5000 + person, &format!("question {person} #wait=500ms"));
    }
    let began = std::time::Instant::now();
    for person in 0..1000 {
        bot.shows(5000 + person, &format!("Scripted answer to: question {person} #wait=500ms")).await;
    }
    // One after the other they would take more than eight minutes.
    testkit::measured(
        "a thousand chats that ask at once, each answer half a second in the making",
        began.elapsed(),
    );
    bot.assert_quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_answer_with_code_and_emoji_arrives_whole_and_valid() {
    let (bot, _programs) = bot(Receiving::Polling, &[]).await;
    let code = "```rust\nfn main() { println!(\"приве́т 👩‍👩‍👧\"); }\n```";
    let question = format!("#times=3\n\n{}\n\n{code}", "Длинный вопрос 😀 о том о сём. ".repeat(100));
    bot.telegram.say(ANNA, &question);
    eventually("the whole answer", || async {
        let text: String = bot.telegram.screen(ANNA).concat();
        (text.matches("fn main()").count() == 3).then_some(())
    })
    .await;
    bot.assert_quiet().await;
    let seen = bot.telegram.seen(ANNA);
    let units: usize = seen.iter().map(|seen| seen.text().encode_utf16().count()).sum();
    assert!(seen.len() >= 3 && units > 9_000, "{} messages, {units} units", seen.len());
    let words: usize = seen.iter().map(|seen| seen.text().matches("Длинный").count()).sum();
    assert_eq!(words, 300, "nothing is missing");
    let blocks = seen.iter().flat_map(|seen| &seen.entities).filter(|entity| entity["type"] == "pre").count();
    assert_eq!(blocks, 3, "each code block is whole");
    assert!(seen.iter().rev().skip(1).all(|seen| seen.buttons.is_empty()), "buttons are under the last");
    assert!(!seen.last().expect("there are some").buttons.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_grows_in_a_draft_and_the_draft_changes_no_message() {
    let (bot, _programs) = bot(Receiving::Polling, &[]).await;
    bot.telegram.say(ANNA, "tell me a long story #stream=300ms");
    eventually("a draft that grows", || async {
        bot.telegram.drafts(ANNA).iter().any(|draft| draft.texts.len() > 2).then_some(())
    })
    .await;
    bot.says(ANNA, "Scripted answer to: tell me").await;
    bot.assert_quiet().await;
    let drafts = bot.telegram.drafts(ANNA);
    assert_eq!(drafts.len(), 1);
    assert_eq!(drafts[0].texts[0], "", "it begins empty");
    assert!(drafts[0].ended.is_some(), "the message ended it");
    assert_eq!(bot.telegram.late_drafts(), 0);
    assert_eq!(bot.telegram.seen(ANNA).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_press_is_acknowledged_and_counted() {
    let (bot, _programs) = bot(Receiving::Polling, &[]).await;
    bot.telegram.say(ANNA, "hello");
    bot.shows(ANNA, "Scripted answer to: hello").await;
    let seen = bot.telegram.seen(ANNA).remove(0);
    for (button, helped) in [(0, "true"), (1, "false")] {
        let data = seen.buttons[button].callback_data.clone().expect("it does something");
        bot.telegram.press(ANNA, ANNA, seen.id, &data);
        eventually("the press to be counted", || async {
            let sql = if helped == "true" {
                "SELECT count(*) FROM feedback WHERE helped"
            } else {
                "SELECT count(*) FROM feedback WHERE NOT helped"
            };
            (bot.installation.count(sql).await == 1).then_some(())
        })
        .await;
    }
    bot.telegram.press(ANNA, ANNA, seen.id, "from another age");
    eventually("every press to be acknowledged", || async {
        (bot.telegram.callback_answers().len() == 3).then_some(())
    })
    .await;
    bot.assert_quiet().await;
    assert_eq!(bot.installation.count("SELECT count(*) FROM feedback").await, 1, "the last word counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_much_is_told_so_and_others_are_answered() {
    let env =
        [("VECTORA__WORKERS__CONTACT_RATE__INTERVAL", "1h"), ("VECTORA__WORKERS__CONTACT_RATE__BURST", "2")];
    let (bot, _programs) = bot(Receiving::Polling, &env).await;
    for n in 0..5 {
        bot.telegram.say(ANNA, &format!("question {n}"));
    }
    bot.telegram.say(BORIS, "hello");
    bot.shows(BORIS, "Scripted answer to: hello").await;
    bot.says(ANNA, "second").await;
    bot.assert_quiet().await;
    assert_eq!(bot.installation.count("SELECT count(*) FROM messages").await, 3);
    let told = bot.telegram.screen(ANNA).iter().filter(|text| text.contains("second")).count();
    assert_eq!(told, 1, "told once: {:?}", bot.telegram.screen(ANNA));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_bot_says_so_and_answers_when_it_goes_on() {
    let (bot, _programs) = bot(Receiving::Polling, &[]).await;
    bot.telegram.say(ANNA, "before");
    bot.shows(ANNA, "Scripted answer to: before").await;
    let mut pause = bot.installation.start(&["telegram", "pause", "--notice", "back at nine"], &[]);
    assert!(pause.ended().await.success(), "{}", pause.output());
    bot.telegram.say(ANNA, "meanwhile");
    bot.shows(ANNA, "back at nine").await;
    assert_eq!(bot.installation.count("SELECT count(*) FROM turns").await, 1);
    let mut resume = bot.installation.start(&["telegram", "resume"], &[]);
    assert!(resume.ended().await.success(), "{}", resume.output());
    bot.shows(ANNA, "Scripted answer to: meanwhile").await;
    bot.assert_quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_blocked_the_bot_is_gone_and_comes_back_by_writing() {
    let (bot, _programs) = bot(Receiving::Polling, &[]).await;
    bot.telegram.say(ANNA, "hello #wait=500ms");
    bot.telegram.block(ANNA);
    eventually("her to be gone", || async {
        let gone = "SELECT count(*) FROM contacts WHERE gone_at IS NOT NULL";
        (bot.installation.count(gone).await == 1).then_some(())
    })
    .await;
    bot.installation.assert_finished().await;
    bot.telegram.unblock(ANNA);
    bot.telegram.say(ANNA, "I am back");
    bot.shows(ANNA, "Scripted answer to: I am back").await;
    assert_eq!(bot.installation.count("SELECT count(*) FROM contacts WHERE gone_at IS NOT NULL").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_became_another_gets_its_answer_there() {
    let (bot, _programs) = bot(Receiving::Polling, &[]).await;
    bot.telegram.group(GROUP, "Users", false);
    let ask = format!("/ask@{} hello #wait=700ms", bot.telegram.username());
    bot.telegram.say_with(Say::by(ANNA).in_chat(GROUP).text(&ask));
    eventually("the placeholder", || async { (bot.telegram.screen(GROUP) == ["…"]).then_some(()) }).await;
    let moved = bot.telegram.migrate(GROUP);
    bot.says(moved, "Scripted answer to: hello").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_erased_with_everything_they_said() {
    let (bot, _programs) = bot(Receiving::Polling, &[]).await;
    bot.telegram.say(ANNA, "my secret number");
    bot.says(ANNA, "my secret number").await;
    bot.assert_quiet().await;
    let mut erase = bot.installation.start(&["telegram", "erase", &ANNA.to_string()], &[]);
    assert!(erase.ended().await.success(), "{}", erase.output());
    let left = "SELECT (SELECT count(*) FROM inbox WHERE payload::text LIKE '%secret%')
        + (SELECT count(*) FROM messages WHERE text LIKE '%secret%')
        + (SELECT count(*) FROM answers WHERE text LIKE '%secret%')
        + (SELECT count(*) FROM outbound WHERE text LIKE '%secret%' OR content::text LIKE '%secret%')
        + (SELECT count(*) FROM retrievals WHERE found::text LIKE '%secret%')
        + (SELECT count(*) FROM contacts WHERE name LIKE '%Anna%')";
    assert_eq!(bot.installation.count(left).await, 0);
    bot.telegram.say(ANNA, "hello again");
    bot.shows(ANNA, "Scripted answer to: hello again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_of_one_chat_stay_in_order_while_others_go_on() {
    let (bot, _programs) = bot(Receiving::Webhook, &[]).await;
    for n in 0..5 {
        bot.telegram.say(ANNA, &format!("line {n}"));
    }
    for person in 0..20 {
        bot.telegram.person(1000 + person, "Person", "en");
        bot.telegram.say(1000 + person, "hello");
    }
    for person in 0..20 {
        bot.shows(1000 + person, "Scripted answer to: hello").await;
    }
    bot.assert_quiet().await;
    let all = bot.telegram.screen(ANNA).join("\n");
    let places: Vec<usize> =
        (0..5).map(|n| all.find(&format!("line {n}")).expect("it was answered")).collect();
    assert!(places.is_sorted(), "{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_shared_by_all_senders_of_a_bot() {
    let (bot, _programs) = bot(Receiving::Webhook, &[]).await;
    let _more = [bot.worker(&[]).await, bot.worker(&[]).await];
    for n in 0..4 {
        bot.telegram.say(ANNA, &format!("/ask question {n}"));
        bot.shows(ANNA, &format!("Scripted answer to: question {n}")).await;
    }
    bot.assert_quiet().await;
    let times = bot.telegram.call_times_of("sendMessage");
    testkit::measured("four answers in one chat", times[times.len() - 1] - times[0]);
    assert!(bot.telegram.limited() <= 2, "the limiter knows the limit: {}", bot.telegram.limited());
    assert!(times[times.len() - 1] - times[0] > Duration::from_secs(2));
}
