//! Pages under a Content-Security-Policy: updated wherever the policy allows it, and never broken.

use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::Build;
use tidings_e2e::DeployMethod;
use tidings_e2e::Engine;
use tidings_e2e::FaultProxy;
use tidings_e2e::Page;
use tidings_e2e::WATCH_TAG;
use tidings_e2e::in_every_engine;
use tidings_e2e::wait_until;
use tidings_e2e::with_fixture;

use crate::UPDATE_TEXT;
use crate::wait_for_publish;
use crate::wait_for_streams;

in_every_engine!(
    csp_of_self_alone_allows_notice,
    csp_blocking_connections_reports_once,
    csp_blocking_scripts_or_sandboxing_leaves_page_unchanged,
    meta_csp_of_app_scripts_alone_allows_notice,
);

async fn csp_of_self_alone_allows_notice(engine: Engine) -> Result<()> {
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        async |fixture| {
            let page = &fixture.page;
            let proxy = FaultProxy::start(&[&fixture.server])?;
            let trusted =
                "default-src 'self'; require-trusted-types-for 'script'; trusted-types vue";
            for (policy, next) in [
                ("default-src 'self'", Build::v2()?),
                (trusted, Build::v1()?),
            ] {
                proxy.set_page_header("Content-Security-Policy", policy)?;
                page.goto(&proxy.url("/")).await?;
                page.wait_for_text("#version", "Version").await?;
                wait_for_streams(&proxy, 1).await?;
                fixture.site.deploy(&next)?;
                page.wait_for_notice(UPDATE_TEXT).await?;
                let violations = page.violations().await?;
                ensure!(violations.is_empty(), "{policy}: {violations:?}");
            }
            page.press_button("Refresh").await?;
            page.wait_for_text("#version", "Version 1").await
        },
    )
    .await
}

async fn csp_blocking_connections_reports_once(engine: Engine) -> Result<()> {
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        async |fixture| {
            let page = &fixture.page;
            let proxy = FaultProxy::start(&[&fixture.server])?;
            proxy.set_page_header("Content-Security-Policy", "connect-src 'none'")?;
            page.goto(&proxy.url("/")).await?;
            page.wait_for_text("#version", "Version 1").await?;
            wait_until("the one report", async || {
                Ok((!page.violations().await?.is_empty()).then_some(()))
            })
            .await?;
            fixture.site.deploy(&Build::v2()?)?;
            // Each of these would cause a poll, were the client still active.
            page.eval(
                "for (const type of ['focus', 'online']) dispatchEvent(new Event(type));
            document.dispatchEvent(new Event('visibilitychange'))",
            )
            .await?;
            page.click("#to-about").await?;
            page.wait_for_text("#about-text", "version 1").await?;
            // WebKit sometimes reports a violation twice.
            let violations = page.violations().await?;
            let most = if engine == Engine::WebKit { 2 } else { 1 };
            ensure!(violations.len() <= most, "{violations:?}");
            ensure_no_effect(page, &proxy).await
        },
    )
    .await
}

async fn csp_blocking_scripts_or_sandboxing_leaves_page_unchanged(engine: Engine) -> Result<()> {
    let plain = "<!doctype html><title>Plain</title><p id=plain>Plain</p>";
    let build = Build::v1()?.with_file("plain.html", plain)?;
    with_fixture(engine, DeployMethod::MoveSwap, &build, async |fixture| {
        let page = &fixture.page;
        let proxy = FaultProxy::start(&[&fixture.server])?;
        let changed = Build::v2()?.with_file("plain.html", &plain.replace("Plain", "New"))?;
        for (policy, next) in [
            ("script-src 'none'", &changed),
            ("sandbox allow-scripts", &build),
        ] {
            proxy.set_page_header("Content-Security-Policy", policy)?;
            page.goto(&proxy.url("/plain.html")).await?;
            page.wait_for_text("#plain", "").await?;
            let other = page.open_tab().await?;
            other.goto(&fixture.server.url("/")).await?;
            fixture.site.deploy(next)?;
            wait_for_publish(&other).await?;
            other.close_tab().await?;
            page.bring_to_front().await?;
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

async fn meta_csp_of_app_scripts_alone_allows_notice(engine: Engine) -> Result<()> {
    let strict = |build: Build| {
        let policy = "script-src http://127.0.0.1:*/assets/; style-src 'self'";
        let meta = format!(r#"<meta http-equiv="Content-Security-Policy" content="{policy}">"#);
        build.with_page(|page| page.replace(WATCH_TAG, &format!("{WATCH_TAG}{meta}")))
    };
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &strict(Build::v1()?)?,
        async |fixture| {
            let page = &fixture.page;
            fixture.site.deploy(&strict(Build::v2()?)?)?;
            page.wait_for_notice(UPDATE_TEXT).await?;
            let violations = page.violations().await?;
            ensure!(violations.is_empty(), "{violations:?}");
            page.press_button("Refresh").await?;
            page.wait_for_text("#version", "Version 2").await
        },
    )
    .await
}

/// Neither a notice nor an error nor an event stream.
async fn ensure_no_effect(page: &Page, proxy: &FaultProxy) -> Result<()> {
    ensure!(!page.has_notice().await?, "a notice");
    ensure!(page.errors().await?.is_empty(), "an error");
    ensure!(proxy.streams().total == 0, "{:?}", proxy.streams());
    Ok(())
}
