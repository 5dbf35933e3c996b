//! Lines that break, and lines that let nothing through for a while.

use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::Build;
use tidings_e2e::Engine;
use tidings_e2e::Front;
use tidings_e2e::Server;
use tidings_e2e::Site;
use tidings_e2e::Way;
use tidings_e2e::in_every_engine;
use tidings_e2e::until;
use tidings_e2e::visit;

use crate::NEWS;
use crate::is_published;
use crate::streams;

in_every_engine!(
    news_that_is_held_back_is_asked_for,
    a_server_that_comes_back_with_another_release_tells,
    a_page_that_starts_without_a_line_is_told_later,
);

async fn news_that_is_held_back_is_asked_for(engine: Engine) -> Result<()> {
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        let page = &visit.page;
        let front = Front::start(&[&visit.server])?;
        front.hold_events(true);
        page.goto(&front.url("/")).await?;
        page.shows("#version", "Version 1").await?;
        streams(&front, 1).await?;
        // The silent stream is given up.
        streams(&front, 0).await?;
        until("a question in its place", async || {
            Ok((front.requests(RELEASE) > 0).then_some(()))
        })
        .await?;
        visit.site.deploy(&Build::two()?)?;
        is_published(page).await?;
        ensure!(page.updates().await?.is_empty(), "who has told it?");
        page.click("#to-about").await?;
        page.notice(NEWS).await?;
        page.press("Refresh").await?;
        page.shows("#about-text", "version 2").await?;

        // Of the new page the stream is held back as well, and news comes when the window is looked at again.
        streams(&front, 1).await?;
        streams(&front, 0).await?;
        visit.site.deploy(&Build::one()?)?;
        is_published(page).await?;
        page.eval("dispatchEvent(new Event('focus'))").await?;
        page.notice(NEWS).await?;
        // Another network is another chance for a stream.
        front.hold_events(false);
        page.eval("dispatchEvent(new Event('online'))").await?;
        streams(&front, 1).await
    })
    .await
}

async fn a_server_that_comes_back_with_another_release_tells(engine: Engine) -> Result<()> {
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        let page = &visit.page;
        let other = Site::new(Way::MoveSwap, &Build::two()?)?;
        let other = Server::start(&other.dir()).map(|server| (server, other))?;
        let front = Front::start(&[&visit.server])?;
        page.goto(&front.url("/")).await?;
        page.shows("#version", "Version 1").await?;
        streams(&front, 1).await?;
        front.go_away()?;
        streams(&front, 0).await?;
        // Whoever stands before a server that is not there yet says so, which ends a stream for good.
        front.upstreams(&[]);
        let asked = front.requests(EVENTS);
        front.come_back()?;
        until("another try", async || {
            Ok((front.requests(EVENTS) > asked).then_some(()))
        })
        .await?;
        ensure!(
            !page.has_notice().await?,
            "a server that is away is no news"
        );
        front.upstreams(&[&other.0]);
        streams(&front, 1).await?;
        page.notice(NEWS).await?;
        page.press("Refresh").await?;
        page.shows("#version", "Version 2").await?;
        page.no_notice().await
    })
    .await
}

async fn a_page_that_starts_without_a_line_is_told_later(engine: Engine) -> Result<()> {
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        let page = &visit.page;
        let front = Front::start(&[&visit.server])?;
        front.missing(&[EVENTS, RELEASE]);
        page.goto(&front.url("/")).await?;
        page.shows("#version", "Version 1").await?;
        until("the first try", async || {
            Ok((front.requests(EVENTS) > 0).then_some(()))
        })
        .await?;
        visit.site.deploy(&Build::two()?)?;
        front.missing(&[]);
        streams(&front, 1).await?;
        page.notice(NEWS).await?;
        let errors = page.errors().await?;
        ensure!(errors.is_empty(), "{errors:?}");
        Ok(())
    })
    .await
}

const EVENTS: &str = "/__tidings/events";
const RELEASE: &str = "/__tidings/release.json";
