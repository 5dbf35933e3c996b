//! Bodies of any size are forwarded in bounded memory.

use std::sync::Arc;

use super::*;
use crate::support::noise;
use crate::support::program::Program;
use crate::support::program::tidings;

/// Bytes that repeat with a period that is not a round number.
#[derive(Clone)]
struct Pattern(Arc<Vec<u8>>);

impl Pattern {
    fn new() -> Self {
        Self(Arc::new(noise(3, 100_003)))
    }

    /// Sends the pattern piece by piece, `SIZE` bytes in total.
    fn send(&self, mut send: impl FnMut(&[u8]) -> std::io::Result<()>) -> std::io::Result<()> {
        let mut left = SIZE;
        while left > 0 {
            let piece = left.min(self.0.len());
            send(&self.0[..piece])?;
            left -= piece;
        }
        Ok(())
    }

    /// Returns a function that compares consecutive pieces with the pattern.
    fn check(&self) -> impl FnMut(&[u8]) + use<> {
        let (pattern, mut at) = (Arc::clone(&self.0), 0);
        move |mut piece| {
            while !piece.is_empty() {
                let count = piece.len().min(pattern.len() - at);
                assert!(piece[..count] == pattern[at..at + count]);
                at = (at + count) % pattern.len();
                piece = &piece[count..];
            }
        }
    }
}

fn program(upstream: &Upstream) -> Program {
    let url = url(upstream.address());
    Program::start(tidings().args(["proxy", &url, "--listen", "127.0.0.1:0"]))
}

#[track_caller]
fn check_memory(program: &Program, before: Option<usize>) {
    if let (Some(before), Some(after)) = (before, program.peak_memory()) {
        assert!(after < before + MOST, "{before} bytes, and then {after}");
    }
}

#[test]
fn download_of_1_gib_has_bounded_memory() {
    let pattern = Pattern::new();
    let sent = pattern.clone();
    let upstream = Upstream::new(move |connection| {
        loop {
            let received = connection.request()?;
            if !received.line.contains("/large") {
                connection.send(OK)?;
                continue;
            }
            connection.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n"))?;
            sent.send(|piece| connection.send(piece))?;
        }
    });
    let program = program(&upstream);
    assert_eq!(program.get("/", &[]).text(), "ok");
    let before = program.peak_memory();
    let mut client = Client::connect(program.address()).unwrap();
    client.send_request("GET", "/large", &[]).unwrap();
    assert_eq!(client.head().unwrap().status, 200);
    client.drain(SIZE, pattern.check()).unwrap();
    check_memory(&program, before);
}

#[test]
fn upload_of_1_gib_has_bounded_memory() {
    let pattern = Pattern::new();
    let expected = pattern.clone();
    let upstream = Upstream::new(move |connection| {
        loop {
            let received = connection.head()?;
            if received.line.contains("/large") {
                connection.drain(SIZE, expected.check())?;
            }
            connection.send(OK)?;
        }
    });
    let program = program(&upstream);
    assert_eq!(program.get("/", &[]).text(), "ok");
    let before = program.peak_memory();
    let mut client = Client::connect(program.address()).unwrap();
    let head = format!("PUT /large HTTP/1.1\r\nHost: a\r\nContent-Length: {SIZE}\r\n\r\n");
    client.send(head).unwrap();
    pattern.send(|piece| client.send(piece)).unwrap();
    assert_eq!(client.reset_deadline().response().unwrap().text(), "ok");
    check_memory(&program, before);
}

const SIZE: usize = 1 << 30;

// Buffers of two connections, and memory that the allocator retains.
const MOST: usize = 64 << 20;
