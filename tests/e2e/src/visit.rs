//! A test's visit to a site: everything that it needs, and the end of all of it.

use std::thread;
use std::time::Duration;

use anyhow::Context;
use anyhow::Result;
use tokio::time::timeout;

use crate::build::Build;
use crate::deploy::Site;
use crate::deploy::Way;
use crate::engine::Engine;
use crate::page::Page;
use crate::server::Server;

/// A person on a site.
#[derive(Debug)]
pub struct Visit {
    /// The site that is deployed to.
    pub site: Site,
    /// The server in front of it.
    pub server: Server,
    /// The tab with the site's home page.
    pub page: Page,
}

/// Deploys `first`, opens its home page in a fresh browser, and then does `test`, all within a minute and a half.
///
/// # Errors
/// What `test` says, with the server's log; a picture of the page is left as `failed-TEST.png` among the screenshots.
pub async fn visit(
    engine: Engine,
    way: Way,
    first: &Build,
    test: impl AsyncFnOnce(&Visit) -> Result<()>,
) -> Result<()> {
    visit_with(engine, way, first, &[], test).await
}

/// As [`visit`], of a server with more arguments: `&["--policy", "idle"]`.
///
/// # Errors
/// As there.
pub async fn visit_with(
    engine: Engine,
    way: Way,
    first: &Build,
    args: &[&str],
    test: impl AsyncFnOnce(&Visit) -> Result<()>,
) -> Result<()> {
    let site = Site::new(way, first)?;
    let server = Server::start_with(&site.dir(), args)?;
    let page = Page::open(engine).await?;
    let visit = Visit { site, server, page };

    let home = visit.server.url("/");
    let outcome = timeout(LIMIT, async {
        visit.page.goto(&home).await?;
        // Until the first build is published a page says so, and loads itself again.
        visit.page.shows("#version", "Version").await?;
        test(&visit).await
    });
    let outcome = outcome.await.context("the test takes too long");
    let outcome = outcome.and_then(|done| done);
    if outcome.is_err() {
        let name = thread::current()
            .name()
            .unwrap_or("test")
            .replace("::", "-");
        let _ = visit.page.screenshot(&format!("failed-{name}")).await;
    }
    let closed = visit.page.close().await;
    let log = visit.server.log();
    outcome.with_context(|| format!("the server's log:\n{log}"))?;
    closed
}

// Enough for a few deploys that each take all of the deadline that `until` allows.
const LIMIT: Duration = Duration::from_secs(90);
