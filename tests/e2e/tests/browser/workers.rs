//! Sites whose pages come from a service worker: of Workbox (by `vite-plugin-pwa`), and Angular's own.

use anyhow::Context;
use anyhow::Result;
use anyhow::ensure;
use serde_json::Value;
use tidings_e2e::Build;
use tidings_e2e::Engine;
use tidings_e2e::Front;
use tidings_e2e::Page;
use tidings_e2e::Visit;
use tidings_e2e::Way;
use tidings_e2e::in_every_engine;
use tidings_e2e::until;
use tidings_e2e::visit;

use crate::NEWS;

in_every_engine!(
    a_worker_that_waits_takes_over_when_the_visitor_refreshes,
    a_worker_that_never_waits_brings_the_new_page,
    a_precached_page_that_stays_the_same_is_offered_later_and_later,
    the_worker_of_angular_takes_the_pages_and_brings_the_new_one,
    the_worker_of_angular_refuses_pages_of_another_hash,
);

async fn a_worker_that_waits_takes_over_when_the_visitor_refreshes(engine: Engine) -> Result<()> {
    from_one_to_two(engine, "prompt").await
}

async fn a_worker_that_never_waits_brings_the_new_page(engine: Engine) -> Result<()> {
    from_one_to_two(engine, "auto").await
}

async fn a_precached_page_that_stays_the_same_is_offered_later_and_later(
    engine: Engine,
) -> Result<()> {
    let first = Build::with_worker("prompt-v1")?;
    visit(engine, Way::LinkRename, &first, async |visit| {
        let page = &visit.page;
        let front = controlled(visit).await?;
        let second = Build::with_worker("prompt-v1-settings")?;
        visit.site.deploy(&second)?;
        page.notice(NEWS).await?;
        for (refreshes, minutes) in [(1, 2), (2, 10)] {
            // The worker has the page already, so it stays the one of the first release.
            let looks = front.requests("/");
            page.press("Refresh").await?;
            until("the page to be loaded and looked at", async || {
                let loaded = loads(page).await? == 2 + refreshes;
                // Before it was loaded there was one look, at the click.
                Ok((loaded && front.requests("/") >= looks + 2).then_some(()))
            })
            .await?;
            let settings = page.eval("return window.settings").await?;
            ensure!(settings == 2, "settings of version {settings}");
            page.eval(&pass(minutes * 60 - 30)).await?;
            let updates = page.updates().await?;
            ensure!(updates.is_empty(), "told too soon: {updates:?}");
            page.eval(&pass(30)).await?;
            page.notice(NEWS).await?;
            ensure!(loads(page).await? == 2 + refreshes, "it has loaded itself");
        }
        Ok(())
    })
    .await
}

async fn the_worker_of_angular_takes_the_pages_and_brings_the_new_one(
    engine: Engine,
) -> Result<()> {
    let first = Build::with_worker("angular-v1")?;
    visit(engine, Way::LinkRename, &first, async |visit| {
        let page = &visit.page;
        let front = controlled(visit).await?;
        state(page, "NORMAL").await?;
        // What its worker would have compared with, had the page been given the script and the manifest left alone.
        let served = page.eval(HASHES).await?;
        let built = std::fs::read_to_string(first.dir().join("ngsw.json"))?;
        let built: Value = serde_json::from_str(&built)?;
        let built = &built["hashTable"]["/index.html"];
        ensure!(served[0] == served[1], "{served}");
        ensure!(built.is_string() && served[0] != *built, "{served}");

        refresh_to_two(visit, &Build::with_worker("angular-v2")?).await?;
        state(page, "NORMAL").await?;
        works_offline(page, &front).await
    })
    .await
}

async fn the_worker_of_angular_refuses_pages_of_another_hash(engine: Engine) -> Result<()> {
    let build = Build::with_worker("angular-v1")?;
    let manifest = std::fs::read_to_string(build.dir().join("ngsw.json"))?;
    let json: Value = serde_json::from_str(&manifest)?;
    let hash = json["hashTable"]["/index.html"].as_str();
    let other = manifest.replace(hash.context("a hash")?, &"0".repeat(40));
    let wrong = build.with_file("ngsw.json", &other)?;
    visit(engine, Way::LinkRename, &wrong, async |visit| {
        controlled(visit).await?;
        state(&visit.page, "Hash mismatch").await
    })
    .await
}

/// From version 1 of a build with this kind of worker to version 2, and on without a network.
async fn from_one_to_two(engine: Engine, kind: &str) -> Result<()> {
    let first = Build::with_worker(&format!("{kind}-v1"))?;
    visit(engine, Way::LinkRename, &first, async |visit| {
        let front = controlled(visit).await?;
        refresh_to_two(visit, &Build::with_worker(&format!("{kind}-v2"))?).await?;
        works_offline(&visit.page, &front).await
    })
    .await
}

/// Opens the site at an address of its own, until its pages come from its worker.
async fn controlled(visit: &Visit) -> Result<Front> {
    let page = &visit.page;
    let front = Front::start(&[&visit.server])?;
    page.goto(&front.url("/")).await?;
    until("an active worker", async || {
        Ok((page.eval(ACTIVE).await? == true).then_some(()))
    })
    .await?;
    page.goto(&front.url("/")).await?;
    page.shows("#version", "Version 1").await?;
    until("a page from the worker", async || {
        Ok((page.eval(CONTROLLED).await? == true).then_some(()))
    })
    .await?;
    has_script(page).await?;
    ensure!(loads(page).await? == 2, "it was loaded by somebody else");
    Ok(front)
}

/// Deploys version 2 to a page of version 1, which is told once, and loaded once.
async fn refresh_to_two(visit: &Visit, second: &Build) -> Result<()> {
    let page = &visit.page;
    visit.site.deploy(second)?;
    page.notice(NEWS).await?;
    let updates = page.updates().await?;
    ensure!(updates.len() == 1, "told more than once: {updates:?}");
    page.press("Refresh").await?;
    page.shows("#version", "Version 2").await?;
    is_current(page).await
}

/// Waits until the page has heard that it is the latest one: there is nothing to tell, and no reason to load it again.
async fn is_current(page: &Page) -> Result<()> {
    until("the page to be the latest", async || {
        let state = page.eval("return tidings.check().then(() => tidings.state)");
        Ok((state.await? == "current").then_some(()))
    })
    .await?;
    let updates = page.updates().await?;
    ensure!(updates.is_empty(), "told again: {updates:?}");
    ensure!(!page.has_notice().await?, "a notice again");
    let loads = loads(page).await?;
    ensure!(loads == 3, "loaded {loads} times");
    Ok(())
}

/// Loads the page once more, with no server there.
async fn works_offline(page: &Page, front: &Front) -> Result<()> {
    front.go_away()?;
    page.goto(&front.url("/")).await?;
    page.shows("#version", "Version 2").await?;
    ensure!(loads(page).await? == 4, "it was not loaded");
    has_script(page).await
}

async fn has_script(page: &Page) -> Result<()> {
    let scripts = page.eval("return document.querySelectorAll('script[data-release]').length");
    ensure!(scripts.await? == 1, "not one script of ours in the page");
    Ok(())
}

/// How often this tab has loaded a page of the site.
async fn loads(page: &Page) -> Result<i64> {
    let loads = page.eval("return +sessionStorage.loads").await?;
    loads.as_i64().context("a number of loads")
}

/// Waits until the worker of Angular says this of itself.
async fn state(page: &Page, part: &str) -> Result<()> {
    let mut said = String::new();
    until(&format!("the worker's state to be {part}"), async || {
        said = page.fetch("/ngsw/state").await?.unwrap_or_default();
        Ok(said.contains(part).then_some(()))
    })
    .await
    .with_context(|| said.clone())
}

/// Makes it this many seconds ago that the visitor has refreshed, or as many more, and lets the page notice that.
fn pass(seconds: i64) -> String {
    format!(
        "
        const key = Object.keys(localStorage).find((key) => key.startsWith('tidings:'));
        const memory = JSON.parse(localStorage[key]);
        localStorage[key] = JSON.stringify({{ ...memory, takenAt: memory.takenAt - {seconds}000 }});
        dispatchEvent(new Event('focus'));
        "
    )
}

const ACTIVE: &str = "
    return navigator.serviceWorker.ready.then(({ active }) => active.state === 'activated');
";

const CONTROLLED: &str = "return !!navigator.serviceWorker.controller";

// The page's hash in the manifest, and that of the page, both as the worker gets them.
const HASHES: &str = "
    const headers = { 'ngsw-bypass': '1' };
    const get = (path) => fetch(path, { cache: 'no-store', headers });
    const hex = (bytes) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    return Promise.all([
        get('/ngsw.json').then((answer) => answer.json()).then(({ hashTable }) => hashTable['/index.html']),
        get('/index.html').then((answer) => answer.arrayBuffer())
            .then((page) => crypto.subtle.digest('SHA-1', page)).then(hex),
    ]);
";
