//! The reserved paths, through the layer, without a socket and with a paused clock.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod events;
mod limit;
mod release_json;
mod reserved_paths;

use std::collections::VecDeque;
use std::convert::Infallible;

use bytes::Bytes;
use http::Request;
use http::Response;
use http_body_util::BodyExt as _;
use http_body_util::Empty;
use http_body_util::Full;
use tidings::Body;
use tidings::Release;
use tidings::Site;
use tidings::UpdateNotifierLayer;
use tower::Layer as _;
use tower::Service;
use tower::service_fn;

use crate::support::directory_site::Reply;
use crate::support::directory_site::send;
use crate::support::events::Block;

/// The reserved paths under test.
const EVENTS: &str = "/__tidings/events";
const RELEASE: &str = "/__tidings/release.json";

/// Publishes the release with this id. Returns true if that changed the current release.
fn publish(site: &Site, id: &str) -> bool {
    site.publish(Release::new(id.parse().unwrap(), 7))
}

/// The layer over a service with one page.
fn app(layer: &UpdateNotifierLayer) -> impl App + use<> {
    layer.layer(service_fn(|_request: Request<Empty<Bytes>>| async {
        let page = Full::<Bytes>::from("<!doctype html><title>App</title>");
        let page = Response::builder()
            .header("content-type", "text/html")
            .body(page);
        Ok::<_, Infallible>(page.unwrap())
    }))
}

trait App:
    Service<Request<Empty<Bytes>>, Response = Response<Body>, Error = Infallible, Future: Send> + Clone
{
}

impl<S> App for S where
    S: Service<Request<Empty<Bytes>>, Response = Response<Body>, Error = Infallible, Future: Send>
        + Clone
{
}

async fn get(site: &Site, path: &str) -> Reply {
    request(site, "GET", path, &[]).await
}

async fn request(site: &Site, method: &str, path: &str, fields: &[(&str, &str)]) -> Reply {
    let layer = UpdateNotifierLayer::new(site.clone());
    Reply::read(send(app(&layer), method, path, fields).await).await
}

/// An open event stream.
struct Stream {
    body: Body,
    blocks: VecDeque<Block>,
}

impl Stream {
    async fn open(site: &Site) -> Self {
        Self::of_app(&app(&UpdateNotifierLayer::new(site.clone()))).await
    }

    async fn of_app(app: &impl App) -> Self {
        let response = send(app.clone(), "GET", EVENTS, &[]).await;
        assert_eq!(response.status(), 200);
        Self {
            body: response.into_body(),
            blocks: VecDeque::new(),
        }
    }

    /// Opens a stream and reads its greeting.
    async fn greeted(site: &Site) -> Self {
        let mut stream = Self::open(site).await;
        let retry = stream.next().await.unwrap();
        assert_ne!(retry.retry, "");
        if site.current().is_some() {
            assert_eq!(stream.next().await.unwrap().event, "release");
        }
        stream
    }

    /// The next block; `None` at the end. The paused clock advances while the stream is idle.
    async fn next(&mut self) -> Option<Block> {
        while self.blocks.is_empty() {
            let frame = self.body.frame().await?.unwrap().into_data().unwrap();
            let text = String::from_utf8(frame.to_vec()).unwrap();
            let text = text.strip_suffix("\n\n").expect("whole blocks");
            self.blocks.extend(text.split("\n\n").map(Block::parse));
        }
        self.blocks.pop_front()
    }

    /// The id of the next release. Panics if another block comes first.
    async fn release(&mut self) -> String {
        let block = self.next().await.expect("the stream ended");
        assert_eq!(block.event, "release", "{block:?}");
        block.release_id().to_owned()
    }
}
