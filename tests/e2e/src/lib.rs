//! The harness of the tests that need a browser, or other servers: real browsers load a real build from a real
//! `tidings`.
//!
//! A test is an `async fn(Engine) -> Result<()>`; [`in_every_engine!`] runs it in Chromium, Firefox and `WebKit` each,
//! [`in_one_engine!`] in one of them. [`with_fixture`] lays out a [`Build`] as a [`Site`], starts a [`Server`] on it,
//! opens a [`Page`] in a fresh browser and passes all three to the test, which deploys other builds by a
//! [`DeployMethod`] and checks what the page shows and what it exposes to a screen reader. A [`FaultProxy`] between the
//! browser and the servers injects the faults of a network.
//!
//! The tests of `tidings proxy` have other servers as upstreams: [`Nginx`], [`Vite`], and small [`App`]s on Node.
//!
//! No test sleeps and then asserts: [`wait_until`] polls a condition with a deadline. Every process is owned by a value
//! that ends it when dropped.

mod browser;
mod build;
mod deploy;
mod engine;
mod fault_proxy;
mod fixture;
mod hostname;
mod notice;
mod page;
mod peer;
mod port;
mod process_group;
mod run;
mod server;
mod wait;
mod watch;

pub use build::Build;
pub use deploy::DeployMethod;
pub use deploy::Site;
pub use engine::Engine;
pub use fault_proxy::FaultProxy;
pub use fault_proxy::Streams;
pub use fixture::Fixture;
pub use fixture::with_fixture;
pub use fixture::with_fixture_args;
pub use notice::Notice;
pub use page::Key;
pub use page::Node;
pub use page::Page;
pub use page::Screen;
pub use page::Tree;
pub use peer::App;
pub use peer::Nginx;
pub use peer::Vite;
pub use run::Outcome;
pub use run::run;
pub use server::Server;
pub use server::program;
pub use wait::DEADLINE;
pub use wait::wait_until;
pub use watch::WATCH_TAG;

use std::path::Path;

/// The root of the repository.
pub fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package
        .ancestors()
        .nth(2)
        .unwrap_or_else(|| unreachable!("this package lies in tests/e2e"))
}
