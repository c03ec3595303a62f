//! Knowledge over HTTP and on the command line: what may be sent and what is refused, who may do it, and that what is
//! known does nothing.

use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use testkit::up::Home;
use testkit::{Installation, Plan, Program, eventually};

use crate::BINARY;

const UNKNOWN: &str = "/v1/ingestions/01900000-0000-7000-8000-000000000000";

/// Ingress and API of an installation.
struct Site<'a> {
    installation: &'a Installation,
    ingress: String,
    api: String,
    _programs: [Program; 2],
}

impl<'a> Site<'a> {
    async fn new(installation: &'a Installation) -> Self {
        let (one, ingress) = installation.ingress(&[]).await;
        let (two, api) = installation.api(&[]).await;
        Self { installation, ingress, api, _programs: [one, two] }
    }

    /// Ingress takes `POST /v1/ingestions` and its `/files`, the API everything else.
    fn request(&self, method: Method, path: &str, key: &str) -> RequestBuilder {
        let takes = method == Method::POST && (path == "/v1/ingestions" || path.ends_with("/files"));
        let host = if takes { &self.ingress } else { &self.api };
        self.installation.http.request(method, format!("{host}{path}")).bearer_auth(key)
    }

    async fn call(&self, request: RequestBuilder) -> (u16, Value) {
        let response = request.send().await.expect("somebody answers");
        let (status, head) = (response.status().as_u16(), response.headers().clone());
        assert_eq!(status == 202, head.contains_key("location"), "{status} {head:?}");
        (status, response.json().await.unwrap_or_default())
    }

    async fn open(&self, listing: &Value) -> (u16, Value) {
        self.call(self.request(Method::POST, "/v1/ingestions", &self.installation.key).json(listing)).await
    }

    async fn send(&self, id: &str, files: &[(&str, &str)]) -> (u16, Value) {
        let path = format!("/v1/ingestions/{id}/files");
        self.call(self.request(Method::POST, &path, &self.installation.key).multipart(form(files))).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.call(self.request(Method::GET, path, &self.installation.key)).await
    }

    async fn post(&self, path: &str) -> (u16, Value) {
        self.call(self.request(Method::POST, path, &self.installation.key)).await
    }

    /// Waits until an ingestion is over.
    async fn done(&self, id: &str) -> Value {
        eventually(&format!("the ingestion {id} to be over"), || async {
            let (status, progress) = self.get(&format!("/v1/ingestions/{id}")).await;
            assert_eq!(status, 200, "{progress}");
            (progress["state"] == "done").then_some(progress)
        })
        .await
    }

    async fn key(&self, scopes: &[&str]) -> String {
        let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let made = store::keys::create(&self.installation.ledger, "of a test", &scopes, None, None).await;
        made.expect("a key is made").1.expose_secret().to_owned()
    }
}

fn form(files: &[(&str, &str)]) -> Form {
    files.iter().fold(Form::new(), |form, (path, text)| {
        form.part("file", Part::text((*text).to_owned()).file_name((*path).to_owned()))
    })
}

/// A listing of texts.
fn texts(source: &str, files: &[(&str, &str)]) -> Value {
    let files: Vec<Value> = files.iter().map(|(path, text)| json!({ "path": path, "text": text })).collect();
    json!({ "source": source, "files": files })
}

fn id(body: &Value) -> String {
    body["id"].as_str().unwrap_or_else(|| panic!("an id in {body}")).to_owned()
}

fn slug(body: &Value) -> &str {
    body["type"].as_str().unwrap_or_default().trim_start_matches("urn:vectora:problem:")
}

/// Everything the ledger has of knowledge, as one number.
async fn rows(installation: &Installation) -> i64 {
    installation
        .count(
            "SELECT (SELECT count(*) FROM sources) + (SELECT count(*) FROM documents) +
                    (SELECT count(*) FROM ingestions) + (SELECT count(*) FROM revisions)",
        )
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_or_a_form_that_breaks_a_rule_is_named_and_changes_nothing() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let site = Site::new(&installation).await;
    let zeros = "0".repeat(64);
    let listing = |file: Value| json!({ "source": "docs", "files": [file] });
    let too_many: Vec<Value> = (0..=100_000).map(|n| json!({ "path": n.to_string(), "text": "" })).collect();
    let cases = [
        (json!({ "source": "docs" }), 400, "invalid-body", "files"),
        (json!({ "source": "", "files": [] }), 422, "invalid-source", "blank"),
        (json!({ "source": "docs", "files": [], "tags": [""] }), 422, "invalid-tag", "blank"),
        (listing(json!({ "path": "a.md" })), 422, "invalid-hash", "a.md"),
        (listing(json!({ "path": "a.md", "sha256": "abc" })), 422, "invalid-hash", "64 hexadecimal"),
        (listing(json!({ "path": "a.md", "sha256": zeros, "text": "x" })), 422, "hash-mismatch", "a.md"),
        (listing(json!({ "path": "../a.md", "sha256": zeros })), 422, "invalid-path", "`..`"),
        (listing(json!({ "path": "/etc/passwd", "sha256": zeros })), 422, "invalid-path", "absolute"),
        (listing(json!({ "path": "a\u{0}", "sha256": zeros })), 422, "invalid-path", "NUL"),
        (json!({ "source": "docs", "files": too_many }), 413, "too-many-files", "100000"),
    ];
    for (body, status, problem, word) in cases {
        let (got, answer) = site.open(&body).await;
        assert_eq!((got, slug(&answer)), (status, problem), "{answer}");
        assert!(answer["detail"].as_str().is_some_and(|detail| detail.contains(word)), "{answer}");
    }
    let forms = [
        (form(&[("a.md", "x")]), 400, "malformed-form"),
        (Form::new().text("source", "docs"), 400, "malformed-form"),
        (
            Form::new().text("source", "docs").part("file", Part::text("x").file_name("%2e%2e/a.md")),
            422,
            "invalid-path",
        ),
    ];
    for (form, status, problem) in forms {
        let request = site.request(Method::POST, "/v1/ingestions", &installation.key).multipart(form);
        let (got, answer) = site.call(request).await;
        assert_eq!((got, slug(&answer)), (status, problem), "{answer}");
    }
    assert_eq!(rows(&installation).await, 0);

    let (_, opened) = site.open(&texts("docs", &[])).await;
    let before = rows(&installation).await;
    for (files, status, problem) in [
        (vec![("a/../../b.md", "x")], 422, "invalid-path"),
        (vec![("a.md", "x"), ("%00.md", "x")], 422, "invalid-path"),
        (vec![("a.md", "x"); 1001], 413, "too-many-files"),
    ] {
        let (got, answer) = site.send(&id(&opened), &files).await;
        assert_eq!((got, slug(&answer)), (status, problem), "{answer}");
    }
    assert_eq!(rows(&installation).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_does_with_knowledge_what_its_scopes_say_and_goes_on_with_its_own_ingestions_only() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let site = Site::new(&installation).await;
    let (_, opened) = site.open(&texts("docs", &[("a.md", "# A\n\nOne.")])).await;
    let theirs = format!("/v1/ingestions/{}", id(&opened));
    let document = opened["received"][0]["document"].as_str().expect("a document").to_owned();
    let document = format!("/v1/documents/{document}");
    let files = format!("{theirs}/files");
    let verbs = ["pause", "resume", "cancel"].map(|verb| format!("{theirs}/{verb}"));
    // Statuses for: search only, read only, write only (another key than the one that opened it).
    let mut table = vec![
        (Method::POST, files.as_str(), [403, 403, 404]),
        (Method::GET, theirs.as_str(), [403, 200, 404]),
        (Method::GET, UNKNOWN, [403, 404, 404]),
        (Method::GET, "/v1/documents", [403, 200, 403]),
        (Method::GET, document.as_str(), [403, 200, 403]),
        (Method::GET, "/v1/search?q=one", [200, 403, 403]),
    ];
    table.extend(verbs.iter().map(|path| (Method::POST, path.as_str(), [403, 403, 404])));
    for (n, scope) in ["knowledge:search", "knowledge:read", "knowledge:write"].into_iter().enumerate() {
        let key = site.key(&[scope]).await;
        for (method, path, statuses) in &table {
            let mut request = site.request(method.clone(), path, &key);
            if path.ends_with("/files") {
                request = request.multipart(form(&[("b.md", "x")]));
            }
            let (status, answer) = site.call(request).await;
            assert_eq!(status, statuses[n], "{scope}: {method} {path}: {answer}");
        }
    }
    for scope in ["knowledge:search", "knowledge:read", "questions:write"] {
        let key = site.key(&[scope]).await;
        for method in [Method::POST, Method::DELETE] {
            let path = if method == Method::POST { "/v1/ingestions" } else { document.as_str() };
            let request = site.request(method, path, &key).json(&texts("docs", &[]));
            let (status, answer) = site.call(request).await;
            assert_eq!((status, slug(&answer)), (403, "missing-scope"), "{answer}");
            assert!(answer["detail"].as_str().is_some_and(|detail| detail.contains("knowledge:write")));
        }
    }
    assert_eq!(installation.count("SELECT count(*) FROM documents WHERE deleted_at IS NULL").await, 1);
    assert_eq!(installation.count("SELECT count(*) FROM ingestions WHERE state <> 'open'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_listed_and_needed_is_taken_once_and_then_does_nothing() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let site = Site::new(&installation).await;
    let _worker = installation.worker("extract,embed", &[]).await;
    let hash = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"; // of "hello"
    let listing = json!({ "source": "docs", "tags": ["public"], "files": [
        { "path": "./hello.md", "sha256": hash }, { "path": "two.md", "text": "# Two\n\nBoth." }
    ] });
    let (status, opened) = site.open(&listing).await;
    assert_eq!(status, 202, "{opened}");
    assert_eq!(opened["needed"], json!(["hello.md"]), "{opened}");
    assert_eq!(opened["received"][0]["path"], "two.md", "{opened}");
    let (_, progress) = site.get(&format!("/v1/ingestions/{}", id(&opened))).await;
    assert_eq!((&progress["state"], &progress["missing"]), (&json!("receiving"), &json!(1)), "{progress}");
    let (status, taken) = site.send(&id(&opened), &[("hello.md", "hello")]).await;
    assert_eq!((status, &taken["received"][0]["fresh"]), (202, &json!(true)), "{taken}");
    let (_, again) = site.send(&id(&opened), &[("hello.md", "hello")]).await;
    assert_eq!(again["received"][0]["fresh"], false, "the same request again: {again}");
    assert_eq!(again["received"][0]["revision"], taken["received"][0]["revision"]);
    let progress = site.done(&id(&opened)).await;
    assert_eq!((&progress["live"], &progress["failed"]), (&json!(2), &json!(0)), "{progress}");

    let work = "SELECT (SELECT count(*) FROM revisions) + (SELECT count(*) FROM chunks)";
    let before = installation.count(work).await;
    let (_, opened) = site.open(&listing).await;
    assert_eq!((&opened["unchanged"], &opened["needed"]), (&json!(2), &json!([])), "{opened}");
    assert_eq!(opened.get("received"), None, "{opened}");
    let progress = site.done(&id(&opened)).await;
    assert_eq!((&progress["files"], &progress["unchanged"]), (&json!(2), &json!(2)), "{progress}");
    let form = Form::new().text("source", "docs").text("tag", "public");
    let form = form.part("file", Part::text("hello").file_name("hello.md"));
    let request = site.request(Method::POST, "/v1/ingestions", &installation.key).multipart(form);
    let (status, answer) = site.call(request).await;
    assert_eq!((status, &answer["received"][0]["fresh"]), (202, &json!(false)), "{answer}");
    assert_eq!(installation.count(work).await, before);
    installation.assert_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_would_be_done_and_writes_nothing() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let site = Site::new(&installation).await;
    site.open(&texts("docs", &[("a.md", "A"), ("b.md", "B")])).await;
    let before = rows(&installation).await;
    let mut listing = texts("docs", &[("a.md", "A"), ("c.md", "C")]);
    listing["dry_run"] = true.into();
    listing["prune"] = true.into();
    let (status, plan) = site.open(&listing).await;
    assert_eq!(status, 200, "{plan}");
    assert_eq!(plan.get("id"), None, "{plan}");
    assert_eq!(
        (&plan["needed"], &plan["known"], &plan["removed"]),
        (&json!(["c.md"]), &json!(1), &json!(1)),
        "{plan}"
    );
    listing["source"] = "elsewhere".into();
    assert_eq!(site.open(&listing).await.0, 200);
    assert_eq!(rows(&installation).await, before);
    assert_eq!(installation.count("SELECT count(*) FROM documents WHERE deleted_at IS NULL").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn pruning_refuses_to_remove_more_than_thirty_percent_unless_it_is_forced() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let site = Site::new(&installation).await;
    let paths: Vec<String> = (0..10).map(|n| format!("{n}.md")).collect();
    let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "text")).collect();
    site.open(&texts("docs", &files)).await;
    site.open(&texts("other", &files)).await;
    let left = "SELECT count(*) FROM documents WHERE deleted_at IS NULL";
    let mut fewer = texts("docs", &files[4..]);
    fewer["prune"] = true.into();
    let (status, answer) = site.open(&fewer).await;
    assert_eq!((status, slug(&answer)), (409, "removes-too-much"), "{answer}");
    assert!(answer["detail"].as_str().is_some_and(|detail| detail.contains("4 of 10")), "{answer}");
    assert_eq!(installation.count(left).await, 20);
    let mut three = texts("docs", &files[3..]);
    three["prune"] = true.into();
    let (status, answer) = site.open(&three).await;
    assert_eq!((status, &answer["removed"]), (202, &json!(3)), "{answer}");
    assert_eq!(installation.count(left).await, 17);
    let mut none = texts("docs", &[]);
    none["prune"] = true.into();
    none["force"] = true.into();
    assert_eq!(site.open(&none).await.1["removed"], 7);
    assert_eq!(installation.count(left).await, 10, "the other source is as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_come_in_pages_and_a_deleted_one_is_gone() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let site = Site::new(&installation).await;
    let paths: Vec<String> = (0..25).map(|n| format!("{n:02}.md")).collect();
    let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "text")).collect();
    site.open(&texts("docs", &files)).await;
    site.open(&texts("other", &files[..3])).await;
    let (mut seen, mut pages, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let (status, page) = site.get(&format!("/v1/documents?source=docs&limit=10{cursor}")).await;
        assert_eq!(status, 200, "{page}");
        let documents = page["documents"].as_array().expect("documents").clone();
        pages.push(documents.len());
        seen.extend(documents);
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(pages, [10, 10, 5]);
    let mut found: Vec<_> = seen.iter().filter_map(|document| document["path"].as_str()).collect();
    found.sort_unstable();
    assert_eq!(found, paths);
    let (_, all) = site.get("/v1/documents?limit=28").await;
    assert_eq!((all["documents"].as_array().map(Vec::len), &all["next"]), (Some(28), &Value::Null));
    assert_eq!(site.get("/v1/documents?cursor=nonsense").await.0, 400);

    let path = format!("/v1/documents/{}", id(&seen[0]));
    let (status, document) = site.get(&path).await;
    assert_eq!((status, &document["state"]), (200, &json!("building")), "{document}");
    let delete = || site.call(site.request(Method::DELETE, &path, &installation.key));
    assert_eq!(delete().await.0, 204);
    assert_eq!(delete().await.0, 404);
    assert_eq!(site.get(&path).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ingestion_is_followed_to_its_end_without_nats() {
    let mut installation = Installation::new(BINARY, Plan::default()).await;
    installation.nats.kill().await;
    let site = Site::new(&installation).await;
    let (_, opened) = site.open(&texts("docs", &[("a.md", "A")])).await;
    let path = format!("/v1/ingestions/{}", id(&opened));
    let events = site.request(Method::GET, &format!("{path}/events"), &installation.key).send().await;
    let events = events.expect("the API answers");
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    let (status, progress) = site.post(&format!("{path}/pause")).await;
    assert_eq!((status, &progress["state"]), (200, &json!("paused")), "{progress}");
    assert_eq!(site.post(&format!("{path}/pause")).await.0, 200, "again");
    assert_eq!(site.post(&format!("{path}/resume")).await.1["state"], "running");
    assert_eq!(site.post(&format!("{path}/cancel")).await.1["state"], "cancelled");
    assert_eq!(site.post(&format!("{path}/cancel")).await.0, 200, "again");
    let (status, over) = site.post(&format!("{path}/resume")).await;
    assert_eq!((status, slug(&over)), (409, "ingestion-over"), "{over}");
    let (status, over) = site.send(&id(&opened), &[("b.md", "B")]).await;
    assert_eq!((status, slug(&over)), (409, "ingestion-cancelled"), "{over}");
    let said = tokio::time::timeout(testkit::DEADLINE, events.text()).await;
    let said = said.expect("the stream ends").expect("it ends well");
    assert!(said.starts_with("event: progress\ndata: {"), "{said}");
    assert!(said.contains("\"state\":\"running\""), "{said}");
    let last = said.trim_end().rsplit("event: progress\n").next().expect("a last frame");
    assert!(last.contains("\"state\":\"cancelled\""), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_ingested_searched_and_ingested_again_from_the_command_line() {
    let home = Home::new(BINARY);
    let _up = home.up(&[]).await;
    let docs = home.path().join("docs");
    std::fs::create_dir_all(docs.join("sub/.git")).expect("there is room");
    let write = |name: &str, text: &[u8]| std::fs::write(docs.join(name), text).expect("there is room");
    write("rockets.md", b"# Rockets\n\nThe booster is refuelled with kerosene every Thursday.\n");
    write("sub/чай 50%.txt", b"Plain text about teapots.");
    write("sub/.git/x.md", b"hidden");
    write("binary.md", b"\x7fELF\x00\x00\x01\x02\x00\x00");
    write("picture.png", b"png");
    std::os::unix::fs::symlink(&docs, docs.join("sub/loop")).expect("there is room");
    let folder = docs.to_str().expect("UTF-8").to_owned();
    let json = async |arguments: &[&str]| {
        let words: Vec<&str> =
            ["ingest", &folder, "--json"].into_iter().chain(arguments.iter().copied()).collect();
        let ran = home.run(&words, &[]).await;
        let printed: Value =
            serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("JSON from {ran:?}"));
        (ran.code, printed)
    };

    let (code, plan) = json(&["--dry-run"]).await;
    assert_eq!((code, plan["needed"].as_array().map(Vec::len)), (Some(0), Some(3)), "{plan}");
    let (code, first) = json(&[]).await;
    assert_eq!(code, Some(1), "a file failed: {first}");
    assert_eq!((&first["live"], &first["failed"]), (&json!(2), &json!(1)), "{first}");
    assert_eq!(first["failures"][0]["path"], "binary.md", "{first}");
    let skipped = json!({ "hidden": 1, "symbolic link": 1, "unknown extension": 1 });
    assert_eq!(first["skipped"], skipped, "{first}");

    std::fs::remove_file(docs.join("binary.md")).expect("it is there");
    let (code, second) = json(&["--prune", "--force"]).await;
    assert_eq!(code, Some(0), "{second}");
    assert_eq!((&second["unchanged"], &second["removed"]), (&json!(2), &json!(1)), "{second}");
    let plain = home.run(&["ingest", &folder], &[]).await;
    assert_eq!(plain.code, Some(0), "{plain:?}");
    assert!(plain.stdout.contains("2 unchanged") && plain.stdout.contains("files/s"), "{plain:?}");

    let found = home.run(&["search", "When is the booster refuelled?", "--json", "--limit", "3"], &[]).await;
    let found: Value = serde_json::from_str(&found.stdout).unwrap_or_else(|_| panic!("JSON from {found:?}"));
    assert_eq!(
        (&found["passages"][0]["path"], &found["covered"]),
        (&json!("rockets.md"), &json!(true)),
        "{found}"
    );
    let shown = home.run(&["search", "When is the booster refuelled?"], &[]).await;
    assert!(shown.stdout.contains("Rockets") && shown.stdout.contains("threshold"), "{shown:?}");
    let asked = home.run(&["ask", "When is the booster refuelled?"], &[]).await;
    assert_eq!(asked.code, Some(0), "{asked:?}");
    assert!(asked.stdout.contains("Thursday") && asked.stdout.contains("\n\n[1] Rockets"), "{asked:?}");

    for (arguments, word) in [
        (vec!["ingest", "/nowhere/at/all"], "/nowhere/at/all"),
        (vec!["ingest", "docs/rockets.md", "--prune"], "one folder"),
        (vec!["ingest", "docs/picture.png"], "known extensions are md"),
    ] {
        let ran = home.run(&arguments, &[]).await;
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stderr.contains(word), "{ran:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_with_an_audience_is_made_listed_and_finds_only_what_it_may() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let site = Site::new(&installation).await;
    let _worker = installation.worker("extract,embed", &[]).await;
    for (source, tag) in [("shop", "public"), ("runbooks", "internal")] {
        let text = format!("# {source}\n\nThe secret word of {source} is zanzibar.");
        let mut listing = texts(source, &[("word.md", &text)]);
        listing["tags"] = json!([tag]);
        let (_, opened) = site.open(&listing).await;
        site.done(&id(&opened)).await;
    }
    let keys = async |arguments: &[&str]| {
        let words: Vec<&str> = std::iter::once("keys").chain(arguments.iter().copied()).collect();
        testkit::program::run(installation.command(&words, &[])).await
    };
    let made = keys(&["create", "shop", "--scope", "knowledge:search", "--audience", "public,press"]).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    assert_eq!(keys(&["create", "shop", "--audience", ""]).await.code, Some(1), "nothing is no tag");
    let listed = keys(&["list"]).await;
    assert!(
        listed.stdout.contains("finds public,press") && listed.stdout.contains("finds everything"),
        "{listed:?}"
    );
    let sources = async |key: &str| {
        let request = site.request(Method::GET, "/v1/search?q=zanzibar&limit=5", key);
        let (status, found) = site.call(request).await;
        assert_eq!(status, 200, "{found}");
        let passages = found["passages"].as_array().expect("passages").iter();
        let mut sources: Vec<String> =
            passages.filter_map(|one| one["source"].as_str().map(str::to_owned)).collect();
        sources.sort_unstable();
        sources
    };
    assert_eq!(sources(made.stdout.trim()).await, ["shop"]);
    assert_eq!(sources(&installation.key).await, ["runbooks", "shop"]);
}
