//! Tabs whose release is gone from the server: chunks that they load later, and pages from caches.

use std::fs;

use anyhow::Context;
use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::Build;
use tidings_e2e::DeployMethod;
use tidings_e2e::Engine;
use tidings_e2e::FaultProxy;
use tidings_e2e::Fixture;
use tidings_e2e::Server;
use tidings_e2e::in_every_engine;
use tidings_e2e::wait_until;
use tidings_e2e::with_fixture;

use crate::UPDATE_TEXT;
use crate::wait_for_publish;
use crate::wait_for_streams;

in_every_engine!(
    missing_chunk_or_style_shows_notice_and_refresh_continues,
    missing_chunk_under_navigate_or_idle_reloads_once_at_the_destination,
    chunk_missing_in_new_release_too_reloads_once,
    missing_chunk_without_new_release_is_ignored,
    broken_page_cached_by_cdn_reloads_once_after_purge,
    broken_page_in_browser_cache_reloads_to_new_release,
);

async fn missing_chunk_or_style_shows_notice_and_refresh_continues(engine: Engine) -> Result<()> {
    let sheet = asset_path(&Build::v2()?, "About-", ".css")?;
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        async |fixture| {
            let page = &fixture.page;
            let (_server, without_retention) = start_without_retention(fixture, &[]).await?;
            // This one lacks a style sheet of the retained release.
            let with_retention = FaultProxy::start(&[&fixture.server])?;
            for (proxy, missing, old, new) in [
                (without_retention, None, 1, 2),
                (with_retention, Some(sheet.as_str()), 2, 1),
            ] {
                // So that the client learns of the release by the missing chunk.
                proxy.hold_events(true);
                page.goto(&proxy.url("/")).await?;
                page.wait_for_text("#version", &format!("Version {old}"))
                    .await?;
                fixture.site.deploy(&build_version(new)?)?;
                wait_for_publish(page).await?;
                proxy.set_missing(missing.as_slice());
                let loads = page.loads().await?;
                page.click("#to-about").await?;
                let notice = page.wait_for_notice(BROKEN).await?;
                ensure!(notice.buttons == ["Later", "Refresh"], "{notice:?}");
                ensure!(page.loads().await? == loads, "it reloaded without a click");
                page.press_button("Refresh").await?;
                page.wait_for_text("#about-text", &format!("version {new}"))
                    .await?;
                page.wait_for_no_notice().await?;
            }
            Ok(())
        },
    )
    .await
}

async fn missing_chunk_under_navigate_or_idle_reloads_once_at_the_destination(
    engine: Engine,
) -> Result<()> {
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        async |fixture| {
            let page = &fixture.page;
            for (policy, old, new) in [("navigate", 1, 2), ("idle", 2, 1)] {
                let (_server, proxy) =
                    start_without_retention(fixture, &["--policy", policy]).await?;
                proxy.hold_events(true);
                page.goto(&proxy.url("/")).await?;
                page.wait_for_text("#version", &format!("Version {old}"))
                    .await?;
                fixture.site.deploy(&build_version(new)?)?;
                wait_for_publish(page).await?;
                let loads = page.loads().await?;
                page.click("#to-report").await?;
                page.wait_for_text("#report-text", &format!("version {new}"))
                    .await?;
                let loads = page.loads().await? - loads;
                ensure!(loads == 1, "{loads} loads with {policy}");
            }
            Ok(())
        },
    )
    .await
}

async fn chunk_missing_in_new_release_too_reloads_once(engine: Engine) -> Result<()> {
    let deny_storage = "for (const name of ['sessionStorage', 'localStorage'])
        Object.defineProperty(window, name, { get() { throw new DOMException('no', 'SecurityError') } });";
    let without_storage = |build: Build| {
        build
            .with_file("deny-storage.js", deny_storage)?
            .with_page(|page| {
                page.replacen("<head>", "<head><script src=/deny-storage.js></script>", 1)
            })
    };
    let storages = [
        (Build::v1()?, Build::v2()?),
        (
            without_storage(Build::v1()?)?,
            without_storage(Build::v2()?)?,
        ),
    ];
    with_fixture(engine, DeployMethod::MoveSwap, &storages[0].0, async |fixture| {
        let page = &fixture.page;
        for (old, new) in &storages {
            fixture.site.deploy(old)?;
            let (_server, proxy) = start_without_retention(fixture, &["--policy", "idle"]).await?;
            proxy.hold_events(true);
            proxy.set_missing(&["/assets/About-*"]);
            page.goto(&proxy.url("/")).await?;
            page.wait_for_text("#version", "Version 1").await?;
            fixture.site.deploy(new)?;
            wait_for_publish(page).await?;
            let loads = page.loads().await?;
            page.click("#to-about").await?;
            page.wait_for_path("/about").await?;
            // The new page polls because of its own missing chunk, finds no later release, and does not reload.
            wait_until("the new page to stay", async || {
                let asked = page
                    .eval("return performance.getEntriesByType('resource').some(({ name }) => name.endsWith('/release.json'))")
                    .await?;
                let own = page.eval("return tidings.state === 'current'").await?;
                Ok((asked == true && own == true && page.loads().await? > loads).then_some(()))
            })
            .await?;
            page.click("#to-home").await?;
            page.wait_for_text("#version", "Version 2").await?;
            page.click("#to-about").await?;
            page.click("#to-report").await?;
            page.wait_for_text("#report-text", "version 2").await?;
            ensure!(!page.has_notice().await?, "a notice without a later release");
            let loads = page.loads().await? - loads;
            ensure!(loads == 1, "{loads} loads");
        }
        Ok(())
    })
    .await
}

async fn missing_chunk_without_new_release_is_ignored(engine: Engine) -> Result<()> {
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        async |fixture| {
            let page = &fixture.page;
            let proxy = FaultProxy::start(&[&fixture.server])?;
            proxy.set_missing(&["/assets/About-*"]);
            page.goto(&proxy.url("/")).await?;
            page.wait_for_text("#version", "Version 1").await?;
            page.eval(
            "window.failures = 0; addEventListener('vite:preloadError', () => window.failures++)",
        )
        .await?;
            wait_for_streams(&proxy, 1).await?;
            let loads = page.loads().await?;
            page.click("#to-about").await?;
            wait_until("a poll for the current release", async || {
                Ok((proxy.request_count("/__tidings/release.json") > 0).then_some(()))
            })
            .await?;
            proxy.disconnect()?;
            page.click("#to-report").await?;
            wait_until("the chunk to fail", async || {
                Ok((page.eval("return window.failures").await? == 2).then_some(()))
            })
            .await?;
            proxy.reconnect()?;
            wait_for_streams(&proxy, 1).await?;
            ensure!(
                !page.has_notice().await?,
                "a notice without a later release"
            );
            ensure!(
                page.updates().await?.is_empty(),
                "an event without a later release"
            );
            ensure!(page.loads().await? == loads, "a useless reload");
            fixture.site.deploy(&Build::v2()?)?;
            page.wait_for_notice(UPDATE_TEXT).await?;
            Ok(())
        },
    )
    .await
}

async fn broken_page_cached_by_cdn_reloads_once_after_purge(engine: Engine) -> Result<()> {
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        async |fixture| {
            let page = &fixture.page;
            let (_server, proxy) = start_without_retention(fixture, &[]).await?;
            proxy.cache_pages(true);
            // Cached by the CDN, but not by the browser.
            proxy.set_missing(&["/assets/*"]);
            page.goto(&proxy.url("/")).await?;
            fixture.site.deploy(&Build::v2()?)?;
            wait_for_publish(page).await?;
            proxy.set_missing(&[]);
            page.goto("about:blank").await?;
            page.goto(&proxy.url("/")).await?;
            let loads = page.loads().await?;
            // The preflight shows that a reload would bring the broken page again.
            let asked = proxy.request_count("/");
            wait_until("a preflight", async || {
                Ok((proxy.request_count("/") > asked).then_some(()))
            })
            .await?;
            ensure!(page.loads().await? == loads, "a useless reload");
            proxy.purge();
            page.wait_for_text("#version", "Version 2").await?;
            let loads = page.loads().await? - loads;
            ensure!(loads == 1, "{loads} loads");
            Ok(())
        },
    )
    .await
}

async fn broken_page_in_browser_cache_reloads_to_new_release(engine: Engine) -> Result<()> {
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        async |fixture| {
            let page = &fixture.page;
            let (_server, proxy) = start_without_retention(fixture, &[]).await?;
            proxy.set_page_header("Cache-Control", "max-age=3600")?;
            proxy.set_missing(&["/assets/*"]);
            page.goto(&proxy.url("/")).await?;
            fixture.site.deploy(&Build::v2()?)?;
            wait_for_publish(page).await?;
            let loads = page.loads().await?;
            proxy.set_missing(&[]);
            let asked = proxy.request_count("/");
            page.goto(&proxy.url("/favicon.svg")).await?;
            page.eval("location.href = '/'").await?;
            page.wait_for_text("#version", "Version 2").await?;
            // The broken page and, by its own reload, the new one.
            let loads = page.loads().await? - loads;
            ensure!(loads == 2, "{loads} loads");
            ensure!(
                proxy.request_count("/") > asked,
                "the page was not requested"
            );
            Ok(())
        },
    )
    .await
}

/// A server of the same site that retains no older releases, behind a proxy. Returns once the server has published.
async fn start_without_retention(fixture: &Fixture, args: &[&str]) -> Result<(Server, FaultProxy)> {
    let args = [&["--retain-releases", "0"], args].concat();
    let server = Server::start_with(&fixture.site.dir(), &args)?;
    let page = &fixture.page;
    page.goto(&server.url("/")).await?;
    page.wait_for_text("#version", "Version").await?;
    let proxy = FaultProxy::start(&[&server])?;
    Ok((server, proxy))
}

fn build_version(version: u32) -> Result<Build> {
    if version == 1 {
        Build::v1()
    } else {
        Build::v2()
    }
}

/// The path of the asset whose name, apart from the hash, has this start and end.
fn asset_path(build: &Build, start: &str, end: &str) -> Result<String> {
    for entry in fs::read_dir(build.dir().join("assets"))? {
        let name = entry?.file_name();
        let name = name.to_str().context("a name")?;
        if name.starts_with(start) && name.ends_with(end) {
            return Ok(format!("/assets/{name}"));
        }
    }
    anyhow::bail!("there is no {start}HASH{end}")
}

/// The text of the notice on a broken page.
const BROKEN: &str = "needs the new version";
