//! A real nats-server for the tests of this crate: its own port, directory and token, killed on drop.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use contract::{Kind, Stage, Stream, Ticket};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::time::Instant;
use uuid::Uuid;

use crate::topology::{self, Topology};
use crate::{Delivery, Nats, Puller, Settings};

pub(crate) const ANSWER: Stage = Stage { name: "answer", kind: Kind::Turn, stream: Stream::Turns };
pub(crate) const DELIVER: Stage = Stage { name: "deliver", kind: Kind::Outbound, stream: Stream::Turns };
pub(crate) const STAGES: [Stage; 2] = [ANSWER, DELIVER];

const TOKEN: &str = "a-token-for-tests";

/// Far more than anything takes here, so that a busy machine is no failure.
pub(crate) const LONG: Duration = Duration::from_secs(20);

pub(crate) struct Server {
    directory: TempDir,
    /// The address it listens on.
    pub(crate) listen: &'static str,
    port: u16,
    child: Option<Child>,
}

impl Server {
    /// A server that is ready, with an empty store.
    pub(crate) async fn start() -> Self {
        let mut server = Self::stopped();
        server.start_again().await;
        server
    }

    /// Only the address: nothing listens there yet.
    pub(crate) fn stopped() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("a local address").port();
        Self { directory: tempfile::tempdir().expect("a directory"), listen: "127.0.0.1", port, child: None }
    }

    /// On the same port and store.
    pub(crate) async fn start_again(&mut self) {
        let mut child = Command::new("nats-server")
            .args(["--addr", self.listen, "--port", &self.port.to_string(), "--auth", TOKEN, "--jetstream"])
            .arg("--store_dir")
            .arg(self.directory.path())
            .stderr(Stdio::null())
            .spawn()
            .expect("nats-server is installed");
        let deadline = Instant::now() + LONG;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(child.try_wait().expect("a child").is_none(), "nats-server ended at once");
            assert!(Instant::now() < deadline, "nats-server does not listen");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.child = Some(child);
    }

    /// SIGKILL, and gone when this returns.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("the child is ours");
            child.wait().expect("the child is ours");
        }
    }

    /// SIGSTOP: the connections stay, and nobody answers. The signal takes its time on a busy machine, so this
    /// waits until every thread has stopped.
    pub(crate) async fn freeze(&self) {
        let id = self.child.as_ref().expect("running").id().to_string();
        assert!(Command::new("kill").args(["-STOP", &id]).status().expect("kill").success());
        let stopped = |thread: std::io::Result<std::fs::DirEntry>| {
            let stat = std::fs::read_to_string(thread.expect("a thread").path().join("stat"));
            stat.is_ok_and(|stat| stat.contains(") T "))
        };
        let threads = || std::fs::read_dir(format!("/proc/{id}/task")).expect("threads");
        let deadline = Instant::now() + LONG;
        while !threads().all(stopped) {
            assert!(Instant::now() < deadline, "nats-server does not stop");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// What a lost volume does. To be called while stopped.
    pub(crate) fn wipe(&self) {
        assert!(self.child.is_none(), "wiped while running");
        std::fs::remove_dir_all(self.directory.path().join("jetstream")).expect("a store");
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            url: SecretString::from(format!("nats://127.0.0.1:{}", self.port)),
            token: Some(SecretString::from(TOKEN)),
            connect_wait: LONG,
            ..Settings::default()
        }
    }

    pub(crate) async fn connect(&self) -> Nats {
        connect(&self.settings()).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Connected, and with the topology applied.
pub(crate) async fn connect(settings: &Settings) -> Nats {
    let nats = Nats::connect(settings).await.expect("valid settings");
    assert!(nats.is_connected());
    topology::apply(&nats, &topology_of(settings)).await.expect("applied");
    nats
}

pub(crate) fn topology_of(settings: &Settings) -> Topology {
    topology::wanted(settings, &STAGES).expect("valid settings")
}

/// Different ones for different numbers, issued that many microseconds after some point in time.
pub(crate) fn ticket(number: i64) -> Ticket {
    Ticket::new(Kind::Turn, Uuid::now_v7(), ANSWER.name, 1_700_000_000_000_000 + number)
}

/// As a worker does it: pulls until something comes, with a pause after each error.
pub(crate) async fn pull_one(puller: &mut Puller) -> Delivery {
    let deadline = Instant::now() + LONG;
    loop {
        match puller.pull(1).await {
            Ok(mut pull) => {
                if let Some(delivery) = pull.next().await {
                    return delivery;
                }
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
        assert!(Instant::now() < deadline, "nothing was delivered");
    }
}

/// All of one pull, whatever ends it.
pub(crate) async fn pull_all(puller: &mut Puller, max: usize) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    let mut pull = puller.pull(max).await.expect("a pull");
    while let Some(delivery) = pull.next().await {
        deliveries.push(delivery);
    }
    deliveries
}

/// Waits until the connection is lost or made.
pub(crate) async fn until_connected(nats: &Nats, expected: bool) {
    let mut state = nats.connected();
    let waited = tokio::time::timeout(LONG, state.wait_for(|state| state.connected == expected)).await;
    assert!(waited.is_ok(), "connected never became {expected}");
}

/// Waits until the stream of the tickets holds so many messages.
pub(crate) async fn until_stored(nats: &Nats, expected: u64) {
    let deadline = Instant::now() + LONG;
    while stored(nats, &nats.names().stream(Stream::Turns)).await != expected {
        assert!(Instant::now() < deadline, "the stream never held {expected} messages");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) async fn stored(nats: &Nats, stream: &str) -> u64 {
    nats.jetstream().get_stream(stream).await.expect("the stream").cached_info().state.messages
}
