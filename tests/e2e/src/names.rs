//! A name for the loopback interface that no engine knows to be it: `http://plain.test` is no secure context.
//!
//! A forward proxy of the harness resolves it, since that is a setting every engine has. What else a browser asks the
//! proxy for it does not get, so no test reaches the network.

use std::convert::Infallible;
use std::net;
use std::sync::OnceLock;
use std::thread;

use anyhow::Context;
use anyhow::Result;
use anyhow::anyhow;
use http::Request;
use http::Response;
use http::StatusCode;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::front::forward::Answer;
use crate::front::forward::Upstreams;
use crate::front::forward::say;

/// Names 127.0.0.1 to the browsers of the harness.
pub(crate) const NAME: &str = "plain.test";

/// Where the proxy is, as `HOST:PORT`. It is started once, and lives as long as this process.
pub(crate) fn proxy() -> Result<String> {
    static ADDRESS: OnceLock<Result<String, String>> = OnceLock::new();
    let address = ADDRESS.get_or_init(|| start().map_err(|error| format!("{error:#}")));
    address.clone().map_err(|error| anyhow!("{error}"))
}

fn start() -> Result<String> {
    let listener = net::TcpListener::bind("127.0.0.1:0").context("a port for the names")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?.to_string();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the runtime of the names")?;
    thread::spawn(move || runtime.block_on(serve(listener)));
    Ok(address)
}

async fn serve(listener: net::TcpListener) -> Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let upstreams = Upstreams::default();
    loop {
        let (stream, _) = listener.accept().await?;
        let upstreams = upstreams.clone();
        let service = service_fn(move |request| answer(upstreams.clone(), request));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        // It ends when the browser closes it.
        tokio::spawn(connection);
    }
}

async fn answer(
    upstreams: Upstreams,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Infallible> {
    let uri = request.uri();
    let port = uri.port_u16().unwrap_or(80);
    if uri.host() != Some(NAME) || uri.scheme_str() != Some("http") {
        return Ok(say(StatusCode::FORBIDDEN, "no test goes there"));
    }
    Ok(upstreams
        .ask(&format!("127.0.0.1:{port}"), request)
        .await
        .unwrap_or_else(|_| say(StatusCode::BAD_GATEWAY, "nobody is there")))
}
