//! A server for a directory: what `tidings serve examples/site` does, composed by hand.
//!
//! Run it with `cargo run --example static_site`, open the page, then change `examples/site/index.html`.

#![allow(clippy::print_stderr, reason = "an example says where it listens")]

use tidings::Server;
use tidings::Shutdown;
use tidings::Site;
use tidings::StaticFiles;
use tidings::UpdateNotifierLayer;
use tidings::WatchDirectory;
use tokio::net::TcpListener;
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let site = Site::new().retain_releases(5);
    tokio::spawn(WatchDirectory::new("examples/site").run(site.clone()));

    let service = ServiceBuilder::new()
        .layer(UpdateNotifierLayer::new(site.clone()))
        .service(StaticFiles::new(site.clone()));

    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    eprintln!("open http://{}", listener.local_addr()?);
    // Event streams do not end by themselves.
    let shutdown = Shutdown::new().site(site);
    let interrupt = async { _ = tokio::signal::ctrl_c().await };
    Server::new(listener)
        .run(service, shutdown.start_after(interrupt))
        .await;
    Ok(())
}
