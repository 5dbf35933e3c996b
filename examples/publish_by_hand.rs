//! An app that publishes its releases itself: each request to `/deploy` publishes a new one.
//!
//! Run it with `cargo run --example publish_by_hand`, open the page, then open `/deploy` in another tab.

#![allow(clippy::print_stderr, reason = "an example says where it listens")]

use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use tidings::Release;
use tidings::Site;
use tidings::UpdateNotifierLayer;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let site = Site::new();
    site.publish(Release::new("v1".parse()?, now()));

    let publisher = site.clone();
    let deploy = async move || {
        let built = now();
        let id = format!("v{built}").parse().expect("letters and digits");
        publisher.publish(Release::new(id, built));
        format!("published v{built}\n")
    };
    let app = Router::new()
        .route(
            "/",
            get(async || Html("<!doctype html><title>App</title><h1>An app</h1>")),
        )
        .route("/deploy", get(deploy))
        .layer(UpdateNotifierLayer::new(site));

    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    eprintln!("open http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
