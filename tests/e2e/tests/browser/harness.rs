//! What the other tests take for granted of the harness, in each engine.

use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::Build;
use tidings_e2e::Engine;
use tidings_e2e::Front;
use tidings_e2e::Way;
use tidings_e2e::in_every_engine;
use tidings_e2e::until;
use tidings_e2e::visit;

use crate::NEWS;

in_every_engine!(
    a_page_by_name_is_no_secure_context,
    axe_finds_what_is_wrong_and_nothing_else,
    a_followed_link_leaves_a_page_that_can_come_back,
    a_front_counts_the_streams_of_tabs,
);

async fn a_page_by_name_is_no_secure_context(engine: Engine) -> Result<()> {
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        let page = &visit.page;
        let secure = "return window.isSecureContext";
        ensure!(page.eval(secure).await? == true, "not by address");
        let front = Front::start(&[&visit.server])?;
        for url in [visit.server.url_by_name("/"), front.url_by_name("/")] {
            page.goto(&url).await?;
            page.shows("#version", "Version 1").await?;
            ensure!(page.eval(secure).await? == false, "secure: {url}");
        }
        Ok(())
    })
    .await
}

async fn axe_finds_what_is_wrong_and_nothing_else(engine: Engine) -> Result<()> {
    let policy = "default-src 'self'; require-trusted-types-for 'script'; trusted-types vue";
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        let page = &visit.page;
        let front = Front::start(&[&visit.server])?;
        front.page_header("Content-Security-Policy", policy)?;
        page.goto(&front.url("/")).await?;
        visit.site.deploy(&Build::two()?)?;
        page.notice(NEWS).await?;
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

async fn a_followed_link_leaves_a_page_that_can_come_back(engine: Engine) -> Result<()> {
    let page = "<!doctype html><title>Plain</title><p id=plain>Plain</p><a id=on href='/favicon.svg'>on</a>";
    // The client would be in the way: its stream keeps Firefox from keeping a page.
    let plain = Build::one()?.with_file("plain.html", page)?;
    visit(engine, Way::MoveSwap, &plain, async |visit| {
        let page = &visit.page;
        let front = Front::start(&[&visit.server])?;
        front.missing(&["/__tidings/*"]);
        page.goto(&front.url("/plain.html")).await?;
        page.follow("#on").await?;
        page.at("/favicon.svg").await?;
        page.back().await?;
        page.at("/plain.html").await?;
        page.shows("#plain", "Plain").await?;
        ensure!(page.returns().await? == 1, "it was loaded anew");
        Ok(())
    })
    .await
}

async fn a_front_counts_the_streams_of_tabs(engine: Engine) -> Result<()> {
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        let page = &visit.page;
        let front = Front::start(&[&visit.server])?;
        let open = async |count: usize| {
            until(&format!("{count} open streams"), async || {
                Ok((front.streams().open == count).then_some(()))
            })
            .await
        };
        page.goto(&front.url("/")).await?;
        open(1).await?;
        page.goto("about:blank").await?;
        open(0).await?;
        page.goto(&front.url("/")).await?;
        open(1).await?;
        front.go_away()?;
        open(0).await?;
        front.come_back()?;
        open(1).await?;
        ensure!(front.streams().ever == 3, "{:?}", front.streams());
        Ok(())
    })
    .await
}
