//! A static site by itself: what `tidings serve examples/site` does, put together by hand.
//!
//! Run it with `cargo run --example static_site`, open the page, then change `examples/site/index.html`.

#![allow(clippy::print_stderr, reason = "an example says where it listens")]

use tidings::Server;
use tidings::Site;
use tidings::StaticFiles;
use tidings::UpdateNotifierLayer;
use tidings::WatchDirectory;
use tokio::net::TcpListener;
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let site = Site::new().retain_releases(5);
    let watching = tokio::spawn(WatchDirectory::new("examples/site").run(site.clone()));

    let service = ServiceBuilder::new()
        .layer(UpdateNotifierLayer::new(site.clone()))
        .service(StaticFiles::new(site.clone()));

    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    eprintln!("open http://{}", listener.local_addr()?);
    let stop = async move {
        _ = tokio::signal::ctrl_c().await;
        // Event streams end only when the site is closed.
        site.close();
    };
    Server::new(listener).run(service, stop).await;
    watching.abort();
    Ok(())
}
