//! The forms of the notice: where each is, what it does with the keyboard, what it says, and in frames.

use anyhow::Context;
use anyhow::Result;
use anyhow::ensure;
use serde_json::json;
use std::fs;
use tempfile::TempDir;
use tidings_e2e::Build;
use tidings_e2e::Engine;
use tidings_e2e::Front;
use tidings_e2e::Key;
use tidings_e2e::Page;
use tidings_e2e::Server;
use tidings_e2e::Visit;
use tidings_e2e::Way;
use tidings_e2e::in_every_engine;
use tidings_e2e::until;
use tidings_e2e::visit;
use tidings_e2e::visit_with;

use crate::NEWS;
use crate::drawn;
use crate::told;
use crate::with;

in_every_engine!(
    a_toast_stands_in_the_corner_that_was_asked_for,
    bars_and_modals_stand_where_they_should,
    start_is_right_where_lines_run_to_the_left,
    a_toast_or_bar_leaves_the_focus_alone_and_gives_it_back,
    a_modal_keeps_the_focus_and_gives_it_back,
    the_operators_texts_are_said_in_the_operators_language,
    a_frame_is_quiet,
    a_frame_tells_if_the_operator_says_so,
);

async fn a_toast_stands_in_the_corner_that_was_asked_for(engine: Engine) -> Result<()> {
    stand(
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

async fn bars_and_modals_stand_where_they_should(engine: Engine) -> Result<()> {
    stand(
        engine,
        &[
            // The corner that is not said otherwise; a bar has none.
            ("bar", "bottom-end", "bottom full"),
            ("bar", "top", "top full"),
            ("modal", "bottom-end", "centre middle"),
            ("none", "bottom-end", "nowhere"),
        ],
    )
    .await
}

/// Each form at its place, and nothing that axe-core has against it.
async fn stand(engine: Engine, forms: &[(&str, &str, &str)]) -> Result<()> {
    let builds = [Build::one()?, Build::two()?];
    visit(engine, Way::MoveSwap, &builds[0], async |visit| {
        for (round, (form, position, place)) in forms.iter().enumerate() {
            let args = ["--notice", form, "--position", position];
            let server = Server::start_with(&visit.site.dir(), &args)?;
            let name = format!("{form} {position}");
            stands(visit, &server, &builds[(round + 1) % 2], place)
                .await
                .context(name)?;
        }
        Ok(())
    })
    .await
}

async fn stands(visit: &Visit, server: &Server, next: &Build, place: &str) -> Result<()> {
    let page = &visit.page;
    page.goto(&server.url("/")).await?;
    page.shows("#version", "Version").await?;
    visit.site.deploy(next)?;
    if place == "nowhere" {
        told(page).await?;
        drawn(page).await?;
        ensure!(!page.has_notice().await?);
        return Ok(());
    }
    page.notice(NEWS).await?;
    let found = page.eval(PLACE).await?;
    ensure!(found == place, "it is {found}");
    let wrong = page.axe().await?;
    ensure!(wrong.is_empty(), "{wrong:?}");
    Ok(())
}

async fn start_is_right_where_lines_run_to_the_left(engine: Engine) -> Result<()> {
    let arabic =
        Build::one()?.with_page(|page| page.replace(r#"lang="en""#, r#"lang="ar" dir="rtl""#))?;
    let args = &["--position", "bottom-start"];
    visit_with(engine, Way::MoveSwap, &arabic, args, async |visit| {
        let page = &visit.page;
        visit.site.deploy(&Build::two()?)?;
        page.notice("يتوفر").await?;
        let found = page.eval(PLACE).await?;
        ensure!(found == "bottom right", "it is {found}");
        Ok(())
    })
    .await
}

async fn a_toast_or_bar_leaves_the_focus_alone_and_gives_it_back(engine: Engine) -> Result<()> {
    let builds = [with(&Build::one()?, PEN)?, with(&Build::two()?, PEN)?];
    visit(engine, Way::MoveSwap, &builds[0], async |visit| {
        let page = &visit.page;
        for (form, next) in [("toast", 1), ("bar", 0)] {
            let server = Server::start_with(&visit.site.dir(), &["--notice", form])?;
            page.goto(&server.url("/")).await?;
            page.shows("#version", "Version").await?;
            page.write("#pen", "moored").await?;
            visit.site.deploy(&builds[next])?;
            page.notice(NEWS).await?;
            focus_is(page, "pen").await?;
            page.write("#pen", " at berth 4").await?;
            let text = page.eval("return pen.value").await?;
            ensure!(text == "moored at berth 4", "{text}");

            until("the Tab key to come to it", async || {
                page.key(Key::Tab).await?;
                Ok((page.eval(FOCUS).await? == "later").then_some(()))
            })
            .await?;
            page.key(Key::Escape).await?;
            page.no_notice().await?;
            focus_is(page, "pen").await?;
        }
        Ok(())
    })
    .await
}

async fn a_modal_keeps_the_focus_and_gives_it_back(engine: Engine) -> Result<()> {
    let one = with(&Build::one()?, PEN)?;
    let args = &["--notice", "modal"];
    visit_with(engine, Way::MoveSwap, &one, args, async |visit| {
        let page = &visit.page;
        page.write("#pen", "moored").await?;
        visit.site.deploy(&Build::two()?)?;
        let notice = page.notice(NEWS).await?;
        ensure!(notice.live == "dialog", "{notice:?}");
        // No button: the next key of somebody who is writing would press it.
        focus_is(page, "notice").await?;
        for expected in ["later", "refresh", "later"] {
            page.key(Key::Tab).await?;
            focus_is(page, expected).await?;
        }
        page.key(Key::Escape).await?;
        page.no_notice().await?;
        focus_is(page, "pen").await?;
        page.shows("#version", "Version 1").await
    })
    .await
}

async fn the_operators_texts_are_said_in_the_operators_language(engine: Engine) -> Result<()> {
    let place = TempDir::new()?;
    let file = place.path().join("texts.json");
    let own = json!({
        "en": { "text": "Fresh from the harbour." },
        "nds": { "text": "Dat gifft wat Nieges.", "refresh": "Nieg laden", "later": "Later denn" },
    });
    fs::write(&file, own.to_string())?;
    let args = &["--messages", file.to_str().context("a path")?];
    let one = Build::one()?;
    visit_with(engine, Way::MoveSwap, &one, args, async |visit| {
        let page = &visit.page;
        visit.site.deploy(&Build::two()?)?;
        let notice = page.notice("Fresh from the harbour.").await?;
        ensure!(notice.buttons == ["Later", "Refresh"], "{notice:?}");

        page.goto(&visit.server.url("/")).await?;
        page.eval("document.documentElement.lang = 'nds-DE'")
            .await?;
        visit.site.deploy(&one)?;
        let notice = page.notice("Dat gifft wat Nieges.").await?;
        ensure!(notice.buttons == ["Later denn", "Nieg laden"], "{notice:?}");
        let language = "return document.querySelector('tidings-notice').shadowRoot.firstChild.lang";
        let language = page.eval(language).await?;
        ensure!(language == "nds", "{language}");
        Ok(())
    })
    .await
}

async fn a_frame_is_quiet(engine: Engine) -> Result<()> {
    framed(engine, &[], false).await
}

async fn a_frame_tells_if_the_operator_says_so(engine: Engine) -> Result<()> {
    framed(engine, &["--frames", "notice"], true).await
}

/// A page of somebody else, with ours in a frame.
async fn framed(engine: Engine, args: &[&str], tells: bool) -> Result<()> {
    let one = Build::one()?.with_file("around.html", AROUND)?;
    visit_with(engine, Way::MoveSwap, &one, args, async |visit| {
        let page = &visit.page;
        let front = Front::start(&[&visit.server])?;
        front.missing(&["/__tidings/*"]);
        let url = format!("/around.html#{}", visit.server.url("/"));
        page.goto(&front.url(&url)).await?;
        page.enter_frame().await?;
        page.shows("#version", "Version 1").await?;
        visit.site.deploy(&Build::two()?)?;
        told(page).await?;
        drawn(page).await?;
        let host = "return document.querySelectorAll('tidings-notice').length";
        ensure!(page.eval(host).await? == i32::from(tells));
        if tells {
            page.press("Refresh").await?;
            page.shows("#version", "Version 2").await?;
        }
        Ok(())
    })
    .await
}

async fn focus_is(page: &Page, expected: &str) -> Result<()> {
    until(&format!("the focus on {expected}"), async || {
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

/// The id of what has the focus, also in the notice.
const FOCUS: &str = "
    const { activeElement } = document;
    return (activeElement.shadowRoot?.activeElement ?? activeElement).id;
";

/// Which edges of the window the notice is near to.
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
