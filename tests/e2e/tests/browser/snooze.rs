//! How often the notice is shown: Later, the cooldown, and one answer for all tabs.

use std::time::Duration;
use std::time::Instant;

use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::Build;
use tidings_e2e::DeployMethod;
use tidings_e2e::Engine;
use tidings_e2e::Fixture;
use tidings_e2e::Page;
use tidings_e2e::in_every_engine;
use tidings_e2e::wait_until;
use tidings_e2e::with_fixture;
use tidings_e2e::with_fixture_args;

use crate::UPDATE_TEXT;
use crate::third_build;
use crate::wait_for_paint;

in_every_engine!(
    snooze_repeated_lasts_twice_as_long,
    snooze_in_one_tab_applies_to_others,
    snooze_after_reload_still_applies,
    deploy_within_cooldown_is_shown_after_it,
    refresh_in_one_tab_suppresses_notice_in_others,
);

async fn snooze_repeated_lasts_twice_as_long(engine: Engine) -> Result<()> {
    let args = &["--snooze", "2s"];
    with_fixture_args(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        args,
        async |fixture| {
            let page = &fixture.page;
            fixture.site.deploy(&Build::v2()?)?;
            page.wait_for_notice(UPDATE_TEXT).await?;
            for least in [2, 4] {
                let pressed_at = Instant::now();
                page.press_button("Later").await?;
                page.wait_for_notice(UPDATE_TEXT).await?;
                ensure_elapsed(pressed_at, least)?;
            }
            Ok(())
        },
    )
    .await
}

async fn snooze_in_one_tab_applies_to_others(engine: Engine) -> Result<()> {
    let args = &["--snooze", "4s"];
    with_fixture_args(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        args,
        async |fixture| {
            let first = &fixture.page;
            let second = open_second_tab(fixture).await?;
            fixture.site.deploy(&Build::v2()?)?;
            let (shown, other) = tab_with_notice(&second, first).await?;

            let pressed_at = Instant::now();
            shown.press_button("Later").await?;
            other.bring_to_front().await?;
            tab_with_notice(other, shown).await?;
            // Not at once, as it would be without the answer in the other tab.
            ensure_elapsed(pressed_at, 4)
        },
    )
    .await
}

async fn snooze_after_reload_still_applies(engine: Engine) -> Result<()> {
    let args = &["--snooze", "6s"];
    with_fixture_args(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        args,
        async |fixture| {
            let page = &fixture.page;
            fixture.site.deploy(&Build::v2()?)?;
            page.wait_for_notice(UPDATE_TEXT).await?;
            let pressed_at = Instant::now();
            page.press_button("Later").await?;

            page.goto(&fixture.server.url("/")).await?;
            page.wait_for_text("#version", "Version 2").await?;
            fixture.site.deploy(&third_build()?)?;
            page.wait_for_notice(UPDATE_TEXT).await?;
            ensure_elapsed(pressed_at, 6)
        },
    )
    .await
}

async fn deploy_within_cooldown_is_shown_after_it(engine: Engine) -> Result<()> {
    let args = &["--cooldown", "8s"];
    with_fixture_args(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        args,
        async |fixture| {
            let page = &fixture.page;
            let before = Instant::now();
            fixture.site.deploy(&Build::v2()?)?;
            page.wait_for_notice(UPDATE_TEXT).await?;
            page.press_button("Refresh").await?;
            page.wait_for_text("#version", "Version 2").await?;

            fixture.site.deploy(&third_build()?)?;
            page.wait_for_notice(UPDATE_TEXT).await?;
            ensure_elapsed(before, 8)
        },
    )
    .await
}

async fn refresh_in_one_tab_suppresses_notice_in_others(engine: Engine) -> Result<()> {
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        async |fixture| {
            let first = &fixture.page;
            let second = open_second_tab(fixture).await?;
            first.bring_to_front().await?;
            fixture.site.deploy(&Build::v2()?)?;
            let (mut shown, mut other) = tab_with_notice(first, &second).await?;
            if engine.hides_background_tabs() {
                // Both have got the event by now, so all that the other one still does it does on becoming visible.
                (shown, other) = (&second, first);
                shown.bring_to_front().await?;
                shown.wait_for_notice(UPDATE_TEXT).await?;
            }
            shown.press_button("Refresh").await?;
            shown.wait_for_text("#version", "Version 2").await?;

            other.bring_to_front().await?;
            wait_until("the other tab to be visible", async || {
                let sight = other.eval("return document.visibilityState").await?;
                Ok((sight == "visible").then_some(()))
            })
            .await?;
            wait_for_paint(other).await?;
            ensure!(!other.has_notice().await?, "a second notice");
            let updates = other.updates().await?;
            ensure!(updates.len() <= 1, "a second event: {updates:?}");
            other.wait_for_text("#version", "Version 1").await
        },
    )
    .await
}

async fn open_second_tab(fixture: &Fixture) -> Result<Page> {
    let second = fixture.page.open_tab().await?;
    second.goto(&fixture.server.url("/")).await?;
    second.wait_for_text("#version", "Version 1").await?;
    Ok(second)
}

/// Waits until one of two tabs shows the notice. Returns that tab, in front, and the other. It is the tab that was in
/// front, but of two windows side by side it may be either.
async fn tab_with_notice<'a>(proxy: &'a Page, back: &'a Page) -> Result<(&'a Page, &'a Page)> {
    if proxy.engine().hides_background_tabs() {
        proxy.wait_for_notice(UPDATE_TEXT).await?;
        return Ok((proxy, back));
    }
    wait_until("one of two windows to show the notice", async || {
        back.bring_to_front().await?;
        let other = back.has_notice().await?;
        proxy.bring_to_front().await?;
        if proxy.has_notice().await? {
            return Ok((!other).then_some((proxy, back)));
        }
        back.bring_to_front().await?;
        Ok(other.then_some((back, proxy)))
    })
    .await
}

fn ensure_elapsed(since: Instant, least: u64) -> Result<()> {
    let quiet = since.elapsed();
    ensure!(
        quiet >= Duration::from_secs(least),
        "shown again after {quiet:?}"
    );
    Ok(())
}
