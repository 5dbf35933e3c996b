//! How seldom a person is asked: Later, the cooldown, and one answer for all tabs.

use std::time::Duration;
use std::time::Instant;

use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::Build;
use tidings_e2e::Engine;
use tidings_e2e::Page;
use tidings_e2e::Visit;
use tidings_e2e::Way;
use tidings_e2e::in_every_engine;
use tidings_e2e::until;
use tidings_e2e::visit;
use tidings_e2e::visit_with;

use crate::NEWS;
use crate::drawn;
use crate::three;

in_every_engine!(
    after_the_quiet_the_notice_comes_again_and_the_next_quiet_is_longer,
    later_in_one_tab_counts_in_the_others,
    later_outlives_a_reload,
    a_second_deploy_within_the_cooldown_waits_for_its_end,
    a_refresh_in_one_tab_answers_for_all,
);

async fn after_the_quiet_the_notice_comes_again_and_the_next_quiet_is_longer(
    engine: Engine,
) -> Result<()> {
    let args = &["--snooze", "2s"];
    visit_with(engine, Way::MoveSwap, &Build::one()?, args, async |visit| {
        let page = &visit.page;
        visit.site.deploy(&Build::two()?)?;
        page.notice(NEWS).await?;
        for least in [2, 4] {
            let said = Instant::now();
            page.press("Later").await?;
            page.notice(NEWS).await?;
            quiet(said, least)?;
        }
        Ok(())
    })
    .await
}

async fn later_in_one_tab_counts_in_the_others(engine: Engine) -> Result<()> {
    let args = &["--snooze", "4s"];
    visit_with(engine, Way::MoveSwap, &Build::one()?, args, async |visit| {
        let first = &visit.page;
        let second = other_tab(visit).await?;
        visit.site.deploy(&Build::two()?)?;
        let (told, other) = who_tells(&second, first).await?;

        let said = Instant::now();
        told.press("Later").await?;
        other.front().await?;
        who_tells(other, told).await?;
        // Not at once, as it would be if nobody had answered.
        quiet(said, 4)
    })
    .await
}

async fn later_outlives_a_reload(engine: Engine) -> Result<()> {
    let args = &["--snooze", "6s"];
    visit_with(engine, Way::MoveSwap, &Build::one()?, args, async |visit| {
        let page = &visit.page;
        visit.site.deploy(&Build::two()?)?;
        page.notice(NEWS).await?;
        let said = Instant::now();
        page.press("Later").await?;

        page.goto(&visit.server.url("/")).await?;
        page.shows("#version", "Version 2").await?;
        visit.site.deploy(&three()?)?;
        page.notice(NEWS).await?;
        quiet(said, 6)
    })
    .await
}

async fn a_second_deploy_within_the_cooldown_waits_for_its_end(engine: Engine) -> Result<()> {
    let args = &["--cooldown", "8s"];
    visit_with(engine, Way::MoveSwap, &Build::one()?, args, async |visit| {
        let page = &visit.page;
        let before = Instant::now();
        visit.site.deploy(&Build::two()?)?;
        page.notice(NEWS).await?;
        page.press("Refresh").await?;
        page.shows("#version", "Version 2").await?;

        visit.site.deploy(&three()?)?;
        page.notice(NEWS).await?;
        quiet(before, 8)
    })
    .await
}

async fn a_refresh_in_one_tab_answers_for_all(engine: Engine) -> Result<()> {
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        let first = &visit.page;
        let second = other_tab(visit).await?;
        first.front().await?;
        visit.site.deploy(&Build::two()?)?;
        let (mut told, mut other) = who_tells(first, &second).await?;
        if engine.hides_tabs() {
            // Both have been told by now, so all that the other one still does it does as it comes to the front.
            (told, other) = (&second, first);
            told.front().await?;
            told.notice(NEWS).await?;
        }
        told.press("Refresh").await?;
        told.shows("#version", "Version 2").await?;

        other.front().await?;
        until("the other tab to be in sight", async || {
            let sight = other.eval("return document.visibilityState").await?;
            Ok((sight == "visible").then_some(()))
        })
        .await?;
        drawn(other).await?;
        ensure!(!other.has_notice().await?, "it asks once more");
        let updates = other.updates().await?;
        ensure!(updates.len() <= 1, "it was told once more: {updates:?}");
        other.shows("#version", "Version 1").await
    })
    .await
}

async fn other_tab(visit: &Visit) -> Result<Page> {
    let second = visit.page.second_tab().await?;
    second.goto(&visit.server.url("/")).await?;
    second.shows("#version", "Version 1").await?;
    Ok(second)
}

/// Waits until one of two tabs shows the notice; that one, in front, and the other. It is the one that was in front,
/// but of two windows side by side it may be either.
async fn who_tells<'a>(front: &'a Page, back: &'a Page) -> Result<(&'a Page, &'a Page)> {
    if front.engine().hides_tabs() {
        front.notice(NEWS).await?;
        return Ok((front, back));
    }
    until("one of two windows to tell", async || {
        back.front().await?;
        let other = back.has_notice().await?;
        front.front().await?;
        if front.has_notice().await? {
            return Ok((!other).then_some((front, back)));
        }
        back.front().await?;
        Ok(other.then_some((back, front)))
    })
    .await
}

fn quiet(since: Instant, least: u64) -> Result<()> {
    let quiet = since.elapsed();
    ensure!(quiet >= Duration::from_secs(least), "{quiet:?} of quiet");
    Ok(())
}
