//! Several replicas behind one address during a deploy.

use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::Build;
use tidings_e2e::DeployMethod;
use tidings_e2e::Engine;
use tidings_e2e::FaultProxy;
use tidings_e2e::Page;
use tidings_e2e::Server;
use tidings_e2e::Site;
use tidings_e2e::in_every_engine;
use tidings_e2e::wait_until;
use tidings_e2e::with_fixture;

use crate::wait_for_streams;

in_every_engine!(
    notice_during_rolling_deploy_stays_shown,
    new_page_with_stream_of_old_replica_shows_no_notice,
);

async fn notice_during_rolling_deploy_stays_shown(engine: Engine) -> Result<()> {
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        async |fixture| {
            let page = &fixture.page;
            let (second, third) = (serve(&Build::v1()?)?, serve(&Build::v1()?)?);
            let servers = [&fixture.server, &second.1, &third.1];
            let proxy = FaultProxy::start(&servers)?;
            for server in servers {
                // Before its first release a server serves no page.
                page.goto(&server.url("/")).await?;
                page.wait_for_text("#version", "Version 1").await?;
            }
            page.goto(&proxy.url("/")).await?;
            page.wait_for_text("#version", "Version 1").await?;
            wait_for_streams(&proxy, 1).await?;

            let mut shown = false;
            for (updated, site) in [&fixture.site, &second.0, &third.0].into_iter().enumerate() {
                site.deploy(&Build::v2()?)?;
                wait_until("a server more with the new release", async || {
                    let new = count_new_releases(page).await?;
                    ensure!(new > updated, "{new} of three");
                    Ok(Some(()))
                })
                .await?;
                // The tab polls all of them repeatedly.
                for _ in 0..8 {
                    page.eval("return tidings.check().then(() => {})").await?;
                    let shows = page.has_notice().await?;
                    ensure!(shows || !shown, "it went with {} updated", updated + 1);
                    shown = shows;
                }
            }
            page.wait_for_notice("new version").await?;
            ensure!(page.updates().await?.len() == 1, "more than one event");
            ensure!(page.withdrawals().await? == 0, "it was withdrawn");
            page.press_button("Refresh").await?;
            page.wait_for_text("#version", "Version 2").await?;
            page.wait_for_no_notice().await
        },
    )
    .await
}

async fn new_page_with_stream_of_old_replica_shows_no_notice(engine: Engine) -> Result<()> {
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        async |fixture| {
            let page = &fixture.page;
            let (_site, new) = serve(&Build::v2()?)?;
            page.goto(&new.url("/")).await?;
            page.wait_for_text("#version", "Version 2").await?;
            let proxy = FaultProxy::start(&[&new])?;
            page.goto(&proxy.url("/")).await?;
            page.wait_for_text("#version", "Version 2").await?;
            wait_for_streams(&proxy, 1).await?;
            proxy.set_upstreams(&[&fixture.server]);
            proxy.disconnect()?;
            proxy.reconnect()?;
            wait_for_streams(&proxy, 1).await?;
            for _ in 0..8 {
                page.eval("return tidings.check().then(() => {})").await?;
                ensure!(page.eval("return tidings.state").await? == "current");
                ensure!(!page.has_notice().await?, "it offers the old release");
            }
            ensure!(page.updates().await?.is_empty(), "it got an event");
            Ok(())
        },
    )
    .await
}

fn serve(build: &Build) -> Result<(Site, Server)> {
    let site = Site::new(DeployMethod::MoveSwap, build)?;
    let server = Server::start(&site.dir())?;
    Ok((site, server))
}

/// How many of three consecutive responses name another release than the page's.
async fn count_new_releases(page: &Page) -> Result<usize> {
    let mut new = 0;
    for _ in 0..3 {
        let script = "return fetch('/__tidings/release.json', { cache: 'no-store' })
            .then((response) => response.json())
            .then((release) => release.id !== tidings.release.id)";
        new += usize::from(page.eval(script).await? == true);
    }
    Ok(new)
}
