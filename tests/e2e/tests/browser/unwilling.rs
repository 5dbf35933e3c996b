//! Pages in which something that we use does not work: the page goes on, and so do we as far as we can.

use anyhow::Context;
use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::Build;
use tidings_e2e::Engine;
use tidings_e2e::Page;
use tidings_e2e::Way;
use tidings_e2e::in_every_engine;
use tidings_e2e::until;
use tidings_e2e::visit;
use tidings_e2e::visit_with;

use crate::NEWS;

in_every_engine!(
    a_page_without_storage_is_told_and_refreshed_all_the_same,
    whatever_breaks_in_us_does_not_break_the_page,
    what_we_can_do_without_does_not_keep_us_from_telling,
);

async fn a_page_without_storage_is_told_and_refreshed_all_the_same(engine: Engine) -> Result<()> {
    let script = "for (const name of ['localStorage', 'sessionStorage']) {
        Object.defineProperty(window, name, { get() { throw new DOMException('no', 'SecurityError'); } });
    }";
    let poor = |build: Build| with_first_script(&build, script);
    let (one, two) = (poor(Build::one()?)?, poor(Build::two()?)?);
    let args = &["--snooze", "1s"];
    visit_with(engine, Way::MoveSwap, &one, args, async |visit| {
        let page = &visit.page;
        visit.site.deploy(&two)?;
        page.notice(NEWS).await?;
        page.press("Later").await?;
        page.notice(NEWS).await?;
        page.press("Refresh").await?;
        page.shows("#version", "Version 2").await?;
        is_unharmed(page).await
    })
    .await
}

async fn whatever_breaks_in_us_does_not_break_the_page(engine: Engine) -> Result<()> {
    breaks(engine, &BREAKING, false).await
}

async fn what_we_can_do_without_does_not_keep_us_from_telling(engine: Engine) -> Result<()> {
    breaks(engine, &DISPENSABLE, true).await
}

/// One after the other, and then all, throw when we use them, while a release comes.
async fn breaks(engine: Engine, names: &[&str], is_told: bool) -> Result<()> {
    let broken = |build: Build| with_first_script(&build, BREAK);
    let builds = [broken(Build::one()?)?, broken(Build::two()?)?];
    visit(engine, Way::MoveSwap, &builds[0], async |visit| {
        let page = &visit.page;
        let all = names.join(",");
        for (round, names) in names.iter().copied().chain([all.as_str()]).enumerate() {
            let (old, new) = (round % 2 + 1, (round + 1) % 2);
            page.goto(&visit.server.url(&format!("/?break={names}")))
                .await?;
            page.shows("#version", &format!("Version {old}")).await?;
            let missing = page.eval("return window.missing").await?;
            ensure!(missing == serde_json::json!([]), "not broken: {missing}");
            visit.site.deploy(&builds[new])?;
            if is_told {
                page.notice(NEWS).await.context(names.to_owned())?;
            } else {
                until("the new version to be served", async || {
                    let page = page.fetch("/").await?.context("no page")?;
                    Ok(page.contains(&entry(&builds[new])?).then_some(()))
                })
                .await?;
            }
            page.click("#to-about").await?;
            page.shows("#about-text", &format!("version {old}")).await?;
            page.click("#to-home").await?;
            is_unharmed(page).await.context(names.to_owned())?;
        }
        Ok(())
    })
    .await
}

async fn is_unharmed(page: &Page) -> Result<()> {
    let errors = page.errors().await?;
    ensure!(errors.is_empty(), "{errors:?}");
    Ok(())
}

/// The name of the build's entry script.
fn entry(build: &Build) -> Result<String> {
    let page = std::fs::read_to_string(build.dir().join("index.html"))?;
    let (_, rest) = page.split_once("/assets/").context("no script")?;
    let (name, _) = rest.split_once('"').context("no end of it")?;
    Ok(name.to_owned())
}

/// The build, with a script of its own before all others but the watch.
fn with_first_script(build: &Build, script: &str) -> Result<Build> {
    build.with_page(|page| {
        page.replace(
            "<meta charset",
            &format!("<script>{script}</script><meta charset"),
        )
    })
}

const BREAKING: [&str; 14] = [
    "fetch",
    "EventTarget.prototype.addEventListener",
    "Element.prototype.attachShadow",
    "Element.prototype.append",
    "Element.prototype.setAttribute",
    "document.createElement",
    "document.querySelectorAll",
    "getComputedStyle",
    "performance.getEntriesByType",
    "setTimeout",
    "setInterval",
    "JSON.parse",
    "URL",
    "EventTarget.prototype.dispatchEvent",
];

const DISPENSABLE: [&str; 9] = [
    "EventSource",
    "BroadcastChannel",
    "BroadcastChannel.prototype.postMessage",
    "navigator.locks.request",
    "Storage.prototype.getItem",
    "Storage.prototype.setItem",
    "SharedWorker",
    "CSSStyleSheet",
    "HTMLElement.prototype.showPopover",
];

/// Replaces what the query names by what throws when a script of ours calls it, but does its work for the page.
const BREAK: &str = "
    window.missing = [];
    for (const path of (new URLSearchParams(location.search).get('break') || '').split(',').filter(Boolean)) {
        const names = path.split('.');
        const name = names.pop();
        const owner = names.reduce((owner, name) => owner[name], window);
        const native = owner[name];
        if (!native) missing.push(path);
        owner[name] = function (...args) {
            if (new Error().stack.includes('/__tidings/')) throw new Error(`${path} is broken`);
            return new.target ? Reflect.construct(native, args, new.target) : native.apply(this ?? window, args);
        };
        owner[name].prototype = native.prototype;
    }
";
