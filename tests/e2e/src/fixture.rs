//! The fixture of most tests: a deployed site, a server, and a browser tab on it.

use std::thread;
use std::time::Duration;

use anyhow::Context;
use anyhow::Result;
use tokio::time::timeout;

use crate::build::Build;
use crate::deploy::DeployMethod;
use crate::deploy::Site;
use crate::engine::Engine;
use crate::page::Page;
use crate::server::Server;

/// A site, its server, and a tab.
#[derive(Debug)]
pub struct Fixture {
    /// The deployed site.
    pub site: Site,
    /// The server in front of it.
    pub server: Server,
    /// The tab with the site's home page.
    pub page: Page,
}

/// Deploys `first`, opens its home page in a fresh browser, and runs `test`, all within a minute and a half.
///
/// # Errors
/// The error of `test`, with the server's log; a screenshot of the page is left as `failed-TEST.png`.
pub async fn with_fixture(
    engine: Engine,
    method: DeployMethod,
    first: &Build,
    test: impl AsyncFnOnce(&Fixture) -> Result<()>,
) -> Result<()> {
    with_fixture_args(engine, method, first, &[], test).await
}

/// As [`with_fixture`], with more arguments of the server: `&["--policy", "idle"]`.
///
/// # Errors
/// As there.
pub async fn with_fixture_args(
    engine: Engine,
    method: DeployMethod,
    first: &Build,
    args: &[&str],
    test: impl AsyncFnOnce(&Fixture) -> Result<()>,
) -> Result<()> {
    let site = Site::new(method, first)?;
    let server = Server::start_with(&site.dir(), args)?;
    let page = Page::open(engine).await?;
    let fixture = Fixture { site, server, page };

    let home = fixture.server.url("/");
    let outcome = timeout(LIMIT, async {
        fixture.page.goto(&home).await?;
        // Until the first build is published, a retry page is served, which reloads itself.
        fixture.page.wait_for_text("#version", "Version").await?;
        test(&fixture).await
    });
    let outcome = outcome.await.context("the test took too long");
    let outcome = outcome.and_then(|done| done);
    if outcome.is_err() {
        let name = thread::current()
            .name()
            .unwrap_or("test")
            .replace("::", "-");
        let _ = fixture.page.screenshot(&format!("failed-{name}")).await;
    }
    let closed = fixture.page.close().await;
    let log = fixture.server.log();
    outcome.with_context(|| format!("the server's log:\n{log}"))?;
    closed
}

// Enough for a few deploys that each take the whole deadline of `wait_until`.
const LIMIT: Duration = Duration::from_secs(90);
