//! The process that started the servers is killed; and all tests again as an ordinary user.

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    process::{Command, Stdio},
};

use embedded::{nats, postgres};

use crate::support::{again, cluster, eventually, given_dir, is_alive, is_root, query, scratch};

#[tokio::test]
async fn a_killed_parent_takes_its_servers_along_and_the_next_start_works() {
    let dir = scratch();
    let mut parent = again("parent::helper_starts_both_and_stays", dir.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let file = dir.path().join("pids");
    eventually("the parent has started both", || file.exists() || !is_alive(parent.id())).await;
    let pids: Vec<u32> = fs::read_to_string(&file)
        .expect("the parent started both")
        .split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect();
    assert!(pids.len() == 2 && pids.iter().all(|pid| is_alive(*pid)));

    parent.kill().unwrap();
    parent.wait().unwrap();
    // Before the next start, which would stop them too.
    let gone = || !pids.iter().any(|pid| is_alive(*pid));
    eventually("nothing of the killed parent is left", gone).await;
    let mut server = postgres::start(cluster(dir.path().join("pg"))).await.unwrap();
    let mut queue = nats::start(nats::Options::new(dir.path().join("nats"), "t")).await.unwrap();
    assert_eq!(query(&server, &server.url(), "SELECT 1"), "1");
    queue.stop().await;
    server.stop().await;
}

#[tokio::test]
#[ignore = "run by a_killed_parent_takes_its_servers_along_and_the_next_start_works"]
async fn helper_starts_both_and_stays() {
    let Some(dir) = given_dir() else { return };
    let server = postgres::start(cluster(dir.join("pg"))).await.unwrap();
    let queue = nats::start(nats::Options::new(dir.join("nats"), "t")).await.unwrap();
    fs::write(dir.join("pids.tmp"), format!("{} {}", server.pid(), queue.pid())).unwrap();
    fs::rename(dir.join("pids.tmp"), dir.join("pids")).unwrap();
    std::future::pending::<()>().await;
}

#[test]
fn an_ordinary_user_can_do_all_of_this() {
    if !is_root() {
        return;
    }
    let dir = scratch();
    // The build directory may be closed to others.
    let program = dir.path().join("servers");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new(&program)
        .env_remove("XDG_RUNTIME_DIR")
        .env("HOME", "/")
        .current_dir("/")
        // `nobody` and `nogroup` have this number in every distribution.
        .uid(65_534)
        .gid(65_534)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
}
