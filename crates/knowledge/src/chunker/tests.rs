use contract::Block;

use super::*;

fn heading(level: u8, text: &str) -> Block {
    Block::Heading { level, text: text.to_owned() }
}

fn paragraph(text: &str) -> Block {
    Block::Paragraph { text: text.to_owned() }
}

fn document(blocks: Vec<Block>) -> Document {
    Document { title: Some("Guide".to_owned()), blocks, ..Document::default() }
}

fn of(blocks: Vec<Block>) -> Vec<Chunk> {
    chunks(&document(blocks), "file.md")
}

fn prose(sentences: usize) -> String {
    let all: Vec<_> =
        (0..sentences).map(|n| format!("Sentence number {n} says something about topic {n}.")).collect();
    all.join(" ")
}

#[test]
fn a_chunk_never_crosses_a_heading_and_knows_the_headings_above_it() {
    let found = of(vec![
        paragraph("Intro."),
        heading(2, "Install"),
        paragraph("Short."),
        heading(3, "Linux"),
        paragraph("Use apt."),
        heading(2, "Use"),
        paragraph("Run it."),
    ]);
    let paths: Vec<_> = found.iter().map(|chunk| (chunk.heading.join(" › "), chunk.text.as_str())).collect();
    assert_eq!(
        paths,
        [
            (String::new(), "Intro."),
            ("Install".to_owned(), "Short."),
            ("Install › Linux".to_owned(), "Use apt."),
            ("Use".to_owned(), "Run it."),
        ]
    );
    assert!(found.iter().all(|chunk| chunk.title == "Guide"));
}

#[test]
fn the_title_falls_back_to_the_one_given() {
    let untitled = Document { blocks: vec![paragraph("Text.")], ..Document::default() };
    assert_eq!(chunks(&untitled, "readme").first().expect("one").title, "readme");
}

#[test]
fn headings_with_nothing_below_them_are_text_of_the_section_above() {
    let found = of(vec![
        heading(2, "Questions"),
        heading(3, "Why?"),
        heading(3, "How?"),
        heading(2, "Next"),
        paragraph("Text."),
    ]);
    let found: Vec<_> = found.iter().map(|chunk| (chunk.heading.join("/"), chunk.text.as_str())).collect();
    assert_eq!(found, [("Questions".to_owned(), "Why?\n\nHow?"), ("Next".to_owned(), "Text.")]);
}

#[test]
fn long_prose_is_cut_between_sentences_to_about_the_target() {
    let found = of(vec![paragraph(&prose(100))]);
    assert!(found.len() >= 5, "{}", found.len());
    for chunk in &found {
        assert!(chunk.text.ends_with('.') && chunk.text.starts_with("Sentence"), "{}", chunk.text);
        assert!(chunk.text.chars().count() <= pack::MAX);
    }
    let joined: Vec<_> = found.iter().map(|chunk| chunk.text.as_str()).collect();
    assert_eq!(joined.join(" "), prose(100));
}

#[test]
fn a_line_without_end_is_cut_and_nothing_is_lost() {
    let line = "я".repeat(50_000);
    let found = of(vec![paragraph(&line)]);
    assert!(found.iter().all(|chunk| chunk.text.chars().count() <= pack::MAX));
    // Identical parts are given once.
    assert_eq!(found.len(), 2);
}

#[test]
fn steps_stay_whole_and_with_the_line_that_introduces_them() {
    let items: Vec<String> =
        (0..10).map(|n| format!("Press button {n} and wait until the lamp is on.")).collect();
    let found = of(vec![
        paragraph(&prose(25)),
        paragraph("Do this:"),
        Block::List { ordered: true, items: items.clone() },
    ]);
    let steps = &found.last().expect("steps").text;
    assert!(steps.starts_with("Do this:\n\n1. Press button 0"), "{steps}");
    assert!(steps.contains("10. Press button 9"), "{steps}");
}

#[test]
fn deeper_items_are_indented_and_not_numbered() {
    let items = vec!["One".to_owned(), "  below".to_owned(), "Two".to_owned()];
    let found = of(vec![Block::List { ordered: true, items }]);
    assert_eq!(found.first().expect("one").text, "1. One\n  - below\n2. Two");
}

#[test]
fn items_that_carry_their_number_get_no_mark_and_their_other_lines_stand_below() {
    let items = vec!["3. Press Save\nand wait".to_owned(), "  below\nit".to_owned(), "4. Done".to_owned()];
    let found = of(vec![Block::List { ordered: false, items }]);
    assert_eq!(found.first().expect("one").text, "3. Press Save\n  and wait\n  - below\n    it\n4. Done");
}

#[test]
fn a_list_that_is_too_long_is_cut_between_items_and_keeps_its_numbers() {
    let items: Vec<String> =
        (0..60).map(|n| format!("Item {n} has some words to make it longer than others.")).collect();
    let found = of(vec![Block::List { ordered: true, items }]);
    assert!(found.len() > 2);
    let joined: Vec<_> = found.iter().map(|chunk| chunk.text.as_str()).collect();
    let joined = joined.join("\n");
    assert_eq!(joined.lines().count(), 60);
    assert!(joined.ends_with("60. Item 59 has some words to make it longer than others."));
}

#[test]
fn a_table_that_is_cut_repeats_its_header() {
    let rows: Vec<Vec<String>> =
        (0..100).map(|n| vec![format!("option-{n}"), format!("what option {n}\ndoes")]).collect();
    let found = of(vec![Block::Table { header: vec!["Name".to_owned(), "Meaning".to_owned()], rows }]);
    assert!(found.len() > 2);
    for chunk in &found {
        assert!(chunk.text.starts_with("Name | Meaning\noption-"), "{}", chunk.text);
        assert!(chunk.text.chars().count() <= pack::MAX);
    }
}

#[test]
fn code_stays_whole_up_to_its_limit_and_is_cut_between_lines_beyond_it() {
    let code = |lines: usize| {
        let lines: Vec<_> = (0..lines).map(|n| format!("key-{n}: value number {n}")).collect();
        Block::Code { language: Some("yaml".to_owned()), text: lines.join("\n") }
    };
    let whole = of(vec![paragraph("Write this manifest:"), code(100)]);
    assert_eq!(whole.len(), 1);
    let text = &whole.first().expect("one").text;
    assert!(
        text.starts_with("Write this manifest:\n\n```yaml\nkey-0:") && text.ends_with("value number 99\n```")
    );
    let cut = of(vec![code(1_000)]);
    assert!(cut.len() > 5);
    assert!(cut.iter().all(|chunk| chunk.text.starts_with("```yaml\nkey-") && chunk.text.ends_with("\n```")));
}

#[test]
fn code_that_holds_a_fence_gets_a_longer_one() {
    let found = of(vec![Block::Code { language: None, text: "```\ninner\n```".to_owned() }]);
    assert_eq!(found.first().expect("one").text, "````\n```\ninner\n```\n````");
}

#[test]
fn the_same_chunk_twice_is_given_once() {
    let found = of(vec![heading(2, "A"), paragraph("Same."), heading(2, "A"), paragraph("Same.")]);
    assert_eq!(found.len(), 1);
}

#[test]
fn a_small_rest_joins_the_chunk_before_it() {
    let found = of(vec![paragraph(&prose(24)), paragraph("And that is all there is to say.")]);
    assert_eq!(found.len(), 1);
}

#[test]
fn the_hash_sees_where_one_part_ends() {
    let chunk = |title: &str, heading: &[&str], text: &str| Chunk {
        title: title.to_owned(),
        heading: heading.iter().map(|&part| part.to_owned()).collect(),
        text: text.to_owned(),
    };
    let hashes = [
        chunk("ab", &[], "c"),
        chunk("a", &[], "bc"),
        chunk("a", &["b"], "c"),
        chunk("", &["a", "b"], "c"),
        chunk("", &["ab"], "c"),
    ]
    .map(|chunk| chunk.hash());
    let distinct: HashSet<_> = hashes.iter().collect();
    assert_eq!(distinct.len(), hashes.len());
}

#[test]
fn a_heading_of_a_megabyte_is_not_repeated_in_every_chunk() {
    let found = of(vec![heading(1, &"word ".repeat(200_000)), paragraph(&prose(100))]);
    assert!(found.iter().all(|chunk| chunk.heading.iter().all(|heading| heading.chars().count() <= 201)));
}

#[test]
fn a_document_without_text_has_no_chunks() {
    assert_eq!(of(vec![]), vec![]);
    assert_eq!(
        of(vec![paragraph(" \n"), Block::List { ordered: false, items: vec![String::new()] }]),
        vec![]
    );
}
