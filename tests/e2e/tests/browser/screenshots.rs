//! Screenshots of every style of the notice, in `target/screenshots`, for review.

use anyhow::Result;
use anyhow::ensure;
use serde_json::json;
use tidings_e2e::Build;
use tidings_e2e::DeployMethod;
use tidings_e2e::Engine;
use tidings_e2e::Fixture;
use tidings_e2e::Page;
use tidings_e2e::Screen;
use tidings_e2e::in_one_engine;
use tidings_e2e::with_fixture_args;

in_one_engine!(
    toast_on_each_screen_fits,
    bar_on_each_screen_fits,
    modal_on_each_screen_fits,
);

async fn toast_on_each_screen_fits(engine: Engine) -> Result<()> {
    take_screenshots(engine, "toast").await
}

async fn bar_on_each_screen_fits(engine: Engine) -> Result<()> {
    take_screenshots(engine, "bar").await
}

async fn modal_on_each_screen_fits(engine: Engine) -> Result<()> {
    take_screenshots(engine, "modal").await
}

async fn take_screenshots(engine: Engine, form: &str) -> Result<()> {
    if engine != Engine::Chromium {
        engine.skip("screenshots: they are taken in Chromium");
        return Ok(());
    }
    let builds = [Build::v1()?, Build::v2()?];
    let args = ["--notice", form];
    with_fixture_args(
        engine,
        DeployMethod::MoveSwap,
        &builds[0],
        &args,
        async |fixture| {
            let page = &fixture.page;
            for (round, (language, text)) in LANGUAGES.into_iter().enumerate() {
                deploy_in_language(fixture, language, &builds[(round + 1) % 2], text).await?;
                screenshot_light_and_dark(page, &format!("{form}-{language}"), false).await?;
                if language == "en" {
                    screenshot_light_and_dark(page, &format!("{form}-{language}-phone"), true)
                        .await?;
                    page.force_colors().await?;
                    screenshot_and_check(page, &format!("{form}-{language}-forced")).await?;
                }
            }
            let about = json!({ "notes": NOTES, "policy": (form == "modal").then_some("force") });
            let noted = builds[0].with_file("tidings.json", &about.to_string())?;
            deploy_in_language(fixture, "en", &noted, "A new version").await?;
            screenshot_light_and_dark(page, &format!("{form}-notes"), false).await?;
            screenshot_light_and_dark(page, &format!("{form}-notes-phone"), true).await
        },
    )
    .await
}

/// Loads the page again in a language, and deploys a build.
async fn deploy_in_language(
    fixture: &Fixture,
    language: &str,
    build: &Build,
    text: &str,
) -> Result<()> {
    let page = &fixture.page;
    page.goto(&fixture.server.url("/")).await?;
    page.wait_for_text("#version", "Version").await?;
    let direction = if language == "ar" { "rtl" } else { "ltr" };
    let script = format!(
        "Object.assign(document.documentElement, {{ lang: '{language}', dir: '{direction}' }})"
    );
    page.eval(&script).await?;
    fixture.site.deploy(build)?;
    page.wait_for_notice(text).await.map(drop)
}

/// One in light and one in dark colours.
async fn screenshot_light_and_dark(page: &Page, name: &str, phone: bool) -> Result<()> {
    for dark in [false, true] {
        page.set_screen(Screen { phone, dark }).await?;
        let colours = if dark { "dark" } else { "light" };
        screenshot_and_check(page, &format!("{name}-{colours}")).await?;
    }
    Ok(())
}

async fn screenshot_and_check(page: &Page, name: &str) -> Result<()> {
    page.screenshot(&format!("forms/{name}")).await?;
    let out = page.eval(OUT).await?;
    ensure!(
        out == json!(null),
        "{name}: it is not entirely on the screen: {out}"
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

/// The position of the notice and the size of the window, if it does not fit.
const OUT: &str = "
    const box = document.querySelector('tidings-notice').shadowRoot.firstChild.getBoundingClientRect();
    const fits = box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight;
    return fits ? null : [box, innerWidth, innerHeight];
";
