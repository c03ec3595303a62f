//! What is answered to files before the ledger is asked, and when it cannot be.

use contract::IngestionId;

use super::*;

const FORM: &str = "multipart/form-data; boundary=XX";

/// A form: names, file names (empty: no file) and contents.
fn form(parts: &[(&str, &str, &str)]) -> Vec<u8> {
    let mut body = String::new();
    for (name, file, content) in parts {
        let file = if file.is_empty() { String::new() } else { format!("; filename=\"{file}\"") };
        let head = format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
        body.push_str(&head);
        body.push_str(content);
        body.push_str("\r\n");
    }
    body.push_str("--XX--\r\n");
    body.into_bytes()
}

async fn call(
    scopes: [&'static str; 1],
    path: &str,
    content_type: &str,
    body: impl Into<Body>,
) -> (u16, String, String) {
    let id = ApiKeyId::new();
    let state = state(id, scopes, None).await;
    state.0.uploads.mine(ingestion(), id);
    let request = Request::post(path)
        .header("authorization", format!("Bearer {}", token(id)))
        .header("content-type", content_type);
    let app = framed(state).oneshot(request.body(body.into()).unwrap()).await;
    problem(app.expect("a router never fails")).await
}

/// One that is the caller's.
fn ingestion() -> IngestionId {
    "01900000-0000-7000-8000-000000000000".parse().expect("an id")
}

async fn open(content_type: &str, body: impl Into<Body>) -> (u16, String, String) {
    call([scope::KNOWLEDGE_WRITE], "/v1/ingestions", content_type, body).await
}

async fn files(body: impl Into<Body>) -> (u16, String, String) {
    let path = format!("/v1/ingestions/{}/files", ingestion());
    call([scope::KNOWLEDGE_WRITE], &path, FORM, body).await
}

#[tokio::test]
async fn a_key_without_the_scope_is_told_its_name_before_the_files_are_read() {
    for path in ["/v1/ingestions".to_owned(), format!("/v1/ingestions/{}/files", ingestion())] {
        let (status, slug, detail) = call([scope::KNOWLEDGE_READ], &path, FORM, "nonsense").await;
        assert_eq!((status, slug.as_str()), (403, "missing-scope"));
        assert!(detail.contains("knowledge:write"), "{detail}");
    }
}

#[tokio::test]
async fn a_listing_that_breaks_a_rule_is_named() {
    let listing = |file: Value| json!({ "source": "docs", "files": [file] }).to_string();
    let cases = [
        (r#"{"source":"docs"}"#.to_owned(), 400, "invalid-body", "missing field `files`"),
        (
            r#"{"source":"docs","files":[],"purge":true}"#.to_owned(),
            400,
            "invalid-body",
            "unknown field `purge`",
        ),
        (listing(json!({ "path": "a.md", "sha256": "12" })), 422, "invalid-hash", "a.md"),
        (listing(json!({ "path": "a/../../b.md", "text": "" })), 422, "invalid-path", "a/../../b.md"),
        (listing(json!({ "path": "a\u{0}.md", "text": "" })), 422, "invalid-path", "control character"),
        (listing(json!({ "path": "x".repeat(1025), "text": "" })), 422, "invalid-path", "1025 bytes"),
    ];
    for (body, status, slug, word) in cases {
        let (got, named, detail) = open(JSON, body).await;
        assert_eq!((got, named.as_str()), (status, slug), "{detail}");
        assert!(detail.contains(word), "{detail}");
    }
    let (status, slug, _) = open("text/plain", "{}").await;
    assert_eq!((status, slug.as_str()), (415, "unsupported-media-type"));
}

#[tokio::test]
async fn a_form_that_breaks_a_rule_is_named() {
    let cases = [
        (form(&[("file", "a.md", "x")]), 400, "malformed-form", "no source"),
        (form(&[("source", "", "docs")]), 400, "malformed-form", "no files"),
        (form(&[("source", "", "docs"), ("file", "", "x")]), 400, "malformed-form", "no file name"),
        (form(&[("source", "", "docs"), ("paper", "a.md", "x")]), 400, "malformed-form", "\"paper\""),
        (form(&[("source", "", " "), ("file", "a.md", "x")]), 422, "invalid-source", "blank"),
        (form(&[("source", "", "docs"), ("file", "%2e%2e/a.md", "x")]), 422, "invalid-path", "`..`"),
        (form(&[("source", "", "docs"), ("file", "%2Fa.md", "x")]), 422, "invalid-path", "absolute"),
        (form(&[("source", "", "docs"), ("file", "a%00.md", "x")]), 422, "invalid-path", "control"),
        (form(&[("source", "", "docs"), ("file", "%ff.md", "x")]), 400, "malformed-form", "UTF-8"),
        (b"--XX\r\nnonsense".to_vec(), 400, "malformed-form", "form"),
    ];
    for (body, status, slug, word) in cases {
        let (got, named, detail) = open(FORM, body).await;
        assert_eq!((got, named.as_str()), (status, slug), "{detail}");
        assert!(detail.contains(word), "{detail}");
    }
}

#[tokio::test]
async fn what_is_sent_to_an_open_ingestion_is_held_to_the_same_rules() {
    let cases = [
        (form(&[]), 400, "malformed-form", "no files"),
        (form(&[("source", "", "docs"), ("file", "a.md", "x")]), 400, "malformed-form", "come first"),
        (form(&[("file", "../a.md", "x")]), 422, "invalid-path", "`..`"),
    ];
    for (body, status, slug, word) in cases {
        let (got, named, detail) = files(body).await;
        assert_eq!((got, named.as_str()), (status, slug), "{detail}");
        assert!(detail.contains(word), "{detail}");
    }
    let path = format!("/v1/ingestions/{}/files", ingestion());
    let (status, slug, detail) = call([scope::KNOWLEDGE_WRITE], &path, JSON, "{}").await;
    assert_eq!((status, slug.as_str()), (415, "unsupported-media-type"));
    assert!(detail.contains("multipart/form-data"), "{detail}");
    let path = "/v1/ingestions/nonsense/files";
    assert_eq!(call([scope::KNOWLEDGE_WRITE], path, FORM, form(&[])).await.0, 404);
}

#[tokio::test]
async fn the_limits_of_a_request_are_named() {
    let names: Vec<String> = (0..=1000).map(|n| format!("{n}.md")).collect();
    let many: Vec<_> = names.iter().map(|name| ("file", name.as_str(), "x")).collect();
    let (status, slug, detail) = files(form(&many)).await;
    assert_eq!((status, slug.as_str()), (413, "too-many-files"), "{detail}");
    assert!(detail.contains("1000 files"), "{detail}");

    let large = "x".repeat(64 * 1024 * 1024 + 1);
    let (status, slug, detail) = open(FORM, form(&[("source", "", "s"), ("file", "a.md", &large)])).await;
    assert_eq!((status, slug.as_str()), (413, "file-too-large"), "{detail}");
    assert!(detail.contains("a.md") && detail.contains("64 MiB"), "{detail}");

    let listing = json!({ "source": "s", "files": [{ "path": "a.md", "text": &large[..33 << 20] }] });
    let (status, slug, detail) = open(JSON, listing.to_string()).await;
    assert_eq!((status, slug.as_str()), (413, "body-too-large"), "{detail}");
}

#[tokio::test]
async fn a_ledger_that_is_away_is_503_for_files_too() {
    let listing = json!({ "source": "docs", "files": [{ "path": "a.md", "text": "hello" }] }).to_string();
    let upload = form(&[("source", "", "docs"), ("tag", "", "public"), ("file", "a.md", "hello")]);
    for answer in
        [open(JSON, listing).await, open(FORM, upload).await, files(form(&[("file", "a", "x")])).await]
    {
        assert_eq!((answer.0, answer.1.as_str()), (503, "ledger-unavailable"), "{}", answer.2);
    }
    let path = "/v1/ingestions/01900000-0000-7000-8000-000000000001/files";
    let answer = call([scope::KNOWLEDGE_WRITE], path, FORM, form(&[("file", "a", "x")])).await;
    assert_eq!((answer.0, answer.1.as_str()), (503, "ledger-unavailable"), "whose it is cannot be told");
}
