//! The styles of the notice: position, focus, texts, and frames.

use anyhow::Context;
use anyhow::Result;
use anyhow::ensure;
use serde_json::json;
use std::fs;
use tempfile::TempDir;
use tidings_e2e::Build;
use tidings_e2e::DeployMethod;
use tidings_e2e::Engine;
use tidings_e2e::FaultProxy;
use tidings_e2e::Fixture;
use tidings_e2e::Key;
use tidings_e2e::Page;
use tidings_e2e::Server;
use tidings_e2e::in_every_engine;
use tidings_e2e::wait_until;
use tidings_e2e::with_fixture;
use tidings_e2e::with_fixture_args;

use crate::UPDATE_TEXT;
use crate::wait_for_paint;
use crate::wait_for_update_event;
use crate::with_element;

in_every_engine!(
    toast_with_each_position_is_placed_there,
    bar_or_modal_with_position_is_placed_there,
    position_start_on_rtl_page_is_right,
    toast_or_bar_closed_by_escape_restores_focus,
    modal_open_traps_focus_and_closed_restores_it,
    messages_option_by_language_replaces_texts,
    frame_by_default_shows_no_notice,
    frame_with_frames_option_shows_notice,
);

async fn toast_with_each_position_is_placed_there(engine: Engine) -> Result<()> {
    check_positions(
        engine,
        &[
            ("toast", "bottom-end", "bottom right"),
            ("toast", "bottom-start", "bottom left"),
            ("toast", "bottom", "bottom middle"),
            ("toast", "top-end", "top right"),
            ("toast", "top-start", "top left"),
            ("toast", "top", "top middle"),
        ],
    )
    .await
}

async fn bar_or_modal_with_position_is_placed_there(engine: Engine) -> Result<()> {
    check_positions(
        engine,
        &[
            // The default position; a bar has no corner.
            ("bar", "bottom-end", "bottom full"),
            ("bar", "top", "top full"),
            ("modal", "bottom-end", "centre middle"),
            ("none", "bottom-end", "nowhere"),
        ],
    )
    .await
}

/// Checks that each style is at its place, and that axe-core reports no violation.
async fn check_positions(engine: Engine, forms: &[(&str, &str, &str)]) -> Result<()> {
    let builds = [Build::v1()?, Build::v2()?];
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &builds[0],
        async |fixture| {
            for (round, (form, position, place)) in forms.iter().enumerate() {
                let args = ["--notice", form, "--position", position];
                let server = Server::start_with(&fixture.site.dir(), &args)?;
                let name = format!("{form} {position}");
                check_position(fixture, &server, &builds[(round + 1) % 2], place)
                    .await
                    .context(name)?;
            }
            Ok(())
        },
    )
    .await
}

async fn check_position(
    fixture: &Fixture,
    server: &Server,
    next: &Build,
    place: &str,
) -> Result<()> {
    let page = &fixture.page;
    page.goto(&server.url("/")).await?;
    page.wait_for_text("#version", "Version").await?;
    fixture.site.deploy(next)?;
    if place == "nowhere" {
        wait_for_update_event(page).await?;
        wait_for_paint(page).await?;
        ensure!(!page.has_notice().await?);
        return Ok(());
    }
    page.wait_for_notice(UPDATE_TEXT).await?;
    let found = page.eval(PLACE).await?;
    ensure!(found == place, "it is {found}");
    let wrong = page.axe().await?;
    ensure!(wrong.is_empty(), "{wrong:?}");
    Ok(())
}

async fn position_start_on_rtl_page_is_right(engine: Engine) -> Result<()> {
    let arabic =
        Build::v1()?.with_page(|page| page.replace(r#"lang="en""#, r#"lang="ar" dir="rtl""#))?;
    let args = &["--position", "bottom-start"];
    with_fixture_args(
        engine,
        DeployMethod::MoveSwap,
        &arabic,
        args,
        async |fixture| {
            let page = &fixture.page;
            fixture.site.deploy(&Build::v2()?)?;
            page.wait_for_notice("يتوفر").await?;
            let found = page.eval(PLACE).await?;
            ensure!(found == "bottom right", "it is {found}");
            Ok(())
        },
    )
    .await
}

async fn toast_or_bar_closed_by_escape_restores_focus(engine: Engine) -> Result<()> {
    let builds = [
        with_element(&Build::v1()?, PEN)?,
        with_element(&Build::v2()?, PEN)?,
    ];
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &builds[0],
        async |fixture| {
            let page = &fixture.page;
            for (form, next) in [("toast", 1), ("bar", 0)] {
                let server = Server::start_with(&fixture.site.dir(), &["--notice", form])?;
                page.goto(&server.url("/")).await?;
                page.wait_for_text("#version", "Version").await?;
                page.type_text("#pen", "moored").await?;
                fixture.site.deploy(&builds[next])?;
                page.wait_for_notice(UPDATE_TEXT).await?;
                wait_for_focus(page, "pen").await?;
                page.type_text("#pen", " at berth 4").await?;
                let text = page.eval("return pen.value").await?;
                ensure!(text == "moored at berth 4", "{text}");

                wait_until("the Tab key to reach it", async || {
                    page.press_key(Key::Tab).await?;
                    Ok((page.eval(FOCUS).await? == "later").then_some(()))
                })
                .await?;
                page.press_key(Key::Escape).await?;
                page.wait_for_no_notice().await?;
                wait_for_focus(page, "pen").await?;
            }
            Ok(())
        },
    )
    .await
}

async fn modal_open_traps_focus_and_closed_restores_it(engine: Engine) -> Result<()> {
    let one = with_element(&Build::v1()?, PEN)?;
    let args = &["--notice", "modal"];
    with_fixture_args(
        engine,
        DeployMethod::MoveSwap,
        &one,
        args,
        async |fixture| {
            let page = &fixture.page;
            page.type_text("#pen", "moored").await?;
            fixture.site.deploy(&Build::v2()?)?;
            let notice = page.wait_for_notice(UPDATE_TEXT).await?;
            ensure!(notice.live == "dialog", "{notice:?}");
            // Not a button: the next key of a visitor who is typing would press it.
            wait_for_focus(page, "notice").await?;
            for expected in ["later", "refresh", "later"] {
                page.press_key(Key::Tab).await?;
                wait_for_focus(page, expected).await?;
            }
            page.press_key(Key::Escape).await?;
            page.wait_for_no_notice().await?;
            wait_for_focus(page, "pen").await?;
            page.wait_for_text("#version", "Version 1").await
        },
    )
    .await
}

async fn messages_option_by_language_replaces_texts(engine: Engine) -> Result<()> {
    let place = TempDir::new()?;
    let file = place.path().join("texts.json");
    let own = json!({
        "en": { "text": "Fresh from the harbour." },
        "nds": { "text": "Dat gifft wat Nieges.", "refresh": "Nieg laden", "later": "Later denn" },
    });
    fs::write(&file, own.to_string())?;
    let args = &["--messages", file.to_str().context("a path")?];
    let one = Build::v1()?;
    with_fixture_args(
        engine,
        DeployMethod::MoveSwap,
        &one,
        args,
        async |fixture| {
            let page = &fixture.page;
            fixture.site.deploy(&Build::v2()?)?;
            let notice = page.wait_for_notice("Fresh from the harbour.").await?;
            ensure!(notice.buttons == ["Later", "Refresh"], "{notice:?}");

            page.goto(&fixture.server.url("/")).await?;
            page.eval("document.documentElement.lang = 'nds-DE'")
                .await?;
            fixture.site.deploy(&one)?;
            let notice = page.wait_for_notice("Dat gifft wat Nieges.").await?;
            ensure!(notice.buttons == ["Later denn", "Nieg laden"], "{notice:?}");
            let language =
                "return document.querySelector('tidings-notice').shadowRoot.firstChild.lang";
            let language = page.eval(language).await?;
            ensure!(language == "nds", "{language}");
            Ok(())
        },
    )
    .await
}

async fn frame_by_default_shows_no_notice(engine: Engine) -> Result<()> {
    check_frame(engine, &[], false).await
}

async fn frame_with_frames_option_shows_notice(engine: Engine) -> Result<()> {
    check_frame(engine, &["--frames", "notice"], true).await
}

/// A page of another origin with the site in a frame.
async fn check_frame(engine: Engine, args: &[&str], shows_notice: bool) -> Result<()> {
    let one = Build::v1()?.with_file("around.html", AROUND)?;
    with_fixture_args(
        engine,
        DeployMethod::MoveSwap,
        &one,
        args,
        async |fixture| {
            let page = &fixture.page;
            let proxy = FaultProxy::start(&[&fixture.server])?;
            proxy.set_missing(&["/__tidings/*"]);
            let url = format!("/around.html#{}", fixture.server.url("/"));
            page.goto(&proxy.url(&url)).await?;
            page.enter_frame().await?;
            page.wait_for_text("#version", "Version 1").await?;
            fixture.site.deploy(&Build::v2()?)?;
            wait_for_update_event(page).await?;
            wait_for_paint(page).await?;
            let host = "return document.querySelectorAll('tidings-notice').length";
            ensure!(page.eval(host).await? == i32::from(shows_notice));
            if shows_notice {
                page.press_button("Refresh").await?;
                page.wait_for_text("#version", "Version 2").await?;
            }
            Ok(())
        },
    )
    .await
}

async fn wait_for_focus(page: &Page, expected: &str) -> Result<()> {
    wait_until(&format!("the focus on {expected}"), async || {
        let found = page.eval(FOCUS).await?;
        ensure!(found == expected, "it is on {found}");
        Ok(Some(()))
    })
    .await
}

const PEN: &str = "<input id=pen aria-label=Pen>";

const AROUND: &str = "<!doctype html><title>Around</title><body><script>
    const frame = document.createElement('iframe');
    frame.src = location.hash.slice(1);
    document.body.append(frame);
</script>";

/// The id of the focused element, also inside the notice.
const FOCUS: &str = "
    const { activeElement } = document;
    return (activeElement.shadowRoot?.activeElement ?? activeElement).id;
";

/// The edges of the window that the notice is near.
const PLACE: &str = "
    const box = document.querySelector('tidings-notice').shadowRoot.firstChild.getBoundingClientRect();
    const { clientWidth, clientHeight } = document.documentElement;
    const near = (one, other) => one >= 0 && one < 40 && other > 40;
    const across = [box.left, clientWidth - box.right];
    const down = [box.top, clientHeight - box.bottom];
    const middle = ([one, other]) => Math.abs(one - other) <= 2;
    const x = across.every((gap) => gap === 0) ? 'full' : near(...across) ? 'left'
        : near(...across.reverse()) ? 'right' : middle(across) ? 'middle' : across;
    const y = near(...down) ? 'top' : near(...down.reverse()) ? 'bottom' : middle(down) ? 'centre' : down;
    return `${y} ${x}`;
";
