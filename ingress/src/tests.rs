//! The router without servers: what is answered before the ledger is asked, and when it cannot be.

mod ingestions;

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode};
use contract::ApiKeyId;
use runtime::lifecycle::Lifecycle;
use runtime::metrics::Registry;
use serde_json::{Value, json};
use store::accept::Acceptor;
use store::backlog::Backlog;
use store::{Ledger, Role};
use tower::ServiceExt;
use web::{Key, Keys, Metrics, scope};

use crate::admission::{self, Admission};
use crate::http::{Parts, State, endpoints, router};
use crate::ingestions::Uploads;

const JSON: &str = "application/json";

fn token(id: ApiKeyId) -> String {
    format!("vk_{}_{}", id.0.simple(), "a".repeat(64))
}

async fn app(id: ApiKeyId, scopes: [&'static str; 1], backlog: Option<Backlog>) -> Router {
    framed(state(id, scopes, backlog).await)
}

fn framed(state: State) -> Router {
    web::app(router(state), &web::Settings::default(), Metrics::register(&mut Registry::default()))
}

/// A key that exists, and servers that do not: nothing listens on port 1.
async fn state(id: ApiKeyId, scopes: [&'static str; 1], backlog: Option<Backlog>) -> State {
    let keys = Keys::with_lookup(move |asked| {
        let right = token(id);
        let key = (asked == id).then(|| Key::new(id, scopes, move |token| token == right));
        async move { Ok(key) }
    });
    let store = store::Settings {
        url: Some("postgres://nobody@127.0.0.1:1/none".into()),
        acquire_timeout: Duration::from_millis(50),
        ..store::Settings::default()
    };
    let ledger = Ledger::open(&store, Role::Ingress).expect("a URL");
    let nats = nats::Settings {
        url: "nats://127.0.0.1:1".into(),
        connect_wait: Duration::from_millis(1),
        ..nats::Settings::default()
    };
    let lifecycle = Lifecycle::default();
    let admission = Admission::new(admission::Settings::default());
    admission.tell(backlog);
    State::from(Parts {
        keys,
        acceptor: Acceptor::new(&ledger, &lifecycle),
        ledger,
        uploads: Uploads::default(),
        admission,
        nats: nats::Nats::connect(&nats).await.expect("it goes on trying"),
        lifecycle,
        stages: &[],
    })
}

async fn send(
    scopes: [&'static str; 1],
    backlog: Option<Backlog>,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Response<Body> {
    let id = ApiKeyId::new();
    let mut request = Request::post("/v1/questions").header("authorization", format!("Bearer {}", token(id)));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(body.into()).unwrap();
    app(id, scopes, backlog).await.oneshot(request).await.expect("a router never fails")
}

/// Status, the last part of the type, and the detail.
async fn post(headers: &[(&str, &str)], body: impl Into<Body>) -> (u16, String, String) {
    problem(send([scope::WRITE], None, headers, body).await).await
}

async fn problem(response: Response<Body>) -> (u16, String, String) {
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let status = response.status().as_u16();
    assert_eq!(status == 503, response.headers().contains_key("retry-after"));
    let bytes = to_bytes(response.into_body(), 100_000).await.unwrap();
    let body: Value = serde_json::from_slice(&bytes).expect("JSON");
    let slug = body["type"].as_str().unwrap().trim_start_matches("urn:vectora:problem:");
    (status, slug.to_owned(), body["detail"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn what_cannot_be_a_question_is_422_and_says_why() {
    let json = |text: &str| json!({ "text": text }).to_string();
    let (status, slug, _) = post(&[("content-type", JSON)], json(" \n ")).await;
    assert_eq!((status, slug.as_str()), (422, "text-blank"));
    let (status, slug, detail) = post(&[("content-type", JSON)], json(&"😀".repeat(2049))).await;
    assert_eq!((status, slug.as_str()), (422, "text-too-long"));
    assert!(detail.contains("4098 UTF-16 units") && detail.contains("4096"), "{detail}");
    let (status, slug, _) = post(&[("content-type", JSON)], r#"{"text":"a\u0000b"}"#).await;
    assert_eq!((status, slug.as_str()), (422, "text-nul"));
}

#[tokio::test]
async fn a_body_that_is_not_understood_is_named() {
    let cases = [
        (JSON, r#"{"text":"#, 400, "malformed-json"),
        (JSON, r#"{"text":"hi","colour":1}"#, 400, "invalid-body"),
        (JSON, r#"{"text":"hi","conversation_id":"x"}"#, 400, "invalid-body"),
        (JSON, "[]", 400, "invalid-body"),
        ("text/plain", r#"{"text":"hi"}"#, 415, "unsupported-media-type"),
        ("application/x-www-form-urlencoded", "text=hi", 415, "unsupported-media-type"),
    ];
    for (content_type, body, status, slug) in cases {
        let answer = post(&[("content-type", content_type)], body).await;
        assert_eq!((answer.0, answer.1.as_str()), (status, slug), "{body}: {}", answer.2);
    }
    let large = json!({ "text": "x".repeat(70_000) }).to_string();
    assert_eq!(post(&[("content-type", JSON)], large).await.0, 413);
}

#[tokio::test]
async fn an_idempotency_key_that_is_none_is_400() {
    for key in ["", "a b", &"x".repeat(256)] {
        let (status, slug, _) =
            post(&[("content-type", JSON), ("idempotency-key", key)], r#"{"text":"hi"}"#).await;
        assert_eq!((status, slug.as_str()), (400, "idempotency-key"), "{key}");
    }
}

#[tokio::test]
async fn no_key_is_401_and_a_key_that_may_only_read_is_403() {
    let app = app(ApiKeyId::new(), [scope::READ], None).await;
    let request = Request::post("/v1/questions").body(Body::from("{}")).unwrap();
    let response = app.oneshot(request).await.expect("a router never fails");
    assert_eq!(response.headers()["www-authenticate"], "Bearer");
    assert_eq!(problem(response).await.0, 401);
    let (status, _, detail) = problem(send([scope::READ], None, &[], "nonsense").await).await;
    assert_eq!(status, 403);
    assert!(detail.contains("questions:write"), "{detail}");
}

#[tokio::test]
async fn over_the_limit_is_503_before_the_body_is_looked_at() {
    let full = Some(Backlog { open: 20_000, oldest: Duration::ZERO });
    let (status, slug, detail) = problem(send([scope::WRITE], full, &[], "nonsense").await).await;
    assert_eq!((status, slug.as_str()), (503, "too-many-open"));
    assert!(detail.contains("20000"), "{detail}");
}

#[tokio::test]
async fn a_ledger_that_is_away_is_503_and_never_202() {
    for content_type in [Some(JSON), Some("application/x-www-form-urlencoded"), None] {
        let headers: Vec<_> = content_type.map(|value| ("content-type", value)).into_iter().collect();
        let (status, slug, _) = post(&headers, r#"{"text":"hi"}"#).await;
        assert_eq!((status, slug.as_str()), (503, "ledger-unavailable"), "{content_type:?}");
    }
}

#[tokio::test]
async fn another_method_is_405() {
    let app = app(ApiKeyId::new(), [scope::WRITE], None).await;
    let request = Request::get("/v1/questions").body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.expect("a router never fails");
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()["allow"], "POST");
}

#[test]
fn the_openapi_document_names_exactly_the_routes_there_are() {
    let document: Value = serde_json::from_str(include_str!("../../api/src/openapi.json")).expect("JSON");
    let mut documented = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            if operation["tags"][0] == "ingress" {
                documented.push(format!("{method} {path}"));
            }
        }
    }
    let mut served: Vec<_> =
        endpoints().iter().map(|endpoint| format!("{} {}", endpoint.method, endpoint.path)).collect();
    documented.sort();
    served.sort();
    assert_eq!(documented, served);
}
