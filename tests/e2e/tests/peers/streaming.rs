//! `tidings proxy` in front of an app with streaming responses and uploads.

use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use anyhow::Result;
use anyhow::ensure;
use bytes::Bytes;
use http::Method;
use http::StatusCode;
use hyper::body::Body;
use hyper::body::Frame;
use tidings_e2e::App;
use tidings_e2e::Server;
use tidings_e2e::wait_until;
use tokio::sync::mpsc;

use crate::http_client::HttpClient;
use crate::http_client::Stream;

#[tokio::test]
async fn events_arrive_one_by_one_and_disconnect_reaches_the_app() -> Result<()> {
    let (app, server) = start().await?;
    let client = HttpClient::new();
    let mut events = client.stream(&server.url("/events"), &[]).await?;
    ensure!(events.event().await? == "retry: 100");
    for number in 1..=5 {
        client.post(&app.url("/push"), "news").await?;
        ensure!(events.event().await? == format!("id: {number}\ndata: news"));
    }
    drop((events, client));
    wait_for_app_event(&app, "events closed").await?;
    let client = HttpClient::new();
    let known = [("last-event-id", "5")];
    let mut events = client.stream(&server.url("/events"), &known).await?;
    ensure!(events.event().await? == "retry: 100");
    wait_for_app_event(&app, "events open 5").await
}

#[tokio::test]
async fn long_poll_late_response_is_forwarded() -> Result<()> {
    let (app, server) = start().await?;
    let client = HttpClient::new();
    let url = server.url("/wait");
    let push = async {
        wait_for_app_event(&app, "waits").await?;
        client.post(&app.url("/push"), "something").await
    };
    let (answer, pushed) = tokio::join!(client.get(&url, &[]), push);
    pushed?;
    let answer = answer?;
    ensure!(answer.status == StatusCode::OK && answer.text()? == "something");
    Ok(())
}

#[tokio::test]
async fn upload_echo_is_streamed_both_ways() -> Result<()> {
    let (_app, server) = start().await?;
    let client = HttpClient::new();
    let (send, parts) = mpsc::channel(1);
    let url = server.url("/echo");
    send.send("first").await?;
    let answer = client.send(Method::POST, &url, &[], Upload(parts)).await?;
    let mut echo = Stream::new(answer);
    ensure!(echo.bytes().await?.as_deref() == Some(&b"first"[..]));
    for part in ["second", "third"] {
        send.send(part).await?;
        ensure!(echo.bytes().await?.as_deref() == Some(part.as_bytes()));
    }
    drop(send);
    ensure!(echo.bytes().await?.is_none());
    Ok(())
}

/// The app, and the proxy in front of it.
pub(crate) async fn start() -> Result<(App, Server)> {
    let app = App::live().await?;
    let server = Server::proxy(&[&app.url("")], &["--poll-interval", "1s", "--drain", "1h"])?;
    Ok((app, server))
}

/// Waits until the app has recorded the event `what`.
pub(crate) async fn wait_for_app_event(app: &App, what: &str) -> Result<()> {
    let client = HttpClient::new();
    wait_until(what, async || {
        let seen = client.get(&app.url("/seen"), &[]).await?.json()?;
        let seen = seen.as_array().map_or(&[][..], Vec::as_slice);
        Ok(seen.iter().any(|seen| seen == what).then_some(()))
    })
    .await
}

/// A body whose parts are sent as they become available.
struct Upload(mpsc::Receiver<&'static str>);

impl Body for Upload {
    type Data = Bytes;
    type Error = anyhow::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>>>> {
        let part = self.0.poll_recv(context);
        part.map(|part| part.map(|part| Ok(Frame::data(part.into()))))
    }
}
