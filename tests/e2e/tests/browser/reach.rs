//! Every tab is told, and a browser takes one connection for all of its tabs.

use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::Build;
use tidings_e2e::Engine;
use tidings_e2e::Front;
use tidings_e2e::Way;
use tidings_e2e::in_every_engine;
use tidings_e2e::until;
use tidings_e2e::visit;

use crate::NEWS;
use crate::hears;
use crate::is_published;
use crate::streams;

in_every_engine!(
    ten_tabs_have_one_stream_and_all_are_told,
    many_links_away_and_back_leave_one_stream,
    a_tab_in_the_back_forward_cache_keeps_nobody_waiting,
    tabs_on_plain_http_share_a_stream,
    a_policy_against_workers_leaves_plain_http_told,
    who_saves_data_has_no_stream_and_is_told,
    a_prerendered_page_has_no_stream_before_it_is_seen,
);

async fn ten_tabs_have_one_stream_and_all_are_told(engine: Engine) -> Result<()> {
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        let front = Front::start(&[&visit.server])?;
        let mut tabs = Vec::new();
        for _ in 0..10 {
            let tab = visit.page.second_tab().await?;
            tab.goto(&front.url("/")).await?;
            tab.shows("#version", "Version 1").await?;
            tabs.push(tab);
        }
        streams(&front, 1).await?;
        visit.site.deploy(&Build::two()?)?;
        for tab in &tabs {
            tab.front().await?;
            hears(tab).await?;
        }
        streams(&front, 1).await?;

        // The one that has the stream: where all are in sight the first, else the one that is.
        let leading = if engine.hides_tabs() { 9 } else { 0 };
        tabs.remove(leading).close_tab().await?;
        tabs[4].front().await?;
        streams(&front, 1).await?;
        visit.site.deploy(&Build::one()?)?;
        until("the tab to hear that its own is back", async || {
            let state = tabs[4].eval("return tidings.state").await?;
            Ok((state == "current").then_some(()))
        })
        .await
    })
    .await
}

async fn many_links_away_and_back_leave_one_stream(engine: Engine) -> Result<()> {
    let mut linked = Build::one()?;
    for step in 0..STEPS {
        linked = linked.with_file(&format!("step{step}.html"), &step_page(step, "first"))?;
    }
    visit(engine, Way::MoveSwap, &linked, async |visit| {
        let page = &visit.page;
        let front = Front::start(&[&visit.server])?;
        page.goto(&front.url("/step0.html")).await?;
        streams(&front, 1).await?;
        // A connection that a page left behind takes along would make the seventh page wait.
        for step in 1..STEPS {
            page.follow("#on").await?;
            page.at(&format!("/step{step}.html")).await?;
            page.shows("#step", &format!("Step {step}, first")).await?;
            streams(&front, 1).await?;
        }
        let mut returns = 0;
        for step in (0..STEPS - 1).rev() {
            page.back().await?;
            page.at(&format!("/step{step}.html")).await?;
            page.shows("#step", &format!("Step {step}, first")).await?;
            streams(&front, 1).await?;
            returns += page.returns().await?;
        }
        // No engine keeps all of them.
        let returned = returns > 0;
        ensure!(
            returned == engine.keeps_pages_with_streams(),
            "{returns} returns"
        );

        visit
            .site
            .deploy(&linked.with_file("step0.html", &step_page(0, "second"))?)?;
        page.notice(NEWS).await?;
        streams(&front, 1).await
    })
    .await
}

async fn a_tab_in_the_back_forward_cache_keeps_nobody_waiting(engine: Engine) -> Result<()> {
    let plain = Build::one()?.with_file("step0.html", &step_page(0, "first"))?;
    visit(engine, Way::MoveSwap, &plain, async |visit| {
        let front = Front::start(&[&visit.server])?;
        let leader = visit.page.second_tab().await?;
        leader.goto(&front.url("/")).await?;
        streams(&front, 1).await?;
        let follower = visit.page.second_tab().await?;
        follower.goto(&front.url("/step0.html")).await?;
        streams(&front, 1).await?;
        let away = "setTimeout(() => (location.href = '/favicon.svg'), 100)";
        follower.eval(away).await?;
        follower.at("/favicon.svg").await?;
        leader.close_tab().await?;

        visit.page.front().await?;
        let third = visit.page.second_tab().await?;
        third.goto(&front.url("/")).await?;
        streams(&front, 1).await?;
        visit
            .site
            .deploy(&Build::two()?.with_file("step0.html", &step_page(0, "second"))?)?;
        third.notice(NEWS).await?;
        follower.front().await?;
        follower.back().await?;
        follower.at("/step0.html").await?;
        follower.shows("#step", "Step 0").await?;
        until(
            "the tab that came back to be up to date or told",
            async || {
                let told = follower.eval("return tidings.state").await? != "current";
                let text = follower.eval("return document.querySelector('#step').textContent");
                Ok((told || text.await? == "Step 0, second").then_some(()))
            },
        )
        .await?;
        streams(&front, 1).await
    })
    .await
}

async fn tabs_on_plain_http_share_a_stream(engine: Engine) -> Result<()> {
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        let front = Front::start(&[&visit.server])?;
        let mut tabs = Vec::new();
        for _ in 0..3 {
            let tab = visit.page.second_tab().await?;
            tab.goto(&front.url_by_name("/")).await?;
            tab.shows("#version", "Version 1").await?;
            streams(&front, 1).await?;
            tabs.push(tab);
        }
        tabs.remove(0).close_tab().await?;
        tabs[0].front().await?;
        streams(&front, 1).await?;
        visit.site.deploy(&Build::two()?)?;
        for tab in &tabs {
            tab.front().await?;
            hears(tab).await?;
        }
        streams(&front, 1).await
    })
    .await
}

async fn a_policy_against_workers_leaves_plain_http_told(engine: Engine) -> Result<()> {
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        let page = &visit.page;
        let front = Front::start(&[&visit.server])?;
        for (policy, next) in [
            // The worker throws.
            (
                "require-trusted-types-for 'script'; trusted-types vue",
                Build::two()?,
            ),
            // The worker fails, later.
            ("worker-src 'none'", Build::one()?),
        ] {
            front.page_header("Content-Security-Policy", policy)?;
            page.goto(&front.url_by_name("/")).await?;
            page.shows("#version", "Version").await?;
            streams(&front, 1).await?;
            visit.site.deploy(&next)?;
            page.notice(NEWS).await?;
        }
        Ok(())
    })
    .await
}

async fn who_saves_data_has_no_stream_and_is_told(engine: Engine) -> Result<()> {
    if engine != Engine::Chromium {
        engine.skip("saved data: it can't be told to");
        return Ok(());
    }
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        let page = &visit.page;
        let front = Front::start(&[&visit.server])?;
        page.save_data().await?;
        page.goto(&front.url("/")).await?;
        asked(&front, 1).await?;
        visit.site.deploy(&Build::two()?)?;
        is_published(page).await?;
        ensure!(!page.has_notice().await?, "who has told it?");
        // Some minutes later the person comes back to the tab.
        page.eval(
            "const now = Date.now;
            Date.now = () => now() + 300000;
            document.dispatchEvent(new Event('visibilitychange'))",
        )
        .await?;
        page.notice(NEWS).await?;
        ensure!(front.streams().ever == 0, "{:?}", front.streams());
        Ok(())
    })
    .await
}

async fn a_prerendered_page_has_no_stream_before_it_is_seen(engine: Engine) -> Result<()> {
    if engine != Engine::Chromium {
        engine.skip("prerendering: it does none");
        return Ok(());
    }
    let rules = r#"<script type="speculationrules">
        {"prerender":[{"urls":["/about"],"eagerness":"immediate"}]}
    </script><a id="on" href="/about">on</a>"#;
    // By then the client has begun, if it is going to.
    let mark = "if (document.prerendering)
        addEventListener('load', () => setTimeout(() => fetch('/mark')));";
    let build = Build::one()?
        .with_file("mark.js", mark)?
        .with_file(
            "rules.html",
            &format!("<!doctype html><title>Rules</title>{rules}"),
        )?
        .with_page(|page| page.replace("</head>", "<script src=/mark.js></script></head>"))?;
    visit(engine, Way::MoveSwap, &build, async |visit| {
        let page = &visit.page;
        let front = Front::start(&[&visit.server])?;
        page.goto(&front.url("/rules.html")).await?;
        until("the prerendered page", async || {
            Ok((front.requests("/mark") > 0).then_some(()))
        })
        .await?;
        streams(&front, 1).await?;
        ensure!(front.streams().ever == 1, "{:?}", front.streams());
        page.follow("#on").await?;
        page.shows("#about-text", "version 1").await?;
        let was = "return performance.getEntriesByType('navigation')[0].activationStart > 0";
        ensure!(page.eval(was).await? == true, "it was not prerendered");
        streams(&front, 1).await?;
        visit.site.deploy(&Build::two()?)?;
        page.notice(NEWS).await?;
        Ok(())
    })
    .await
}

/// Waits until the server was asked so often what is current.
async fn asked(front: &Front, times: usize) -> Result<()> {
    until("the question what is current", async || {
        Ok((front.requests("/__tidings/release.json") >= times).then_some(()))
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

// More than the six connections that a browser has for a host.
const STEPS: usize = 9;
