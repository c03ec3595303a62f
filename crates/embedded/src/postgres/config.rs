//! The settings that are ours: `vectora.conf`, included at the end of `postgresql.conf`, and who
//! may log in. Written at each start, so that a new release's values reach an old cluster.

use std::path::Path;

use super::{Options, ROLE, StartError, owner, socket};
use crate::{account::Account, files};

/// Appended to `postgresql.conf` once.
pub(super) const INCLUDE: &str = "\n# Vectora's settings; what is set after this line or by ALTER SYSTEM wins.\ninclude = 'vectora.conf'\n";
/// The whole of `pg_hba.conf`. The map says who is who.
pub(super) const HBA: &str = "# Made by Vectora. TYPE DATABASE USER METHOD\nlocal all all peer map=vectora\n";

/// Writes `vectora.conf` and `pg_ident.conf` into a cluster.
pub(super) async fn write(
    data_dir: &Path,
    options: &Options,
    owner: &Account,
    socket_dir: &Path,
) -> Result<(), StartError> {
    let trusted = owner::trusted(owner).await?;
    for (name, text) in [("vectora.conf", settings(options, socket_dir)), ("pg_ident.conf", ident(&trusted))]
    {
        let path = data_dir.join(name);
        files::write(&path, &text, Some(owner)).map_err(|source| StartError::io("write", &path, source))?;
    }
    Ok(())
}

fn settings(options: &Options, socket_dir: &Path) -> String {
    // A list of directories: a name with a comma needs double quotes of its own.
    let socket_dir = format!("\"{}\"", socket_dir.to_string_lossy().replace('"', "\"\""));
    let mut text = format!(
        "# Written by Vectora at each start; changes are lost. Use ALTER SYSTEM.\n\
         listen_addresses = ''\n\
         port = {port}\n\
         unix_socket_directories = {socket_dir}\n\
         unix_socket_permissions = 0700\n\
         max_connections = {max_connections}\n\
         shared_buffers = {shared_buffers}MB\n\
         huge_pages = off\n\
         # Short statements only: compiling them costs more than it saves.\n\
         jit = off\n\
         min_wal_size = 64MB\n\
         max_wal_size = 512MB\n\
         synchronous_commit = on\n\
         autovacuum = on\n\
         timezone = 'UTC'\n\
         log_timezone = 'UTC'\n\
         logging_collector = off\n\
         log_destination = 'stderr'\n\
         log_line_prefix = '%m [%p] '\n\
         # DETAIL lines quote rows, and rows are personal.\n\
         log_error_verbosity = terse\n\
         log_parameter_max_length_on_error = 0\n",
        port = socket::PORT,
        socket_dir = quoted(&socket_dir),
        max_connections = options.max_connections,
        shared_buffers = options.shared_buffers_mib,
    );
    if !options.durable {
        text.push_str("# For tests: a power failure destroys this cluster.\n");
        text.push_str("fsync = off\nfull_page_writes = off\n");
    }
    text
}

fn ident(trusted: &[String]) -> String {
    let mut text = "# Written by Vectora at each start. MAP SYSTEM-USER ROLE\n".to_owned();
    for name in trusted {
        text.extend(["vectora \"", &name.replace('"', "\"\""), "\" ", ROLE, "\n"]);
    }
    text
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strange_directory_stays_one_value() {
        let text = settings(&Options::new("/data"), Path::new("/it's, \"a\" dir"));
        assert!(text.contains(r#"unix_socket_directories = '"/it''s, ""a"" dir"'"#), "{text}");
    }

    #[test]
    fn only_a_test_cluster_does_not_sync() {
        let options = Options::new("/data");
        assert!(!settings(&options, Path::new("/s")).contains("fsync"));
        let options = Options { durable: false, ..options };
        assert!(settings(&options, Path::new("/s")).contains("\nfsync = off\n"));
    }
}
