//! WebSockets and event streams of an app behind `tidings`, in a browser.

use anyhow::Result;
use anyhow::ensure;
use serde_json::json;
use tempfile::TempDir;
use tidings_e2e::App;
use tidings_e2e::Engine;
use tidings_e2e::Page;
use tidings_e2e::Server;
use tidings_e2e::in_one_engine;
use tidings_e2e::wait_until;

use crate::http_client::HttpClient;
use crate::script_tag::first_page;
use crate::streaming::start;
use crate::streaming::wait_for_app_event;

in_one_engine!(
    app_event_stream_works_beside_ours,
    websocket_is_tunneled_and_closed_on_shutdown,
    websocket_route_beside_a_directory_is_tunneled,
);

async fn app_event_stream_works_beside_ours(engine: Engine) -> Result<()> {
    let (app, server) = start().await?;
    let client = HttpClient::new();
    first_page(&server).await?;
    let page = Page::open(engine).await?;
    page.goto(&server.url("/")).await?;
    page.wait_for_text("#app", "An app").await?;
    let listen = "
        window.received = [];
        window.events = new EventSource('/events');
        events.onmessage = (event) => received.push(`${event.lastEventId} ${event.data}`);
        return new Promise((open) => { events.onopen = () => open(); });
    ";
    page.eval(listen).await?;
    for number in 1..=3 {
        client.post(&app.url("/push"), "news").await?;
        wait_for_events(&page, number).await?;
    }
    client.post(&app.url("/deploy"), "").await?;
    page.wait_for_notice("new version").await?;

    client.post(&app.url("/hangup"), "").await?;
    wait_for_app_event(&app, "events open 3").await?;
    client.post(&app.url("/push"), "news").await?;
    wait_for_events(&page, 4).await?;
    page.eval("events.close()").await?;
    let errors = page.errors().await?;
    ensure!(errors.is_empty(), "{errors:?}");
    page.close().await
}

async fn websocket_is_tunneled_and_closed_on_shutdown(engine: Engine) -> Result<()> {
    let (app, server) = start().await?;
    let page = Page::open(engine).await?;
    page.goto(&server.url("/")).await?;
    check_websocket_echo(&page, "/socket").await?;
    wait_for_app_event(&app, "socket open /socket").await?;
    // Shutdown does not wait for a WebSocket, however long the drain timeout is.
    let (status, log) = server.terminate().await?;
    ensure!(status.success(), "{status}: {log}");
    is_closed(&page).await?;
    wait_for_app_event(&app, "socket closed /socket").await?;
    page.close().await
}

async fn websocket_route_beside_a_directory_is_tunneled(engine: Engine) -> Result<()> {
    let app = App::live().await?;
    let dir = TempDir::new()?;
    let home = "<!doctype html><html><head><title>Files</title></head><body><p id=home>Files</p>";
    std::fs::write(dir.path().join("index.html"), home)?;
    let route = format!("/ws={}", app.url(""));
    let server = Server::start_with(dir.path(), &["--route", &route, "--drain", "1h"])?;
    first_page(&server).await?;
    let page = Page::open(engine).await?;
    page.goto(&server.url("/")).await?;
    page.wait_for_text("#home", "Files").await?;
    check_websocket_echo(&page, "/ws/socket").await?;
    let (status, log) = server.terminate().await?;
    ensure!(status.success(), "{status}: {log}");
    is_closed(&page).await?;
    wait_for_app_event(&app, "socket closed /ws/socket").await?;
    page.close().await
}

/// Waits until the page has received exactly the first `count` events.
async fn wait_for_events(page: &Page, count: u32) -> Result<()> {
    let all: Vec<_> = (1..=count).map(|number| format!("{number} news")).collect();
    wait_until("the event", async || {
        let received = page.eval("return received").await?;
        ensure!(received == json!(all), "{received}");
        Ok(Some(()))
    })
    .await
}

/// Opens a WebSocket, which stays open, and checks that texts of all lengths and bytes are echoed.
async fn check_websocket_echo(page: &Page, path: &str) -> Result<()> {
    let script = "
        window.socket = new WebSocket(`ws://${location.host}PATH`);
        window.hasEnded = false;
        socket.onclose = () => { hasEnded = true; };
        socket.binaryType = 'arraybuffer';
        const sent = ['a', 'ä'.repeat(100), 'b'.repeat(300), 'c'.repeat(70000), ''];
        const echoed = [];
        return new Promise((end) => {
            socket.onerror = () => end('error');
            socket.onopen = () => {
                sent.forEach((text) => socket.send(text));
                socket.send(new Uint8Array([1, 2, 3]));
            };
            socket.onmessage = ({ data }) => {
                if (typeof data === 'string') echoed.push(data);
                else end(sent.join() === echoed.join() && new Uint8Array(data).join() === '1,2,3');
            };
        });
    ";
    let echoed = page.eval(&script.replace("PATH", path)).await?;
    ensure!(echoed == true, "{echoed}");
    Ok(())
}

async fn is_closed(page: &Page) -> Result<()> {
    wait_until("the socket to be closed", async || {
        Ok((page.eval("return hasEnded").await? == true).then_some(()))
    })
    .await
}
