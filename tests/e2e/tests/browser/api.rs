//! `window.tidings`, for pages that see to it themselves.

use anyhow::Result;
use anyhow::ensure;
use serde_json::json;
use tidings_e2e::Build;
use tidings_e2e::Engine;
use tidings_e2e::Front;
use tidings_e2e::Page;
use tidings_e2e::Way;
use tidings_e2e::in_every_engine;
use tidings_e2e::until;
use tidings_e2e::visit;
use tidings_e2e::visit_with;

use crate::NEWS;

in_every_engine!(
    a_page_can_ask_what_is_current,
    a_page_hears_events_until_it_stops_listening,
    a_page_can_answer_for_the_visitor,
);

async fn a_page_can_ask_what_is_current(engine: Engine) -> Result<()> {
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        let page = &visit.page;
        let front = Front::start(&[&visit.server])?;
        // What nobody tells has to be asked for.
        front.hold_events(true);
        page.goto(&front.url("/")).await?;
        page.shows("#version", "Version 1").await?;
        let same =
            "const { release, latest, state } = tidings; return [release.id === latest.id, state]";
        ensure!(page.eval(same).await? == json!([true, "current"]));

        visit.site.deploy(&Build::two()?)?;
        until("the answer to have changed", async || {
            let asked = "return tidings.check().then(({ id }) =>
                id !== tidings.release.id && id === tidings.latest.id && tidings.state)";
            Ok((page.eval(asked).await? == "update").then_some(()))
        })
        .await?;
        page.notice(NEWS).await.map(drop)
    })
    .await
}

async fn a_page_hears_events_until_it_stops_listening(engine: Engine) -> Result<()> {
    let args = &["--snooze", "1s"];
    visit_with(engine, Way::MoveSwap, &Build::one()?, args, async |visit| {
        let page = &visit.page;
        page.eval(
            "window.heard = [];
            window.stop = tidings.on('update', ({ id, current, broken, rollback }, event) =>
                heard.push([event.type, id === tidings.latest.id, current === tidings.release.id, broken, rollback]));
            tidings.on('withdraw', () => heard.push('withdraw'));",
        )
        .await?;
        visit.site.deploy(&Build::two()?)?;
        page.notice(NEWS).await?;
        let update = json!(["tidings:update", true, true, false, false]);
        heard(page, &json!([update])).await?;
        page.eval("stop(); tidings.later()").await?;
        heard(page, &json!([update, "withdraw"])).await?;
        // It comes again, with its event, but nobody listens.
        page.notice(NEWS).await?;
        until("the second event", async || Ok((page.updates().await?.len() == 2).then_some(()))).await?;
        heard(page, &json!([update, "withdraw"])).await
    })
    .await
}

async fn a_page_can_answer_for_the_visitor(engine: Engine) -> Result<()> {
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        let page = &visit.page;
        visit.site.deploy(&Build::two()?)?;
        page.notice(NEWS).await?;
        page.eval("tidings.later()").await?;
        page.no_notice().await?;
        page.eval("tidings.refresh()").await?;
        page.shows("#version", "Version 2").await?;
        ensure!(page.eval("return tidings.state").await? == "current");
        Ok(())
    })
    .await
}

async fn heard(page: &Page, expected: &serde_json::Value) -> Result<()> {
    until(&format!("{expected} to be heard"), async || {
        let heard = page.eval("return heard").await?;
        ensure!(heard == *expected, "{heard}");
        Ok(Some(()))
    })
    .await
}
