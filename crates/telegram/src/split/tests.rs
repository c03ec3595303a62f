use contract::{Button, CopyOf};

use super::*;
use crate::spans::is_code;
use crate::spans::tests::{check, span};

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

fn visible(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// Splits, and checks what holds for every text.
fn checked(content: &Content, limit: usize) -> Vec<Content> {
    let parts = split(content, limit);
    let mut joined = String::new();
    for part in &parts {
        assert!(units(&part.text) <= limit, "{} units: {:?}", units(&part.text), part.text);
        assert!(!part.text.trim().is_empty(), "an empty part");
        check(part);
        joined.push_str(&visible(&part.text));
    }
    assert_eq!(joined, visible(&content.text));
    parts
}

fn texts(text: &str, limit: usize) -> Vec<String> {
    checked(&Content::plain(text), limit).into_iter().map(|part| part.text).collect()
}

#[test]
fn a_short_text_is_one_part() {
    let content = Content { spans: vec![span(0, 5, Style::Bold)], ..Content::plain("Hello, world") };
    assert_eq!(split(&content, LIMIT), [content]);
    assert!(split(&Content::plain(" \n "), LIMIT).is_empty());
}

#[test]
fn a_long_answer_is_split_between_paragraphs() {
    let one = "Первый абзац. Здесь два предложения.";
    let two = "Второй абзац,\nв две строки.";
    assert_eq!(texts(&format!("{one}\n\n{two}"), 50), [one, two]);
}

#[test]
fn without_paragraphs_it_is_split_between_lines_then_sentences_then_words() {
    assert_eq!(texts("one two. three\nfour five", 16), ["one two. three", "four five"]);
    assert_eq!(texts("One two. Three four", 14), ["One two.", "Three four"]);
    assert_eq!(texts("alpha beta gamma", 12), ["alpha beta", "gamma"]);
    assert_eq!(texts("abcdefghij", 4), ["abcd", "efgh", "ij"]);
}

#[test]
fn an_early_paragraph_is_no_message_of_its_own() {
    let text = format!("Да.\n\n{}", "слово ".repeat(20));
    assert_eq!(texts(&text, 60).len(), 3);
}

#[test]
fn no_emoji_flag_or_accent_is_cut() {
    for sign in ["👨‍👩‍👧‍👦", "🇷🇺", "👋🏽", "é", "☺️", "й"] {
        for limit in 11..14 {
            for part in texts(&sign.repeat(12), limit) {
                assert_eq!(part.replace(sign, ""), "", "{sign} was cut");
            }
        }
    }
}

#[test]
fn links_and_code_stay_whole() {
    let text = "see the long name of a page here";
    for style in [Style::Code, Style::Link { url: "https://example.org".to_owned() }] {
        let content = Content { spans: vec![span(4, 18, style.clone())], ..Content::plain(text) };
        let parts = checked(&content, 20);
        assert_eq!(parts[1].text, "the long name of a page".get(..18).expect("18"));
        assert_eq!(parts[1].spans, [span(0, 18, style)]);
    }
}

#[test]
fn a_block_of_code_moves_to_the_next_part() {
    let code = "    let x = 1;\n\n    let y = 2;";
    let text = format!("Вот так:\n{code}\nВот и всё.");
    let block = span(9, 30, Style::Pre { language: Some("rust".to_owned()) });
    let parts = checked(&Content { spans: vec![block], ..Content::plain(text) }, 36);
    let shown: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
    assert_eq!(shown, ["Вот так:", code, "Вот и всё."]);
}

#[test]
fn a_longer_block_is_cut_between_lines_and_keeps_its_language() {
    let lines: Vec<String> = (0..40).map(|line| format!("    line {line};")).collect();
    let code = lines.join("\n");
    let pre = Style::Pre { language: Some("c".to_owned()) };
    let content =
        Content { spans: vec![span(0, crate::utf16::units(&code), pre.clone())], ..Content::plain(code) };
    let parts = checked(&content, 100);
    assert!(parts.len() > 5);
    for part in parts {
        assert_eq!(part.spans, [span(0, crate::utf16::units(&part.text), pre.clone())]);
        assert!(
            part.text.lines().all(|line| line.starts_with("    line ") && line.ends_with(';')),
            "{}",
            part.text
        );
    }
}

#[test]
fn formatting_goes_on_after_a_cut() {
    let content = Content { spans: vec![span(0, 16, Style::Bold)], ..Content::plain("alpha beta gamma") };
    let parts = checked(&content, 12);
    assert_eq!(parts[0].spans, [span(0, 10, Style::Bold)]);
    assert_eq!(parts[1].spans, [span(0, 5, Style::Bold)]);
}

#[test]
fn the_first_part_replies_and_the_last_has_the_buttons() {
    let buttons = vec![vec![Button { label: "👍".to_owned(), action: "good".to_owned() }]];
    let content =
        Content { buttons: buttons.clone(), reply_to: Some("9".to_owned()), ..Content::plain("a b c") };
    let parts = checked(&content, 2);
    let replies: Vec<_> = parts.iter().map(|part| part.reply_to.as_deref()).collect();
    assert_eq!(replies, [Some("9"), None, None]);
    assert!(parts[0].buttons.is_empty() && parts[2].buttons == buttons);
    let copy = CopyOf { address: "1:2".to_owned(), message: "3".to_owned() };
    let copy = Content { copy_of: Some(copy), ..Content::default() };
    assert_eq!(split(&copy, LIMIT), [copy]);
}

#[test]
fn nine_thousand_characters_with_code_and_emoji_arrive_whole() {
    let mut markdown = String::new();
    let mut at = 0;
    while markdown.chars().count() < 9_000 {
        at += 1;
        let part = match at % 3 {
            0 => format!("```python\ndef f{at}(x):\n    return x * {at}  # 👨‍👩‍👧‍👦\n```\n\n"),
            1 => {
                format!("## Шаг {at} 🇷🇺\n\nОткройте **настройки** и нажмите `Сохранить {at}`. Готово! 👋🏽\n\n")
            }
            _ => format!("- пункт [{at}](https://example.org/{at})\n- _другой_ пункт, й и é\n\n"),
        };
        markdown.push_str(&part);
    }
    let content = crate::render(&markdown);
    let parts = checked(&content, LIMIT);
    assert!((2..=4).contains(&parts.len()), "{} parts", parts.len());
    let code = |content: &Content| content.spans.iter().filter(|span| is_code(&span.style)).count();
    assert_eq!(parts.iter().map(code).sum::<usize>(), code(&content), "a block was cut");
}

/// A generator of random numbers that is the same everywhere (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).expect("below the limit")
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }
}

#[test]
fn any_text_with_any_spans_is_split_without_loss() {
    let pieces = [
        "слово",
        "word",
        " ",
        " ",
        "\n",
        "\n\n",
        "  ",
        ". ",
        "👨‍👩‍👧‍👦",
        "🇷🇺🇺🇸",
        "👋🏽",
        "é",
        "й",
        "длинноесловобезпробелов",
        "x",
    ];
    let styles = [
        Style::Bold,
        Style::Italic,
        Style::Quote,
        Style::Code,
        Style::Spoiler,
        Style::Pre { language: Some("rust".to_owned()) },
        Style::Link { url: "https://example.org".to_owned() },
    ];
    for seed in 0..1_000 {
        let mut random = Random(seed);
        let text: String = (0..random.below(120)).map(|_| random.pick(&pieces)).collect();
        let length = units(&text);
        // Anything: also spans that cross, cut a character or lie outside.
        let spans = (0..random.below(12)).map(|_| {
            let start = u32::try_from(random.below(length + 2)).expect("small");
            span(start, u32::try_from(random.below(60)).expect("small"), random.pick(&styles))
        });
        let content = Content { spans: spans.collect(), ..Content::plain(text) };
        for limit in [4, 17, 40, 200] {
            checked(&content, limit);
        }
    }
}

#[test]
fn whatever_markdown_makes_of_a_text_its_spans_are_valid() {
    let pieces = [
        "слово ",
        "*",
        "**",
        "_",
        "~~",
        "`",
        "```rust\n",
        "```\n",
        "\n",
        "\n\n",
        "> ",
        "- ",
        "1. ",
        "# ",
        "[1]",
        "[a](https://x.y)",
        "| a | b |\n|---|--:|\n| 👋🏽 | d |\n",
        "<b>",
        "&amp;",
        "👨‍👩‍👧‍👦",
        "    ",
        "![i](u)",
        "\\",
    ];
    for seed in 0..1_000 {
        let mut random = Random(seed);
        let markdown: String = (0..random.below(40)).map(|_| random.pick(&pieces)).collect();
        let content = crate::render(&markdown);
        check(&content);
        checked(&content, 50);
    }
}
