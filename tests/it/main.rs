//! Integration tests through the public interface of the library and the program, one module per subject.

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
mod terms;
mod torture;
mod upstream;
mod webhook;
mod wire;
