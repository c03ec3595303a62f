//! What a child may not do, and what the parent makes of its end.

use std::{
    fmt::Write as _,
    fs::File,
    path::Path,
    time::{Duration, Instant},
};

use contract::{Block, Document};
use extract::{ExtractError, Limits, Resource, Sandbox, extract};
use rustix::io::{FdFlags, fcntl_setfd};

use crate::{CHILD, reader, say};

fn misbehaving(child: &str) -> Sandbox {
    Sandbox::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/children").join(child))
}

async fn read(html: &str, sandbox: &Sandbox) -> Result<Document, ExtractError> {
    extract("page.html", html.as_bytes().to_vec(), sandbox).await
}

fn paragraph(text: &str) -> Vec<Block> {
    vec![Block::Paragraph { text: text.to_owned() }]
}

#[tokio::test]
async fn a_page_is_read_by_a_child() {
    let document = read("<title>T</title><p>text", &Sandbox::new(CHILD)).await.unwrap();
    assert_eq!((document.title.as_deref(), document.blocks), (Some("T"), paragraph("text")));
}

#[tokio::test]
async fn a_child_gets_one_argument_and_no_environment() {
    let document = read("<p>text", &misbehaving("shows-its-environment")).await.unwrap();
    assert_eq!(document.blocks, paragraph("arguments: extract-child environment: "));
}

#[tokio::test]
async fn descriptors_that_were_left_open_are_closed_by_the_child() {
    // As a terminal or a script leaves them: not marked to be closed.
    let left: Vec<File> = (0..20).map(|_| File::open("/dev/null").unwrap()).collect();
    for file in &left {
        fcntl_setfd(file, FdFlags::empty()).unwrap();
    }
    let document = read("<p>text", &reader()).await;
    // The child looks at what it has, and reads nothing if it is more than three.
    assert_eq!(document.unwrap().blocks, paragraph("text"));
}

#[tokio::test]
async fn memory_processor_and_time_are_limited() {
    let limits = Limits { memory: 24 << 20, ..Limits::default() };
    let page = "<p>text".repeat(1_000_000);
    let error = read(&page, &reader().with_limits(limits)).await.unwrap_err();
    assert_eq!(error, ExtractError::TooMuchMemory { limit: limits.memory });

    let limits = Limits { cpu: Duration::from_secs(1), ..Limits::default() };
    // Every attribute is compared with all before it.
    let mut page = "<a ".to_owned();
    for number in 0..200_000 {
        write!(page, "a{number} ").unwrap();
    }
    let error = read(&page, &reader().with_limits(limits)).await.unwrap_err();
    assert_eq!(error, ExtractError::TooSlow { limit: limits.cpu });

    let limits = Limits { wall: Duration::from_millis(200), ..Limits::default() };
    let started = Instant::now();
    let error = read("<p>text", &misbehaving("sleeps").with_limits(limits)).await.unwrap_err();
    assert_eq!(error, ExtractError::TooSlow { limit: limits.wall });
    assert!(started.elapsed() < Duration::from_mins(1));
    assert!(error.is_final());
}

#[tokio::test]
async fn what_a_child_writes_is_limited() {
    let limits = Limits { text: 1 << 20, ..Limits::default() };
    let too_large = ExtractError::TooLarge { what: Resource::Text, limit: limits.text };
    let error = read("<p>text", &misbehaving("talks-without-end").with_limits(limits)).await.unwrap_err();
    assert_eq!(error, too_large);
    let page = "<p>".to_owned() + &"text ".repeat(300_000);
    let error = read(&page, &reader().with_limits(limits)).await.unwrap_err();
    assert_eq!(error, too_large);
}

#[tokio::test]
async fn a_child_that_is_killed_says_nothing_about_the_file() {
    let error = read("<p>text", &misbehaving("is-killed")).await.unwrap_err();
    assert!(matches!(error, ExtractError::Stopped { .. }) && !error.is_final(), "{error}");
}

#[tokio::test]
async fn a_program_that_is_no_reader_is_no_fault_of_the_file() {
    for sandbox in [Sandbox::new("/no/such/program"), misbehaving("answers-nonsense")] {
        let error = read("<p>text", &sandbox).await.unwrap_err();
        assert!(matches!(error, ExtractError::Unavailable { .. }) && !error.is_final(), "{error}");
    }
}

#[tokio::test]
async fn small_files_of_other_formats_need_no_child() {
    let sandbox = Sandbox::new("/no/such/program");
    for name in ["a.md", "a.txt"] {
        let document = extract(name, b"text".to_vec(), &sandbox).await.unwrap();
        assert_eq!(document.blocks, paragraph("text"));
        let large = "text ".repeat(sandbox.limits().in_process);
        let error = extract(name, large.clone().into_bytes(), &sandbox).await.unwrap_err();
        assert!(matches!(error, ExtractError::Unavailable { .. }), "{error}");
        let document = extract(name, large.clone().into_bytes(), &reader()).await.unwrap();
        assert_eq!(document.blocks, paragraph(large.trim()));
    }
}

#[tokio::test]
async fn a_child_starts_in_milliseconds() {
    const PAGES: u32 = 100;
    let sandbox = reader();
    let started = Instant::now();
    for _ in 0..PAGES {
        read("<p>text", &sandbox).await.unwrap();
    }
    let each = started.elapsed() / PAGES;
    say(&format!("a child, from its start to its document: {each:?}"));
    assert!(each < Duration::from_millis(200), "{each:?}");
}
