//! `nats.conf`, written anew at each start and fitted to the version: an unknown field stops
//! 2.9.10 from starting.

use std::path::{Path, PathBuf};

use super::Options;

pub(super) fn path(dir: &Path) -> PathBuf {
    dir.join("nats.conf")
}

pub(super) fn pid_file(dir: &Path) -> PathBuf {
    dir.join("nats.pid")
}

pub(super) fn store_dir(dir: &Path) -> PathBuf {
    dir.join("jetstream")
}

/// Its name tells the server that answers on the port from any other.
pub(super) fn server_name(dir: &Path) -> String {
    format!("vectora-{}", crate::short_hash(dir))
}

pub(super) fn text(options: &Options, version: &[u32], port: u16) -> String {
    let path = |path: PathBuf| quoted(&path.to_string_lossy());
    let mut text = format!(
        "# Written by Vectora at each start; changes are lost.\n\
         server_name: {name}\n\
         listen: \"127.0.0.1:{port}\"\n\
         pid_file: {pid_file}\n\
         authorization {{ token: {token} }}\n\
         jetstream {{\n  \
           store_dir: {store_dir}\n  \
           max_memory_store: 67108864\n  \
           max_file_store: {max_file_store}\n",
        name = quoted(&server_name(&options.dir)),
        pid_file = path(pid_file(&options.dir)),
        token = quoted(&options.token),
        store_dir = path(store_dir(&options.dir)),
        max_file_store = options.max_file_store,
    );
    if options.durable && version >= &[2, 10] {
        text.push_str("  sync_interval: always\n");
    }
    text.push_str("}\n");
    text
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_servers_that_know_it_are_told_to_sync_always() {
        let options = Options::new("/data/nats", "secret");
        assert!(!text(&options, &[2, 9, 10], 4222).contains("sync_interval"));
        assert!(text(&options, &[2, 10, 0], 4222).contains("sync_interval: always"));
        assert!(text(&options, &[3, 0, 0], 4222).contains("sync_interval: always"));
        let options = Options { durable: false, ..options };
        assert!(!text(&options, &[2, 10, 0], 4222).contains("sync_interval"));
    }

    #[test]
    fn a_strange_token_stays_one_value() {
        let options = Options::new("/data/nats", "a\"b\\c");
        assert!(text(&options, &[2, 9, 10], 4222).contains(r#"token: "a\"b\\c""#));
        assert!(!format!("{options:?}").contains("a\\"));
    }
}
