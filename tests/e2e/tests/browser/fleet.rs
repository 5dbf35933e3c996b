//! Several servers behind one address, in the middle of a deploy.

use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::Build;
use tidings_e2e::Engine;
use tidings_e2e::Front;
use tidings_e2e::Page;
use tidings_e2e::Server;
use tidings_e2e::Site;
use tidings_e2e::Way;
use tidings_e2e::in_every_engine;
use tidings_e2e::until;
use tidings_e2e::visit;

use crate::streams;

in_every_engine!(
    a_notice_does_not_flicker_while_a_deploy_rolls,
    a_new_page_with_an_old_servers_stream_is_not_told,
);

async fn a_notice_does_not_flicker_while_a_deploy_rolls(engine: Engine) -> Result<()> {
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        let page = &visit.page;
        let (second, third) = (serve(&Build::one()?)?, serve(&Build::one()?)?);
        let servers = [&visit.server, &second.1, &third.1];
        let front = Front::start(&servers)?;
        for server in servers {
            // Before its first release a server has no page for anybody.
            page.goto(&server.url("/")).await?;
            page.shows("#version", "Version 1").await?;
        }
        page.goto(&front.url("/")).await?;
        page.shows("#version", "Version 1").await?;
        streams(&front, 1).await?;

        let mut shown = false;
        for (updated, site) in [&visit.site, &second.0, &third.0].into_iter().enumerate() {
            site.deploy(&Build::two()?)?;
            until("a server more with the new release", async || {
                let new = new_answers(page).await?;
                ensure!(new > updated, "{new} of three");
                Ok(Some(()))
            })
            .await?;
            // The tab hears from all of them, again and again.
            for _ in 0..8 {
                page.eval("return tidings.check().then(() => {})").await?;
                let shows = page.has_notice().await?;
                ensure!(shows || !shown, "it went with {} updated", updated + 1);
                shown = shows;
            }
        }
        page.notice("new version").await?;
        ensure!(page.updates().await?.len() == 1, "told more than once");
        ensure!(page.withdrawals().await? == 0, "it was taken back");
        page.press("Refresh").await?;
        page.shows("#version", "Version 2").await?;
        page.no_notice().await
    })
    .await
}

async fn a_new_page_with_an_old_servers_stream_is_not_told(engine: Engine) -> Result<()> {
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        let page = &visit.page;
        let (_site, new) = serve(&Build::two()?)?;
        page.goto(&new.url("/")).await?;
        page.shows("#version", "Version 2").await?;
        let front = Front::start(&[&new])?;
        page.goto(&front.url("/")).await?;
        page.shows("#version", "Version 2").await?;
        streams(&front, 1).await?;
        front.upstreams(&[&visit.server]);
        front.go_away()?;
        front.come_back()?;
        streams(&front, 1).await?;
        for _ in 0..8 {
            page.eval("return tidings.check().then(() => {})").await?;
            ensure!(page.eval("return tidings.state").await? == "current");
            ensure!(!page.has_notice().await?, "it offers the old release");
        }
        ensure!(page.updates().await?.is_empty(), "it was told");
        Ok(())
    })
    .await
}

fn serve(build: &Build) -> Result<(Site, Server)> {
    let site = Site::new(Way::MoveSwap, build)?;
    let server = Server::start(&site.dir())?;
    Ok((site, server))
}

/// How many of three answers in a row name another release than the page's.
async fn new_answers(page: &Page) -> Result<usize> {
    let mut new = 0;
    for _ in 0..3 {
        let script = "return fetch('/__tidings/release.json', { cache: 'no-store' })
            .then((answer) => answer.json())
            .then((release) => release.id !== tidings.release.id)";
        new += usize::from(page.eval(script).await? == true);
    }
    Ok(new)
}
