//! An axum app whose files tower-http serves; the layer notifies its pages of new builds.
//!
//! Run it with `cargo run --example axum`, open the page, then change `examples/site/index.html`.

#![allow(clippy::print_stderr, reason = "an example says where it listens")]

use axum::Router;
use axum::routing::get;
use tidings::Shutdown;
use tidings::Site;
use tidings::UpdateNotifierLayer;
use tidings::WatchDirectory;
use tokio::net::TcpListener;
use tower_http::services::ServeDir;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let site = Site::new();
    // `ServeDir` serves the files, so the site need not hold them.
    let source = WatchDirectory::new("examples/site").ids_only();
    tokio::spawn(source.run(site.clone()));

    // Event streams do not end by themselves.
    let shutdown = Shutdown::new().site(site.clone());
    let app = Router::new()
        .route("/api/hello", get(async || "hello"))
        .fallback_service(ServeDir::new("examples/site"))
        .layer(UpdateNotifierLayer::new(site));

    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    eprintln!("open http://{}", listener.local_addr()?);
    let interrupt = async { _ = tokio::signal::ctrl_c().await };
    axum::serve(listener, app)
        .with_graceful_shutdown(shutdown.start_after(interrupt))
        .await?;
    Ok(())
}
