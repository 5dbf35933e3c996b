//! One event stream for all tabs of a browser; every tab gets the release.

use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::Build;
use tidings_e2e::DeployMethod;
use tidings_e2e::Engine;
use tidings_e2e::FaultProxy;
use tidings_e2e::in_every_engine;
use tidings_e2e::wait_until;
use tidings_e2e::with_fixture;

use crate::UPDATE_TEXT;
use crate::wait_for_other_release;
use crate::wait_for_publish;
use crate::wait_for_streams;

in_every_engine!(
    ten_tabs_share_one_stream_and_all_get_the_release,
    many_navigations_and_returns_leave_one_stream,
    tab_in_back_forward_cache_does_not_block_others,
    tabs_on_plain_http_share_one_stream,
    worker_blocked_on_plain_http_falls_back_to_own_stream,
    save_data_enabled_polls_without_stream,
    prerendered_page_opens_stream_once_activated,
);

async fn ten_tabs_share_one_stream_and_all_get_the_release(engine: Engine) -> Result<()> {
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        async |fixture| {
            let proxy = FaultProxy::start(&[&fixture.server])?;
            let mut tabs = Vec::new();
            for _ in 0..10 {
                let tab = fixture.page.open_tab().await?;
                tab.goto(&proxy.url("/")).await?;
                tab.wait_for_text("#version", "Version 1").await?;
                tabs.push(tab);
            }
            wait_for_streams(&proxy, 1).await?;
            fixture.site.deploy(&Build::v2()?)?;
            for tab in &tabs {
                tab.bring_to_front().await?;
                wait_for_other_release(tab).await?;
            }
            wait_for_streams(&proxy, 1).await?;

            // The tab that has the stream: the first where all are visible, else the visible one.
            let leading = if engine.hides_background_tabs() { 9 } else { 0 };
            tabs.remove(leading).close_tab().await?;
            tabs[4].bring_to_front().await?;
            wait_for_streams(&proxy, 1).await?;
            fixture.site.deploy(&Build::v1()?)?;
            wait_until("the tab's own release to be current again", async || {
                let state = tabs[4].eval("return tidings.state").await?;
                Ok((state == "current").then_some(()))
            })
            .await
        },
    )
    .await
}

async fn many_navigations_and_returns_leave_one_stream(engine: Engine) -> Result<()> {
    let mut linked = Build::v1()?;
    for step in 0..STEPS {
        linked = linked.with_file(&format!("step{step}.html"), &step_page(step, "first"))?;
    }
    with_fixture(engine, DeployMethod::MoveSwap, &linked, async |fixture| {
        let page = &fixture.page;
        let proxy = FaultProxy::start(&[&fixture.server])?;
        page.goto(&proxy.url("/step0.html")).await?;
        wait_for_streams(&proxy, 1).await?;
        // If unloaded pages kept their connections, the seventh page would wait for one.
        for step in 1..STEPS {
            page.follow("#on").await?;
            page.wait_for_path(&format!("/step{step}.html")).await?;
            page.wait_for_text("#step", &format!("Step {step}, first"))
                .await?;
            wait_for_streams(&proxy, 1).await?;
        }
        let mut returns = 0;
        for step in (0..STEPS - 1).rev() {
            page.back().await?;
            page.wait_for_path(&format!("/step{step}.html")).await?;
            page.wait_for_text("#step", &format!("Step {step}, first"))
                .await?;
            wait_for_streams(&proxy, 1).await?;
            returns += page.returns().await?;
        }
        // No engine caches all of them.
        let returned = returns > 0;
        ensure!(
            returned == engine.caches_pages_with_streams(),
            "{returns} returns"
        );

        fixture
            .site
            .deploy(&linked.with_file("step0.html", &step_page(0, "second"))?)?;
        page.wait_for_notice(UPDATE_TEXT).await?;
        wait_for_streams(&proxy, 1).await
    })
    .await
}

async fn tab_in_back_forward_cache_does_not_block_others(engine: Engine) -> Result<()> {
    let plain = Build::v1()?.with_file("step0.html", &step_page(0, "first"))?;
    with_fixture(engine, DeployMethod::MoveSwap, &plain, async |fixture| {
        let proxy = FaultProxy::start(&[&fixture.server])?;
        let holder = fixture.page.open_tab().await?;
        holder.goto(&proxy.url("/")).await?;
        wait_for_streams(&proxy, 1).await?;
        let follower = fixture.page.open_tab().await?;
        follower.goto(&proxy.url("/step0.html")).await?;
        wait_for_streams(&proxy, 1).await?;
        let away = "setTimeout(() => (location.href = '/favicon.svg'), 100)";
        follower.eval(away).await?;
        follower.wait_for_path("/favicon.svg").await?;
        holder.close_tab().await?;

        fixture.page.bring_to_front().await?;
        let third = fixture.page.open_tab().await?;
        third.goto(&proxy.url("/")).await?;
        wait_for_streams(&proxy, 1).await?;
        fixture
            .site
            .deploy(&Build::v2()?.with_file("step0.html", &step_page(0, "second"))?)?;
        third.wait_for_notice(UPDATE_TEXT).await?;
        follower.bring_to_front().await?;
        follower.back().await?;
        follower.wait_for_path("/step0.html").await?;
        follower.wait_for_text("#step", "Step 0").await?;
        wait_until(
            "the restored tab to be current or to know of the release",
            async || {
                let knows = follower.eval("return tidings.state").await? != "current";
                let text = follower.eval("return document.querySelector('#step').textContent");
                Ok((knows || text.await? == "Step 0, second").then_some(()))
            },
        )
        .await?;
        wait_for_streams(&proxy, 1).await
    })
    .await
}

async fn tabs_on_plain_http_share_one_stream(engine: Engine) -> Result<()> {
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        async |fixture| {
            let proxy = FaultProxy::start(&[&fixture.server])?;
            let mut tabs = Vec::new();
            for _ in 0..3 {
                let tab = fixture.page.open_tab().await?;
                tab.goto(&proxy.insecure_url("/")).await?;
                tab.wait_for_text("#version", "Version 1").await?;
                wait_for_streams(&proxy, 1).await?;
                tabs.push(tab);
            }
            tabs.remove(0).close_tab().await?;
            tabs[0].bring_to_front().await?;
            wait_for_streams(&proxy, 1).await?;
            fixture.site.deploy(&Build::v2()?)?;
            for tab in &tabs {
                tab.bring_to_front().await?;
                wait_for_other_release(tab).await?;
            }
            wait_for_streams(&proxy, 1).await
        },
    )
    .await
}

async fn worker_blocked_on_plain_http_falls_back_to_own_stream(engine: Engine) -> Result<()> {
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        async |fixture| {
            let page = &fixture.page;
            let proxy = FaultProxy::start(&[&fixture.server])?;
            for (policy, next) in [
                // The worker throws.
                (
                    "require-trusted-types-for 'script'; trusted-types vue",
                    Build::v2()?,
                ),
                // The worker fails, later.
                ("worker-src 'none'", Build::v1()?),
            ] {
                proxy.set_page_header("Content-Security-Policy", policy)?;
                page.goto(&proxy.insecure_url("/")).await?;
                page.wait_for_text("#version", "Version").await?;
                wait_for_streams(&proxy, 1).await?;
                fixture.site.deploy(&next)?;
                page.wait_for_notice(UPDATE_TEXT).await?;
            }
            Ok(())
        },
    )
    .await
}

async fn save_data_enabled_polls_without_stream(engine: Engine) -> Result<()> {
    if engine != Engine::Chromium {
        engine.skip("Save-Data: it can't be set");
        return Ok(());
    }
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        async |fixture| {
            let page = &fixture.page;
            let proxy = FaultProxy::start(&[&fixture.server])?;
            page.enable_save_data().await?;
            page.goto(&proxy.url("/")).await?;
            wait_for_polls(&proxy, 1).await?;
            fixture.site.deploy(&Build::v2()?)?;
            wait_for_publish(page).await?;
            ensure!(!page.has_notice().await?, "a notice without a poll");
            // Some minutes later the tab becomes visible again.
            page.eval(
                "const now = Date.now;
            Date.now = () => now() + 300000;
            document.dispatchEvent(new Event('visibilitychange'))",
            )
            .await?;
            page.wait_for_notice(UPDATE_TEXT).await?;
            ensure!(proxy.streams().total == 0, "{:?}", proxy.streams());
            Ok(())
        },
    )
    .await
}

async fn prerendered_page_opens_stream_once_activated(engine: Engine) -> Result<()> {
    if engine != Engine::Chromium {
        engine.skip("prerendering: it does none");
        return Ok(());
    }
    let rules = r#"<script type="speculationrules">
        {"prerender":[{"urls":["/about"],"eagerness":"immediate"}]}
    </script><a id="on" href="/about">on</a>"#;
    // By then the client has started, if it starts while prerendering.
    let mark = "if (document.prerendering)
        addEventListener('load', () => setTimeout(() => fetch('/mark')));";
    let build = Build::v1()?
        .with_file("mark.js", mark)?
        .with_file(
            "rules.html",
            &format!("<!doctype html><title>Rules</title>{rules}"),
        )?
        .with_page(|page| page.replace("</head>", "<script src=/mark.js></script></head>"))?;
    with_fixture(engine, DeployMethod::MoveSwap, &build, async |fixture| {
        let page = &fixture.page;
        let proxy = FaultProxy::start(&[&fixture.server])?;
        page.goto(&proxy.url("/rules.html")).await?;
        wait_until("the prerendered page", async || {
            Ok((proxy.request_count("/mark") > 0).then_some(()))
        })
        .await?;
        wait_for_streams(&proxy, 1).await?;
        ensure!(proxy.streams().total == 1, "{:?}", proxy.streams());
        page.follow("#on").await?;
        page.wait_for_text("#about-text", "version 1").await?;
        let was = "return performance.getEntriesByType('navigation')[0].activationStart > 0";
        ensure!(page.eval(was).await? == true, "it was not prerendered");
        wait_for_streams(&proxy, 1).await?;
        fixture.site.deploy(&Build::v2()?)?;
        page.wait_for_notice(UPDATE_TEXT).await?;
        Ok(())
    })
    .await
}

/// Waits for at least so many polls.
async fn wait_for_polls(proxy: &FaultProxy, times: usize) -> Result<()> {
    wait_until("a poll", async || {
        Ok((proxy.request_count("/__tidings/release.json") >= times).then_some(()))
    })
    .await
}

fn step_page(step: usize, round: &str) -> String {
    let next = step + 1;
    format!(
        "<!doctype html><title>Step</title><p id=step>Step {step}, {round}</p>\
        <a id=on href='/step{next}.html'>on</a>{}",
        tidings_e2e::WATCH_TAG
    )
}

// More than the six connections of a browser to a host.
const STEPS: usize = 9;
