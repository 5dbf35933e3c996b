//! What tabs do about a release under each policy: the default, that of a path, that of a deploy.

use std::time::Duration;
use std::time::Instant;

use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::Build;
use tidings_e2e::DeployMethod;
use tidings_e2e::Engine;
use tidings_e2e::Fixture;
use tidings_e2e::Key;
use tidings_e2e::Page;
use tidings_e2e::in_every_engine;
use tidings_e2e::wait_until;
use tidings_e2e::with_fixture;
use tidings_e2e::with_fixture_args;

use crate::UPDATE_TEXT;
use crate::run_inline_script;
use crate::wait_for_update_event;
use crate::with_element;

in_every_engine!(
    navigate_on_next_navigation_loads_new_page,
    navigate_after_wait_shows_notice,
    idle_without_input_reloads,
    idle_with_edited_form_waits,
    idle_with_dialog_or_block_waits,
    force_countdown_elapsed_reloads,
    force_postponed_once_cannot_be_postponed_again,
    force_with_typed_text_waits,
    silent_dispatches_event_and_shows_no_notice,
    policy_for_path_overrides_default,
    policy_of_deploy_overrides_default,
);

async fn navigate_on_next_navigation_loads_new_page(engine: Engine) -> Result<()> {
    let one = Build::v1()?;
    with_fixture_args(
        engine,
        DeployMethod::MoveSwap,
        &one,
        NAVIGATE,
        async |fixture| {
            let page = &fixture.page;
            fixture.site.deploy(&Build::v2()?)?;
            wait_for_update_event(page).await?;
            ensure!(!page.has_notice().await?, "a notice as well");
            page.click("#to-report").await?;
            page.wait_for_text("#report-text", "version 2").await?;
            page.wait_for_path("/report").await?;
            page.back().await?;
            page.wait_for_text("#version", "Version 2").await
        },
    )
    .await
}

async fn navigate_after_wait_shows_notice(engine: Engine) -> Result<()> {
    let args = &["--policy", "navigate", "--navigate-wait", "1s"];
    let one = Build::v1()?;
    with_fixture_args(
        engine,
        DeployMethod::MoveSwap,
        &one,
        args,
        async |fixture| {
            let page = &fixture.page;
            fixture.site.deploy(&Build::v2()?)?;
            page.wait_for_notice(UPDATE_TEXT).await?;
            page.press_button("Refresh").await?;
            page.wait_for_text("#version", "Version 2").await
        },
    )
    .await
}

async fn idle_without_input_reloads(engine: Engine) -> Result<()> {
    let one = Build::v1()?;
    with_fixture_args(
        engine,
        DeployMethod::MoveSwap,
        &one,
        IDLE,
        async |fixture| {
            fixture.site.deploy(&Build::v2()?)?;
            fixture.page.wait_for_text("#version", "Version 2").await
        },
    )
    .await
}

async fn idle_with_edited_form_waits(engine: Engine) -> Result<()> {
    let form = "<form id=form><input id=pen aria-label=Pen></form>";
    let one = with_element(&Build::v1()?, form)?;
    with_fixture_args(
        engine,
        DeployMethod::MoveSwap,
        &one,
        IDLE,
        async |fixture| {
            let page = &fixture.page;
            page.type_text("#pen", "moored at").await?;
            deploy_and_check_waiting(fixture).await?;
            // A form that the page submits by a script may not have been saved.
            page.eval("form.onsubmit = (event) => event.preventDefault(); form.requestSubmit()")
                .await?;
            check_still_waiting(page).await?;
            page.eval("form.remove()").await?;
            page.wait_for_text("#version", "Version 2").await
        },
    )
    .await
}

async fn idle_with_dialog_or_block_waits(engine: Engine) -> Result<()> {
    let one = with_element(&Build::v1()?, "<dialog id=dialog>Sure?</dialog>")?;
    with_fixture_args(
        engine,
        DeployMethod::MoveSwap,
        &one,
        IDLE,
        async |fixture| {
            let page = &fixture.page;
            page.eval("dialog.show()").await?;
            page.eval("window.unblock = tidings.block('an upload')")
                .await?;
            page.eval(
            "window.allow = tidings.on('before-reload', (detail, event) => event.preventDefault())",
        )
        .await?;
            deploy_and_check_waiting(fixture).await?;
            for end in ["dialog.close()", "unblock()"] {
                page.eval(end).await?;
                check_still_waiting(page).await?;
            }
            page.eval("allow()").await?;
            page.wait_for_text("#version", "Version 2").await
        },
    )
    .await
}

async fn force_countdown_elapsed_reloads(engine: Engine) -> Result<()> {
    let one = Build::v1()?;
    with_fixture_args(
        engine,
        DeployMethod::MoveSwap,
        &one,
        FORCE,
        async |fixture| {
            let page = &fixture.page;
            let before = Instant::now();
            fixture.site.deploy(&Build::v2()?)?;
            let notice = page.wait_for_notice("Refreshing in").await?;
            ensure!(notice.live == "dialog", "{notice:?}");
            ensure!(notice.buttons == ["Not now", "Refresh"], "{notice:?}");
            page.wait_for_text("#version", "Version 2").await?;
            ensure!(before.elapsed() > Duration::from_secs(5), "too soon");
            page.wait_for_no_notice().await
        },
    )
    .await
}

async fn force_postponed_once_cannot_be_postponed_again(engine: Engine) -> Result<()> {
    let one = Build::v1()?;
    with_fixture_args(
        engine,
        DeployMethod::MoveSwap,
        &one,
        FORCE,
        async |fixture| {
            let page = &fixture.page;
            // The test advances the clock by five minutes.
            run_inline_script(
                page,
                "const now = Date.now; window.ahead = 0; Date.now = () => now() + ahead",
            )
            .await?;
            fixture.site.deploy(&Build::v2()?)?;
            page.wait_for_notice(UPDATE_TEXT).await?;
            page.press_button("Not now").await?;
            page.wait_for_no_notice().await?;
            page.wait_for_text("#version", "Version 1").await?;

            run_inline_script(page, "ahead = 300000; dispatchEvent(new Event('focus'))").await?;
            let notice = page.wait_for_notice(UPDATE_TEXT).await?;
            ensure!(notice.buttons == ["Refresh"], "{notice:?}");
            page.press_key(Key::Escape).await?;
            page.press_key(Key::Escape).await?;
            ensure!(page.has_notice().await?, "Escape has closed it");
            page.wait_for_text("#version", "Version 2").await
        },
    )
    .await
}

async fn force_with_typed_text_waits(engine: Engine) -> Result<()> {
    let one = with_element(&Build::v1()?, "<textarea id=pen aria-label=Pen></textarea>")?;
    with_fixture_args(
        engine,
        DeployMethod::MoveSwap,
        &one,
        FORCE,
        async |fixture| {
            let page = &fixture.page;
            page.type_text("#pen", "moored at").await?;
            fixture.site.deploy(&Build::v2()?)?;
            page.wait_for_notice("Refreshing in 0 s").await?;
            check_still_waiting(page).await?;
            page.press_button("Refresh").await?;
            page.wait_for_text("#version", "Version 2").await
        },
    )
    .await
}

async fn silent_dispatches_event_and_shows_no_notice(engine: Engine) -> Result<()> {
    let one = Build::v1()?;
    let args = &["--policy", "silent"];
    with_fixture_args(
        engine,
        DeployMethod::MoveSwap,
        &one,
        args,
        async |fixture| {
            let page = &fixture.page;
            fixture.site.deploy(&Build::v2()?)?;
            wait_for_update_event(page).await?;
            crate::wait_for_paint(page).await?;
            ensure!(!page.has_notice().await?);
            page.eval("tidings.refresh()").await?;
            page.wait_for_text("#version", "Version 2").await
        },
    )
    .await
}

async fn policy_for_path_overrides_default(engine: Engine) -> Result<()> {
    let one = Build::v1()?;
    let args = &[
        "--policy",
        "silent",
        "--policy",
        "/about=force",
        "--policy",
        "/report=prompt",
    ];
    with_fixture_args(
        engine,
        DeployMethod::MoveSwap,
        &one,
        args,
        async |fixture| {
            let page = &fixture.page;
            page.goto(&fixture.server.url("/about")).await?;
            page.wait_for_text("#about-text", "version 1").await?;
            fixture.site.deploy(&Build::v2()?)?;
            let notice = page.wait_for_notice("Refreshing in").await?;
            ensure!(notice.live == "dialog", "{notice:?}");
            page.press_button("Refresh").await?;
            page.wait_for_text("#about-text", "version 2").await?;

            page.goto(&fixture.server.url("/report")).await?;
            page.wait_for_text("#report-text", "version 2").await?;
            fixture.site.deploy(&one)?;
            let notice = page.wait_for_notice(UPDATE_TEXT).await?;
            ensure!(notice.live == "polite", "{notice:?}");
            Ok(())
        },
    )
    .await
}

async fn policy_of_deploy_overrides_default(engine: Engine) -> Result<()> {
    let urgent = Build::v2()?.with_file("tidings.json", r#"{"policy":"force"}"#)?;
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        async |fixture| {
            fixture.site.deploy(&urgent)?;
            let notice = fixture.page.wait_for_notice("Refreshing in 5").await?;
            ensure!(notice.live == "dialog", "{notice:?}");
            Ok(())
        },
    )
    .await
}

/// Deploys version 2, and checks that the tab knows of it but does not reload.
async fn deploy_and_check_waiting(fixture: &Fixture) -> Result<()> {
    fixture.site.deploy(&Build::v2()?)?;
    wait_for_update_event(&fixture.page).await?;
    check_still_waiting(&fixture.page).await
}

/// Waits until the tab has checked again whether it may reload, every five seconds, and checks that it has not.
async fn check_still_waiting(page: &Page) -> Result<()> {
    run_inline_script(page, "window.native ??= setTimeout; window.checks = 0;
        window.setTimeout = (action, time) => { checks += time === 5000; return native(action, time); }",
    )
    .await?;
    wait_until("another check", async || {
        Ok((page.eval("return window.checks").await?.as_u64() >= Some(1)).then_some(()))
    })
    .await?;
    page.wait_for_text("#version", "Version 1").await
}

const NAVIGATE: &[&str] = &["--policy", "navigate"];
const IDLE: &[&str] = &["--policy", "idle", "--idle-after", "1s"];
const FORCE: &[&str] = &["--policy", "force", "--countdown", "5s"];
