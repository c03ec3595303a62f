//! Whose the cluster is, and whether that account can get to it.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path, time::Duration};

use super::{Options, StartError};
use crate::{
    account::{self, Account},
    tool,
};

/// Debian's package makes this account.
const FOR_ROOT: &str = "postgres";
const LIMIT: Duration = Duration::from_secs(20);

/// The account the server will run as.
pub(super) async fn of(options: &Options) -> Result<Account, StartError> {
    let passwd = |source| StartError::io("look up accounts in", Path::new("/etc/passwd"), source);
    let wanted = match &options.run_as {
        Some(name) => name.as_str(),
        None if account::is_root() => {
            // A cluster of an ordinary user stays that user's when root starts it once.
            if let Ok(found) = fs::metadata(options.data_dir.join("PG_VERSION"))
                && found.uid() != 0
                && let Some(account) = Account::numbered(found.uid()).await.map_err(passwd)?
            {
                return Ok(account);
            }
            FOR_ROOT
        }
        None => {
            let uid = rustix::process::geteuid().as_raw();
            return Account::numbered(uid).await.map_err(passwd)?.ok_or(StartError::NoName { uid });
        }
    };
    let no_user = || StartError::NoUser { user: wanted.to_owned() };
    let found = Account::named(wanted).await.map_err(passwd)?.ok_or_else(no_user)?;
    if found.uid == 0 {
        return Err(no_user());
    }
    if !found.is_current() && !account::is_root() {
        return Err(StartError::NotAllowed { user: wanted.to_owned() });
    }
    Ok(found)
}

/// Checks that the account may pass through `dir`, which exists. Asked of the account itself, so
/// that access lists and mounts count.
pub(super) async fn can_enter(owner: &Account, dir: &Path, data_dir: &Path) -> Result<(), StartError> {
    if owner.is_current() || passes(owner, dir).await? {
        return Ok(());
    }
    let mut way: Vec<&Path> = dir.ancestors().collect();
    way.reverse();
    for blocked in way {
        if !passes(owner, blocked).await? {
            return Err(StartError::Unreachable {
                user: owner.name.clone(),
                blocked: blocked.to_owned(),
                data_dir: data_dir.to_owned(),
            });
        }
    }
    // Somebody opened it while we looked.
    Ok(())
}

async fn passes(owner: &Account, dir: &Path) -> Result<bool, StartError> {
    let mut test = owner.command("test");
    test.arg("-x").arg(dir);
    let finished = tool::run(test, None, LIMIT)
        .await
        .map_err(|source| StartError::io("run `test -x` on", dir, source))?;
    Ok(finished.status.success())
}

/// The accounts that may be the superuser: the server's, this one and root.
pub(super) async fn trusted(owner: &Account) -> Result<Vec<String>, StartError> {
    let current = Account::numbered(rustix::process::geteuid().as_raw())
        .await
        .map_err(|source| StartError::io("look up accounts in", Path::new("/etc/passwd"), source))?;
    let mut names = vec![owner.name.clone(), "root".to_owned()];
    names.extend(current.map(|current| current.name));
    let mut seen = Vec::new();
    names.retain(|name| {
        !seen.contains(name) && {
            seen.push(name.clone());
            true
        }
    });
    Ok(names)
}
