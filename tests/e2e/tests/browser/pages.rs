//! What a notice depends on: what a reload would bring, what has changed, and what the deploy says.

use std::fs;

use anyhow::Context;
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

use crate::NEWS;

in_every_engine!(
    what_a_cache_on_the_way_still_hides_is_not_told_until_it_is_purged,
    a_change_that_the_page_does_not_use_is_not_told,
    a_change_of_what_the_page_has_loaded_is_told,
    a_rollback_is_called_one,
    notes_are_shown_and_the_label_is_known,
    notes_elsewhere_are_linked,
);

async fn what_a_cache_on_the_way_still_hides_is_not_told_until_it_is_purged(
    engine: Engine,
) -> Result<()> {
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        let page = &visit.page;
        let front = Front::start(&[&visit.server])?;
        front.cache_pages(true);
        page.goto(&front.url("/")).await?;
        page.shows("#version", "Version 1").await?;
        let before = front.requests("/");

        visit.site.deploy(&Build::two()?)?;
        is(page, "update").await?;
        until("two looks at what a reload would bring", async || {
            Ok((front.requests("/") >= before + 2).then_some(()))
        })
        .await?;
        ensure!(!page.has_notice().await?, "a reload would bring the old");
        ensure!(page.updates().await?.is_empty());

        front.purge();
        page.notice(NEWS).await?;
        page.press("Refresh").await?;
        page.shows("#version", "Version 2").await
    })
    .await
}

async fn a_change_that_the_page_does_not_use_is_not_told(engine: Engine) -> Result<()> {
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        let page = &visit.page;
        visit.site.deploy(&with_another_about()?)?;
        is(page, "update").await?;
        visit.site.deploy(&Build::two()?)?;
        page.notice(NEWS).await?;
        let updates = page.updates().await?;
        let latest = page.eval("return tidings.latest.id").await?;
        ensure!(
            updates.len() == 1 && updates[0]["id"] == latest,
            "{latest}: {updates:?}"
        );
        Ok(())
    })
    .await
}

async fn a_change_of_what_the_page_has_loaded_is_told(engine: Engine) -> Result<()> {
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        let page = &visit.page;
        page.click("#to-about").await?;
        page.shows("#about-text", "version 1").await?;
        visit.site.deploy(&with_another_about()?)?;
        page.notice(NEWS).await.map(drop)
    })
    .await
}

async fn a_rollback_is_called_one(engine: Engine) -> Result<()> {
    // Older by its files' times too, which this way of deploying keeps.
    let (one, two) = (Build::one()?, Build::two()?);
    visit(engine, Way::RsyncIndexLast, &two, async |visit| {
        let page = &visit.page;
        visit.site.deploy(&one)?;
        page.notice("The previous version has been restored")
            .await?;
        is(page, "rollback").await?;
        page.press("Refresh").await?;
        page.shows("#version", "Version 1").await?;
        is(page, "current").await
    })
    .await
}

async fn notes_are_shown_and_the_label_is_known(engine: Engine) -> Result<()> {
    let notes = "Tides are shown in metres.\n<b>Aurora</b> has left.";
    let about = json!({ "notes": notes, "label": "2.0" }).to_string();
    let two = Build::two()?.with_file("tidings.json", &about)?;
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        let page = &visit.page;
        visit.site.deploy(&two)?;
        page.notice(NEWS).await?;
        ensure!(page.eval(NOTES).await? == json!(["P", notes, null]));
        let told = page.eval("return tidings.latest.label").await?;
        ensure!(told == "2.0", "{told}");
        ensure!(page.fetch("/tidings.json").await?.is_none(), "it is served");
        page.press("Refresh").await?;
        page.shows("#version", "Version 2").await
    })
    .await
}

async fn notes_elsewhere_are_linked(engine: Engine) -> Result<()> {
    let url = "https://harbour.example/log?v=2";
    let two = Build::two()?.with_file("tidings.json", &json!({ "notes": url }).to_string())?;
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        let page = &visit.page;
        visit.site.deploy(&two)?;
        page.notice(NEWS).await?;
        let told = page.eval(NOTES).await?;
        ensure!(told == json!(["A", "What’s new", url]), "{told}");
        Ok(())
    })
    .await
}

/// Version 1 with another content of a file that its home page does not load.
fn with_another_about() -> Result<Build> {
    let one = Build::one()?;
    let mut names = fs::read_dir(one.dir().join("assets"))?.filter_map(|entry| {
        let name = entry.ok()?.file_name().into_string().ok()?;
        (name.starts_with("About-") && name.ends_with(".js")).then_some(name)
    });
    let path = format!("assets/{}", names.next().context("no chunk")?);
    let text = fs::read_to_string(one.dir().join(&path))?;
    one.with_file(&path, &format!("{text}\n// another one\n"))
}

async fn is(page: &Page, state: &str) -> Result<()> {
    until(&format!("the state to be {state}"), async || {
        Ok((page.eval("return tidings.state").await? == state).then_some(()))
    })
    .await
}

const NOTES: &str = "
    const notes = document.querySelector('tidings-notice').shadowRoot.querySelector('[part=notes]');
    return [notes.tagName, notes.textContent, notes.getAttribute('href')];
";
