//! A proxy in front of another server, which notifies open tabs of that server's new builds:
//! `cargo run --example proxy -- http://127.0.0.1:3000`, then open <http://127.0.0.1:8080>.

use std::error::Error;

use tidings::PollUpstream;
use tidings::Proxy;
use tidings::Server;
use tidings::Shutdown;
use tidings::Site;
use tidings::UpdateNotifierLayer;
use tokio::net::TcpListener;
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Some(upstream) = std::env::args().nth(1) else {
        return Err("give the address of a server, such as http://127.0.0.1:3000".into());
    };
    let site = Site::new();
    let proxy = Proxy::new([upstream.parse()?])?.trigger_checks(site.clone());
    tokio::spawn(PollUpstream::new(proxy.upstream_services()).run(site.clone()));
    let shutdown = Shutdown::new().site(site.clone()).proxy(proxy.clone());
    let service = ServiceBuilder::new()
        .layer(UpdateNotifierLayer::new(site).compress_pages())
        .service(proxy);
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    let interrupt = async { _ = tokio::signal::ctrl_c().await };
    Server::new(listener)
        .run(service, shutdown.start_after(interrupt))
        .await;
    Ok(())
}
