//! Pages under a content security policy: told wherever the policy allows it, and never broken.

use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::Build;
use tidings_e2e::Engine;
use tidings_e2e::Front;
use tidings_e2e::Page;
use tidings_e2e::WATCH_TAG;
use tidings_e2e::Way;
use tidings_e2e::in_every_engine;
use tidings_e2e::until;
use tidings_e2e::visit;

use crate::NEWS;
use crate::is_published;
use crate::streams;

in_every_engine!(
    a_policy_of_self_alone_is_enough,
    a_policy_against_connections_is_asked_once,
    a_page_without_scripts_or_an_origin_is_left_alone,
    a_meta_policy_that_lets_in_the_app_alone_is_enough,
);

async fn a_policy_of_self_alone_is_enough(engine: Engine) -> Result<()> {
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        let page = &visit.page;
        let front = Front::start(&[&visit.server])?;
        let trusted = "default-src 'self'; require-trusted-types-for 'script'; trusted-types vue";
        for (policy, next) in [
            ("default-src 'self'", Build::two()?),
            (trusted, Build::one()?),
        ] {
            front.page_header("Content-Security-Policy", policy)?;
            page.goto(&front.url("/")).await?;
            page.shows("#version", "Version").await?;
            streams(&front, 1).await?;
            visit.site.deploy(&next)?;
            page.notice(NEWS).await?;
            let violations = page.violations().await?;
            ensure!(violations.is_empty(), "{policy}: {violations:?}");
        }
        page.press("Refresh").await?;
        page.shows("#version", "Version 1").await
    })
    .await
}

async fn a_policy_against_connections_is_asked_once(engine: Engine) -> Result<()> {
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        let page = &visit.page;
        let front = Front::start(&[&visit.server])?;
        front.page_header("Content-Security-Policy", "connect-src 'none'")?;
        page.goto(&front.url("/")).await?;
        page.shows("#version", "Version 1").await?;
        until("the one report", async || {
            Ok((!page.violations().await?.is_empty()).then_some(()))
        })
        .await?;
        visit.site.deploy(&Build::two()?)?;
        // What makes it look, were it still to.
        page.eval(
            "for (const type of ['focus', 'online']) dispatchEvent(new Event(type));
            document.dispatchEvent(new Event('visibilitychange'))",
        )
        .await?;
        page.click("#to-about").await?;
        page.shows("#about-text", "version 1").await?;
        // WebKit's own reports are sometimes doubled.
        let violations = page.violations().await?;
        let most = if engine == Engine::WebKit { 2 } else { 1 };
        ensure!(violations.len() <= most, "{violations:?}");
        is_quiet(page, &front).await
    })
    .await
}

async fn a_page_without_scripts_or_an_origin_is_left_alone(engine: Engine) -> Result<()> {
    let plain = "<!doctype html><title>Plain</title><p id=plain>Plain</p>";
    let build = Build::one()?.with_file("plain.html", plain)?;
    visit(engine, Way::MoveSwap, &build, async |visit| {
        let page = &visit.page;
        let front = Front::start(&[&visit.server])?;
        let told = Build::two()?.with_file("plain.html", &plain.replace("Plain", "New"))?;
        for (policy, next) in [
            ("script-src 'none'", &told),
            ("sandbox allow-scripts", &build),
        ] {
            front.page_header("Content-Security-Policy", policy)?;
            page.goto(&front.url("/plain.html")).await?;
            page.shows("#plain", "").await?;
            let other = page.second_tab().await?;
            other.goto(&visit.server.url("/")).await?;
            visit.site.deploy(next)?;
            is_published(&other).await?;
            other.close_tab().await?;
            page.front().await?;
            ensure!(!page.has_notice().await?, "{policy}: a notice");
            let violations = page.violations().await?;
            let ours = violations.iter().filter(|violation| {
                let text = violation.as_str().unwrap_or_default();
                text.contains("tidings")
            });
            ensure!(ours.count() <= 1, "{policy}: {violations:?}");
            let errors = page.errors().await?;
            ensure!(errors.is_empty(), "{policy}: {errors:?}");
        }
        Ok(())
    })
    .await
}

async fn a_meta_policy_that_lets_in_the_app_alone_is_enough(engine: Engine) -> Result<()> {
    let strict = |build: Build| {
        let policy = "script-src http://127.0.0.1:*/assets/; style-src 'self'";
        let meta = format!(r#"<meta http-equiv="Content-Security-Policy" content="{policy}">"#);
        build.with_page(|page| page.replace(WATCH_TAG, &format!("{WATCH_TAG}{meta}")))
    };
    visit(
        engine,
        Way::MoveSwap,
        &strict(Build::one()?)?,
        async |visit| {
            let page = &visit.page;
            visit.site.deploy(&strict(Build::two()?)?)?;
            page.notice(NEWS).await?;
            let violations = page.violations().await?;
            ensure!(violations.is_empty(), "{violations:?}");
            page.press("Refresh").await?;
            page.shows("#version", "Version 2").await
        },
    )
    .await
}

/// Neither a notice nor an error, and nobody has got through to the server.
async fn is_quiet(page: &Page, front: &Front) -> Result<()> {
    ensure!(!page.has_notice().await?, "a notice");
    ensure!(page.errors().await?.is_empty(), "an error");
    ensure!(front.streams().ever == 0, "{:?}", front.streams());
    Ok(())
}
