//! `window.tidings`, for pages that handle updates themselves.

use anyhow::Result;
use anyhow::ensure;
use serde_json::json;
use tidings_e2e::Build;
use tidings_e2e::DeployMethod;
use tidings_e2e::Engine;
use tidings_e2e::FaultProxy;
use tidings_e2e::Page;
use tidings_e2e::in_every_engine;
use tidings_e2e::wait_until;
use tidings_e2e::with_fixture;
use tidings_e2e::with_fixture_args;

use crate::UPDATE_TEXT;

in_every_engine!(
    api_check_after_deploy_returns_the_latest_release,
    api_listener_removed_gets_no_more_events,
    api_later_and_refresh_act_like_the_buttons,
);

async fn api_check_after_deploy_returns_the_latest_release(engine: Engine) -> Result<()> {
    with_fixture(engine, DeployMethod::MoveSwap, &Build::v1()?, async |fixture| {
        let page = &fixture.page;
        let proxy = FaultProxy::start(&[&fixture.server])?;
        // Without events, the release has to be polled.
        proxy.hold_events(true);
        page.goto(&proxy.url("/")).await?;
        page.wait_for_text("#version", "Version 1").await?;
        let same =
            "const { release, latest, state } = tidings; return [release.id === latest.id, state]";
        ensure!(page.eval(same).await? == json!([true, "current"]));

        fixture.site.deploy(&Build::v2()?)?;
        wait_until("the response to have changed", async || {
            let asked = "return tidings.check().then(({ id }) =>
                id !== tidings.release.id && id === tidings.latest.id && tidings.state)";
            Ok((page.eval(asked).await? == "update").then_some(()))
        })
        .await?;
        page.wait_for_notice(UPDATE_TEXT).await.map(drop)
    })
    .await
}

async fn api_listener_removed_gets_no_more_events(engine: Engine) -> Result<()> {
    let args = &["--snooze", "1s"];
    with_fixture_args(engine, DeployMethod::MoveSwap, &Build::v1()?, args, async |fixture| {
        let page = &fixture.page;
        page.eval(
            "window.events = [];
            window.stop = tidings.on('update', ({ id, current, broken, rollback }, event) =>
                events.push([event.type, id === tidings.latest.id, current === tidings.release.id, broken, rollback]));
            tidings.on('withdraw', () => events.push('withdraw'));",
        )
        .await?;
        fixture.site.deploy(&Build::v2()?)?;
        page.wait_for_notice(UPDATE_TEXT).await?;
        let update = json!(["tidings:update", true, true, false, false]);
        wait_for_events(page, &json!([update])).await?;
        page.eval("stop(); tidings.later()").await?;
        wait_for_events(page, &json!([update, "withdraw"])).await?;
        // The notice is shown again, with its event, but the listener is removed.
        page.wait_for_notice(UPDATE_TEXT).await?;
        wait_until("the second event", async || Ok((page.updates().await?.len() == 2).then_some(()))).await?;
        wait_for_events(page, &json!([update, "withdraw"])).await
    })
    .await
}

async fn api_later_and_refresh_act_like_the_buttons(engine: Engine) -> Result<()> {
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        async |fixture| {
            let page = &fixture.page;
            fixture.site.deploy(&Build::v2()?)?;
            page.wait_for_notice(UPDATE_TEXT).await?;
            page.eval("tidings.later()").await?;
            page.wait_for_no_notice().await?;
            page.eval("tidings.refresh()").await?;
            page.wait_for_text("#version", "Version 2").await?;
            ensure!(page.eval("return tidings.state").await? == "current");
            Ok(())
        },
    )
    .await
}

async fn wait_for_events(page: &Page, expected: &serde_json::Value) -> Result<()> {
    wait_until(&format!("{expected} to be recorded"), async || {
        let events = page.eval("return events").await?;
        ensure!(events == *expected, "{events}");
        Ok(Some(()))
    })
    .await
}
