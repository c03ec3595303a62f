//! Bad input over real sockets: each gets the right status and a problem that names the thing, the limit and
//! the remedy; nothing of it reaches the ledger.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::{Value, json};
use testkit::{Installation, Plan};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::BINARY;

const JSON: (&str, &str) = ("content-type", "application/json");

/// Status, slug and detail of a problem; it has its content type and the id of the request.
async fn problem(response: Response) -> (u16, String, String) {
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let text = response.text().await.expect("a body");
    assert_eq!(headers["content-type"], "application/problem+json", "{status} {text}");
    let body: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("a problem is JSON: {text}"));
    assert_eq!(body["status"], status, "{body}");
    assert_eq!(headers["x-request-id"].to_str().ok(), body["request_id"].as_str(), "{body}");
    assert!(body["title"].as_str().is_some_and(|title| !title.is_empty()), "{body}");
    let slug = body["type"].as_str().unwrap_or_default().trim_start_matches("urn:vectora:problem:");
    (status, slug.to_owned(), body["detail"].as_str().unwrap_or_default().to_owned())
}

struct Sockets {
    installation: Installation,
    url: String,
    _ingress: testkit::Program,
}

impl Sockets {
    async fn new() -> Self {
        let installation = Installation::new(BINARY, Plan::default()).await;
        let (ingress, url) = installation.ingress(&[]).await;
        Self { installation, url, _ingress: ingress }
    }

    async fn send(&self, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> Response {
        let url = format!("{}/v1/questions", self.url);
        let mut request = self.installation.http.post(url).bearer_auth(&self.installation.key);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(body.into()).send().await.expect("ingress answers")
    }

    /// A refusal with this status and slug, whose detail has these words.
    async fn refuses(
        &self,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
        wanted: (u16, &str),
        words: &[&str],
    ) {
        let (status, slug, detail) = problem(self.send(headers, body).await).await;
        assert_eq!((status, slug.as_str()), wanted, "{detail}");
        for word in words {
            assert!(detail.contains(word), "{word:?} in {detail}");
        }
    }

    async fn accepts(&self, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) {
        let response = self.send(headers, body).await;
        assert_eq!(response.status(), 202, "{:?}", response.text().await);
    }

    async fn rows(&self) -> i64 {
        self.installation
            .count("SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM idempotency_keys)")
            .await
    }
}

fn text(text: &str) -> String {
    json!({ "text": text }).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_cannot_be_a_question_is_422_exactly_from_the_limit_on() {
    let sockets = Box::pin(Sockets::new()).await;
    for blank in ["", " ", "\n\t\r\n", "\u{a0}\u{2003}\u{3000}"] {
        sockets.refuses(&[JSON], text(blank), (422, "text-blank"), &["visible character"]).await;
    }
    let long = [
        ("я".repeat(4097), "4097"),
        ("😀".repeat(2049), "4098"),
        (format!("{}😀", "x".repeat(4095)), "4097"),
        ("x".repeat(60_000), "60000"),
    ];
    for (long, units) in &long {
        sockets.refuses(&[JSON], text(long), (422, "text-too-long"), &[units, "4096", "shorten"]).await;
    }
    sockets.refuses(&[JSON], r#"{"text":"a\u0000b"}"#, (422, "text-nul"), &["NUL", "remove"]).await;
    assert_eq!(sockets.rows().await, 0);

    for fits in
        ["я".repeat(4096), "😀".repeat(2048), format!("{}😀", "x".repeat(4094)), "\u{200b}a".to_owned()]
    {
        sockets.accepts(&[JSON], text(&fits)).await;
    }
    let escaped = format!(r#"{{"text":"{}"}}"#, "\\u044f".repeat(4096));
    sockets.accepts(&[JSON], escaped).await;
    assert_eq!(sockets.rows().await, 5);
    let widest = "SELECT count(*) FROM messages WHERE text = repeat('я', 4096)";
    assert_eq!(sockets.installation.count(widest).await, 2, "kept whole, however it was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_understood_is_named_and_nothing_of_it_is_kept() {
    let sockets = Box::pin(Sockets::new()).await;
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    let broken: [&[u8]; 9] = [
        b"",
        b"{",
        b"{\"text\":",
        b"{\"text\":\"hi\"} trailing",
        b"{'text':'hi'}",
        b"{\"text\":\"\xff\xfe\"}",
        b"{\"text\":\"\\ud800\"}",
        b"not json",
        deep.as_bytes(),
    ];
    for body in broken {
        let shown = String::from_utf8_lossy(&body[..body.len().min(30)]).into_owned();
        let (status, slug, detail) = problem(sockets.send(&[JSON], body.to_vec()).await).await;
        assert_eq!(status, 400, "{shown}: {slug} {detail}");
        assert!(detail.len() > 20, "{shown}: {detail}");
    }
    let wrong = [
        ("[]", "object"),
        ("\"hi\"", "object"),
        ("{}", "text"),
        (r#"{"text":null}"#, "text"),
        (r#"{"text":7}"#, "text"),
        (r#"{"text":["hi"]}"#, "text"),
        (r#"{"text":"hi","colour":"red"}"#, "colour"),
        (r#"{"text":"hi","text":"ho"}"#, "text"),
        (r#"{"text":"hi","conversation_id":"x"}"#, "conversation_id"),
        (r#"{"text":"hi","conversation_id":7}"#, "conversation_id"),
    ];
    for (body, word) in wrong {
        let (status, slug, detail) = problem(sockets.send(&[JSON], body).await).await;
        assert_eq!((status, slug.as_str()), (400, "invalid-body"), "{body}: {detail}");
        assert!(detail.contains(word), "{body}: {word:?} in {detail}");
    }
    for content_type in
        ["text/plain", "application/xml", "multipart/form-data; boundary=x", "application/jsonp", ""]
    {
        let headers = [("content-type", content_type)];
        sockets.refuses(&headers, text("hi"), (415, "unsupported-media-type"), &["application/json"]).await;
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    sockets.refuses(&form, "text=hi", (415, "unsupported-media-type"), &["application/json"]).await;
    for key in ["", "a b", "ключ", &"x".repeat(256)] {
        sockets
            .refuses(
                &[JSON, ("idempotency-key", key)],
                text("hi"),
                (400, "idempotency-key"),
                &["Idempotency-Key"],
            )
            .await;
    }
    let twice = [JSON, ("idempotency-key", "a"), ("idempotency-key", "b")];
    sockets.refuses(&twice, text("hi"), (400, "idempotency-key"), &["once"]).await;
    assert_eq!(sockets.rows().await, 0);

    // What `curl -d '{"text":"hi"}'` sends, with `-H 'content-type:'` too, and what others call JSON.
    sockets.accepts(&form, text("hi")).await;
    sockets.accepts(&[], text("hi")).await;
    sockets.accepts(&[("content-type", "Application/JSON; charset=utf-8")], text("hi")).await;
    sockets.accepts(&[("content-type", "application/merge-patch+json")], text("hi")).await;
    sockets.accepts(&[JSON, ("idempotency-key", &"x".repeat(255))], text("hi")).await;
    assert_eq!(sockets.rows().await, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_413_however_it_is_sent() {
    let sockets = Box::pin(Sockets::new()).await;
    let limit = 64 * 1024;
    let padded = |bytes: usize| format!("{}{}", text("hi"), " ".repeat(bytes - text("hi").len()));
    sockets.accepts(&[JSON], padded(limit)).await;
    sockets.refuses(&[JSON], padded(limit + 1), (413, "body-too-large"), &["65536", "send less"]).await;
    let chunks = futures_util::stream::iter((0..70).map(|_| Ok::<_, std::io::Error>(" ".repeat(1024))));
    sockets.refuses(&[JSON], reqwest::Body::wrap_stream(chunks), (413, "body-too-large"), &["65536"]).await;
    // A client that writes all before it reads must still get to read.
    for _ in 0..5 {
        sockets.refuses(&[JSON], padded(8 * 1024 * 1024), (413, "body-too-large"), &["65536"]).await;
    }
    assert_eq!(sockets.rows().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_404_and_what_is_done_wrongly_says_how() {
    let sockets = Box::pin(Sockets::new()).await;
    let (_api, api) = sockets.installation.api(&[]).await;
    let unknown = contract::MessageId::new().to_string();
    let of_api = [
        (Method::GET, format!("/v1/questions/{unknown}"), 404, "not-found"),
        (Method::GET, format!("/v1/questions/{unknown}/events"), 404, "not-found"),
        (Method::GET, "/v1/questions/42".to_owned(), 404, "not-found"),
        (Method::GET, "/v1/questions/%ff".to_owned(), 404, "not-found"),
        (Method::GET, "/v1/questions/%00/events".to_owned(), 404, "not-found"),
        (Method::GET, format!("/v1/questions/{}", unknown.replace('-', "")), 404, "not-found"),
        (Method::GET, format!("/v1/questions/{unknown}/answers"), 404, "no-route"),
        (Method::GET, format!("/v1/questions/{unknown}/"), 404, "no-route"),
        (Method::GET, "/".to_owned(), 404, "no-route"),
        (Method::GET, "/../../etc/passwd".to_owned(), 404, "no-route"),
        (Method::GET, "/metrics".to_owned(), 404, "no-route"),
        (Method::GET, "/readyz".to_owned(), 404, "no-route"),
        (Method::DELETE, format!("/v1/questions/{unknown}"), 405, "method-not-allowed"),
        (Method::POST, format!("/v1/questions/{unknown}/events"), 405, "method-not-allowed"),
        (Method::POST, "/healthz".to_owned(), 405, "method-not-allowed"),
        (
            Method::from_bytes(b"BREW").expect("a method"),
            "/openapi.json".to_owned(),
            405,
            "method-not-allowed",
        ),
    ];
    let of_ingress = [
        (Method::GET, "/v1/questions".to_owned(), 405, "method-not-allowed"),
        (Method::PUT, "/v1/questions".to_owned(), 405, "method-not-allowed"),
        (Method::POST, "/v1/question".to_owned(), 404, "no-route"),
        (Method::POST, "/v1/questions/".to_owned(), 404, "no-route"),
    ];
    let calls = of_api
        .into_iter()
        .map(|call| (&api, call))
        .chain(of_ingress.into_iter().map(|call| (&sockets.url, call)));
    for (url, (method, path, status, slug)) in calls {
        let request = sockets.installation.http.request(method.clone(), format!("{url}{path}"));
        let response = request.bearer_auth(&sockets.installation.key).send().await.expect("somebody answers");
        assert_eq!(response.headers().contains_key("allow"), status == 405, "{method} {path}");
        let (found, own, detail) = problem(response).await;
        assert_eq!((found, own.as_str()), (status, slug), "{method} {path}: {detail}");
        assert!(detail.len() > 20, "{detail}");
    }

    // A key in the query is refused before it is looked at, and not repeated.
    for name in ["key", "api_key", "access_token", "token", "Api-Key"] {
        let secret = &sockets.installation.key;
        let get = format!("{api}/v1/questions/{unknown}?a=b&{name}={secret}");
        let post = format!("{}/v1/questions?{name}={secret}", sockets.url);
        let http = &sockets.installation.http;
        let requests =
            [http.get(&get), http.get(get.replace('?', "/events?")), http.post(post).body(text("hi"))];
        for request in requests {
            for request in [request.try_clone().expect("a plain body"), request.bearer_auth(secret)] {
                let (status, slug, detail) = problem(request.send().await.expect("somebody answers")).await;
                assert_eq!((status, slug.as_str()), (400, "key-in-query"), "{detail}");
                assert!(detail.contains("Authorization") && !detail.contains(secret.as_str()), "{detail}");
            }
        }
    }
    assert_eq!(sockets.rows().await, 0);
}

/// What no client library sends. The server must answer or hang up, and go on serving.
#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_request_harm_nobody() {
    let sockets = Box::pin(Sockets::new()).await;
    let address = sockets.url.trim_start_matches("http://");
    let key = &sockets.installation.key;
    let head = format!("POST /v1/questions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n");
    let cases = [
        "\r\n\r\n".to_owned(),
        "hello\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}".to_owned(),
        format!("{head}content-length: -1\r\n\r\n"),
        format!("{head}content-length: 5\r\ncontent-length: 6\r\n\r\nhello"),
        format!("{head}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"),
        format!("{head}x: {}\r\n\r\n", "y".repeat(1_000_000)),
        // Broken off in the middle of the body.
        format!("{head}content-type: application/json\r\ncontent-length: 100\r\n\r\n{{\"text\":\"half"),
    ];
    for bytes in &cases {
        let mut socket = TcpStream::connect(address).await.expect("ingress listens");
        // The server may hang up before all is written.
        drop(socket.write_all(bytes.as_bytes()).await);
        drop(socket.shutdown().await);
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(10), socket.read_to_end(&mut answer)).await;
        assert!(read.is_ok(), "it neither answers nor hangs up: {:?}", &bytes[..bytes.len().min(60)]);
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert_eq!(sockets.rows().await, 0);
    sockets.accepts(&[JSON], text("hi")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_not_served_here_is_400_and_health_is_told_to_anybody() {
    let sockets = Box::pin(Sockets::new()).await;
    let (_api, api) = sockets.installation.api(&[("ALLOWED_HOSTS", "help.example.org,*.example.net")]).await;
    for (host, status) in [
        ("help.example.org:8080", 200),
        ("a.example.net", 200),
        ("evil.example.com", 400),
        ("example.net", 400),
    ] {
        let request =
            |path| sockets.installation.http.get(format!("{api}{path}")).header("host", host).send();
        let response = request("/openapi.json").await.expect("the API answers");
        assert_eq!(response.status(), status, "{host}");
        if status == 400 {
            let (_, slug, detail) = problem(response).await;
            assert_eq!(slug, "host-not-allowed");
            assert!(detail.contains("ALLOWED_HOSTS"), "{detail}");
        }
        assert_eq!(request("/healthz").await.expect("the API answers").status(), 200, "{host}");
    }
}
