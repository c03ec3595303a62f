//! Private `nats-server` and `PostgreSQL`, as child processes of this one.
//!
//! `vectora up` and the testkit need both servers without a configured machine. This crate finds
//! the distribution's programs ([`find`]), starts them on loopback and on a Unix socket ([`nats`],
//! [`postgres`]), stops what an earlier run left behind, and takes them down with this process,
//! however it ends. Linux only: it reads `/proc` and uses the parent-death signal.
//!
//! It decides only *where* the servers are: nothing here speaks NATS or SQL.

mod account;
mod child;
mod files;
pub mod find;
pub mod lock;
pub mod nats;
pub mod postgres;
mod process;
pub mod runfile;
mod tool;

use std::{ffi::OsString, io};

/// A secret for one installation: 32 bytes of the kernel's randomness as 64 hexadecimal digits.
///
/// # Errors
/// When the kernel gives no randomness (a seccomp filter forbids `getrandom`).
pub fn random_token() -> io::Result<String> {
    let mut bytes = [0_u8; 32];
    let mut filled = 0;
    while filled < bytes.len() {
        // A signal may cut the call short.
        filled += rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty())?;
    }
    Ok(bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(hex_digit).collect())
}

fn hex_digit(half: u8) -> char {
    char::from(b"0123456789abcdef"[usize::from(half & 15)])
}

/// Whether this process runs as root.
pub fn is_root() -> bool {
    account::is_root()
}

/// The one place that reads the environment: where programs are (`PATH`, `LD_LIBRARY_PATH`) and
/// where short socket paths may be (`XDG_RUNTIME_DIR`). Settings do not come this way.
pub(crate) fn environment(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// A short name for a path that stays the same between runs (FNV-1a; not for secrets).
pub(crate) fn short_hash(path: &std::path::Path) -> String {
    let hash = path.as_os_str().as_encoded_bytes().iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn tokens_are_long_and_never_the_same() {
        let (one, other) = (super::random_token().unwrap(), super::random_token().unwrap());
        assert_eq!(one.len(), 64);
        assert!(one.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_ne!(one, other);
    }
}
