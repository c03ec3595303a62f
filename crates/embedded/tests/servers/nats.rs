//! nats-server: started, restarted, adopted, refused.

use std::{fs, io::Read as _, net::TcpStream, process::Command};

use embedded::nats::{self, NatsServer, Options, StartError};

use crate::support::{connects, eventually, is_alive, scratch};

fn port(server: &NatsServer) -> u16 {
    let port = server.url().rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    port.expect("a URL with a port")
}

fn options(dir: &std::path::Path) -> Options {
    Options { durable: false, ..Options::new(dir.join("nats"), "token-of-a-test") }
}

#[tokio::test]
async fn it_wants_the_token_and_has_a_store_and_leaves_nothing() {
    let dir = scratch();
    let mut server = nats::start(options(dir.path())).await.unwrap();
    let (pid, port) = (server.pid(), port(&server));
    let mut info = [0; 2048];
    let length = TcpStream::connect(("127.0.0.1", port)).unwrap().read(&mut info).unwrap();
    let info = String::from_utf8_lossy(&info[..length]).into_owned();
    assert!(info.contains(r#""auth_required":true"#), "{info}");
    assert!(info.contains(r#""jetstream":true"#), "{info}");
    assert!(server.store_dir().is_dir());
    let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap();
    assert!(!line.contains("token-of-a-test"), "{line}");

    let ended = server.wait();
    server.stop().await;
    ended.await;
    assert!(!is_alive(pid) && !connects(port));
}

#[tokio::test]
async fn a_restart_keeps_the_port_after_a_stop_and_after_a_kill() {
    let dir = scratch();
    let mut server = nats::start(options(dir.path())).await.unwrap();
    let (url, first) = (server.url(), server.pid());
    server.restart().await.unwrap();
    let second = server.pid();
    server.kill().await;
    assert!(!is_alive(first) && !is_alive(second));
    server.restart().await.unwrap();
    assert_eq!(server.url(), url);
    assert!(connects(port(&server)));
    server.stop().await;
}

#[tokio::test]
async fn a_dropped_server_ends() {
    let dir = scratch();
    let server = nats::start(options(dir.path())).await.unwrap();
    let ended = server.wait();
    drop(server);
    ended.await;
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let dir = scratch();
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = nats::start(Options { port: Some(port), ..options(dir.path()) }).await.unwrap_err();
    assert!(matches!(error, StartError::PortInUse { port: named } if named == port), "{error}");
}

#[tokio::test]
async fn what_it_said_before_it_died_is_in_the_error() {
    let dir = scratch();
    let options = options(dir.path());
    fs::create_dir(&options.dir).unwrap();
    fs::write(options.dir.join("jetstream"), "in the way").unwrap();
    let error = nats::start(options).await.unwrap_err();
    assert!(matches!(&error, StartError::Died { .. }), "{error}");
    assert!(error.to_string().contains("[FTL]"), "{error}");
    assert!(!error.to_string().contains("token-of-a-test"), "{error}");
}

#[tokio::test]
async fn a_server_that_was_left_is_stopped_and_another_program_is_not() {
    let dir = scratch();
    let mut server = nats::start(options(dir.path())).await.unwrap();
    server.stop().await;
    let nats_dir = dir.path().join("nats").canonicalize().unwrap();
    let mut left = Command::new(embedded::find::nats_server().unwrap())
        .arg("--config")
        .arg(nats_dir.join("nats.conf"))
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let old = port(&server);
    eventually("the server started by hand answers", || connects(old)).await;
    server = nats::start(options(dir.path())).await.unwrap();
    assert!(!is_alive(left.id()));
    left.wait().unwrap();
    server.kill().await;

    // The number of a dead server can be anybody's: here it is this very test's.
    fs::write(nats_dir.join("nats.pid"), std::process::id().to_string()).unwrap();
    nats::start(options(dir.path())).await.unwrap().stop().await;
}
