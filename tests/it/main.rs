//! Everything is tested through what a user of the library or the program has: one binary, a module a subject.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod architecture;
mod client;
mod deploys;
mod middleware;
mod program;
mod proxy;
mod serving;
mod streams;
mod support;
mod torture;
mod upstream;
mod webhook;
mod wire;
