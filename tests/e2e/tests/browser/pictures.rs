//! Pictures of every form, in `target/screenshots`, for people to look at.

use anyhow::Result;
use anyhow::ensure;
use serde_json::json;
use tidings_e2e::Build;
use tidings_e2e::Engine;
use tidings_e2e::Look;
use tidings_e2e::Page;
use tidings_e2e::Visit;
use tidings_e2e::Way;
use tidings_e2e::in_one_engine;
use tidings_e2e::visit_with;

in_one_engine!(
    a_toast_on_every_screen,
    a_bar_on_every_screen,
    a_modal_on_every_screen,
);

async fn a_toast_on_every_screen(engine: Engine) -> Result<()> {
    pictures(engine, "toast").await
}

async fn a_bar_on_every_screen(engine: Engine) -> Result<()> {
    pictures(engine, "bar").await
}

async fn a_modal_on_every_screen(engine: Engine) -> Result<()> {
    pictures(engine, "modal").await
}

async fn pictures(engine: Engine, form: &str) -> Result<()> {
    if engine != Engine::Chromium {
        engine.skip("pictures: they are made in Chromium");
        return Ok(());
    }
    let builds = [Build::one()?, Build::two()?];
    let args = ["--notice", form];
    visit_with(engine, Way::MoveSwap, &builds[0], &args, async |visit| {
        let page = &visit.page;
        for (round, (language, text)) in LANGUAGES.into_iter().enumerate() {
            next(visit, language, &builds[(round + 1) % 2], text).await?;
            both(page, &format!("{form}-{language}"), false).await?;
            if language == "en" {
                both(page, &format!("{form}-{language}-phone"), true).await?;
                page.force_colors().await?;
                fits(page, &format!("{form}-{language}-forced")).await?;
            }
        }
        let about = json!({ "notes": NOTES, "policy": (form == "modal").then_some("force") });
        let noted = builds[0].with_file("tidings.json", &about.to_string())?;
        next(visit, "en", &noted, "A new version").await?;
        both(page, &format!("{form}-notes"), false).await?;
        both(page, &format!("{form}-notes-phone"), true).await
    })
    .await
}

/// Loads the page again in a language, and deploys what it is to be told of.
async fn next(visit: &Visit, language: &str, build: &Build, text: &str) -> Result<()> {
    let page = &visit.page;
    page.goto(&visit.server.url("/")).await?;
    page.shows("#version", "Version").await?;
    let direction = if language == "ar" { "rtl" } else { "ltr" };
    let speak = format!(
        "Object.assign(document.documentElement, {{ lang: '{language}', dir: '{direction}' }})"
    );
    page.eval(&speak).await?;
    visit.site.deploy(build)?;
    page.notice(text).await.map(drop)
}

/// A light and a dark one.
async fn both(page: &Page, name: &str, phone: bool) -> Result<()> {
    for dark in [false, true] {
        page.look(Look { phone, dark }).await?;
        let colours = if dark { "dark" } else { "light" };
        fits(page, &format!("{name}-{colours}")).await?;
    }
    Ok(())
}

async fn fits(page: &Page, name: &str) -> Result<()> {
    page.screenshot(&format!("forms/{name}")).await?;
    let out = page.eval(OUT).await?;
    ensure!(
        out == json!(null),
        "{name}: it is not wholly on the screen: {out}"
    );
    Ok(())
}

const LANGUAGES: [(&str, &str); 5] = [
    ("en", "A new version"),
    ("de", "Eine neue Version"),
    ("zh-CN", "新版本"),
    ("ja", "新しい"),
    ("ar", "يتوفر"),
];

const NOTES: &str = "Berths are shown on a map.\nTides come in metres, not in feet.\n\
    The log can be searched by ship, by flag and by cargo.";

/// Where the notice is and how large the window is, if it does not fit.
const OUT: &str = "
    const box = document.querySelector('tidings-notice').shadowRoot.firstChild.getBoundingClientRect();
    const fits = box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight;
    return fits ? null : [box, innerWidth, innerHeight];
";
