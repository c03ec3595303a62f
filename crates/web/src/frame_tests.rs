//! The layer around all routes, tried on a router that misbehaves.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode};
use axum::routing::get;
use prometheus_client::registry::Registry;
use serde_json::Value;
use tower::ServiceExt;

use crate::{Host, Metrics, Origin, Settings, app};

fn routes() -> Router {
    Router::new()
        .route("/ok/{id}", get(|| async { "fine" }))
        .route("/panic", get(panics))
        .route("/hang", get(std::future::pending::<()>))
        .route("/bare", get(|| async { (StatusCode::CONFLICT, "secret details") }))
        .route("/healthz", get(|| async { "ok" }))
}

async fn panics() -> &'static str {
    panic!("the card is 4111")
}

async fn call(settings: &Settings, request: Request<Body>) -> Response<Body> {
    let mut registry = Registry::default();
    let app = app(routes(), settings, Metrics::register(&mut registry));
    app.oneshot(request).await.expect("a router never fails")
}

async fn get_path(path: &str) -> Response<Body> {
    call(&Settings::default(), Request::get(path).body(Body::empty()).unwrap()).await
}

async fn problem(response: Response<Body>) -> Value {
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let status = response.status().as_u16();
    let bytes = to_bytes(response.into_body(), 10_000).await.unwrap();
    let body: Value = serde_json::from_slice(&bytes).expect("a problem is JSON");
    assert_eq!(body["request_id"], id.as_str());
    assert_eq!(body["status"], status);
    assert!(body["type"].as_str().unwrap().starts_with("urn:vectora:problem:"), "{body}");
    assert!(!body["title"].as_str().unwrap().is_empty());
    body
}

#[tokio::test]
async fn every_error_is_a_problem_with_the_id_of_its_request() {
    for (path, status) in [("/nowhere", 404), ("/panic", 500), ("/bare", 409)] {
        let response = get_path(path).await;
        assert_eq!(response.status().as_u16(), status, "{path}");
        let body = problem(response).await.to_string();
        assert!(!body.contains("4111") && !body.contains("secret"), "{body}");
    }
}

#[tokio::test]
async fn a_wrong_method_is_405_and_names_the_right_ones() {
    let request = Request::delete("/ok/1").body(Body::empty()).unwrap();
    let response = call(&Settings::default(), request).await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()["allow"], "GET,HEAD");
    assert_eq!(problem(response).await["type"], "urn:vectora:problem:method-not-allowed");
}

#[tokio::test]
async fn a_handler_that_hangs_is_given_up_with_a_503_that_says_what_is_not_known() {
    let settings = Settings { request_timeout: Duration::from_millis(10), ..Settings::default() };
    let response = call(&settings, Request::get("/hang").body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key("retry-after"));
    assert!(problem(response).await["detail"].as_str().unwrap().contains("0.01 s"));
}

#[tokio::test]
async fn a_request_id_is_kept_when_it_is_harmless_and_made_otherwise() {
    for (given, kept) in [("proxy-1.2_x", true), ("a b", false), ("x\u{1f}y", false), ("", false)] {
        let Ok(value) = axum::http::HeaderValue::from_str(given) else { continue };
        let request = Request::get("/ok/1").header("x-request-id", value).body(Body::empty()).unwrap();
        let response = call(&Settings::default(), request).await;
        assert_eq!(response.headers()["x-request-id"] == given, kept, "{given:?}");
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["cache-control"], "no-store");
    }
}

#[tokio::test]
async fn only_allowed_hosts_are_served_except_for_the_health_check() {
    let settings = Settings {
        allowed_hosts: vec![Host::try_from("help.example.org".to_owned()).unwrap()],
        ..Settings::default()
    };
    let cases = [
        ("/ok/1", Some("help.example.org"), 200),
        ("/ok/1", Some("HELP.example.org:8080"), 200),
        ("http://help.example.org/ok/1", None, 200),
        ("/ok/1", Some("evil.example.org"), 400),
        ("/ok/1", Some("help.example.org@evil.org"), 400),
        ("/ok/1", None, 400),
        ("/healthz", Some("10.0.0.1:8080"), 200),
    ];
    for (path, host, status) in cases {
        let mut request = Request::get(path);
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let response = call(&settings, request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status().as_u16(), status, "{path} {host:?}");
    }
}

#[tokio::test]
async fn a_page_of_a_listed_origin_may_call_and_another_may_not() {
    let settings = Settings {
        cors_origins: vec![Origin::try_from("https://help.example.org".to_owned()).unwrap()],
        ..Settings::default()
    };
    for (origin, allowed) in [("https://help.example.org", true), ("https://evil.org", false)] {
        let request = Request::options("/ok/1")
            .header("origin", origin)
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "authorization");
        let response = call(&settings, request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.headers().contains_key("access-control-allow-origin"), allowed, "{origin}");
        // An error is readable for the page as well.
        let request = Request::get("/nowhere").header("origin", origin).body(Body::empty()).unwrap();
        let response = call(&settings, request).await;
        assert_eq!(response.headers().contains_key("access-control-allow-origin"), allowed, "{origin}");
    }
}

#[tokio::test]
async fn requests_are_counted_by_route_pattern_never_by_path() {
    let mut registry = Registry::default();
    let app = app(routes(), &Settings::default(), Metrics::register(&mut registry));
    for path in ["/ok/1", "/ok/2", "/invented/1"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        app.clone().oneshot(request).await.expect("a router never fails");
    }
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    for line in [
        r#"vectora_http_requests_total{route="/ok/{id}",method="GET",status="200"} 2"#,
        r#"vectora_http_requests_total{route="unmatched",method="GET",status="404"} 1"#,
        r#"vectora_http_request_duration_seconds_count{route="/ok/{id}"} 2"#,
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
}
