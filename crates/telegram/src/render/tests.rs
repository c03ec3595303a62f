use contract::{Citation, Content, Span, Style};

use super::*;
use crate::spans::tests::{check, span};

/// The text, and each span as its own text with its style.
fn shown(content: &Content) -> (&str, Vec<(String, Style)>) {
    check(content);
    let units: Vec<u16> = content.text.encode_utf16().collect();
    let part = |span: &Span| {
        let text = &units[span.start as usize..(span.start + span.length) as usize];
        (String::from_utf16(text).expect("whole characters"), span.style.clone())
    };
    (&content.text, content.spans.iter().map(part).collect())
}

fn seen(markdown: &str, text: &str, spans: &[(&str, Style)]) {
    let content = render(markdown);
    let expected = spans.iter().map(|(text, style)| ((*text).to_owned(), style.clone())).collect();
    assert_eq!(shown(&content), (text, expected));
}

fn link(url: &str) -> Style {
    Style::Link { url: url.to_owned() }
}

fn pre(language: &str) -> Style {
    Style::Pre { language: (!language.is_empty()).then(|| language.to_owned()) }
}

#[test]
fn a_text_without_markup_is_unchanged() {
    for text in [
        "",
        "Привет! Как дела? 👋🏽",
        "one\ntwo\n\n\nthree",
        "  set in\n   a little",
        "snake_case_name, a < b && c > d, 5 * 3, ~10, C:\\dir, AT&T, x@y.z, [1], [1][2], #tag",
        "1998 was long ago; 100% of it.",
    ] {
        assert_eq!(render(text), Content::plain(text));
        assert_eq!(render(&format!("{text} \n\n")), Content::plain(text));
    }
}

#[test]
fn characters_within_words_survive_beside_markup() {
    seen(
        "**b** 2*3*4, a_b_c, Vec<T>, ~5 и ~6~, &lt;",
        "b 2*3*4, a_b_c, Vec<T>, ~5 и ~6~, <",
        &[("b", Style::Bold)],
    );
    seen("**b** <b>x</b> [1] [^2] \\*", "b <b>x</b> [1] [^2] *", &[("b", Style::Bold)]);
    seen("<div>\n*x*\n</div>", "<div>\n*x*\n</div>", &[]);
}

#[test]
fn emphasis_counts_in_utf16() {
    seen(
        "👋🏽 **жирный *и косой*** ~~нет~~ `код`",
        "👋🏽 жирный и косой нет код",
        &[
            ("жирный и косой", Style::Bold),
            ("и косой", Style::Italic),
            ("нет", Style::Strikethrough),
            ("код", Style::Code),
        ],
    );
}

#[test]
fn headings_are_bold_lines() {
    seen(
        "# Один\nтекст\n\n## **Два**\n\nтекст",
        "Один\nтекст\n\nДва\n\nтекст",
        &[("Один", Style::Bold), ("Два", Style::Bold)],
    );
}

#[test]
fn lists_keep_their_numbers_and_depth() {
    seen("Шаги:\n- a\n  - b\n    ещё\n- c", "Шаги:\n• a\n  • b\n    ещё\n• c", &[]);
    seen("3. a\n3. b\n\n   more\n", "3. a\n4. b\n\n  more", &[]);
    seen("1) a\n2) **b**", "1) a\n2) b", &[("b", Style::Bold)]);
    seen("-\n- b", "• \n• b", &[]);
}

#[test]
fn code_keeps_its_lines_and_language() {
    seen(
        "Вот:\n```rust ignore\nfn f() {\n    *x\n}\n```\nвсё",
        "Вот:\nfn f() {\n    *x\n}\nвсё",
        &[("fn f() {\n    *x\n}", pre("rust"))],
    );
    seen("a\n\n    b\n    c", "a\n\nb\nc", &[("b\nc", pre(""))]);
    seen("- ```\n  x\n  ```", "• \nx", &[("x", pre(""))]);
    seen("```\n```", "", &[]);
}

#[test]
fn only_addresses_that_open_become_links() {
    seen(
        "[так](https://x.y/z) [почта](mailto:a@b.c) [чат](tg://resolve?domain=x)",
        "так почта чат",
        &[
            ("так", link("https://x.y/z")),
            ("почта", link("mailto:a@b.c")),
            ("чат", link("tg://resolve?domain=x")),
        ],
    );
    seen("[a](javascript:x) [b](/local) ![alt](https://x.y/i.png)", "a b alt", &[]);
    seen("<https://x.y>", "https://x.y", &[("https://x.y", link("https://x.y"))]);
    seen("[1](https://x.y)", "[1]", &[("[1]", link("https://x.y"))]);
}

#[test]
fn a_quotation_is_a_span() {
    seen(
        "он:\n> a\n>\n> **b**\n\nконец",
        "он:\na\n\nb\n\nконец",
        &[("a\n\nb", Style::Quote), ("b", Style::Bold)],
    );
    seen("> > a\n> b", "a\nb", &[("a\nb", Style::Quote)]);
    seen("> ```\n> x\n> ```", "x", &[("x", Style::Quote), ("x", pre(""))]);
}

#[test]
fn a_table_is_aligned() {
    let table = "Имя     | Цена\n--------+-----\nстол    |  100\n👋 стул |    5";
    seen("| Имя | Цена |\n|---|--:|\n| **стол** | `100` |\n| 👋 стул | 5 |", table, &[(table, pre(""))]);
}

fn citation(number: u32, title: &str, section: Option<&str>, url: Option<&str>) -> Citation {
    let owned = |text: &str| text.to_owned();
    Citation {
        number,
        title: owned(title),
        section: section.map(owned),
        url: url.map(owned),
        quote: String::new(),
    }
}

#[test]
fn an_answer_lists_its_sources() {
    let citations = [
        citation(1, "Пароли", Some("Смена"), Some("https://x.y/1")),
        citation(2, "Файл", None, None),
        citation(3, "Не названный\nнигде", None, Some("https://x.y/3")),
    ];
    let content = answer("👋 **Так** [1], так [2] и `[1]` [9].", &citations, "Источники");
    let expected = vec![
        ("Так".to_owned(), Style::Bold),
        ("[1]".to_owned(), link("https://x.y/1")),
        ("[1]".to_owned(), Style::Code),
        ("Источники".to_owned(), Style::Bold),
        ("[1] Пароли › Смена".to_owned(), link("https://x.y/1")),
        ("[3] Не названный нигде".to_owned(), link("https://x.y/3")),
    ];
    let text =
        "👋 Так [1], так [2] и [1] [9].\n\nИсточники\n[1] Пароли › Смена\n[2] Файл\n[3] Не названный нигде";
    let (seen, mut spans) = shown(&content);
    assert_eq!(seen, text);
    spans.sort_by_key(|(text, style)| expected.iter().position(|one| *one == (text.clone(), style.clone())));
    assert_eq!(spans, expected);
}

#[test]
fn an_answer_without_citations_has_no_list() {
    assert_eq!(answer("Да [1].", &[], "Sources"), Content::plain("Да [1]."));
    let content = answer("", &[citation(1, "T", None, None)], "Sources");
    let heading = span(0, 7, Style::Bold);
    assert_eq!(content, Content { spans: vec![heading], ..Content::plain("Sources\n[1] T") });
}
