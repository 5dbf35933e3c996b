//! The notice on every screen, and in the page's language.

use anyhow::Result;
use anyhow::ensure;
use serde_json::json;
use tidings_e2e::Build;
use tidings_e2e::Engine;
use tidings_e2e::Look;
use tidings_e2e::Way;
use tidings_e2e::in_every_engine;
use tidings_e2e::visit;

use crate::NEWS;

in_every_engine!(
    a_chinese_page_is_told_in_chinese,
    a_page_of_no_language_speaks_the_browsers,
    the_notice_fits_every_screen,
);

async fn a_chinese_page_is_told_in_chinese(engine: Engine) -> Result<()> {
    let chinese =
        |build: Build| build.with_page(|page| page.replace(r#"lang="en""#, r#"lang="zh-CN""#));
    visit(
        engine,
        Way::MoveSwap,
        &chinese(Build::one()?)?,
        async |visit| {
            let page = &visit.page;
            visit.site.deploy(&chinese(Build::two()?)?)?;
            let notice = page.notice("新版本").await?;
            ensure!(notice.buttons == ["稍后", "刷新"], "{notice:?}");
            page.screenshot("chinese").await?;
            page.press("刷新").await?;
            page.shows("#version", "Version 2").await
        },
    )
    .await
}

async fn a_page_of_no_language_speaks_the_browsers(engine: Engine) -> Result<()> {
    if !engine.can_learn_languages() {
        engine.skip("a page of no language: it can't be taught another language");
        return Ok(());
    }
    let mute = |build: Build| build.with_page(|page| page.replace(r#" lang="en""#, ""));
    visit(
        engine,
        Way::MoveSwap,
        &mute(Build::one()?)?,
        async |visit| {
            let page = &visit.page;
            page.languages("zh-CN,zh").await?;
            page.goto(&visit.server.url("/report")).await?;
            visit.site.deploy(&mute(Build::two()?)?)?;
            let notice = page.notice("新版本").await?;
            ensure!(notice.buttons == ["稍后", "刷新"], "{notice:?}");
            Ok(())
        },
    )
    .await
}

async fn the_notice_fits_every_screen(engine: Engine) -> Result<()> {
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        let page = &visit.page;
        visit.site.deploy(&Build::two()?)?;
        page.notice(NEWS).await?;
        for (name, phone, dark) in [
            ("desktop-light", false, false),
            ("desktop-dark", false, true),
            ("phone-light", true, false),
            ("phone-dark", true, true),
        ] {
            if dark && !engine.can_be_dark() {
                engine.skip(&format!("{name}: it can't be made dark"));
                continue;
            }
            page.look(Look { phone, dark }).await?;
            page.screenshot(name).await?;
            let fits = page.eval(FITS).await?;
            ensure!(fits == json!([]), "{name}: out of the screen: {fits}");
        }
        Ok(())
    })
    .await
}

/// The buttons of the notice that are not wholly on the screen, and the page itself if it got wider than that.
const FITS: &str = "
    const out = [...document.querySelector('tidings-notice').shadowRoot.querySelectorAll('button')]
        .filter((button) => {
            const box = button.getBoundingClientRect();
            return !box.width || box.left < 0 || box.top < 0 || box.right > innerWidth || box.bottom > innerHeight;
        })
        .map((button) => button.textContent);
    return document.documentElement.scrollWidth > innerWidth ? [...out, 'page'] : out;
";
