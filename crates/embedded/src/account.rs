//! Who runs a server: an account of the operating system.
//!
//! `PostgreSQL` refuses root, so root runs it as `postgres`; and `peer` authentication compares
//! names, so a user identifier without a name cannot log in at all.

use std::{fs, io, os::unix::process::CommandExt as _, process::Command, time::Duration};

use crate::tool;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Account {
    /// The account with a user number; `None` when the number has no name.
    pub(crate) async fn numbered(uid: u32) -> io::Result<Option<Self>> {
        lookup(&uid.to_string(), 2).await
    }

    pub(crate) async fn named(name: &str) -> io::Result<Option<Self>> {
        lookup(name, 0).await
    }

    pub(crate) fn is_current(&self) -> bool {
        self.uid == rustix::process::geteuid().as_raw()
    }

    /// A command that runs as this account, in a place it can always be, with an environment of
    /// its own: this process's has secrets in it, and `PG*` variables that would move the server.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = bare_command(program);
        if !self.is_current() {
            // The standard library drops root's other groups when it changes the user.
            command.uid(self.uid).gid(self.gid);
        }
        command
    }
}

/// A command with a small, known environment and `/` as its directory.
pub(crate) fn bare_command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().current_dir("/");
    command.env("HOME", "/").env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
    command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    // Programs outside the distribution may need it (Nix, hand-built prefixes).
    if let Some(path) = crate::environment("LD_LIBRARY_PATH") {
        command.env("LD_LIBRARY_PATH", path);
    }
    command
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Finds the account whose field number `field` of `/etc/passwd` is `key`; accounts of LDAP and
/// the like come from `getent`.
async fn lookup(key: &str, field: usize) -> io::Result<Option<Account>> {
    let local = fs::read_to_string("/etc/passwd").unwrap_or_default();
    if let Some(account) = find(&local, key, field) {
        return Ok(Some(account));
    }
    let mut getent = bare_command("getent");
    getent.args(["passwd", "--", key]);
    match tool::run(getent, None, Duration::from_secs(10)).await {
        Ok(finished) => Ok(find(&finished.output, key, field)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn find(passwd: &str, key: &str, field: usize) -> Option<Account> {
    passwd.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        if fields.get(field) != Some(&key) {
            return None;
        }
        Some(Account {
            name: (*fields.first()?).to_owned(),
            uid: fields.get(2)?.parse().ok()?,
            gid: fields.get(3)?.parse().ok()?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_by_name_and_by_number() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\npostgres:x:101:104:,,,:/var/lib/postgresql:\n";
        let wanted = Account { name: "postgres".to_owned(), uid: 101, gid: 104 };
        assert_eq!(find(passwd, "postgres", 0), Some(wanted.clone()));
        assert_eq!(find(passwd, "101", 2), Some(wanted));
        assert_eq!(find(passwd, "104", 2), None);
    }

    #[tokio::test]
    async fn an_account_that_does_not_exist_is_none() {
        assert_eq!(Account::named("no-such-account-here").await.unwrap(), None);
    }
}
