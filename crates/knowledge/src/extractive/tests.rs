use super::*;

fn passage<'a>(number: u32, title: &'a str, heading: &'a [String], text: &'a str) -> Passage<'a> {
    Passage { number, title, heading, text, score: 1.0 }
}

fn ask(question: &str, passages: &[Passage<'_>]) -> Extract {
    Quoter::default().answer(question, passages, Language::of(question), |_| 2.0).expect("an answer")
}

#[test]
fn the_sentence_that_answers_is_quoted_and_not_the_first() {
    let text = "Our service has three plans. Every plan includes support. The team plan costs 20 euros a month. \
        You can change it at any time.";
    let found = ask("How much is the team plan?", &[passage(7, "Plans", &[], text)]);
    assert_eq!(found.text, "The team plan costs 20 euros a month. [1]");
    let quote = "The team plan costs 20 euros a month.".to_owned();
    assert_eq!(found.citations, [Cited { passage: 7, quote }]);
}

#[test]
fn a_passage_without_a_word_of_the_question_is_quoted_from_its_beginning() {
    let text = format!("Put it into its box. A courier fetches it. {}", "Then it is sent on. ".repeat(40));
    let passage = passage(3, "", &[], &text);
    assert_eq!(Quoter::default().answer("Как вернуть зонтик?", &[passage], Language::Russian, |_| 2.0), None);
    let quoted = Quoter::default().beginning(&passage).expect("it says something");
    assert!(
        quoted.text.starts_with("Put it into its box. A courier fetches it.")
            && quoted.text.ends_with("on. [1]")
    );
    assert!(quoted.text.len() < BEGINNING + 8 && quoted.citations[0].passage == 3, "{quoted:?}");
    assert_eq!(Quoter::default().beginning(&Passage { text: "", ..passage }), None);
}

#[test]
fn steps_come_whole_and_with_their_introduction() {
    let heading = ["Reset your password".to_owned()];
    let text = "You can reset your password at any time. Links are valid for an hour.\n\nTo reset it:\n\n\
        1. Open the sign-in page.\n2. Press \"Forgot password\".\n3. Follow the link in the message.\n\n\
        Write to us if no message comes.";
    let found = ask("How do I reset my password?", &[passage(1, "Account", &heading, text)]);
    assert_eq!(
        found.text,
        "To reset it: [1]\n\n1. Open the sign-in page.\n2. Press \"Forgot password\".\n\
        3. Follow the link in the message."
    );
}

#[test]
fn code_between_steps_belongs_to_them() {
    let text = "To install the agent:\n\n1. Download it.\n\n```sh\ncurl -O agent\n```\n\n2. Start it.\n\n```sh\n./agent\n```";
    let found = ask("How do I install the agent?", &[passage(1, "", &[], text)]);
    assert!(found.text.contains("2. Start it.\n\n```sh\n./agent\n```"), "{}", found.text);
    assert!(found.text.starts_with("To install the agent: [1]\n\n1. Download it."), "{}", found.text);
}

#[test]
fn russian_questions_get_russian_sentences() {
    let russian = "Пароль хранится в виде хеша. Сменить пароль можно в разделе «Безопасность».";
    let english = "Change the password (пароль) under Security. Как сменить пароль: see below.";
    let found = ask("Где сменить пароль?", &[passage(1, "", &[], english), passage(2, "", &[], russian)]);
    assert!(found.text.starts_with("Сменить пароль можно в разделе «Безопасность»."), "{}", found.text);
    assert_eq!(found.citations.first().expect("cited").passage, 2);
}

#[test]
fn a_row_comes_with_its_header() {
    let text = "plan | price | users\nfree | 0 | 3\nteam | 20 | 50\nlarge | 90 | no limit";
    let found = ask("What is the price of team?", &[passage(1, "", &[], text)]);
    assert_eq!(found.text, "plan | price | users\nteam | 20 | 50 [1]");
    assert_eq!(found.citations.first().expect("cited").quote, "plan | price | users … team | 20 | 50");
}

#[test]
fn what_is_announced_comes_with_the_announcement() {
    let text = "General words. The export holds these files:\n\n- users.csv\n- orders.csv\n\nOther words.";
    let found = ask("Which files does the export hold?", &[passage(1, "", &[], text)]);
    assert_eq!(found.text, "The export holds these files: [1]\n\n- users.csv\n- orders.csv");
}

#[test]
fn a_mark_never_stands_inside_a_fence() {
    let text = "Use this command to restart the agent.\n\n```sh\nagent restart\n```\n\nBye.";
    let found = ask("How to restart the agent?", &[passage(1, "", &[], text)]);
    assert!(found.text.ends_with("```\n[1]"), "{}", found.text);
}

#[test]
fn passages_are_numbered_in_the_order_of_use_and_repetitions_are_left_out() {
    let one = "Backups are kept for thirty days.";
    let two = "Backups are kept for thirty days! Backups are encrypted with the key of the customer.";
    let found = ask(
        "Are backups encrypted and how long are backups kept?",
        &[passage(4, "", &[], one), passage(9, "", &[], two)],
    );
    assert_eq!(found.text.matches("thirty days").count(), 1, "{}", found.text);
    let numbers: Vec<u32> = found.citations.iter().map(|cited| cited.passage).collect();
    assert!(numbers.contains(&9), "{numbers:?}");
    for (position, _) in found.citations.iter().enumerate() {
        assert!(found.text.contains(&format!("[{}]", position + 1)));
    }
}

#[test]
fn every_quote_is_verbatim() {
    let text = "First we say something. Limits are 5 files a day (see below).\n\n- small\n- large: 7\n\nEnd of limits.";
    let passages = [passage(1, "Limits", &[], text)];
    for question in ["What are the limits?", "How many files a day?", "Is large 7?", "What is the end?"] {
        let found = ask(question, &passages);
        for cited in &found.citations {
            for part in cited.quote.split(" … ") {
                assert!(text.contains(part), "{part}");
            }
        }
    }
}

#[test]
fn there_is_no_answer_without_a_term_of_the_question() {
    let passages = [passage(1, "Plans", &[], "The team plan costs 20 euros.")];
    assert_eq!(Quoter::default().answer("Погода завтра?", &passages, Language::Russian, |_| 2.0), None);
    assert_eq!(Quoter::default().answer("Weather tomorrow?", &[], Language::English, |_| 2.0), None);
}

#[test]
fn an_answer_is_bounded() {
    let endless = "password ".repeat(5_000);
    let found =
        Quoter::default().answer("password", &[passage(1, "", &[], &endless)], Language::English, |_| 2.0);
    assert!(found.is_none_or(|found| found.text.chars().count() <= 1_500));
}

#[test]
fn a_definition_begins_with_what_is_defined() {
    let text =
        "The scheduler finds a node for a pod. A pod is a group of containers. Every pod has a pod address.";
    let found = ask("What is a pod?", &[passage(1, "", &[], text)]);
    assert!(found.text.starts_with("A pod is a group of containers."), "{}", found.text);
}

#[test]
fn a_sentence_that_points_back_comes_with_the_one_before_it() {
    let text = "General words. Exports are made at night. They are kept for thirty days. More words.";
    let found = ask("How long are they kept, days?", &[passage(1, "", &[], text)]);
    assert!(
        found.text.starts_with("Exports are made at night. They are kept for thirty days."),
        "{}",
        found.text
    );
}

#[test]
fn a_passage_that_is_remembered_is_quoted_as_one_that_is_not() {
    let text =
        "Our service has three plans. Каждый тариф включает поддержку. The team plan costs 20 euros a month.";
    let other = "The team plan can be cancelled at any time.";
    let quoter = Quoter::default();
    for question in ["How much is the team plan?", "Что включает тариф?", "How is the team plan cancelled?"]
    {
        let passages = [passage(0, "Plans", &[], text), passage(1, "Plans", &[], other)];
        let language = Language::of(question);
        let anew = Quoter::default().answer(question, &passages, language, |_| 2.0);
        assert_eq!(quoter.answer(question, &passages, language, |_| 2.0), anew, "{question}");
    }
    assert!(Arc::ptr_eq(&quoter.content(text), &quoter.clone().content(text)));
}
