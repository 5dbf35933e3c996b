//! A hostname for the loopback interface that no engine treats as loopback: `http://plain.test` is no secure context.
//!
//! A forward proxy of the harness resolves it, since every engine has a proxy setting. The proxy refuses every other
//! request, so no test reaches the network.

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

use crate::fault_proxy::forward::ResponseBody;
use crate::fault_proxy::forward::Upstreams;
use crate::fault_proxy::forward::text_response;

/// Resolves to 127.0.0.1 in the browsers of the harness.
pub(crate) const HOSTNAME: &str = "plain.test";

/// The address of the proxy, `HOST:PORT`. It is started once, and runs as long as this process.
pub(crate) fn proxy_address() -> Result<String> {
    static ADDRESS: OnceLock<Result<String, String>> = OnceLock::new();
    let address = ADDRESS.get_or_init(|| start().map_err(|error| format!("{error:#}")));
    address.clone().map_err(|error| anyhow!("{error}"))
}

fn start() -> Result<String> {
    let listener = net::TcpListener::bind("127.0.0.1:0").context("a port for the forward proxy")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?.to_string();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the runtime of the forward proxy")?;
    thread::spawn(move || runtime.block_on(serve(listener)));
    Ok(address)
}

async fn serve(listener: net::TcpListener) -> Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let upstreams = Upstreams::default();
    loop {
        let (stream, _) = listener.accept().await?;
        let upstreams = upstreams.clone();
        let service = service_fn(move |request| handle(upstreams.clone(), request));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        // It ends when the browser closes it.
        tokio::spawn(connection);
    }
}

async fn handle(
    upstreams: Upstreams,
    request: Request<Incoming>,
) -> Result<Response<ResponseBody>, Infallible> {
    let uri = request.uri();
    let port = uri.port_u16().unwrap_or(80);
    if uri.host() != Some(HOSTNAME) || uri.scheme_str() != Some("http") {
        return Ok(text_response(
            StatusCode::FORBIDDEN,
            "not a host of the tests",
        ));
    }
    Ok(upstreams
        .forward(&format!("127.0.0.1:{port}"), request)
        .await
        .unwrap_or_else(|_| text_response(StatusCode::BAD_GATEWAY, "no response")))
}
