//! Tabs whose release is gone from the server: parts that they load late, and pages out of caches.

use std::fs;

use anyhow::Context;
use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::Build;
use tidings_e2e::Engine;
use tidings_e2e::Front;
use tidings_e2e::Server;
use tidings_e2e::Visit;
use tidings_e2e::Way;
use tidings_e2e::in_every_engine;
use tidings_e2e::until;
use tidings_e2e::visit;

use crate::NEWS;
use crate::is_published;
use crate::streams;

in_every_engine!(
    a_gone_chunk_or_style_is_told_and_refresh_leads_on,
    a_gone_chunk_reloads_once_to_where_the_visitor_was_going,
    a_chunk_that_the_new_release_lacks_too_reloads_once,
    a_chunk_that_fails_without_news_is_left_alone,
    a_dead_page_of_a_cdn_gets_well_once_that_is_purged,
    a_dead_page_of_the_browsers_cache_gets_well,
);

async fn a_gone_chunk_or_style_is_told_and_refresh_leads_on(engine: Engine) -> Result<()> {
    let sheet = asset(&Build::two()?, "About-", ".css")?;
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        let page = &visit.page;
        let (_server, forgetful) = forgetful(visit, &[]).await?;
        // Of what this one has kept a style sheet is missing.
        let keeping = Front::start(&[&visit.server])?;
        for (front, missing, old, new) in [
            (forgetful, None, 1, 2),
            (keeping, Some(sheet.as_str()), 2, 1),
        ] {
            // So that the missing part is what brings the news.
            front.hold_events(true);
            page.goto(&front.url("/")).await?;
            page.shows("#version", &format!("Version {old}")).await?;
            visit.site.deploy(&build(new)?)?;
            is_published(page).await?;
            front.missing(missing.as_slice());
            let loads = page.loads().await?;
            page.click("#to-about").await?;
            let notice = page.notice(BROKEN).await?;
            ensure!(notice.buttons == ["Later", "Refresh"], "{notice:?}");
            ensure!(page.loads().await? == loads, "it did not ask");
            page.press("Refresh").await?;
            page.shows("#about-text", &format!("version {new}")).await?;
            page.no_notice().await?;
        }
        Ok(())
    })
    .await
}

async fn a_gone_chunk_reloads_once_to_where_the_visitor_was_going(engine: Engine) -> Result<()> {
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        let page = &visit.page;
        for (policy, old, new) in [("navigate", 1, 2), ("idle", 2, 1)] {
            let (_server, front) = forgetful(visit, &["--policy", policy]).await?;
            front.hold_events(true);
            page.goto(&front.url("/")).await?;
            page.shows("#version", &format!("Version {old}")).await?;
            visit.site.deploy(&build(new)?)?;
            is_published(page).await?;
            let loads = page.loads().await?;
            page.click("#to-report").await?;
            page.shows("#report-text", &format!("version {new}"))
                .await?;
            let loads = page.loads().await? - loads;
            ensure!(loads == 1, "{loads} loads with {policy}");
        }
        Ok(())
    })
    .await
}

async fn a_chunk_that_the_new_release_lacks_too_reloads_once(engine: Engine) -> Result<()> {
    let forbid = "for (const name of ['sessionStorage', 'localStorage'])
        Object.defineProperty(window, name, { get() { throw new DOMException('no', 'SecurityError') } });";
    let poor = |build: Build| {
        build
            .with_file("forbid.js", forbid)?
            .with_page(|page| page.replacen("<head>", "<head><script src=/forbid.js></script>", 1))
    };
    let storages = [
        (Build::one()?, Build::two()?),
        (poor(Build::one()?)?, poor(Build::two()?)?),
    ];
    visit(engine, Way::MoveSwap, &storages[0].0, async |visit| {
        let page = &visit.page;
        for (old, new) in &storages {
            visit.site.deploy(old)?;
            let (_server, front) = forgetful(visit, &["--policy", "idle"]).await?;
            front.hold_events(true);
            front.missing(&["/assets/About-*"]);
            page.goto(&front.url("/")).await?;
            page.shows("#version", "Version 1").await?;
            visit.site.deploy(new)?;
            is_published(page).await?;
            let loads = page.loads().await?;
            page.click("#to-about").await?;
            page.at("/about").await?;
            // The new page asks about its own missing part, finds that there is no news, and stays as it is.
            until("the new page to be left alone", async || {
                let asked = page
                    .eval("return performance.getEntriesByType('resource').some(({ name }) => name.endsWith('/release.json'))")
                    .await?;
                let own = page.eval("return tidings.state === 'current'").await?;
                Ok((asked == true && own == true && page.loads().await? > loads).then_some(()))
            })
            .await?;
            page.click("#to-home").await?;
            page.shows("#version", "Version 2").await?;
            page.click("#to-about").await?;
            page.click("#to-report").await?;
            page.shows("#report-text", "version 2").await?;
            ensure!(!page.has_notice().await?, "there is nothing to offer");
            let loads = page.loads().await? - loads;
            ensure!(loads == 1, "{loads} loads");
        }
        Ok(())
    })
    .await
}

async fn a_chunk_that_fails_without_news_is_left_alone(engine: Engine) -> Result<()> {
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        let page = &visit.page;
        let front = Front::start(&[&visit.server])?;
        front.missing(&["/assets/About-*"]);
        page.goto(&front.url("/")).await?;
        page.shows("#version", "Version 1").await?;
        page.eval(
            "window.failures = 0; addEventListener('vite:preloadError', () => window.failures++)",
        )
        .await?;
        streams(&front, 1).await?;
        let loads = page.loads().await?;
        page.click("#to-about").await?;
        until("a look whether there is news", async || {
            Ok((front.requests("/__tidings/release.json") > 0).then_some(()))
        })
        .await?;
        front.go_away()?;
        page.click("#to-report").await?;
        until("the part to fail", async || {
            Ok((page.eval("return window.failures").await? == 2).then_some(()))
        })
        .await?;
        front.come_back()?;
        streams(&front, 1).await?;
        ensure!(!page.has_notice().await?, "a notice of nothing");
        ensure!(page.updates().await?.is_empty(), "an update to nothing");
        ensure!(page.loads().await? == loads, "a reload for nothing");
        visit.site.deploy(&Build::two()?)?;
        page.notice(NEWS).await?;
        Ok(())
    })
    .await
}

async fn a_dead_page_of_a_cdn_gets_well_once_that_is_purged(engine: Engine) -> Result<()> {
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        let page = &visit.page;
        let (_server, front) = forgetful(visit, &[]).await?;
        front.cache_pages(true);
        // Into the CDN, but not into the browser.
        front.missing(&["/assets/*"]);
        page.goto(&front.url("/")).await?;
        visit.site.deploy(&Build::two()?)?;
        is_published(page).await?;
        front.missing(&[]);
        page.goto("about:blank").await?;
        page.goto(&front.url("/")).await?;
        let loads = page.loads().await?;
        // It sees that a reload would bring the dead page again.
        let asked = front.requests("/");
        until("a look at what a reload would bring", async || {
            Ok((front.requests("/") > asked).then_some(()))
        })
        .await?;
        ensure!(page.loads().await? == loads, "a reload for nothing");
        front.purge();
        page.shows("#version", "Version 2").await?;
        let loads = page.loads().await? - loads;
        ensure!(loads == 1, "{loads} loads");
        Ok(())
    })
    .await
}

async fn a_dead_page_of_the_browsers_cache_gets_well(engine: Engine) -> Result<()> {
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        let page = &visit.page;
        let (_server, front) = forgetful(visit, &[]).await?;
        front.page_header("Cache-Control", "max-age=3600")?;
        front.missing(&["/assets/*"]);
        page.goto(&front.url("/")).await?;
        visit.site.deploy(&Build::two()?)?;
        is_published(page).await?;
        let loads = page.loads().await?;
        front.missing(&[]);
        let asked = front.requests("/");
        page.goto(&front.url("/favicon.svg")).await?;
        page.eval("location.href = '/'").await?;
        page.shows("#version", "Version 2").await?;
        // The dead one and, by its own reload, the new one.
        let loads = page.loads().await? - loads;
        ensure!(loads == 2, "{loads} loads");
        ensure!(front.requests("/") > asked, "nobody asked for the page");
        Ok(())
    })
    .await
}

/// A server of the same site that keeps nothing of older releases, once it has published, behind a front.
async fn forgetful(visit: &Visit, args: &[&str]) -> Result<(Server, Front)> {
    let args = [&["--retain-releases", "0"], args].concat();
    let server = Server::start_with(&visit.site.dir(), &args)?;
    let page = &visit.page;
    page.goto(&server.url("/")).await?;
    page.shows("#version", "Version").await?;
    let front = Front::start(&[&server])?;
    Ok((server, front))
}

fn build(version: u32) -> Result<Build> {
    if version == 1 {
        Build::one()
    } else {
        Build::two()
    }
}

/// The path of the file that a build has of this name, but for its hash.
fn asset(build: &Build, start: &str, end: &str) -> Result<String> {
    for entry in fs::read_dir(build.dir().join("assets"))? {
        let name = entry?.file_name();
        let name = name.to_str().context("a name")?;
        if name.starts_with(start) && name.ends_with(end) {
            return Ok(format!("/assets/{name}"));
        }
    }
    anyhow::bail!("there is no {start}HASH{end}")
}

/// What the notice says when the page needs what it offers.
const BROKEN: &str = "needs the new version";
