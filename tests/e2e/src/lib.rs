//! The harness of the browser tests: a real Chromium looks at a real build behind a real `tidings serve`.
//!
//! [`visit`] lays a [`Build`] out as a [`Site`], starts a [`Server`] on it, opens a [`Page`] in a fresh browser
//! session and hands all three to a test. The test deploys other builds in one of the [`Way`]s people do, and
//! watches what the page shows, through the accessibility [`Tree`] where it matters what a person is told.
//!
//! Nothing here sleeps and then asserts: [`until`] polls a condition up to a deadline. Every process that is
//! started is owned by a value that ends it when dropped.

mod ax;
mod build;
mod deploy;
mod driver;
mod notice;
mod page;
mod server;
mod visit;
mod wait;

pub use ax::Node;
pub use ax::Tree;
pub use build::Build;
pub use deploy::Site;
pub use deploy::Way;
pub use driver::Driver;
pub use notice::Notice;
pub use page::Look;
pub use page::Page;
pub use server::Server;
pub use visit::Visit;
pub use visit::visit;
pub use wait::DEADLINE;
pub use wait::until;

use std::path::Path;

/// The top of the repository.
pub fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package
        .ancestors()
        .nth(2)
        .unwrap_or_else(|| unreachable!("this package lies in tests/e2e"))
}
