//! A free port on loopback that stays ours while the server is down.
//!
//! The kernel gives ports of its ephemeral range to outgoing connections, and a client that
//! reconnects to a dead local port can even be given that very port. So ports below that range
//! are tried first.

use std::{
    fs, io,
    net::{Ipv4Addr, TcpListener},
};

/// Ports below are more likely to belong to somebody's service.
const LOWEST: u16 = 20_000;
const TRIES: usize = 50;

pub(super) fn free() -> io::Result<u16> {
    let end = ephemeral_start();
    if end > LOWEST {
        for _ in 0..TRIES {
            let port = LOWEST + random()? % (end - LOWEST);
            if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Ok(port);
            }
        }
    }
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn ephemeral_start() -> u16 {
    fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|range| range.split_whitespace().next()?.parse().ok())
        // Linux's own default.
        .unwrap_or(32_768)
}

fn random() -> io::Result<u16> {
    let mut bytes = [0; 2];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    Ok(u16::from_ne_bytes(bytes))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_free_port_can_be_bound() {
        let port = super::free().unwrap();
        std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    }
}
