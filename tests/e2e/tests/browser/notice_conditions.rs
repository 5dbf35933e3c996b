//! What a notice depends on: what a reload would bring, which files have changed, and the deploy's metadata.

use std::fs;

use anyhow::Context;
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

use crate::UPDATE_TEXT;

in_every_engine!(
    old_page_cached_by_cdn_shows_no_notice_until_purged,
    change_of_unused_file_shows_no_notice,
    change_of_loaded_file_shows_notice,
    rollback_deployed_shows_rollback_text,
    notes_text_in_metadata_is_shown_and_label_exposed,
    notes_url_in_metadata_is_linked,
);

async fn old_page_cached_by_cdn_shows_no_notice_until_purged(engine: Engine) -> Result<()> {
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        async |fixture| {
            let page = &fixture.page;
            let proxy = FaultProxy::start(&[&fixture.server])?;
            proxy.cache_pages(true);
            page.goto(&proxy.url("/")).await?;
            page.wait_for_text("#version", "Version 1").await?;
            let before = proxy.request_count("/");

            fixture.site.deploy(&Build::v2()?)?;
            wait_for_state(page, "update").await?;
            wait_until("two preflights", async || {
                Ok((proxy.request_count("/") >= before + 2).then_some(()))
            })
            .await?;
            ensure!(!page.has_notice().await?, "a reload would bring the old");
            ensure!(page.updates().await?.is_empty());

            proxy.purge();
            page.wait_for_notice(UPDATE_TEXT).await?;
            page.press_button("Refresh").await?;
            page.wait_for_text("#version", "Version 2").await
        },
    )
    .await
}

async fn change_of_unused_file_shows_no_notice(engine: Engine) -> Result<()> {
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        async |fixture| {
            let page = &fixture.page;
            fixture.site.deploy(&build_with_changed_chunk()?)?;
            wait_for_state(page, "update").await?;
            fixture.site.deploy(&Build::v2()?)?;
            page.wait_for_notice(UPDATE_TEXT).await?;
            let updates = page.updates().await?;
            let latest = page.eval("return tidings.latest.id").await?;
            ensure!(
                updates.len() == 1 && updates[0]["id"] == latest,
                "{latest}: {updates:?}"
            );
            Ok(())
        },
    )
    .await
}

async fn change_of_loaded_file_shows_notice(engine: Engine) -> Result<()> {
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        async |fixture| {
            let page = &fixture.page;
            page.click("#to-about").await?;
            page.wait_for_text("#about-text", "version 1").await?;
            fixture.site.deploy(&build_with_changed_chunk()?)?;
            page.wait_for_notice(UPDATE_TEXT).await.map(drop)
        },
    )
    .await
}

async fn rollback_deployed_shows_rollback_text(engine: Engine) -> Result<()> {
    // Older by its files' times too, which this deploy method preserves.
    let (one, two) = (Build::v1()?, Build::v2()?);
    with_fixture(
        engine,
        DeployMethod::RsyncIndexLast,
        &two,
        async |fixture| {
            let page = &fixture.page;
            fixture.site.deploy(&one)?;
            page.wait_for_notice("The previous version has been restored")
                .await?;
            wait_for_state(page, "rollback").await?;
            page.press_button("Refresh").await?;
            page.wait_for_text("#version", "Version 1").await?;
            wait_for_state(page, "current").await
        },
    )
    .await
}

async fn notes_text_in_metadata_is_shown_and_label_exposed(engine: Engine) -> Result<()> {
    let notes = "Tides are shown in metres.\n<b>Aurora</b> has left.";
    let about = json!({ "notes": notes, "label": "2.0" }).to_string();
    let two = Build::v2()?.with_file("tidings.json", &about)?;
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        async |fixture| {
            let page = &fixture.page;
            fixture.site.deploy(&two)?;
            page.wait_for_notice(UPDATE_TEXT).await?;
            ensure!(page.eval(NOTES).await? == json!(["P", notes, null]));
            let label = page.eval("return tidings.latest.label").await?;
            ensure!(label == "2.0", "{label}");
            ensure!(page.fetch("/tidings.json").await?.is_none(), "it is served");
            page.press_button("Refresh").await?;
            page.wait_for_text("#version", "Version 2").await
        },
    )
    .await
}

async fn notes_url_in_metadata_is_linked(engine: Engine) -> Result<()> {
    let url = "https://harbour.example/log?v=2";
    let two = Build::v2()?.with_file("tidings.json", &json!({ "notes": url }).to_string())?;
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        async |fixture| {
            let page = &fixture.page;
            fixture.site.deploy(&two)?;
            page.wait_for_notice(UPDATE_TEXT).await?;
            let notes = page.eval(NOTES).await?;
            ensure!(notes == json!(["A", "What’s new", url]), "{notes}");
            Ok(())
        },
    )
    .await
}

/// Version 1 with a changed file that its home page does not load.
fn build_with_changed_chunk() -> Result<Build> {
    let one = Build::v1()?;
    let mut names = fs::read_dir(one.dir().join("assets"))?.filter_map(|entry| {
        let name = entry.ok()?.file_name().into_string().ok()?;
        (name.starts_with("About-") && name.ends_with(".js")).then_some(name)
    });
    let path = format!("assets/{}", names.next().context("no chunk")?);
    let text = fs::read_to_string(one.dir().join(&path))?;
    one.with_file(&path, &format!("{text}\n// another one\n"))
}

async fn wait_for_state(page: &Page, state: &str) -> Result<()> {
    wait_until(&format!("the state to be {state}"), async || {
        Ok((page.eval("return tidings.state").await? == state).then_some(()))
    })
    .await
}

const NOTES: &str = "
    const notes = document.querySelector('tidings-notice').shadowRoot.querySelector('[part=notes]');
    return [notes.tagName, notes.textContent, notes.getAttribute('href')];
";
