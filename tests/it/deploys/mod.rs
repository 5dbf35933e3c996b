//! Deploys: noticed, waited for, published whole, announced once; and what looks like one and is none.

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

use crate::deploys::harness::QUIET;

/// An upload takes its time: long enough for a server that is fooled by half a build to be caught at it.
fn pause() {
    thread::sleep(QUIET * 3);
}

/// Runs a command, which must succeed.
#[track_caller]
pub(crate) fn run<'a>(program: &str, arguments: impl IntoIterator<Item = &'a OsStr>) {
    let mut command = Command::new(program);
    let output = command.args(arguments).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {complaint}");
}

/// Says that this machine can't show what a test is there for.
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
