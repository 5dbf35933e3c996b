//! Which deploys are a new release, and which tab shows the notice.

use anyhow::Error;
use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::Build;
use tidings_e2e::DeployMethod;
use tidings_e2e::Engine;
use tidings_e2e::Page;
use tidings_e2e::in_every_engine;
use tidings_e2e::wait_until;
use tidings_e2e::with_fixture;

use crate::UPDATE_TEXT;

in_every_engine!(
    same_build_deployed_again_shows_no_notice,
    rollback_deployed_shows_notice,
    notice_with_two_tabs_is_shown_in_the_visible_one,
);

async fn same_build_deployed_again_shows_no_notice(engine: Engine) -> Result<()> {
    let one = Build::v1()?;
    with_fixture(
        engine,
        DeployMethod::RemoveThenCopy,
        &one,
        async |fixture| {
            let page = &fixture.page;
            // A file that no page references makes no new release; once it is served, the server has scanned.
            for round in ["first", "second"] {
                fixture.site.deploy(&one.with_file("robots.txt", round)?)?;
                wait_until("the server to have scanned", async || {
                    let served = page.fetch("/robots.txt").await?;
                    Ok(served.filter(|text| text == round))
                })
                .await?;
            }
            fixture.site.deploy(&Build::v2()?)?;
            page.wait_for_notice(UPDATE_TEXT).await?;
            let updates = page.updates().await?;
            ensure!(updates.len() == 1, "more than one event: {updates:?}");
            Ok(())
        },
    )
    .await
}

async fn rollback_deployed_shows_notice(engine: Engine) -> Result<()> {
    let one = Build::v1()?;
    with_fixture(engine, DeployMethod::LinkRename, &one, async |fixture| {
        let page = &fixture.page;
        fixture.site.deploy(&Build::v2()?)?;
        page.wait_for_notice(UPDATE_TEXT).await?;
        page.press_button("Refresh").await?;
        page.wait_for_text("#version", "Version 2").await?;

        fixture.site.deploy(&one)?;
        page.wait_for_notice(UPDATE_TEXT).await?;
        page.press_button("Refresh").await?;
        page.wait_for_text("#version", "Version 1").await?;
        page.wait_for_no_notice().await
    })
    .await
}

async fn notice_with_two_tabs_is_shown_in_the_visible_one(engine: Engine) -> Result<()> {
    with_fixture(
        engine,
        DeployMethod::RsyncIndexLast,
        &Build::v1()?,
        async |fixture| {
            let first = &fixture.page;
            let second = first.open_tab().await?;
            second.goto(&fixture.server.url("/about")).await?;
            second.wait_for_text("#about-text", "version 1").await?;

            fixture.site.deploy(&Build::v2()?)?;
            if engine.hides_background_tabs() {
                second.wait_for_notice(UPDATE_TEXT).await?;
                first.bring_to_front().await?;
                first.wait_for_notice(UPDATE_TEXT).await?;
                second.bring_to_front().await?;
                return second.wait_for_notice(UPDATE_TEXT).await.map(drop);
            }
            // Side by side, both are visible.
            let state = async |tab: &Page| {
                tab.bring_to_front().await?;
                Ok::<_, Error>((tab.updates().await?.len(), tab.has_notice().await?))
            };
            wait_until("one of two windows to show the notice", async || {
                let (one, other) = (state(first).await?, state(&second).await?);
                // Of those that got the event, one has hidden its notice.
                Ok((one.0 + other.0 > 0 && one.1 != other.1).then_some(()))
            })
            .await
        },
    )
    .await
}
