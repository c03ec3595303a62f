//! `PostgreSQL`: made, started, restarted, adopted, refused.

use std::{
    fs,
    os::unix::{fs::MetadataExt as _, fs::PermissionsExt as _, process::CommandExt as _},
    path::Path,
    process::{Command, Stdio},
};

use embedded::postgres::{self, StartError};

use crate::support::{again, cluster, eventually, given_dir, is_alive, is_root, query, scratch};

#[tokio::test]
async fn a_new_cluster_has_the_database_and_a_second_start_has_the_data() {
    let dir = scratch();
    let mut server = postgres::start(cluster(dir.path().join("pg"))).await.unwrap();
    let url = server.url();
    let is = |sql| query(&server, &url, sql);
    assert_eq!(is("SELECT current_user, current_database()"), "vectora|vectora");
    assert_eq!(is("SELECT rolsuper FROM pg_roles WHERE rolname = 'vectora'"), "t");
    assert_eq!(is("SHOW lc_collate"), "C.UTF-8");
    assert_eq!(is("SHOW server_encoding"), "UTF8");
    assert_eq!(is("SHOW listen_addresses"), "");
    assert_eq!(is("SHOW fsync"), "off");
    assert_eq!(is("SHOW max_connections"), "10");
    is("CREATE TABLE kept AS SELECT 42 AS n");
    is("CREATE DATABASE other");
    assert_eq!(query(&server, &server.url_for("other"), "SELECT current_database()"), "other");

    let (pid, ended) = (server.pid(), server.wait());
    assert!(server.stop().await.success());
    assert!(ended.await.success());
    assert!(!is_alive(pid) && working_in(&dir.path().join("pg")).is_empty());

    let mut server = postgres::start(cluster(dir.path().join("pg"))).await.unwrap();
    assert_eq!(query(&server, &server.url(), "SELECT n FROM kept"), "42");
    server.stop().await;
}

#[tokio::test]
async fn a_killed_server_comes_back_with_what_was_committed() {
    let dir = scratch();
    let mut server = postgres::start(cluster(dir.path().join("pg"))).await.unwrap();
    let url = server.url();
    query(&server, &url, "CREATE TABLE kept AS SELECT 42 AS n");
    server.kill().await;
    assert!(working_in(&dir.path().join("pg")).is_empty());
    server.restart().await.unwrap();
    assert_eq!(server.url(), url);
    assert_eq!(query(&server, &url, "SELECT n FROM kept"), "42");
    server.restart().await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_was_left_is_stopped_first() {
    let dir = scratch();
    let data_dir = dir.path().join("pg");
    let mut server = postgres::start(cluster(&data_dir)).await.unwrap();
    server.stop().await;
    let owner = fs::metadata(&data_dir).unwrap();
    let mut by_hand = Command::new(server.binaries().dir.join("postgres"));
    by_hand.arg("-D").arg(&data_dir).current_dir("/").stderr(Stdio::null());
    if is_root() {
        by_hand.uid(owner.uid()).gid(owner.gid());
    }
    let mut left = by_hand.spawn().unwrap();
    let ready =
        || fs::read_to_string(data_dir.join("postmaster.pid")).is_ok_and(|text| text.contains("ready"));
    eventually("the server started by hand is ready", ready).await;

    server = postgres::start(cluster(&data_dir)).await.unwrap();
    assert_ne!(server.pid(), left.id());
    assert!(left.wait().unwrap().success());
    assert_eq!(query(&server, &server.url(), "SELECT 1"), "1");
    server.stop().await;
}

#[tokio::test]
async fn a_cluster_whose_lock_files_name_other_programs_starts() {
    let dir = scratch();
    let data_dir = dir.path().join("pg");
    let mut server = postgres::start(cluster(&data_dir)).await.unwrap();
    let files = [data_dir.join("postmaster.pid"), server.socket_dir().join(".s.PGSQL.5432.lock")];
    let was: Vec<String> = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let old = server.pid().to_string();
    server.kill().await;
    // As in a container, where small numbers come again: here it is this very test's.
    for (file, text) in files.iter().zip(was) {
        fs::write(file, text.replacen(&old, &std::process::id().to_string(), 1)).unwrap();
    }
    server = postgres::start(cluster(&data_dir)).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_cluster_that_was_not_finished_is_made_again() {
    let dir = scratch();
    let unfinished = dir.path().join(".pg.initializing");
    fs::create_dir(&unfinished).unwrap();
    fs::write(unfinished.join("PG_VERSION"), "15").unwrap();
    postgres::start(cluster(dir.path().join("pg"))).await.unwrap().stop().await;
    assert!(!unfinished.exists());
}

#[tokio::test]
async fn a_cluster_of_another_version_is_named_with_both_versions() {
    let dir = scratch();
    let data_dir = dir.path().join("pg");
    fs::create_dir(&data_dir).unwrap();
    fs::write(data_dir.join("PG_VERSION"), "11\n").unwrap();
    let installed = embedded::find::postgres().await.unwrap().version;
    let error = postgres::start(cluster(&data_dir)).await.unwrap_err();
    assert!(matches!(&error, StartError::Version { .. }), "{error}");
    let text = error.to_string();
    for part in ["PostgreSQL 11", &format!("PostgreSQL {installed}"), "postgresql-11", "--data-dir"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test]
async fn a_directory_with_something_else_in_it_is_left_alone() {
    let dir = scratch();
    fs::write(dir.path().join("letter.txt"), "dear").unwrap();
    let error = postgres::start(cluster(dir.path())).await.unwrap_err();
    assert!(matches!(&error, StartError::NotACluster { .. }), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_long_or_odd_directory_gets_a_short_socket() {
    let dir = scratch();
    let data_dir = dir.path().join("it's a \"long, one\" ж").join("x".repeat(120)).join("pg");
    let mut server = postgres::start(cluster(&data_dir)).await.unwrap();
    let socket_dir = server.socket_dir().to_owned();
    assert!(socket_dir.as_os_str().len() + "/.s.PGSQL.5432".len() <= 107);
    assert_eq!(fs::metadata(&socket_dir).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(query(&server, &server.url(), "SELECT 1"), "1");
    server.stop().await;
    assert!(!socket_dir.exists());

    let odd = dir.path().join("it's a \"short one\" @:%?ж");
    let mut server = postgres::start(cluster(odd.join("pg"))).await.unwrap();
    assert!(server.socket_dir().starts_with(odd.canonicalize().unwrap()));
    assert_eq!(query(&server, &server.url(), "SELECT 1"), "1");
    server.stop().await;
}

#[tokio::test]
async fn a_directory_on_the_way_that_is_closed_is_named() {
    if !is_root() {
        // An ordinary user's server is the same user: there is nobody to close it to.
        return;
    }
    let dir = scratch();
    let closed = dir.path().join("closed");
    fs::create_dir_all(closed.join("data")).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let error = postgres::start(cluster(closed.join("data/pg"))).await.unwrap_err();
    let wanted = closed.canonicalize().unwrap();
    assert!(matches!(&error, StartError::Unreachable { blocked, .. } if *blocked == wanted), "{error}");
    assert!(error.to_string().contains("chmod o+x"), "{error}");
}

#[tokio::test]
async fn a_user_who_does_not_exist_or_may_not_be_is_named() {
    let dir = scratch();
    let mut options = cluster(dir.path().join("pg"));
    options.run_as = Some("no-such-user-here".to_owned());
    let error = postgres::start(options.clone()).await.unwrap_err();
    assert!(matches!(&error, StartError::NoUser { .. }), "{error}");
    options.run_as = Some("root".to_owned());
    let error = postgres::start(options).await.unwrap_err();
    assert!(matches!(&error, StartError::NoUser { .. }), "{error}");
}

#[tokio::test]
async fn a_start_that_dies_says_what_the_server_said() {
    let dir = scratch();
    let data_dir = dir.path().join("pg");
    postgres::start(cluster(&data_dir)).await.unwrap().stop().await;
    fs::write(data_dir.join("postgresql.auto.conf"), "no_such_setting = 1\n").unwrap();
    let error = postgres::start(cluster(&data_dir)).await.unwrap_err();
    assert!(matches!(&error, StartError::Died { .. }), "{error}");
    assert!(error.to_string().contains("no_such_setting"), "{error}");
}

#[test]
fn a_full_disk_is_a_clear_error_and_leaves_nothing() {
    let dir = scratch();
    let output = again("postgres::helper_starts_with_little_space", dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let problem = said.lines().any(|line| line.contains("initdb failed"));
    assert!(problem && said.contains(&dir.path().join("pg").display().to_string()), "{said}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
#[ignore = "run by a_full_disk_is_a_clear_error_and_leaves_nothing"]
async fn helper_starts_with_little_space() {
    let Some(dir) = given_dir() else { return };
    let limit = rustix::process::Rlimit { current: Some(1 << 20), maximum: Some(1 << 20) };
    rustix::process::setrlimit(rustix::process::Resource::Fsize, limit).unwrap();
    let error = postgres::start(cluster(dir.join("pg"))).await.unwrap_err();
    panic!("{error}\n{error:?}");
}

/// Every process whose directory is `dir`.
fn working_in(dir: &Path) -> Vec<String> {
    let dir = dir.canonicalize().expect("the directory");
    fs::read_dir("/proc")
        .expect("/proc")
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            (fs::read_link(path.join("cwd")).ok()? == dir).then(|| path.display().to_string())
        })
        .collect()
}
