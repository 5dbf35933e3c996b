//! What a person with an open tab sees when a site is deployed.

use anyhow::Result;
use anyhow::ensure;
use serde_json::json;
use tidings_e2e::Build;
use tidings_e2e::Look;
use tidings_e2e::Way;
use tidings_e2e::until;
use tidings_e2e::visit;

const NEWS: &str = "A new version is available";

#[tokio::test]
async fn a_vite_build_into_the_served_directory_is_told() -> Result<()> {
    is_told(Way::ViteBuild).await
}

#[tokio::test]
async fn a_directory_emptied_and_written_again_is_told() -> Result<()> {
    is_told(Way::EmptyThenWrite).await
}

#[tokio::test]
async fn rsync_with_the_page_first_is_told() -> Result<()> {
    is_told(Way::RsyncIndexFirst).await
}

#[tokio::test]
async fn rsync_with_the_page_last_is_told() -> Result<()> {
    is_told(Way::RsyncIndexLast).await
}

#[tokio::test]
async fn a_directory_removed_and_copied_anew_is_told() -> Result<()> {
    is_told(Way::RemoveThenCopy).await
}

#[tokio::test]
async fn a_directory_moved_into_place_is_told() -> Result<()> {
    is_told(Way::MoveSwap).await
}

#[tokio::test]
async fn a_link_replaced_by_ln_is_told() -> Result<()> {
    is_told(Way::LinkForce).await
}

#[tokio::test]
async fn a_link_renamed_over_by_mv_is_told() -> Result<()> {
    is_told(Way::LinkRename).await
}

#[tokio::test]
async fn a_config_map_is_told() -> Result<()> {
    is_told(Way::ConfigMap).await
}

#[tokio::test]
async fn an_archive_with_the_times_and_sizes_of_before_is_told() -> Result<()> {
    is_told(Way::TarSameTimes).await
}

/// The whole story: the notice, the old tab that keeps working, the click, the new version.
async fn is_told(way: Way) -> Result<()> {
    visit(way, &Build::one()?, async |visit| {
        let page = &visit.page;
        page.shows("#version", "Version 1").await?;

        visit.site.deploy(&Build::two()?)?;
        let notice = page.notice(NEWS).await?;
        ensure!(notice.live == "polite", "{notice:?}");
        ensure!(notice.buttons == ["Later", "Refresh"], "{notice:?}");
        page.shows("#version", "Version 1").await?;

        page.click("#to-about").await?;
        page.shows("#about-text", "version 1").await?;
        page.click("#to-report").await?;
        page.shows("#report-text", "version 1").await?;
        let style = "return getComputedStyle(document.querySelector('#report'))
            .getPropertyValue('--loaded').trim()";
        ensure!(page.eval(style).await? == "report", "no style for the old");
        // Half of a build would have been news of its own.
        let updates = page.updates().await?;
        ensure!(updates.len() == 1, "told more than once: {updates:?}");

        page.press("Refresh").await?;
        page.shows("#report-text", "version 2").await?;
        page.click("#to-home").await?;
        page.shows("#version", "Version 2").await?;
        page.no_notice().await
    })
    .await
}

#[tokio::test]
async fn the_same_build_again_is_no_news() -> Result<()> {
    let one = Build::one()?;
    visit(Way::RemoveThenCopy, &one, async |visit| {
        let page = &visit.page;
        // A file that no page leads to makes no news, and its being served proves that the server has looked.
        for round in ["first", "second"] {
            visit.site.deploy(&one.with_file("robots.txt", round)?)?;
            until("the server to have looked", async || {
                let served = page.fetch("/robots.txt").await?;
                Ok(served.filter(|text| text == round))
            })
            .await?;
        }
        visit.site.deploy(&Build::two()?)?;
        page.notice(NEWS).await?;
        let updates = page.updates().await?;
        ensure!(updates.len() == 1, "told more than once: {updates:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_rollback_is_news() -> Result<()> {
    let one = Build::one()?;
    visit(Way::LinkRename, &one, async |visit| {
        let page = &visit.page;
        visit.site.deploy(&Build::two()?)?;
        page.notice(NEWS).await?;
        page.press("Refresh").await?;
        page.shows("#version", "Version 2").await?;

        visit.site.deploy(&one)?;
        page.notice(NEWS).await?;
        page.press("Refresh").await?;
        page.shows("#version", "Version 1").await?;
        page.no_notice().await
    })
    .await
}

#[tokio::test]
async fn later_takes_the_notice_away() -> Result<()> {
    visit(Way::MoveSwap, &Build::one()?, async |visit| {
        let page = &visit.page;
        visit.site.deploy(&Build::two()?)?;
        page.notice(NEWS).await?;
        page.press("Later").await?;
        page.no_notice().await?;
        page.shows("#version", "Version 1").await
    })
    .await
}

#[tokio::test]
async fn every_open_tab_is_told() -> Result<()> {
    visit(Way::RsyncIndexLast, &Build::one()?, async |visit| {
        let first = &visit.page;
        let second = first.second_tab().await?;
        second.goto(&visit.server.url("/about")).await?;
        second.shows("#about-text", "version 1").await?;

        visit.site.deploy(&Build::two()?)?;
        second.notice(NEWS).await?;
        first.front().await?;
        first.notice(NEWS).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_strict_policy_with_trusted_types_is_not_broken() -> Result<()> {
    // Vue makes a policy of its own as soon as it is loaded; nobody else may.
    let policy = "default-src 'self'; script-src 'self'; style-src 'self'; \
        require-trusted-types-for 'script'; trusted-types vue";
    let strict = |build: Build| {
        let meta = format!(r#"<meta http-equiv="Content-Security-Policy" content="{policy}">"#);
        build.with_page(|page| page.replace("<head>", &format!("<head>{meta}")))
    };
    visit(Way::MoveSwap, &strict(Build::one()?)?, async |visit| {
        let page = &visit.page;
        page.shows("#version", "Version 1").await?;
        visit.site.deploy(&strict(Build::two()?)?)?;
        page.notice(NEWS).await?;
        page.screenshot("strict-policy").await?;
        let violations = page.violations().await?;
        ensure!(violations.is_empty(), "{violations:?}");
        page.press("Refresh").await?;
        page.shows("#version", "Version 2").await
    })
    .await
}

#[tokio::test]
async fn a_page_can_draw_its_own_notice() -> Result<()> {
    let script = "addEventListener('tidings:update', (event) => {
        event.preventDefault();
        const own = document.createElement('p');
        own.id = 'own';
        own.textContent = 'Fresh from the harbour';
        document.body.append(own);
    });";
    let own = Build::one()?
        .with_file("own-notice.js", script)?
        .with_page(|page| {
            page.replace(
                "</head>",
                r#"<script src="/own-notice.js"></script></head>"#,
            )
        })?;
    visit(Way::MoveSwap, &own, async |visit| {
        let page = &visit.page;
        visit.site.deploy(&Build::two()?)?;
        page.shows("#own", "Fresh from the harbour").await?;
        // Two frames later everything that the event set off has been drawn.
        page.eval("return new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
            .await?;
        ensure!(!page.has_notice().await?, "the built-in notice as well");
        ensure!(page.updates().await?.len() == 1, "told more than once");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_chinese_page_is_told_in_chinese() -> Result<()> {
    let chinese =
        |build: Build| build.with_page(|page| page.replace(r#"lang="en""#, r#"lang="zh-CN""#));
    visit(Way::MoveSwap, &chinese(Build::one()?)?, async |visit| {
        let page = &visit.page;
        visit.site.deploy(&chinese(Build::two()?)?)?;
        let notice = page.notice("新版本").await?;
        ensure!(notice.buttons == ["稍后", "刷新"], "{notice:?}");
        page.screenshot("chinese").await?;
        page.press("刷新").await?;
        page.shows("#version", "Version 2").await
    })
    .await
}

#[tokio::test]
async fn a_page_of_no_language_speaks_the_browsers() -> Result<()> {
    let mute = |build: Build| build.with_page(|page| page.replace(r#" lang="en""#, ""));
    visit(Way::MoveSwap, &mute(Build::one()?)?, async |visit| {
        let page = &visit.page;
        page.languages("zh-CN,zh").await?;
        page.goto(&visit.server.url("/report")).await?;
        visit.site.deploy(&mute(Build::two()?)?)?;
        let notice = page.notice("新版本").await?;
        ensure!(notice.buttons == ["稍后", "刷新"], "{notice:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_notice_fits_every_screen() -> Result<()> {
    visit(Way::MoveSwap, &Build::one()?, async |visit| {
        let page = &visit.page;
        visit.site.deploy(&Build::two()?)?;
        page.notice(NEWS).await?;
        for (name, phone, dark) in [
            ("desktop-light", false, false),
            ("desktop-dark", false, true),
            ("phone-light", true, false),
            ("phone-dark", true, true),
        ] {
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
