//! The child: confines itself, reads one file, writes one document, ends.
//!
//! It does it itself, because nothing may run between `fork` and `exec` of a process with threads. What holds
//! before the first byte of the file is read:
//!
//! - no descriptor but the three it was given; no new one but a handful;
//! - no file can be written, no core, no other process started, no privilege gained, no debugger attached;
//! - a limit on memory, beyond what the program has mapped already, and one on processor time;
//! - it ends with the thread that started it.
//!
//! If any of it cannot be had, nothing is read.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    os::fd::RawFd,
    process::ExitCode,
};

use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal, setrlimit};

use super::wire::{Reply, Request};
use crate::{error::ExtractError, limits::Limits};

/// The exit code of a child that could not confine itself, or was not asked properly. `EX_OSERR` of
/// sysexits.h.
pub(super) const REFUSES: u8 = 71;

/// Descriptors it may have: the three, and one for looking at `/proc`.
const DESCRIPTORS: u64 = 8;

/// Reads a request from the standard input and writes the document, as JSON, to the standard output.
///
/// For the hidden command [`CHILD_ARGUMENT`](crate::CHILD_ARGUMENT) only: it takes the process for itself.
/// Call it first thing in `main`, before a thread or a runtime is started.
pub fn run() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(REFUSES),
    }
}

fn serve() -> io::Result<()> {
    close_all_but_three()?;
    confine()?;
    let mut input = io::stdin().lock();
    let Request { format, limits, parent } = Request::read(&mut input)?;
    let is_orphan =
        rustix::process::getppid().is_none_or(|pid| pid.as_raw_nonzero().get().unsigned_abs() != parent);
    if is_orphan {
        // The signal came before it was asked for.
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    limit(&limits)?;

    let mut bytes = Vec::new();
    input.take(limits.bytes as u64 + 1).read_to_end(&mut bytes)?;
    let reply = match read(format, &bytes, &limits) {
        Ok(document) => Reply::Document(document),
        Err(error) => Reply::Error(error),
    };
    let reply = serde_json::to_vec(&reply)?;
    io::stdout().lock().write_all(&reply)
}

fn read(format: crate::Format, bytes: &[u8], limits: &Limits) -> Result<contract::Document, ExtractError> {
    limits.check(crate::Resource::File, bytes.len())?;
    crate::read(format, bytes, limits)
}

/// Descriptors that were open in the parent's parent, a terminal or a script, and never marked to be closed.
fn close_all_but_three() -> io::Result<()> {
    for descriptor in descriptors()? {
        // One of them was that of the directory, which is closed already.
        nix::unistd::close(descriptor).ok();
    }
    // Looking opens one, the first that is free.
    match descriptors()?.as_slice() {
        [] | [3] => Ok(()),
        _ => Err(io::ErrorKind::PermissionDenied.into()),
    }
}

fn descriptors() -> io::Result<Vec<RawFd>> {
    let mut descriptors = Vec::new();
    for entry in fs::read_dir("/proc/self/fd")? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
        if number > 2 {
            descriptors.push(number);
        }
    }
    Ok(descriptors)
}

fn confine() -> io::Result<()> {
    rustix::thread::set_no_new_privs(true)?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    // Not the signal of the kernel when memory is short, which says something else.
    rustix::process::set_parent_process_death_signal(Some(Signal::HUP))?;
    set(Resource::Core, 0, 0)?;
    set(Resource::Fsize, 0, 0)?;
    set(Resource::Nofile, DESCRIPTORS, DESCRIPTORS)?;
    // Root is not bound by it.
    set(Resource::Nproc, 0, 0)
}

fn limit(limits: &Limits) -> io::Result<()> {
    let memory = mapped()?.saturating_add(limits.memory);
    set(Resource::As, memory, memory)?;
    let seconds = limits.cpu.as_secs().max(1);
    // The first ends it with a signal that says so, the second in any case.
    set(Resource::Cpu, seconds, seconds + 1)
}

/// Bytes of address space the program has now.
fn mapped() -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let size = status
        .lines()
        .find_map(|line| line.strip_prefix("VmSize:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    size.map(|kilobytes| kilobytes.saturating_mul(1_024)).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn set(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    // A limit that is lower already stays.
    let now = rustix::process::getrlimit(resource);
    let hard = now.maximum.map_or(hard, |maximum| maximum.min(hard));
    Ok(setrlimit(resource, Rlimit { current: Some(soft.min(hard)), maximum: Some(hard) })?)
}
