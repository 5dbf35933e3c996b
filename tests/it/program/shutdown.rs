//! Shutdown by signals, draining, and exhausted file descriptors.

use std::net::TcpStream;
use std::time::Duration;
use std::time::Instant;

use super::*;
use crate::support::events::Events;
use crate::support::http::Client;
use crate::support::noise;
use crate::support::put_bytes;
use crate::support::wait_until;

/// A shorter shutdown did not wait for the drain timeout.
const DEFAULT_DRAIN: Duration = tidings::DEFAULT_DRAIN;

/// Larger than the buffers of a connection.
fn large() -> Vec<u8> {
    noise(1, 30_000_000)
}

/// Waits until connections are refused.
fn wait_until_refused(program: &Program) {
    wait_until("connections to be refused", || {
        TcpStream::connect(program.address()).is_err().then_some(())
    });
}

#[test]
fn signal_exits_at_once_and_ends_event_streams_cleanly() {
    for signal in ["TERM", "INT"] {
        let dir = site();
        let program = Program::serve(dir.path()).ready();
        let mut idle = Client::connect(program.address()).unwrap();
        idle.request("GET", "/", &[]).unwrap();
        let mut silent = Client::connect(program.address()).unwrap();
        let streams: Vec<_> = (0..5).map(|_| Events::open(program.address())).collect();
        let ended = program.stop(signal);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.took < DEFAULT_DRAIN, "{ended:?}");
        assert!(ended.stderr.contains("stopping"), "{ended:?}");
        assert!(!ended.stderr.contains("WARN"), "{ended:?}");
        for stream in streams {
            // With the last, empty chunk: for a browser that is a clean end, not an error.
            assert!(stream.end().is_closed());
        }
        assert!(idle.is_closed());
        assert!(silent.is_closed());
    }
}

#[test]
fn signal_before_first_release_exits_at_once() {
    let dir = site_dir(&[]);
    let program = Program::serve(&dir.path().join("none"));
    let stream = Events::open(program.address());
    let ended = program.stop("TERM");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.took < DEFAULT_DRAIN, "{ended:?}");
    stream.end();
}

#[test]
fn drain_waits_for_a_slow_download() {
    let dir = site();
    let bytes = large();
    put_bytes(dir.path(), "large.bin", &bytes);
    let program = Program::serve_with(dir.path(), &["--drain", "60s"]).ready();
    let mut client = Client::connect(program.address()).unwrap();
    client.send_request("GET", "/large.bin", &[]).unwrap();
    let head = client.head().unwrap();
    assert_eq!(head.field("content-length"), bytes.len().to_string());
    let first = client.take(1_000_000).unwrap();
    let start = Instant::now();
    program.signal("TERM");
    wait_until_refused(&program);
    let rest = client.take(bytes.len() - first.len()).unwrap();
    assert!([first, rest].concat() == bytes);
    let ended = program.wait_for_exit(start);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!ended.stderr.contains("WARN"), "{ended:?}");
    assert!(client.is_closed());
}

#[test]
fn drain_elapsed_cuts_a_stuck_download() {
    let dir = site();
    put_bytes(dir.path(), "large.bin", &large());
    let program = Program::serve_with(dir.path(), &["--drain", "1s"]).ready();
    let mut client = Client::connect(program.address()).unwrap();
    client.send_request("GET", "/large.bin", &[]).unwrap();
    client.head().unwrap();
    let ended = program.stop("TERM");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let took = ended.took;
    assert!(took >= Duration::from_secs(1), "after {took:?}");
    assert!(took < DEFAULT_DRAIN, "after {took:?}");
    assert!(ended.stderr.contains("did not finish in time"), "{ended:?}");
    // The truncated download is not mistaken for a complete one.
    if let Ok(rest) = client.rest() {
        assert!(rest.len() < large().len());
    }
}

#[test]
fn drain_zero_exits_at_once() {
    let dir = site();
    put_bytes(dir.path(), "large.bin", &large());
    let program = Program::serve_with(dir.path(), &["--drain", "0s"]).ready();
    let mut client = Client::connect(program.address()).unwrap();
    client.send_request("GET", "/large.bin", &[]).unwrap();
    client.head().unwrap();
    let ended = program.stop("TERM");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.took < DEFAULT_DRAIN, "{ended:?}");
}

/// Each connection takes a file descriptor, and their number is limited.
#[test]
fn file_descriptor_limit_reached_keeps_serving() {
    let dir = site();
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "ulimit -n 48 && exec \"$@\"", "sh"]);
    let program = serve(dir.path());
    command.arg(program.get_program()).args(program.get_args());
    let program = Program::start(&mut command).ready();
    let crowd: Vec<_> = (0..80)
        .map(|_| Client::connect(program.address()).unwrap())
        .collect();
    program.wait_for_log(&["WARN", "can't accept connections"]);
    drop(crowd);
    wait_until("an answer", || {
        let mut client = Client::connect(program.address()).ok()?;
        client.request("GET", "/", &[]).ok()
    });
    let warnings = program.log().matches("can't accept").count();
    assert!(warnings < 100, "{warnings} warnings");
    assert_eq!(program.stop("TERM").code, Some(0));
}
