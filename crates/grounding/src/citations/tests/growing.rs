//! A text that grows: what is shown of it stays, and in the end all is as if it had come at once.

use proptest::prelude::*;

use super::*;

#[test]
fn an_answer_is_released_in_whole_units_while_it_grows() {
    let passages = passages();
    let text = "Here is how:\n\n1. Refunds are paid within 14 days, e.g. to cards [1].\n2. Refunds go to the original card. [1]\n\nThe Pro plan costs $25 a month.[2]";
    let mut checker = Checker::new(&passages);
    let mut shown = String::new();
    let mut seen = Vec::new();
    for (end, _) in text.char_indices() {
        let now = pushed(&mut checker, &text[..end]).to_owned();
        assert!(now.starts_with(&shown), "{now:?} after {shown:?}");
        if now != shown {
            seen.push(now.clone());
        }
        shown = now;
    }
    let whole = finished(checker, text, Ended::Complete);
    assert!(whole.text.starts_with(&shown));
    assert_eq!(seen.len(), 2, "{seen:#?}");
    assert_eq!(whole, check(text, &passages));
}

#[test]
fn a_text_is_cut_up_alike_however_it_comes() {
    let passages = passages();
    for text in [
        "Refunds are paid within 14 days```\n [1]\nRefunds are paid within 14 days.",
        ".Refunds are paid within 14 days..\n [1].shop plan set pro\n",
        "Refunds are paid within 14 days```. NO_ANSWER[^1```",
        " [1](httpU.S. NO_ANSWER`)Refunds are paid within 14 days",
        ". [1](http[^1| a | b |\n",
        "shop plan set pro\n [1](http\n1. ",
    ] {
        let mut checker = Checker::new(&passages);
        for (end, _) in text.char_indices() {
            pushed(&mut checker, &text[..end]);
        }
        assert_eq!(finished(checker, text, Ended::Complete), check(text, &passages), "{text}");
    }
}

#[test]
fn a_text_that_begins_anew_is_read_anew() {
    let passages = passages();
    let mut checker = Checker::new(&passages);
    pushed(&mut checker, "Refunds are paid within 14 days [1]. And so");
    assert_eq!(pushed(&mut checker, "The Pro"), "");
    let whole = finished(checker, "The Pro plan costs $25 a month [2].", Ended::Complete);
    assert_eq!(whole.text, "The Pro plan costs $25 a month. [1]");
}

#[test]
fn a_text_that_begins_anew_as_the_one_before_began_is_read_anew() {
    let passages = passages();
    for ended in [Ended::Complete, Ended::Cut] {
        let mut checker = Checker::new(&passages);
        pushed(
            &mut checker,
            "Refunds are paid within 14 days [1]. Refunds go to the original card [1]. And so",
        );
        assert_eq!(pushed(&mut checker, "Refunds"), "", "another provider took over");
        let whole = finished(checker, "Refunds go to the original card [1].", ended);
        assert_eq!(whole.text, "Refunds go to the original card. [1]", "{ended:?}");
    }
    let mut checker = Checker::new(&passages);
    pushed(&mut checker, "Refunds are paid within 14 days [1]. Refunds go to the original card [1].");
    let whole = finished(checker, "Refunds are paid within 14 days [1].", Ended::Complete);
    assert_eq!(whole, checked("Refunds are paid within 14 days [1]."), "it said no more than this");
}

#[test]
fn a_sentence_that_was_cut_off_is_left_out() {
    let text = "Refunds are paid within 14 days [1]. Refunds go to the";
    let passages = passages();
    let whole = finished(Checker::new(&passages), text, Ended::Cut);
    assert_eq!(whole.text, "Refunds are paid within 14 days. [1]");
    assert_eq!((whole.verdict, whys(&whole)), (Verdict::Partly, vec![Why::Cut]));
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "Refunds are paid within 14 days",
        "The Pro plan costs $25 a month",
        ".",
        ". ",
        " [1]",
        "[2]",
        "[9]",
        "【1】",
        "[^1",
        "\n",
        "\n\n",
        "- ",
        "1. ",
        "# ",
        "```",
        "```\n",
        "shop plan set pro\n",
        "| a | b |\n",
        "|---|\n",
        "U.S. ",
        "e.g. ",
        "The ",
        "Army ",
        "\"",
        ")",
        "т.е. ",
        "NO_ANSWER",
        "I don't know",
        ":",
        "Sources:\n",
        "`",
        "(http",
        "ё",
        " ",
        "  ",
        "1.",
        "*",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    // A failure becomes a test of its own, not a file.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_shown_is_never_taken_back(text in prop_oneof![pieces(), any::<String>()]) {
        let passages = passages();
        let mut checker = Checker::new(&passages);
        let mut shown = String::new();
        for (end, _) in text.char_indices() {
            let now = pushed(&mut checker, &text[..end]);
            prop_assert!(now.starts_with(&shown), "{now:?} after {shown:?}");
            shown = now.to_owned();
        }
        let whole = finished(checker, &text, Ended::Complete);
        prop_assert!(whole.text.starts_with(&shown));
        prop_assert_eq!(whole, check(&text, &passages));
    }

    #[test]
    fn what_was_shown_stays_when_the_rest_is_cut_off(text in prop_oneof![pieces(), any::<String>()]) {
        let passages = passages();
        let mut checker = Checker::new(&passages);
        let mut shown = String::new();
        for (end, _) in text.char_indices() {
            shown = pushed(&mut checker, &text[..end]).to_owned();
        }
        let whole = finished(checker, &text, Ended::Cut);
        prop_assert!(whole.text.starts_with(&shown), "{:?} after {shown:?}", whole.text);
    }

    #[test]
    fn nothing_makes_it_panic(text in any::<String>(), passage in any::<String>(), cut: bool) {
        let passages = [Passage { title: &text, heading: &[], text: &passage, url: Some(&text) }];
        let ended = if cut { Ended::Cut } else { Ended::Complete };
        finished(Checker::new(&passages), &text, ended);
        finished(Checker::new(&passages), &passage, ended);
    }
}
