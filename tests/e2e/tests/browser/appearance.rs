//! The notice on each screen, and in the language of the page.

use anyhow::Result;
use anyhow::ensure;
use serde_json::json;
use tidings_e2e::Build;
use tidings_e2e::DeployMethod;
use tidings_e2e::Engine;
use tidings_e2e::Screen;
use tidings_e2e::in_every_engine;
use tidings_e2e::with_fixture;

use crate::UPDATE_TEXT;

in_every_engine!(
    notice_on_chinese_page_is_in_chinese,
    notice_on_page_without_lang_is_in_browser_language,
    notice_on_each_screen_fits,
);

async fn notice_on_chinese_page_is_in_chinese(engine: Engine) -> Result<()> {
    let chinese =
        |build: Build| build.with_page(|page| page.replace(r#"lang="en""#, r#"lang="zh-CN""#));
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &chinese(Build::v1()?)?,
        async |fixture| {
            let page = &fixture.page;
            fixture.site.deploy(&chinese(Build::v2()?)?)?;
            let notice = page.wait_for_notice("新版本").await?;
            ensure!(notice.buttons == ["稍后", "刷新"], "{notice:?}");
            page.screenshot("chinese").await?;
            page.press_button("刷新").await?;
            page.wait_for_text("#version", "Version 2").await
        },
    )
    .await
}

async fn notice_on_page_without_lang_is_in_browser_language(engine: Engine) -> Result<()> {
    if !engine.supports_languages() {
        engine.skip("a page without lang: its languages can't be set");
        return Ok(());
    }
    let without_lang = |build: Build| build.with_page(|page| page.replace(r#" lang="en""#, ""));
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &without_lang(Build::v1()?)?,
        async |fixture| {
            let page = &fixture.page;
            page.set_languages("zh-CN,zh").await?;
            page.goto(&fixture.server.url("/report")).await?;
            fixture.site.deploy(&without_lang(Build::v2()?)?)?;
            let notice = page.wait_for_notice("新版本").await?;
            ensure!(notice.buttons == ["稍后", "刷新"], "{notice:?}");
            Ok(())
        },
    )
    .await
}

async fn notice_on_each_screen_fits(engine: Engine) -> Result<()> {
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        async |fixture| {
            let page = &fixture.page;
            fixture.site.deploy(&Build::v2()?)?;
            page.wait_for_notice(UPDATE_TEXT).await?;
            for (name, phone, dark) in [
                ("desktop-light", false, false),
                ("desktop-dark", false, true),
                ("phone-light", true, false),
                ("phone-dark", true, true),
            ] {
                if dark && !engine.supports_dark_scheme() {
                    engine.skip(&format!("{name}: its colour scheme can't be set"));
                    continue;
                }
                page.set_screen(Screen { phone, dark }).await?;
                page.screenshot(name).await?;
                let fits = page.eval(FITS).await?;
                ensure!(fits == json!([]), "{name}: out of the screen: {fits}");
            }
            Ok(())
        },
    )
    .await
}

/// The buttons of the notice that are not entirely on the screen, and `page` if the page is wider than the screen.
const FITS: &str = "
    const out = [...document.querySelector('tidings-notice').shadowRoot.querySelectorAll('button')]
        .filter((button) => {
            const box = button.getBoundingClientRect();
            return !box.width || box.left < 0 || box.top < 0 || box.right > innerWidth || box.bottom > innerHeight;
        })
        .map((button) => button.textContent);
    return document.documentElement.scrollWidth > innerWidth ? [...out, 'page'] : out;
";
