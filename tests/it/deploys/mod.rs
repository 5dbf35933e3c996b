//! Deploys to a watched directory: detection, completeness, publication, and one announcement each.

#![allow(clippy::unwrap_used, clippy::needless_for_each, reason = "a test may")]

pub(crate) mod build;
mod change_detection;
mod changing_files;
mod deploy_methods;
mod directory;
mod files;
pub(crate) mod harness;
mod incomplete;
mod polling;
pub(crate) mod process;

use std::ffi::OsStr;
use std::io;
use std::io::Write as _;
use std::process::Command;
use std::thread;

use crate::deploys::harness::DEBOUNCE;

/// Waits as long as a slow upload would, so that a server that publishes incomplete builds is detected.
fn pause() {
    thread::sleep(DEBOUNCE * 3);
}

/// Runs a command; panics if it fails.
#[track_caller]
pub(crate) fn run<'a>(program: &str, arguments: impl IntoIterator<Item = &'a OsStr>) {
    let mut command = Command::new(program);
    let output = command.args(arguments).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {complaint}");
}

/// Reports that this machine can't run a test.
#[expect(
    clippy::explicit_write,
    reason = "past the harness, which keeps what a passing test prints to itself"
)]
fn report_skipped(why: &str) {
    writeln!(io::stderr(), "\nNOT TESTED: {why}").unwrap();
}

pub(crate) fn os<S: AsRef<OsStr> + ?Sized>(argument: &S) -> &OsStr {
    argument.as_ref()
}
