//! What the tests of both servers need.

use std::{
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use embedded::postgres;
use tempfile::TempDir;

pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

/// A directory that the server's user may pass through; plain temporary ones are root's alone.
pub(crate) fn scratch() -> TempDir {
    tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(0o711))
        .tempdir()
        .expect("a temporary directory")
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether the process is there and not a zombie.
pub(crate) fn is_alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit_once(") ").expect("a stat line").1.starts_with('Z'))
}

pub(crate) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "not within {DEADLINE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub(crate) fn connects(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// A small cluster for tests.
pub(crate) fn cluster(data_dir: impl Into<PathBuf>) -> postgres::Options {
    postgres::Options {
        durable: false,
        max_connections: 10,
        shared_buffers_mib: 16,
        ..postgres::Options::new(data_dir)
    }
}

/// Runs one statement with psql and returns what it prints.
pub(crate) fn query(server: &postgres::PostgresServer, url: &str, sql: &str) -> String {
    let output = Command::new(server.binaries().dir.join("psql"))
        .args([url, "-X", "-At", "-v", "ON_ERROR_STOP=1", "-c", sql])
        .output()
        .expect("psql");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{sql}: {stderr}");
    String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
}

/// This test binary again, with one test that is ignored otherwise, and a directory for it.
pub(crate) fn again(test: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args([test, "--exact", "--ignored", "--nocapture"]).env("EMBEDDED_TEST_DIR", dir);
    command
}

/// The directory given by [`again`]; `None` when somebody runs ignored tests by hand.
pub(crate) fn given_dir() -> Option<PathBuf> {
    std::env::var_os("EMBEDDED_TEST_DIR").map(PathBuf::from)
}
