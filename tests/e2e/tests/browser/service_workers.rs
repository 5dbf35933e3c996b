//! Sites whose pages come from a service worker: Workbox's (by `vite-plugin-pwa`) and Angular's.

use anyhow::Context;
use anyhow::Result;
use anyhow::ensure;
use serde_json::Value;
use tidings_e2e::Build;
use tidings_e2e::DeployMethod;
use tidings_e2e::Engine;
use tidings_e2e::FaultProxy;
use tidings_e2e::Fixture;
use tidings_e2e::Page;
use tidings_e2e::in_every_engine;
use tidings_e2e::wait_until;
use tidings_e2e::with_fixture;

use crate::UPDATE_TEXT;

in_every_engine!(
    waiting_worker_on_refresh_takes_over,
    skip_waiting_worker_on_refresh_serves_new_page,
    precached_page_unchanged_is_offered_after_growing_delays,
    angular_worker_accepts_page_and_serves_new_one,
    angular_worker_with_other_hash_rejects_page,
);

async fn waiting_worker_on_refresh_takes_over(engine: Engine) -> Result<()> {
    check_update(engine, "prompt").await
}

async fn skip_waiting_worker_on_refresh_serves_new_page(engine: Engine) -> Result<()> {
    check_update(engine, "auto").await
}

async fn precached_page_unchanged_is_offered_after_growing_delays(engine: Engine) -> Result<()> {
    let first = Build::with_worker("prompt-v1")?;
    with_fixture(engine, DeployMethod::LinkRename, &first, async |fixture| {
        let page = &fixture.page;
        let proxy = open_controlled(fixture).await?;
        let second = Build::with_worker("prompt-v1-settings")?;
        fixture.site.deploy(&second)?;
        page.wait_for_notice(UPDATE_TEXT).await?;
        for (refreshes, minutes) in [(1, 2), (2, 10)] {
            // The worker has the page already, so it still serves that of the first release.
            let preflights = proxy.request_count("/");
            page.press_button("Refresh").await?;
            wait_until("the reload and a preflight", async || {
                let loaded = load_count(page).await? == 2 + refreshes;
                // One preflight came before the reload, at the click.
                Ok((loaded && proxy.request_count("/") >= preflights + 2).then_some(()))
            })
            .await?;
            let settings = page.eval("return window.settings").await?;
            ensure!(settings == 2, "settings of version {settings}");
            page.eval(&rewind_refresh(minutes * 60 - 30)).await?;
            let updates = page.updates().await?;
            ensure!(updates.is_empty(), "an event too early: {updates:?}");
            page.eval(&rewind_refresh(30)).await?;
            page.wait_for_notice(UPDATE_TEXT).await?;
            ensure!(
                load_count(page).await? == 2 + refreshes,
                "it has loaded itself"
            );
        }
        Ok(())
    })
    .await
}

async fn angular_worker_accepts_page_and_serves_new_one(engine: Engine) -> Result<()> {
    let first = Build::with_worker("angular-v1")?;
    with_fixture(engine, DeployMethod::LinkRename, &first, async |fixture| {
        let page = &fixture.page;
        let proxy = open_controlled(fixture).await?;
        wait_for_ngsw_state(page, "NORMAL").await?;
        // The hash that the worker would have compared with, had the manifest not been adapted to the script tag.
        let served = page.eval(HASHES).await?;
        let built = std::fs::read_to_string(first.dir().join("ngsw.json"))?;
        let built: Value = serde_json::from_str(&built)?;
        let built = &built["hashTable"]["/index.html"];
        ensure!(served[0] == served[1], "{served}");
        ensure!(built.is_string() && served[0] != *built, "{served}");

        refresh_to_v2(fixture, &Build::with_worker("angular-v2")?).await?;
        wait_for_ngsw_state(page, "NORMAL").await?;
        check_offline(page, &proxy).await
    })
    .await
}

async fn angular_worker_with_other_hash_rejects_page(engine: Engine) -> Result<()> {
    let build = Build::with_worker("angular-v1")?;
    let manifest = std::fs::read_to_string(build.dir().join("ngsw.json"))?;
    let json: Value = serde_json::from_str(&manifest)?;
    let hash = json["hashTable"]["/index.html"].as_str();
    let other = manifest.replace(hash.context("a hash")?, &"0".repeat(40));
    let wrong = build.with_file("ngsw.json", &other)?;
    with_fixture(engine, DeployMethod::LinkRename, &wrong, async |fixture| {
        open_controlled(fixture).await?;
        wait_for_ngsw_state(&fixture.page, "Hash mismatch").await
    })
    .await
}

/// Updates from version 1 of a build with this kind of worker to version 2, and loads it without a network.
async fn check_update(engine: Engine, kind: &str) -> Result<()> {
    let first = Build::with_worker(&format!("{kind}-v1"))?;
    with_fixture(engine, DeployMethod::LinkRename, &first, async |fixture| {
        let proxy = open_controlled(fixture).await?;
        refresh_to_v2(fixture, &Build::with_worker(&format!("{kind}-v2"))?).await?;
        check_offline(&fixture.page, &proxy).await
    })
    .await
}

/// Opens the site through a proxy, until its pages come from its worker.
async fn open_controlled(fixture: &Fixture) -> Result<FaultProxy> {
    let page = &fixture.page;
    let proxy = FaultProxy::start(&[&fixture.server])?;
    page.goto(&proxy.url("/")).await?;
    wait_until("an active worker", async || {
        Ok((page.eval(ACTIVE).await? == true).then_some(()))
    })
    .await?;
    page.goto(&proxy.url("/")).await?;
    page.wait_for_text("#version", "Version 1").await?;
    wait_until("a page from the worker", async || {
        Ok((page.eval(CONTROLLED).await? == true).then_some(()))
    })
    .await?;
    ensure_script_tag(page).await?;
    ensure!(
        load_count(page).await? == 2,
        "it was reloaded by the site itself"
    );
    Ok(proxy)
}

/// Deploys version 2 to a page of version 1, which gets one event, and is loaded once.
async fn refresh_to_v2(fixture: &Fixture, second: &Build) -> Result<()> {
    let page = &fixture.page;
    fixture.site.deploy(second)?;
    page.wait_for_notice(UPDATE_TEXT).await?;
    let updates = page.updates().await?;
    ensure!(updates.len() == 1, "more than one event: {updates:?}");
    page.press_button("Refresh").await?;
    page.wait_for_text("#version", "Version 2").await?;
    ensure_current(page).await
}

/// Waits until the page knows that its release is the current one, and checks that it shows and reloads nothing.
async fn ensure_current(page: &Page) -> Result<()> {
    wait_until("the page to be the latest", async || {
        let state = page.eval("return tidings.check().then(() => tidings.state)");
        Ok((state.await? == "current").then_some(()))
    })
    .await?;
    let updates = page.updates().await?;
    ensure!(updates.is_empty(), "another event: {updates:?}");
    ensure!(!page.has_notice().await?, "a notice again");
    let loads = load_count(page).await?;
    ensure!(loads == 3, "loaded {loads} times");
    Ok(())
}

/// Loads the page once more, without a server.
async fn check_offline(page: &Page, proxy: &FaultProxy) -> Result<()> {
    proxy.disconnect()?;
    page.goto(&proxy.url("/")).await?;
    page.wait_for_text("#version", "Version 2").await?;
    ensure!(load_count(page).await? == 4, "it was not loaded");
    ensure_script_tag(page).await
}

async fn ensure_script_tag(page: &Page) -> Result<()> {
    let scripts = page.eval("return document.querySelectorAll('script[data-release]').length");
    ensure!(scripts.await? == 1, "not one script of ours in the page");
    Ok(())
}

/// The number of pages of the site that this tab has loaded.
async fn load_count(page: &Page) -> Result<i64> {
    let loads = page.eval("return +sessionStorage.loads").await?;
    loads.as_i64().context("a number of loads")
}

/// Waits until the state page of Angular's worker contains this.
async fn wait_for_ngsw_state(page: &Page, part: &str) -> Result<()> {
    let mut reported = String::new();
    wait_until(&format!("the worker's state to be {part}"), async || {
        reported = page.fetch("/ngsw/state").await?.unwrap_or_default();
        Ok(reported.contains(part).then_some(()))
    })
    .await
    .with_context(|| reported.clone())
}

/// A script that moves the time of the last refresh this many seconds back, and has the client read it again.
fn rewind_refresh(seconds: i64) -> String {
    format!(
        "
        const key = Object.keys(localStorage).find((key) => key.startsWith('tidings:'));
        const state = JSON.parse(localStorage[key]);
        localStorage[key] = JSON.stringify({{ ...state, takenAt: state.takenAt - {seconds}000 }});
        dispatchEvent(new Event('focus'));
        "
    )
}

const ACTIVE: &str = "
    return navigator.serviceWorker.ready.then(({ active }) => active.state === 'activated');
";

const CONTROLLED: &str = "return !!navigator.serviceWorker.controller";

// The page's hash in the manifest, and the hash of the page, both as the worker gets them.
const HASHES: &str = "
    const headers = { 'ngsw-bypass': '1' };
    const get = (path) => fetch(path, { cache: 'no-store', headers });
    const hex = (bytes) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    return Promise.all([
        get('/ngsw.json').then((response) => response.json()).then(({ hashTable }) => hashTable['/index.html']),
        get('/index.html').then((response) => response.arrayBuffer())
            .then((page) => crypto.subtle.digest('SHA-1', page)).then(hex),
    ]);
";
