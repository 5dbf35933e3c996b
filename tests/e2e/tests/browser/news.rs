//! Which deploys are news, and to whom.

use anyhow::Error;
use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::Build;
use tidings_e2e::Engine;
use tidings_e2e::Page;
use tidings_e2e::Way;
use tidings_e2e::in_every_engine;
use tidings_e2e::until;
use tidings_e2e::visit;

use crate::NEWS;

in_every_engine!(
    the_same_build_again_is_no_news,
    a_rollback_is_news,
    one_tab_tells_and_it_is_the_one_in_front,
);

async fn the_same_build_again_is_no_news(engine: Engine) -> Result<()> {
    let one = Build::one()?;
    visit(engine, Way::RemoveThenCopy, &one, async |visit| {
        let page = &visit.page;
        // A file that no page leads to makes no news, and its being served proves that the server has looked.
        for round in ["first", "second"] {
            visit.site.deploy(&one.with_file("robots.txt", round)?)?;
            until("the server to have looked", async || {
                let served = page.fetch("/robots.txt").await?;
                Ok(served.filter(|text| text == round))
            })
            .await?;
        }
        visit.site.deploy(&Build::two()?)?;
        page.notice(NEWS).await?;
        let updates = page.updates().await?;
        ensure!(updates.len() == 1, "told more than once: {updates:?}");
        Ok(())
    })
    .await
}

async fn a_rollback_is_news(engine: Engine) -> Result<()> {
    let one = Build::one()?;
    visit(engine, Way::LinkRename, &one, async |visit| {
        let page = &visit.page;
        visit.site.deploy(&Build::two()?)?;
        page.notice(NEWS).await?;
        page.press("Refresh").await?;
        page.shows("#version", "Version 2").await?;

        visit.site.deploy(&one)?;
        page.notice(NEWS).await?;
        page.press("Refresh").await?;
        page.shows("#version", "Version 1").await?;
        page.no_notice().await
    })
    .await
}

async fn one_tab_tells_and_it_is_the_one_in_front(engine: Engine) -> Result<()> {
    visit(engine, Way::RsyncIndexLast, &Build::one()?, async |visit| {
        let first = &visit.page;
        let second = first.second_tab().await?;
        second.goto(&visit.server.url("/about")).await?;
        second.shows("#about-text", "version 1").await?;

        visit.site.deploy(&Build::two()?)?;
        if engine.hides_tabs() {
            second.notice(NEWS).await?;
            first.front().await?;
            first.notice(NEWS).await?;
            second.front().await?;
            return second.notice(NEWS).await.map(drop);
        }
        // Side by side, both are in front.
        let told = async |tab: &Page| {
            tab.front().await?;
            Ok::<_, Error>((tab.updates().await?.len(), tab.has_notice().await?))
        };
        until("one of two windows to tell", async || {
            let (one, other) = (told(first).await?, told(&second).await?);
            // Of those that have been told, one has given way.
            Ok((one.0 + other.0 > 0 && one.1 != other.1).then_some(()))
        })
        .await
    })
    .await
}
