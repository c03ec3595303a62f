//! The files of `../shared/data`, and files in every encoding.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use contract::{Block, Document};
use extract::{ExtractError, Format, Limits, extract};

use crate::{CHILD, reader, say};

/// The folder of measuring material; a test without it says so and passes.
fn data(folder: &str) -> Option<PathBuf> {
    let given = option_env!("VECTORA_TEST_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let folder = given.join(folder);
    if folder.is_dir() {
        return Some(folder);
    }
    say(&format!("skipped: {} is not there", folder.display()));
    None
}

fn all_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the folder can be read") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

async fn read(path: &Path) -> Result<Document, ExtractError> {
    let bytes = fs::read(path).expect("the file can be read");
    extract(&path.to_string_lossy(), bytes, &reader()).await
}

fn said(document: &Document) -> String {
    serde_json::to_string(document).expect("documents are JSON")
}

#[tokio::test]
async fn every_file_of_the_manifest_ends_as_it_says() {
    let Some(folder) = data("files") else { return };
    let manifest = fs::read_to_string(folder.join("manifest.csv")).unwrap();
    let mut seen = 0;
    for line in manifest.lines().skip(1) {
        let mut columns = line.split(',');
        let (path, _, expected) = (columns.next().unwrap(), columns.next(), columns.next().unwrap());
        if Format::of(path).is_none() {
            continue;
        }
        seen += 1;
        let result = read(&folder.join(path)).await;
        match expected {
            "ok" | "injection" => {
                let document = result.unwrap_or_else(|error| panic!("{path}: {error}"));
                assert!(!document.blocks.is_empty(), "{path}");
                let said = said(&document);
                assert!(
                    !said.contains("MUST_NOT_BE_INDEXED") && !said.contains("BOILERPLATE"),
                    "{path}: {said}"
                );
            }
            "empty" => assert_eq!(result, Err(ExtractError::Empty), "{path}"),
            "ok_or_reject" => {
                assert!(result.is_ok_and(|document| !document.blocks.is_empty()) || path.contains("deep"));
            }
            other => panic!("{path}: nobody knows what {other} means here"),
        }
    }
    assert!(seen >= 15, "{seen} files");
}

#[tokio::test]
async fn the_difficult_files_say_what_they_say() {
    let Some(folder) = data("files") else { return };
    let document = async |path: &str| read(&folder.join(path)).await.unwrap();
    let reference = document("html/faq-ru-utf8.html").await;
    assert!(said(&reference).contains("Сколько стоят услуги Let's Encrypt?"));
    for other in ["html/faq-ru-cp1251.html", "html/faq-ru-cp1251-no-meta.html", "html/faq-ru-koi8r-meta.html"]
    {
        let other_document = document(other).await;
        assert_eq!(other_document.blocks.len(), reference.blocks.len(), "{other}");
        assert!(said(&other_document).contains("Сколько стоят услуги Let's Encrypt?"), "{other}");
    }
    assert!(said(&document("txt/ru-cp1251.txt").await).contains("услуги"));
    assert!(said(&document("md/bad-utf8.md").await).contains("broken bytes"));
    let marked = document("md/crlf-bom.md").await;
    assert_eq!(marked.title.as_deref(), Some("Заголовок"));

    let hidden = said(&document("html/prompt-injection-hidden.html").await);
    assert!(hidden.contains("14 дней") && !hidden.contains("PWNED"), "{hidden}");
    // What a reader sees stays text; what is a comment goes.
    let visible = said(&document("md/prompt-injection.md").await);
    assert_eq!(visible.matches("PWNED").count(), 1, "{visible}");

    let deep = read(&folder.join("html/deep-nesting.html")).await;
    assert_eq!(deep, Err(ExtractError::TooDeep { limit: Limits::default().nesting }));
    let long = document("txt/long-no-spaces.txt").await;
    assert!(matches!(long.blocks.as_slice(), [Block::Paragraph { text }] if text.len() == 500_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_files_of_the_knowledge_bases_are_read() {
    let Some(folder) = data("kb") else { return };
    let sandbox = reader();
    for format in [Format::Markdown, Format::Text, Format::Html] {
        let files: Vec<(String, Vec<u8>)> = all_files(&folder)
            .into_iter()
            .map(|path| (path.to_str().unwrap().to_owned(), fs::read(path).unwrap()))
            .filter(|(path, _)| Format::of(path) == Some(format))
            .collect();
        let (count, started) = (files.len(), Instant::now());
        let mut reading = tokio::task::JoinSet::new();
        for (path, bytes) in files {
            let sandbox = sandbox.clone();
            reading.spawn(async move { (extract(&path, bytes, &sandbox).await, path) });
        }
        let (mut bytes, mut untitled, mut errors) = (0, 0, Vec::new());
        while let Some(read) = reading.join_next().await {
            match read.unwrap() {
                (Ok(document), path) => {
                    let said = said(&document);
                    bytes += said.len();
                    assert!(!said.contains("\\u0000"), "{path}");
                    untitled += usize::from(document.title.is_none() && format != Format::Text);
                }
                (Err(error), path) => errors.push(format!("{path}: {error}")),
            }
        }
        let took = started.elapsed();
        #[expect(clippy::cast_precision_loss, reason = "some hundred files")]
        let speed = count as f64 / took.as_secs_f64();
        say(&format!("{format:?}: {count} files, {bytes} bytes of documents, {took:?}, {speed:.0} files/s"));
        assert!(untitled < 10, "{untitled} documents without a title");
        assert!(count > 0 && errors.is_empty(), "{errors:#?}");
    }
}

#[tokio::test]
async fn encodings_make_no_difference() {
    let text = "Как сменить пароль?\n\nОткройте настройки профиля и нажмите «Безопасность».\n";
    let utf16 = |big: bool| -> Vec<u8> {
        let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        text.encode_utf16().flat_map(bytes).collect()
    };
    let mark = |mark: &[u8], bytes: Vec<u8>| [mark, &bytes].concat();
    let cp1251 = encoding_rs::WINDOWS_1251.encode(text).0.into_owned();
    let all = [
        text.as_bytes().to_vec(),
        mark(b"\xef\xbb\xbf", text.as_bytes().to_vec()),
        utf16(false),
        utf16(true),
        mark(b"\xff\xfe", utf16(false)),
        mark(b"\xfe\xff", utf16(true)),
        cp1251,
    ];
    for name in ["a.md", "a.txt", "a.html"] {
        let expected = extract(name, all[0].clone(), &reader()).await.unwrap();
        assert!(said(&expected).contains("Безопасность"));
        for bytes in &all {
            assert_eq!(extract(name, bytes.clone(), &reader()).await.unwrap(), expected, "{name}");
        }
    }
}

#[tokio::test]
async fn what_is_no_text_has_a_clear_end() {
    let binary = fs::read(CHILD).unwrap();
    let noise: Vec<u8> = (0..100_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[1]).collect();
    for name in ["a.md", "a.txt", "a.html"] {
        for bytes in [b"\x89PNG\r\n\x1a\n\0\0".to_vec(), binary[..10_000].to_vec(), noise.clone()] {
            let error = extract(name, bytes, &reader()).await.unwrap_err();
            assert!(matches!(error, ExtractError::Binary { .. }) && error.is_final(), "{name}: {error}");
        }
        for bytes in [vec![], b" \n\t\n".to_vec()] {
            assert_eq!(extract(name, bytes, &reader()).await, Err(ExtractError::Empty), "{name}");
        }
    }
    let error = extract("a.pdf", b"%PDF-1.7".to_vec(), &reader()).await.unwrap_err();
    assert_eq!(error, ExtractError::Unsupported { extension: "pdf".to_owned() });
}
