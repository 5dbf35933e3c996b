//! What the other tests assume of the harness, in each engine.

use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::Build;
use tidings_e2e::DeployMethod;
use tidings_e2e::Engine;
use tidings_e2e::FaultProxy;
use tidings_e2e::in_every_engine;
use tidings_e2e::wait_until;
use tidings_e2e::with_fixture;

use crate::UPDATE_TEXT;

in_every_engine!(
    page_at_hostname_is_no_secure_context,
    axe_on_button_without_name_reports_that_alone,
    followed_link_keeps_page_in_back_forward_cache,
    fault_proxy_with_open_tab_counts_its_stream,
);

async fn page_at_hostname_is_no_secure_context(engine: Engine) -> Result<()> {
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        async |fixture| {
            let page = &fixture.page;
            let secure = "return window.isSecureContext";
            ensure!(page.eval(secure).await? == true, "not by address");
            let proxy = FaultProxy::start(&[&fixture.server])?;
            for url in [fixture.server.insecure_url("/"), proxy.insecure_url("/")] {
                page.goto(&url).await?;
                page.wait_for_text("#version", "Version 1").await?;
                ensure!(page.eval(secure).await? == false, "secure: {url}");
            }
            Ok(())
        },
    )
    .await
}

async fn axe_on_button_without_name_reports_that_alone(engine: Engine) -> Result<()> {
    let policy = "default-src 'self'; require-trusted-types-for 'script'; trusted-types vue";
    with_fixture(engine, DeployMethod::MoveSwap, &Build::v1()?, async |fixture| {
        let page = &fixture.page;
        let proxy = FaultProxy::start(&[&fixture.server])?;
        proxy.set_page_header("Content-Security-Policy", policy)?;
        page.goto(&proxy.url("/")).await?;
        fixture.site.deploy(&Build::v2()?)?;
        page.wait_for_notice(UPDATE_TEXT).await?;
        let wrong = page.axe().await?;
        ensure!(wrong.is_empty(), "{wrong:?}");

        page.eval("document.querySelector('tidings-notice').shadowRoot.querySelector('button').textContent = ''")
            .await?;
        let wrong = page.axe().await?;
        ensure!(wrong.len() == 1, "{wrong:?}");
        ensure!(
            wrong[0].starts_with("button-name: tidings-notice"),
            "{wrong:?}"
        );
        let violations = page.violations().await?;
        ensure!(violations.is_empty(), "{violations:?}");
        Ok(())
    })
    .await
}

async fn followed_link_keeps_page_in_back_forward_cache(engine: Engine) -> Result<()> {
    let page = "<!doctype html><title>Plain</title><p id=plain>Plain</p><a id=on href='/favicon.svg'>on</a>";
    // Without the client, whose stream keeps a page out of Firefox's cache.
    let plain = Build::v1()?.with_file("plain.html", page)?;
    with_fixture(engine, DeployMethod::MoveSwap, &plain, async |fixture| {
        let page = &fixture.page;
        let proxy = FaultProxy::start(&[&fixture.server])?;
        proxy.set_missing(&["/__tidings/*"]);
        page.goto(&proxy.url("/plain.html")).await?;
        page.follow("#on").await?;
        page.wait_for_path("/favicon.svg").await?;
        page.back().await?;
        page.wait_for_path("/plain.html").await?;
        page.wait_for_text("#plain", "Plain").await?;
        ensure!(page.returns().await? == 1, "it was loaded again");
        Ok(())
    })
    .await
}

async fn fault_proxy_with_open_tab_counts_its_stream(engine: Engine) -> Result<()> {
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        async |fixture| {
            let page = &fixture.page;
            let proxy = FaultProxy::start(&[&fixture.server])?;
            let open = async |count: usize| {
                wait_until(&format!("{count} open streams"), async || {
                    Ok((proxy.streams().open == count).then_some(()))
                })
                .await
            };
            page.goto(&proxy.url("/")).await?;
            open(1).await?;
            page.goto("about:blank").await?;
            open(0).await?;
            page.goto(&proxy.url("/")).await?;
            open(1).await?;
            proxy.disconnect()?;
            open(0).await?;
            proxy.reconnect()?;
            open(1).await?;
            ensure!(proxy.streams().total == 3, "{:?}", proxy.streams());
            Ok(())
        },
    )
    .await
}
