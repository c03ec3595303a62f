//! The router without servers: what is answered before the ledger is asked, and when it cannot be.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode};
use contract::ApiKeyId;
use runtime::lifecycle::Lifecycle;
use runtime::metrics::Registry;
use serde_json::Value;
use store::{Ledger, Role};
use tower::ServiceExt;
use web::{Key, Keys, Metrics, scope};

use crate::http::{State, endpoints, router};

const QUESTION: &str = "/v1/questions/01900000-0000-7000-8000-000000000000";

fn token(id: ApiKeyId) -> String {
    format!("vk_{}_{}", id.0.simple(), "a".repeat(64))
}

/// The routers with keys that exist, and servers that do not: nothing listens on port 1.
async fn app(id: ApiKeyId, scopes: [&'static str; 1]) -> Router {
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
    let ledger = Ledger::open(&store, Role::Api).expect("a URL");
    let nats = nats::Settings {
        url: "nats://127.0.0.1:1".into(),
        connect_wait: Duration::from_millis(1),
        ..nats::Settings::default()
    };
    let nats = nats::Nats::connect(&nats).await.expect("it goes on trying");
    let index =
        knowledge::Settings { url: Some("http://127.0.0.1:1".to_owned()), ..knowledge::Settings::default() };
    let index = knowledge::Index::connect(&index).expect("a URL");
    let retriever = retrieval::Retriever::new(ledger.clone(), index, retrieval::Vectors::default());
    let state = State::new(ledger, keys, nats, retriever, Lifecycle::default());
    web::app(router(state), &web::Settings::default(), Metrics::register(&mut Registry::default()))
}

async fn get(scopes: [&'static str; 1], path: &str, with_key: bool) -> Response<Body> {
    call(scopes, "GET", path, with_key).await
}

async fn call(scopes: [&'static str; 1], method: &str, path: &str, with_key: bool) -> Response<Body> {
    let id = ApiKeyId::new();
    let mut request = Request::builder().method(method).uri(path);
    if with_key {
        request = request.header("authorization", format!("Bearer {}", token(id)));
    }
    app(id, scopes).await.oneshot(request.body(Body::empty()).unwrap()).await.expect("a router never fails")
}

async fn json(response: Response<Body>) -> Value {
    let bytes = to_bytes(response.into_body(), 100_000).await.unwrap();
    serde_json::from_slice(&bytes).expect("JSON")
}

#[tokio::test]
async fn health_and_the_document_need_no_key_and_questions_do() {
    for (path, status) in [
        ("/healthz", 200),
        ("/openapi.json", 200),
        (QUESTION, 401),
        (&format!("{QUESTION}/events"), 401),
        ("/v1/other", 404),
    ] {
        assert_eq!(get([scope::READ], path, false).await.status().as_u16(), status, "{path}");
    }
}

#[tokio::test]
async fn a_key_without_the_scope_is_told_its_name() {
    for path in [QUESTION.to_owned(), format!("{QUESTION}/events")] {
        let response = get([scope::WRITE], &path, true).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        assert!(json(response).await["detail"].as_str().unwrap().contains("questions:read"));
    }
}

#[tokio::test]
async fn a_malformed_id_is_the_id_of_nothing() {
    for id in ["x", "0190000000007000800000000000000", "%ff", "01900000000070008000000000000000"] {
        for tail in ["", "/events"] {
            let response = get([scope::READ], &format!("/v1/questions/{id}{tail}"), true).await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{id}{tail}");
            assert_eq!(json(response).await["type"], "urn:vectora:problem:not-found");
        }
    }
}

#[tokio::test]
async fn a_key_in_the_query_is_refused_with_the_reason() {
    let response = get([scope::READ], &format!("{QUESTION}/events?access_token=vk_1"), true).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let body = json(response).await;
    assert!(body["detail"].as_str().unwrap().contains("Authorization header only"), "{body}");
    assert!(!body.to_string().contains("vk_1"), "{body}");
}

#[tokio::test]
async fn a_ledger_that_is_away_is_503_with_retry_after() {
    for path in [QUESTION.to_owned(), format!("{QUESTION}/events")] {
        let response = get([scope::READ], &path, true).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(response.headers().contains_key("retry-after"));
        assert_eq!(json(response).await["type"], "urn:vectora:problem:ledger-unavailable");
    }
}

const INGESTION: &str = "/v1/ingestions/01900000-0000-7000-8000-000000000000";
const DOCUMENT: &str = "/v1/documents/01900000-0000-7000-8000-000000000000";

/// Routes of the knowledge base, and the scope each needs.
fn knowledge() -> Vec<(&'static str, String, &'static str)> {
    let verb = |verb| ("POST", format!("{INGESTION}/{verb}"), scope::KNOWLEDGE_WRITE);
    vec![
        ("GET", "/v1/search?q=password".to_owned(), scope::SEARCH),
        ("GET", "/v1/documents?limit=1".to_owned(), scope::KNOWLEDGE_READ),
        ("GET", DOCUMENT.to_owned(), scope::KNOWLEDGE_READ),
        ("DELETE", DOCUMENT.to_owned(), scope::KNOWLEDGE_WRITE),
        ("GET", INGESTION.to_owned(), scope::KNOWLEDGE_READ),
        ("GET", format!("{INGESTION}/events"), scope::KNOWLEDGE_READ),
        verb("pause"),
        verb("resume"),
        verb("cancel"),
    ]
}

#[tokio::test]
async fn the_knowledge_base_needs_a_key_its_scope_and_the_ledger() {
    for (method, path, scope) in knowledge() {
        assert_eq!(
            call([scope], method, &path, false).await.status(),
            StatusCode::UNAUTHORIZED,
            "{method} {path}"
        );
        let refused = call([scope::READ_ANY], method, &path, true).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{method} {path}");
        let detail = json(refused).await["detail"].to_string();
        assert!(detail.contains(scope), "{method} {path}: {detail}");
        let away = call([scope], method, &path, true).await;
        assert_eq!(away.status(), StatusCode::SERVICE_UNAVAILABLE, "{method} {path}");
        assert!(away.headers().contains_key("retry-after"), "{method} {path}");
        assert_eq!(json(away).await["type"], "urn:vectora:problem:ledger-unavailable", "{method} {path}");
    }
}

#[tokio::test]
async fn a_query_that_breaks_a_rule_is_named() {
    let long = format!("/v1/search?q={}", "x".repeat(4097));
    for (path, status, word) in [
        ("/v1/search", 400, "missing field `q`"),
        ("/v1/search?q=a&limit=0", 400, "use 1 to 50"),
        ("/v1/search?q=a&limit=51", 400, "use 1 to 50"),
        ("/v1/search?q=%20%0A", 422, "q: "),
        ("/v1/search?q=%00a", 422, "NUL"),
        (&long, 422, "4096"),
        ("/v1/documents?limit=201", 400, "use 1 to 200"),
        ("/v1/documents?limit=-1", 400, "use 1 to 200"),
        ("/v1/documents?cursor=nonsense", 400, "cursor"),
        ("/v1/documents?sources=docs", 400, "unknown field `sources`"),
    ] {
        let scope = if path.contains("search") { scope::SEARCH } else { scope::KNOWLEDGE_READ };
        let response = get([scope], path, true).await;
        assert_eq!(response.status().as_u16(), status, "{path}");
        let body = json(response).await;
        assert!(body["detail"].as_str().unwrap().contains(word), "{path}: {body}");
    }
}

#[tokio::test]
async fn a_malformed_id_is_no_document_and_no_ingestion() {
    for (method, path) in [
        ("GET", "/v1/documents/x"),
        ("DELETE", "/v1/documents/x"),
        ("GET", "/v1/ingestions/x"),
        ("GET", "/v1/ingestions/x/events"),
        ("POST", "/v1/ingestions/x/cancel"),
    ] {
        let write = method != "GET";
        let scope = if write { scope::KNOWLEDGE_WRITE } else { scope::KNOWLEDGE_READ };
        assert_eq!(
            call([scope], method, path, true).await.status(),
            StatusCode::NOT_FOUND,
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn the_document_names_exactly_the_routes_there_are() {
    let document = json(get([scope::READ], "/openapi.json", false).await).await;
    let mut documented = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            if operation["tags"][0] == "api" {
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
