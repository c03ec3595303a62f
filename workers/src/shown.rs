//! How an answer looks on a channel that delivers.

use contract::{Action, Answer, AnswerKind, Channel, Chat, Content, Phrase};
use store::turns::Turn;

/// What a person is shown of an answer, on a channel that delivers.
pub(crate) fn contents(turn: &Turn, answer: &Answer) -> Vec<Content> {
    match turn.channel {
        Channel::Telegram => on_telegram(turn, answer),
        Channel::Rest | Channel::Loopback => Vec::new(),
    }
}

/// The messages of an answer on Telegram: its text with links to the sources, what does not fit into the first message
/// in further ones, the buttons under the last.
fn on_telegram(turn: &Turn, answer: &Answer) -> Vec<Content> {
    let sources = Phrase::Sources.text(turn.language);
    let mut content = ::telegram::answer(&answer.text, &answer.citations, &sources);
    // In a group one sees whom it answers.
    let group = turn.address.parse::<Chat>().is_ok_and(Chat::is_group);
    content.reply_to = turn.reply_to.clone().filter(|_| group);
    let button = |action: Action| action.button(turn.language);
    let human = vec![button(Action::Human)];
    content.buttons = if answer.kind == AnswerKind::Answered {
        vec![vec![button(Action::Helped(turn.id)), button(Action::NotHelped(turn.id))], human]
    } else {
        vec![human]
    };
    ::telegram::split(&content, ::telegram::LIMIT)
}

/// As much of an unfinished answer as fits into a draft: its end, because that is where it grows.
pub(crate) fn draft(text: &str) -> String {
    let units = text.encode_utf16().count();
    if units <= ::telegram::LIMIT {
        return text.to_owned();
    }
    let mut over = units - (::telegram::LIMIT - 1);
    let rest = text.trim_start_matches(|letter: char| {
        let gone = over > 0;
        over = over.saturating_sub(letter.len_utf16());
        gone
    });
    format!("…{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_shows_the_end_of_what_is_too_long() {
        assert_eq!(draft("short"), "short");
        let shown = draft(&format!("{}end 😀", "😀".repeat(3000)));
        assert!(shown.starts_with('…') && shown.ends_with("end 😀"));
        assert!(shown.encode_utf16().count() <= ::telegram::LIMIT);
    }
}
