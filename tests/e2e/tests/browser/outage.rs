//! Connections that break, and connections that pass nothing for some time.

use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::Build;
use tidings_e2e::DeployMethod;
use tidings_e2e::Engine;
use tidings_e2e::FaultProxy;
use tidings_e2e::Server;
use tidings_e2e::Site;
use tidings_e2e::in_every_engine;
use tidings_e2e::wait_until;
use tidings_e2e::with_fixture;

use crate::UPDATE_TEXT;
use crate::wait_for_publish;
use crate::wait_for_streams;

in_every_engine!(
    event_stream_held_back_falls_back_to_polling,
    server_back_with_other_release_shows_notice,
    page_loaded_without_connection_shows_notice_later,
);

async fn event_stream_held_back_falls_back_to_polling(engine: Engine) -> Result<()> {
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        async |fixture| {
            let page = &fixture.page;
            let proxy = FaultProxy::start(&[&fixture.server])?;
            proxy.hold_events(true);
            page.goto(&proxy.url("/")).await?;
            page.wait_for_text("#version", "Version 1").await?;
            wait_for_streams(&proxy, 1).await?;
            // The client closes the silent stream.
            wait_for_streams(&proxy, 0).await?;
            wait_until("a poll in its place", async || {
                Ok((proxy.request_count(RELEASE) > 0).then_some(()))
            })
            .await?;
            fixture.site.deploy(&Build::v2()?)?;
            wait_for_publish(page).await?;
            ensure!(page.updates().await?.is_empty(), "an event without a poll");
            page.click("#to-about").await?;
            page.wait_for_notice(UPDATE_TEXT).await?;
            page.press_button("Refresh").await?;
            page.wait_for_text("#about-text", "version 2").await?;

            // The stream of the new page is held back as well; the client polls when the window gets the focus.
            wait_for_streams(&proxy, 1).await?;
            wait_for_streams(&proxy, 0).await?;
            fixture.site.deploy(&Build::v1()?)?;
            wait_for_publish(page).await?;
            page.eval("dispatchEvent(new Event('focus'))").await?;
            page.wait_for_notice(UPDATE_TEXT).await?;
            // On another network the client tries a stream again.
            proxy.hold_events(false);
            page.eval("dispatchEvent(new Event('online'))").await?;
            wait_for_streams(&proxy, 1).await
        },
    )
    .await
}

async fn server_back_with_other_release_shows_notice(engine: Engine) -> Result<()> {
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        async |fixture| {
            let page = &fixture.page;
            let other = Site::new(DeployMethod::MoveSwap, &Build::v2()?)?;
            let other = Server::start(&other.dir()).map(|server| (server, other))?;
            let proxy = FaultProxy::start(&[&fixture.server])?;
            page.goto(&proxy.url("/")).await?;
            page.wait_for_text("#version", "Version 1").await?;
            wait_for_streams(&proxy, 1).await?;
            proxy.disconnect()?;
            wait_for_streams(&proxy, 0).await?;
            // A proxy without an upstream answers 502, after which an EventSource does not reconnect by itself.
            proxy.set_upstreams(&[]);
            let asked = proxy.request_count(EVENTS);
            proxy.reconnect()?;
            wait_until("another try", async || {
                Ok((proxy.request_count(EVENTS) > asked).then_some(()))
            })
            .await?;
            ensure!(
                !page.has_notice().await?,
                "a notice while the server is down"
            );
            proxy.set_upstreams(&[&other.0]);
            wait_for_streams(&proxy, 1).await?;
            page.wait_for_notice(UPDATE_TEXT).await?;
            page.press_button("Refresh").await?;
            page.wait_for_text("#version", "Version 2").await?;
            page.wait_for_no_notice().await
        },
    )
    .await
}

async fn page_loaded_without_connection_shows_notice_later(engine: Engine) -> Result<()> {
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        async |fixture| {
            let page = &fixture.page;
            let proxy = FaultProxy::start(&[&fixture.server])?;
            proxy.set_missing(&[EVENTS, RELEASE]);
            page.goto(&proxy.url("/")).await?;
            page.wait_for_text("#version", "Version 1").await?;
            wait_until("the first try", async || {
                Ok((proxy.request_count(EVENTS) > 0).then_some(()))
            })
            .await?;
            fixture.site.deploy(&Build::v2()?)?;
            proxy.set_missing(&[]);
            wait_for_streams(&proxy, 1).await?;
            page.wait_for_notice(UPDATE_TEXT).await?;
            let errors = page.errors().await?;
            ensure!(errors.is_empty(), "{errors:?}");
            Ok(())
        },
    )
    .await
}

const EVENTS: &str = "/__tidings/events";
const RELEASE: &str = "/__tidings/release.json";
