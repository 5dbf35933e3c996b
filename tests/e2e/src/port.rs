//! Ports of 127.0.0.1, for programs that have to be told which to take.

use std::net::TcpListener;
use std::process;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context;
use anyhow::Result;
use tokio::net::TcpStream;
use tokio::time::sleep;

/// A port that nobody listens on, and that the system gives to nobody: a server can be away for a while and still find
/// it free.
pub(crate) fn free_port() -> Result<u16> {
    static TURN: AtomicU32 = AtomicU32::new(0);
    (0..COUNT)
        .filter_map(|_| {
            // Processes that run at the same time begin at different ones.
            let turn = TURN.fetch_add(1, Ordering::Relaxed);
            let number = process::id().wrapping_mul(STRIDE).wrapping_add(turn) % COUNT;
            u16::try_from(LOWEST + number).ok()
        })
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .context("there is no free port")
}

/// Returns when somebody listens on the port.
pub(crate) async fn listened_on(port: u16) {
    while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        sleep(POLL).await;
    }
}

/// Returns when nobody listens on it any more.
pub(crate) async fn left(port: u16) {
    while TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
        sleep(POLL).await;
    }
}

// Above what well-known programs take, and below what Linux gives to whoever asks for any.
const LOWEST: u32 = 20_000;
const COUNT: u32 = 12_000;

// More than one process of the tests asks for.
const STRIDE: u32 = 200;

// A program listens after some milliseconds.
const POLL: Duration = Duration::from_millis(20);
