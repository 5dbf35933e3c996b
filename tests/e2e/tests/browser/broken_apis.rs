//! Pages in which an API that the client uses throws: the page keeps working, and the client does as far as it can.

use anyhow::Context;
use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::Build;
use tidings_e2e::DeployMethod;
use tidings_e2e::Engine;
use tidings_e2e::Page;
use tidings_e2e::in_every_engine;
use tidings_e2e::wait_until;
use tidings_e2e::with_fixture;
use tidings_e2e::with_fixture_args;

use crate::UPDATE_TEXT;

in_every_engine!(
    storage_denied_still_shows_notice_and_refreshes,
    required_apis_broken_leave_page_working,
    optional_apis_broken_still_show_notice,
);

async fn storage_denied_still_shows_notice_and_refreshes(engine: Engine) -> Result<()> {
    let script = "for (const name of ['localStorage', 'sessionStorage']) {
        Object.defineProperty(window, name, { get() { throw new DOMException('no', 'SecurityError'); } });
    }";
    let without_storage = |build: Build| with_first_script(&build, script);
    let (one, two) = (
        without_storage(Build::v1()?)?,
        without_storage(Build::v2()?)?,
    );
    let args = &["--snooze", "1s"];
    with_fixture_args(
        engine,
        DeployMethod::MoveSwap,
        &one,
        args,
        async |fixture| {
            let page = &fixture.page;
            fixture.site.deploy(&two)?;
            page.wait_for_notice(UPDATE_TEXT).await?;
            page.press_button("Later").await?;
            page.wait_for_notice(UPDATE_TEXT).await?;
            page.press_button("Refresh").await?;
            page.wait_for_text("#version", "Version 2").await?;
            ensure_no_errors(page).await
        },
    )
    .await
}

async fn required_apis_broken_leave_page_working(engine: Engine) -> Result<()> {
    check_broken_apis(engine, &REQUIRED, false).await
}

async fn optional_apis_broken_still_show_notice(engine: Engine) -> Result<()> {
    check_broken_apis(engine, &OPTIONAL, true).await
}

/// Deploys releases while each of these APIs, and then all of them, throw when the client calls them.
async fn check_broken_apis(engine: Engine, names: &[&str], shows_notice: bool) -> Result<()> {
    let broken = |build: Build| with_first_script(&build, BREAK);
    let builds = [broken(Build::v1()?)?, broken(Build::v2()?)?];
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &builds[0],
        async |fixture| {
            let page = &fixture.page;
            let all = names.join(",");
            for (round, names) in names.iter().copied().chain([all.as_str()]).enumerate() {
                let (old, new) = (round % 2 + 1, (round + 1) % 2);
                page.goto(&fixture.server.url(&format!("/?break={names}")))
                    .await?;
                page.wait_for_text("#version", &format!("Version {old}"))
                    .await?;
                let missing = page.eval("return window.missing").await?;
                ensure!(missing == serde_json::json!([]), "not broken: {missing}");
                fixture.site.deploy(&builds[new])?;
                if shows_notice {
                    page.wait_for_notice(UPDATE_TEXT)
                        .await
                        .context(names.to_owned())?;
                } else {
                    wait_until("the new version to be served", async || {
                        let page = page.fetch("/").await?.context("no page")?;
                        Ok(page.contains(&entry_script(&builds[new])?).then_some(()))
                    })
                    .await?;
                }
                page.click("#to-about").await?;
                page.wait_for_text("#about-text", &format!("version {old}"))
                    .await?;
                page.click("#to-home").await?;
                ensure_no_errors(page).await.context(names.to_owned())?;
            }
            Ok(())
        },
    )
    .await
}

async fn ensure_no_errors(page: &Page) -> Result<()> {
    let errors = page.errors().await?;
    ensure!(errors.is_empty(), "{errors:?}");
    Ok(())
}

/// The name of the build's entry script.
fn entry_script(build: &Build) -> Result<String> {
    let page = std::fs::read_to_string(build.dir().join("index.html"))?;
    let (_, rest) = page.split_once("/assets/").context("no script")?;
    let (name, _) = rest.split_once('"').context("no end of the name")?;
    Ok(name.to_owned())
}

/// The build, with an inline script before all others except the watch script.
fn with_first_script(build: &Build, script: &str) -> Result<Build> {
    build.with_page(|page| {
        page.replace(
            "<meta charset",
            &format!("<script>{script}</script><meta charset"),
        )
    })
}

const REQUIRED: [&str; 14] = [
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

const OPTIONAL: [&str; 9] = [
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

/// Replaces the functions that the query names: they throw when called by the client, and work when called by the page.
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
