//! What tabs do about a release, as the operator, the path or the deploy says.

use std::time::Duration;
use std::time::Instant;

use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::Build;
use tidings_e2e::Engine;
use tidings_e2e::Key;
use tidings_e2e::Page;
use tidings_e2e::Visit;
use tidings_e2e::Way;
use tidings_e2e::in_every_engine;
use tidings_e2e::until;
use tidings_e2e::visit;
use tidings_e2e::visit_with;

use crate::NEWS;
use crate::inside;
use crate::told;
use crate::with;

in_every_engine!(
    navigate_makes_a_full_load_of_the_next_navigation,
    navigate_shows_the_notice_after_the_wait,
    idle_reloads_a_tab_that_nobody_touches,
    idle_waits_for_what_was_begun,
    idle_waits_for_what_the_page_does,
    force_counts_down_and_reloads,
    force_can_be_put_off_once,
    force_waits_for_what_was_written,
    silent_tells_the_page_alone,
    a_path_can_have_a_policy_of_its_own,
    a_deploy_can_have_a_policy_of_its_own,
);

async fn navigate_makes_a_full_load_of_the_next_navigation(engine: Engine) -> Result<()> {
    let one = Build::one()?;
    visit_with(engine, Way::MoveSwap, &one, NAVIGATE, async |visit| {
        let page = &visit.page;
        visit.site.deploy(&Build::two()?)?;
        told(page).await?;
        ensure!(!page.has_notice().await?, "a notice as well");
        page.click("#to-report").await?;
        page.shows("#report-text", "version 2").await?;
        page.at("/report").await?;
        page.back().await?;
        page.shows("#version", "Version 2").await
    })
    .await
}

async fn navigate_shows_the_notice_after_the_wait(engine: Engine) -> Result<()> {
    let args = &["--policy", "navigate", "--navigate-wait", "1s"];
    let one = Build::one()?;
    visit_with(engine, Way::MoveSwap, &one, args, async |visit| {
        let page = &visit.page;
        visit.site.deploy(&Build::two()?)?;
        page.notice(NEWS).await?;
        page.press("Refresh").await?;
        page.shows("#version", "Version 2").await
    })
    .await
}

async fn idle_reloads_a_tab_that_nobody_touches(engine: Engine) -> Result<()> {
    let one = Build::one()?;
    visit_with(engine, Way::MoveSwap, &one, IDLE, async |visit| {
        visit.site.deploy(&Build::two()?)?;
        visit.page.shows("#version", "Version 2").await
    })
    .await
}

async fn idle_waits_for_what_was_begun(engine: Engine) -> Result<()> {
    let form = "<form id=form><input id=pen aria-label=Pen></form>";
    let one = with(&Build::one()?, form)?;
    visit_with(engine, Way::MoveSwap, &one, IDLE, async |visit| {
        let page = &visit.page;
        page.write("#pen", "moored at").await?;
        holds(visit).await?;
        // What the page sends by itself may not have arrived.
        page.eval("form.onsubmit = (event) => event.preventDefault(); form.requestSubmit()")
            .await?;
        holds_on(page).await?;
        page.eval("form.remove()").await?;
        page.shows("#version", "Version 2").await
    })
    .await
}

async fn idle_waits_for_what_the_page_does(engine: Engine) -> Result<()> {
    let one = with(&Build::one()?, "<dialog id=dialog>Sure?</dialog>")?;
    visit_with(engine, Way::MoveSwap, &one, IDLE, async |visit| {
        let page = &visit.page;
        page.eval("dialog.show()").await?;
        page.eval("window.unblock = tidings.block('an upload')")
            .await?;
        page.eval(
            "window.allow = tidings.on('before-reload', (detail, event) => event.preventDefault())",
        )
        .await?;
        holds(visit).await?;
        for end in ["dialog.close()", "unblock()"] {
            page.eval(end).await?;
            holds_on(page).await?;
        }
        page.eval("allow()").await?;
        page.shows("#version", "Version 2").await
    })
    .await
}

async fn force_counts_down_and_reloads(engine: Engine) -> Result<()> {
    let one = Build::one()?;
    visit_with(engine, Way::MoveSwap, &one, FORCE, async |visit| {
        let page = &visit.page;
        let before = Instant::now();
        visit.site.deploy(&Build::two()?)?;
        let notice = page.notice("Refreshing in").await?;
        ensure!(notice.live == "dialog", "{notice:?}");
        ensure!(notice.buttons == ["Not now", "Refresh"], "{notice:?}");
        page.shows("#version", "Version 2").await?;
        ensure!(before.elapsed() > Duration::from_secs(5), "too soon");
        page.no_notice().await
    })
    .await
}

async fn force_can_be_put_off_once(engine: Engine) -> Result<()> {
    let one = Build::one()?;
    visit_with(engine, Way::MoveSwap, &one, FORCE, async |visit| {
        let page = &visit.page;
        // Five minutes pass as soon as the test says so.
        inside(
            page,
            "const now = Date.now; window.ahead = 0; Date.now = () => now() + ahead",
        )
        .await?;
        visit.site.deploy(&Build::two()?)?;
        page.notice(NEWS).await?;
        page.press("Not now").await?;
        page.no_notice().await?;
        page.shows("#version", "Version 1").await?;

        inside(page, "ahead = 300000; dispatchEvent(new Event('focus'))").await?;
        let notice = page.notice(NEWS).await?;
        ensure!(notice.buttons == ["Refresh"], "{notice:?}");
        page.key(Key::Escape).await?;
        page.key(Key::Escape).await?;
        ensure!(page.has_notice().await?, "Escape has closed it");
        page.shows("#version", "Version 2").await
    })
    .await
}

async fn force_waits_for_what_was_written(engine: Engine) -> Result<()> {
    let one = with(
        &Build::one()?,
        "<textarea id=pen aria-label=Pen></textarea>",
    )?;
    visit_with(engine, Way::MoveSwap, &one, FORCE, async |visit| {
        let page = &visit.page;
        page.write("#pen", "moored at").await?;
        visit.site.deploy(&Build::two()?)?;
        page.notice("Refreshing in 0 s").await?;
        holds_on(page).await?;
        page.press("Refresh").await?;
        page.shows("#version", "Version 2").await
    })
    .await
}

async fn silent_tells_the_page_alone(engine: Engine) -> Result<()> {
    let one = Build::one()?;
    let args = &["--policy", "silent"];
    visit_with(engine, Way::MoveSwap, &one, args, async |visit| {
        let page = &visit.page;
        visit.site.deploy(&Build::two()?)?;
        told(page).await?;
        crate::drawn(page).await?;
        ensure!(!page.has_notice().await?);
        page.eval("tidings.refresh()").await?;
        page.shows("#version", "Version 2").await
    })
    .await
}

async fn a_path_can_have_a_policy_of_its_own(engine: Engine) -> Result<()> {
    let one = Build::one()?;
    let args = &["--policy", "silent,/about=force,/report=prompt"];
    visit_with(engine, Way::MoveSwap, &one, args, async |visit| {
        let page = &visit.page;
        page.goto(&visit.server.url("/about")).await?;
        page.shows("#about-text", "version 1").await?;
        visit.site.deploy(&Build::two()?)?;
        let notice = page.notice("Refreshing in").await?;
        ensure!(notice.live == "dialog", "{notice:?}");
        page.press("Refresh").await?;
        page.shows("#about-text", "version 2").await?;

        page.goto(&visit.server.url("/report")).await?;
        page.shows("#report-text", "version 2").await?;
        visit.site.deploy(&one)?;
        let notice = page.notice(NEWS).await?;
        ensure!(notice.live == "polite", "{notice:?}");
        Ok(())
    })
    .await
}

async fn a_deploy_can_have_a_policy_of_its_own(engine: Engine) -> Result<()> {
    let urgent = Build::two()?.with_file("tidings.json", r#"{"policy":"force"}"#)?;
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        visit.site.deploy(&urgent)?;
        let notice = visit.page.notice("Refreshing in 5").await?;
        ensure!(notice.live == "dialog", "{notice:?}");
        Ok(())
    })
    .await
}

/// Deploys version 2, and sees that the tab would reload but does not.
async fn holds(visit: &Visit) -> Result<()> {
    visit.site.deploy(&Build::two()?)?;
    told(&visit.page).await?;
    holds_on(&visit.page).await
}

/// Lets the tab look again whether it may reload, which it does every five seconds: it still may not.
async fn holds_on(page: &Page) -> Result<()> {
    inside(page, "window.native ??= setTimeout; window.looks = 0;
        window.setTimeout = (action, time) => { looks += time === 5000; return native(action, time); }",
    )
    .await?;
    until("another look", async || {
        Ok((page.eval("return window.looks").await?.as_u64() >= Some(1)).then_some(()))
    })
    .await?;
    page.shows("#version", "Version 1").await
}

const NAVIGATE: &[&str] = &["--policy", "navigate"];
const IDLE: &[&str] = &["--policy", "idle", "--idle-after", "1s"];
const FORCE: &[&str] = &["--policy", "force", "--countdown", "5s"];
