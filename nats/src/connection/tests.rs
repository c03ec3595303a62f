//! Connecting to a real server: absent, late, unwilling, restarted.

use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;

use crate::testing::{Server, until_connected};
use crate::{ConnectError, Nats, Settings};

#[tokio::test]
async fn without_a_server_a_start_goes_on_and_connects_when_it_comes() {
    let mut server = Server::stopped();
    let settings = Settings { connect_wait: Duration::from_millis(200), ..server.settings() };
    let started = Instant::now();
    let nats = Nats::connect(&settings).await.expect("a server that is away is no error");
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert!(!nats.is_connected());
    assert_eq!(nats.server_version(), None);

    server.start_again().await;
    let back = Instant::now();
    until_connected(&nats, true).await;
    assert!(back.elapsed() < Duration::from_secs(2), "{:?}", back.elapsed());
    assert_eq!(nats.connected().borrow().connections, 1);
    assert!(nats.server_version().is_some_and(|version| version.starts_with("2.")));
    assert!(nats.is_loopback());
}

#[tokio::test]
async fn a_restart_is_seen_counted_and_overcome() {
    let mut server = Server::start().await;
    let nats = server.connect().await;
    server.kill();
    until_connected(&nats, false).await;
    assert!(!nats.is_connected());
    server.start_again().await;
    until_connected(&nats, true).await;
    assert_eq!(nats.connected().borrow().connections, 2);
    assert_eq!(nats.metrics().reconnects(), 1);
}

#[tokio::test]
async fn rejected_credentials_are_an_error_with_a_remedy() {
    let server = Server::start().await;
    let settings = Settings { token: Some(SecretString::from("wrong-hunter2")), ..server.settings() };
    let error = Nats::connect(&settings).await.expect_err("rejected");
    assert!(matches!(error, ConnectError::Rejected { .. }), "{error:?}");
    assert!(error.to_string().contains("nats.token") && !error.to_string().contains("hunter2"), "{error}");
}

#[tokio::test]
async fn the_token_may_come_in_the_url() {
    let server = Server::start().await;
    let mut settings = server.settings();
    let token = settings.token.take().expect("a token");
    let (token, url) = (secrecy::ExposeSecret::expose_secret(&token), settings.url.clone());
    let host = secrecy::ExposeSecret::expose_secret(&url).trim_start_matches("nats://");
    settings.url = SecretString::from(format!("nats://{token}@{host}"));
    assert!(Nats::connect(&settings).await.expect("accepted").is_connected());
}

#[tokio::test]
async fn an_unreadable_file_is_named_with_its_key() {
    let missing = Some("/nowhere/user.creds".into());
    for (settings, key) in [
        (Settings { creds_file: missing.clone(), ..Settings::default() }, "creds_file"),
        (Settings { ca_file: missing, ..Settings::default() }, "ca_file"),
    ] {
        let error = Nats::connect(&settings).await.expect_err(key).to_string();
        assert!(error.starts_with(&format!("nats.{key}: /nowhere/user.creds ")), "{error}");
    }
}
