//! `tidings proxy` in front of a site on Node that is deployed while it is open in a browser.

use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::App;
use tidings_e2e::Build;
use tidings_e2e::DeployMethod;
use tidings_e2e::Engine;
use tidings_e2e::Page;
use tidings_e2e::Server;
use tidings_e2e::Site;
use tidings_e2e::in_one_engine;
use tidings_e2e::wait_until;

use crate::script_tag::first_page;

in_one_engine!(
    upstream_deploy_shows_notice_and_refresh_loads_it,
    upstream_replaced_shows_no_error,
);

async fn upstream_deploy_shows_notice_and_refresh_loads_it(engine: Engine) -> Result<()> {
    let site = Site::new(DeployMethod::LinkRename, &Build::v1()?)?;
    let app = App::site(&site.dir()).await?;
    let server = Server::proxy(&[&app.url("")], &["--poll-interval", "1s"])?;
    let page = open(engine, &server).await?;
    site.deploy(&Build::v2()?)?;
    page.wait_for_notice("new version").await?;
    ensure!(page.updates().await?.len() == 1, "notified more than once");
    page.press_button("Refresh").await?;
    page.wait_for_text("#version", "Version 2").await?;
    page.wait_for_no_notice().await?;
    ensure!(page.eval("return tidings.state").await? == "current");
    page.close().await
}

async fn upstream_replaced_shows_no_error(engine: Engine) -> Result<()> {
    let (one, two) = (Build::v1()?, Build::v2()?);
    let mut app = App::site(one.dir()).await?;
    let server = Server::proxy(&[&app.url("")], &["--poll-interval", "1s"])?;
    let waiting = open(engine, &server).await?;
    let going = waiting.open_tab().await?;

    app.stop().await?;
    let url = server.url("/about");
    let navigation = going.goto(&url);
    let start = async {
        wait_until("the outage to be noticed", async || {
            Ok(server.log().contains("connect failed").then_some(()))
        })
        .await?;
        app.replace(two.dir()).await
    };
    let (gone, started) = tokio::join!(navigation, start);
    started?;
    gone?;
    going.wait_for_text("h1", "About").await?;
    let text = going.eval("return document.body.innerText").await?;
    ensure!(!text.to_string().contains("Not there"), "{text}");
    let errors = going.errors().await?;
    ensure!(errors.is_empty(), "{errors:?}");
    going.close_tab().await?;

    waiting.bring_to_front().await?;
    waiting.wait_for_notice("new version").await?;
    ensure!(
        waiting.updates().await?.len() == 1,
        "notified more than once"
    );
    waiting.press_button("Refresh").await?;
    waiting.wait_for_text("#version", "Version 2").await?;
    let errors = waiting.errors().await?;
    ensure!(errors.is_empty(), "{errors:?}");
    waiting.close().await
}

/// A tab with version 1.
async fn open(engine: Engine, server: &Server) -> Result<Page> {
    first_page(server).await?;
    let page = Page::open(engine).await?;
    page.goto(&server.url("/")).await?;
    page.wait_for_text("#version", "Version 1").await?;
    Ok(page)
}
