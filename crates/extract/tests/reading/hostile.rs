//! Files made to use time or memory: each has a clear end, soon.

use std::time::{Duration, Instant};

use extract::{ExtractError, Resource, extract};

use crate::{reader, say};

/// Bytes of most of them.
const SIZE: usize = 512 * 1024;

/// Extension, what it is, and the file.
type Hostile = (&'static str, &'static str, String);

fn fill(unit: &str) -> String {
    unit.repeat(SIZE / unit.len())
}

/// Something else each time.
fn many(unit: impl Fn(usize) -> String) -> String {
    (0..)
        .map(unit)
        .scan(0, |size, part| {
            *size += part.len();
            (*size <= SIZE).then_some(part)
        })
        .collect()
}

/// Lists, quotes, tables, front matter.
fn markdown_blocks() -> Vec<Hostile> {
    vec![
        ("md", "lists in a line", fill("- ")),
        ("md", "lists in a staircase", many(|level| format!("{}- a\n", "  ".repeat(level)))),
        ("md", "lists as deep as allowed", format!("{}\n", "- ".repeat(100) + "a").repeat(SIZE / 200)),
        ("md", "quotes in a line", fill(">")),
        ("md", "quotes as deep as allowed", format!("{}\n", ">".repeat(100) + "a").repeat(SIZE / 100)),
        ("md", "lazy quotes", ">".repeat(100) + "a\n" + &fill("a\n")),
        ("md", "empty lines below lists", "- ".repeat(100) + "a\n" + &"\n".repeat(8_000_000)),
        ("md", "lazy quotes, all that is allowed", ">".repeat(100) + "a\n" + &"a\n".repeat(4_000_000)),
        ("md", "empty items, all that is allowed", "- ".repeat(100) + "a\n" + &"-\n".repeat(4_000_000)),
        ("md", "tags in a block", "<div>".to_owned() + &fill("<a \"")),
        ("md", "definitions", many(|n| format!("[{n}]: a\n"))),
        ("md", "definitions and uses", "[a]: ".to_owned() + &"b".repeat(2_000) + "\n\n" + &fill("[a] ")),
        ("md", "footnotes", many(|n| format!("[^{n}]: a[^{n}]\n"))),
        ("md", "tables", "|a".repeat(200) + "\n" + &"|-".repeat(200) + "\n" + &fill("|\n")),
        ("md", "wide tables", fill("|a") + "\n" + &fill("|-") + "\n" + &"|\n".repeat(10_000)),
        ("md", "headings", fill("a {#b")),
        ("md", "admonitions", fill("!!! note\n    ")),
        ("md", "front matter", format!("---\ntitle: a\nb: {}\n---\n", "[".repeat(60_000))),
        ("md", "front matter of mappings", format!("---\n{}\n---\n", "a: {".repeat(15_000))),
        ("md", "front matter of items", format!("---\na:\n{}\n---\n", "- ".repeat(30_000))),
        ("md", "definition lists", fill("a\n: ")),
        ("md", "line of 50 MB", "a".repeat(50_000_000)),
        ("txt", "line of 50 MB", "a".repeat(50_000_000)),
        ("txt", "lines of nothing", fill("\n")),
    ]
}

/// What is inside a paragraph.
fn markdown_inlines() -> Vec<Hostile> {
    vec![
        ("md", "brackets, all that is allowed", "[".repeat(8_000_000)),
        ("md", "links, all that is allowed", "[a](".repeat(2_000_000)),
        ("md", "brackets", fill("[")),
        ("md", "links", fill("[a](")),
        ("md", "images", fill("![")),
        ("md", "link text", fill("[a]")),
        ("md", "emphasis", fill("*a ")),
        ("md", "emphasis of both kinds", fill("*a_ ")),
        ("md", "strikes", fill("~~a ~")),
        ("md", "backticks", many(|n| "`".repeat(n % 700 + 1) + " ")),
        ("md", "tags", fill("<a ")),
        ("md", "comments", fill("<!--")),
        ("md", "declarations", fill("a <!A ")),
        ("md", "instructions", fill("a <?")),
        ("md", "sections", fill("a <![CDATA[")),
        ("md", "references", fill("&")),
        ("md", "shortcodes", fill("{{< ")),
        ("md", "shortcodes without an end", many(|n| format!("{{{{< tab{n} codelang=\"a\" >}}}}\n"))),
        ("md", "comments without an end", fill("{{< comment >}}\n")),
        ("md", "liquid", fill("{% ")),
        ("md", "shortcode with keys", format!("{{{{< a {} >}}}}\n", "text ".repeat(390)).repeat(250)),
        ("md", "dollars", fill("$a")),
    ]
}

/// Pages.
fn html() -> Vec<Hostile> {
    vec![
        ("html", "line of 50 MB", "a".repeat(50_000_000)),
        ("html", "lists", fill("<ul><li>")),
        ("html", "boxes", fill("<div>")),
        ("html", "formatting", many(|n| format!("<b a={n}>"))),
        ("html", "formatting in paragraphs", many(|n| format!("<p><b a={n}>"))),
        (
            "html",
            "formatting as deep as allowed",
            many(|n| format!("<i a={n}>"))[..3_000].to_owned() + &fill("<p>a"),
        ),
        ("html", "misnested", fill("<a><b></a><p></b>")),
        ("html", "adoption", fill("<b><i><p></b></i>")),
        ("html", "tables", fill("<table><tr><td>")),
        ("html", "fostering", "<table>".to_owned() + &fill("a<b>")),
        ("html", "attributes", "<a ".to_owned() + &many(|n| format!("a{n} "))[..SIZE / 8]),
        ("html", "comment", "<!--".to_owned() + &fill("--!")),
        ("html", "script", "<script>".to_owned() + &fill("<!--<script>")),
        ("html", "references", fill("&amp")),
        ("html", "templates", fill("<template>")),
        ("html", "selects", fill("<select><option>")),
        ("html", "wide cells", fill("<table><tr><td colspan=1000 rowspan=65534>a</table>")),
        ("html", "rows under a cell", "<table>".to_owned() + &fill("<tr><td colspan=1000 rowspan=65534>a")),
        ("html", "framesets", fill("<frameset>")),
        ("html", "lists as deep as allowed", "<ul><li>".repeat(250) + &fill("<li>a")),
        ("html", "paragraphs as deep as allowed", "<div>".repeat(500) + &fill("<p>a")),
    ]
}

/// The times are generous: other tests run beside it.
#[tokio::test]
async fn hostile_files_end_soon() {
    let sandbox = reader();
    let mut slow = Vec::new();
    for (extension, what, text) in markdown_blocks().into_iter().chain(markdown_inlines()).chain(html()) {
        let (size, started) = (text.len(), Instant::now());
        let result = extract(&format!("a.{extension}"), text.into_bytes(), &sandbox).await;
        let took = started.elapsed();
        let end = result.map_or_else(
            |error| {
                assert!(error.is_final(), "{extension} {what}: {error}");
                error.kind().to_owned()
            },
            |document| format!("{} blocks", document.blocks.len()),
        );
        say(&format!("{took:>12?}  {extension:4}  {what}: {end}"));
        // In this process nothing ends a reader: it has to be quick. They all take less than half a second
        // alone.
        let allowed = if extension == "html" || size > 1 << 20 { 60 } else { 10 };
        if took > Duration::from_secs(allowed) {
            slow.push(format!("{extension} {what}: {took:?}"));
        }
    }
    assert!(slow.is_empty(), "{slow:#?}");
}

#[tokio::test]
async fn a_line_of_fifty_megabytes_is_refused_and_says_why() {
    let error = extract("a.txt", vec![b'a'; 50_000_000], &reader()).await.unwrap_err();
    assert_eq!(error.to_string(), "the file holds more than 8 MiB of text; split it");
    let error = extract("a.md", vec![b'a'; 70_000_000], &reader()).await.unwrap_err();
    assert_eq!(error, ExtractError::TooLarge { what: Resource::File, limit: 64 << 20 });
}
