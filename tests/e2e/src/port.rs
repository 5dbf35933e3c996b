//! Ports of 127.0.0.1, for programs that need one on their command line.

use std::net::TcpListener;
use std::process;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context;
use anyhow::Result;
use tokio::net::TcpStream;
use tokio::time::sleep;

/// A free port outside the system's ephemeral range: a server can stop for a while and listen on it again.
pub(crate) fn free_port() -> Result<u16> {
    static TURN: AtomicU32 = AtomicU32::new(0);
    (0..COUNT)
        .filter_map(|_| {
            // Concurrent processes start at different ports.
            let turn = TURN.fetch_add(1, Ordering::Relaxed);
            let number = process::id().wrapping_mul(STRIDE).wrapping_add(turn) % COUNT;
            u16::try_from(LOWEST + number).ok()
        })
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .context("there is no free port")
}

/// Returns when the port accepts connections.
pub(crate) async fn wait_for_listener(port: u16) {
    while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        sleep(POLL).await;
    }
}

/// Returns when the port refuses connections.
pub(crate) async fn wait_until_closed(port: u16) {
    while TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
        sleep(POLL).await;
    }
}

// Above the ports of well-known programs, and below Linux's ephemeral range.
const LOWEST: u32 = 20_000;
const COUNT: u32 = 12_000;

// More than one test process needs.
const STRIDE: u32 = 200;

// A program listens after some milliseconds.
const POLL: Duration = Duration::from_millis(20);
