//! Upstreams with `https`: certificate verification, ALPN, and HTTP/2 connection reuse.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use ::http::Request;
use ::http::Response;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

use super::*;

/// A server with a certificate for `localhost` that responds with the version, path and host of the request.
struct TlsUpstream {
    port: u16,
    authority: String,
    connections: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
    /// Closes all connections.
    leave: Arc<Notify>,
    _runtime: Runtime,
}

impl TlsUpstream {
    fn new(protocols: &[&str]) -> Self {
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key)
            .unwrap();
        config.alpn_protocols = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let [connections, ended] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let leave = Arc::new(Notify::new());
        let (begun, over, leaving) = (
            Arc::clone(&connections),
            Arc::clone(&ended),
            Arc::clone(&leave),
        );
        runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                begun.fetch_add(1, Ordering::SeqCst);
                let (acceptor, over, leaving) =
                    (acceptor.clone(), Arc::clone(&over), Arc::clone(&leaving));
                tokio::spawn(async move {
                    tokio::select! {
                        () = serve(acceptor, stream) => {}
                        () = leaving.notified() => {}
                    }
                    over.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self {
            port,
            authority: certified.cert.pem(),
            connections,
            ended,
            leave,
            _runtime: runtime,
        }
    }

    fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }
}

async fn serve(acceptor: TlsAcceptor, stream: tokio::net::TcpStream) {
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let service = service_fn(async |mut request: Request<Incoming>| {
        if request.headers().contains_key("upgrade") {
            let switching = hyper::upgrade::on(&mut request);
            tokio::spawn(async move {
                let mut io = TokioIo::new(switching.await.unwrap());
                let mut words = [0; 5];
                io.read_exact(&mut words).await.unwrap();
                io.write_all(&words).await.unwrap();
            });
            let switch = Response::builder().status(101);
            let switch = switch
                .header("connection", "upgrade")
                .header("upgrade", "websocket");
            return Ok(switch.body(Full::default()).unwrap());
        }
        let authority = request.uri().authority().map(ToString::to_string);
        let host = request
            .headers()
            .get("host")
            .map(|host| host.to_str().unwrap());
        let (version, path) = (request.version(), request.uri().path().to_owned());
        let host = host.map(str::to_owned);
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let text = format!(
            "{version:?} {path} body={} authority={} host={}",
            body.len(),
            authority.unwrap_or_default(),
            host.unwrap_or_default(),
        );
        Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::from(text)))
    });
    let io = TokioIo::new(stream);
    if is_http2 {
        let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        _ = server.serve_connection(io, service).await;
    } else {
        let server = hyper::server::conn::http1::Builder::new();
        _ = server.serve_connection(io, service).with_upgrades().await;
    }
}

#[test]
fn tls_alpn_selects_h2_or_http_1_1() {
    for (protocols, expected) in [
        (&["h2", "http/1.1"][..], "HTTP/2.0"),
        (&["h2"], "HTTP/2.0"),
        (&["http/1.1"], "HTTP/1.1"),
        (&[], "HTTP/1.1"),
    ] {
        let secure = TlsUpstream::new(protocols);
        let proxied = TestProxy::with_upstreams(&[&secure.url()], |proxy| {
            proxy
                .root_certificates(secure.authority.as_bytes())
                .unwrap()
        });
        for _ in 0..3 {
            let answer = proxied.get("/x", &[]);
            assert_eq!(answer.status, 200, "{answer:?}");
            let start = format!("{expected} /x ");
            assert!(answer.text().starts_with(&start), "{answer:?}");
            assert!(answer.field("via").starts_with(&expected["HTTP/".len()..]));
        }
    }
}

#[test]
fn tls_host_option_sets_authority_or_host() {
    for (protocols, is_http2) in [(&["h2"][..], true), (&["http/1.1"], false)] {
        let secure = TlsUpstream::new(protocols);
        let own = format!("localhost:{}", secure.port);
        for (host, expected) in [
            ("keep", "tidings.test"),
            ("upstream", own.as_str()),
            ("app.example", "app.example"),
        ] {
            let proxied = TestProxy::with_upstreams(&[&secure.url()], |proxy| {
                let host = host.parse().unwrap();
                proxy
                    .root_certificates(secure.authority.as_bytes())
                    .unwrap()
                    .host(host)
            });
            let answer = proxied.get("/", &[]);
            let suffix = if is_http2 {
                format!("authority={expected} host=")
            } else {
                format!("authority= host={expected}")
            };
            assert!(answer.text().ends_with(&suffix), "{host} {answer:?}");
        }
    }
}

#[test]
fn tls_h2_requests_share_one_connection() {
    let secure = TlsUpstream::new(&["h2", "http/1.1"]);
    let proxied = TestProxy::with_upstreams(&[&secure.url()], |proxy| {
        let proxy = proxy
            .root_certificates(secure.authority.as_bytes())
            .unwrap();
        proxy.pool_idle_timeout(Duration::from_secs(600))
    });
    proxied.get("/", &[]);
    for _ in 0..20 {
        assert_eq!(proxied.get("/", &[]).status, 200);
    }
    assert_eq!(secure.connections.load(Ordering::SeqCst), 1);
    // A request with a body, and a response without.
    let mut client = proxied.send(
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    );
    assert!(client.response().unwrap().text().contains(" body=3 "));
    let answer = client.request("HEAD", "/x", &[]).unwrap();
    assert_eq!(answer.status, 200);
}

#[test]
fn tls_h2_connection_closed_opens_another() {
    let secure = TlsUpstream::new(&["h2", "http/1.1"]);
    let proxied = TestProxy::with_upstreams(&[&secure.url()], |proxy| {
        let proxy = proxy
            .root_certificates(secure.authority.as_bytes())
            .unwrap();
        proxy.pool_idle_timeout(Duration::from_secs(600))
    });
    for number in 1..=3 {
        // The close may not have been noticed yet; a GET is retried.
        assert_eq!(proxied.get("/", &[]).status, 200);
        assert_eq!(secure.connections.load(Ordering::SeqCst), number);
        secure.leave.notify_waiters();
        crate::support::wait_until("the end", || {
            (secure.ended.load(Ordering::SeqCst) == number).then_some(())
        });
    }
}

#[test]
fn tls_h2_upstream_websocket_uses_http_1_1() {
    let secure = TlsUpstream::new(&["h2", "http/1.1"]);
    let proxied = TestProxy::with_upstreams(&[&secure.url()], |proxy| {
        proxy
            .root_certificates(secure.authority.as_bytes())
            .unwrap()
    });
    assert!(proxied.get("/", &[]).text().starts_with("HTTP/2.0 "));
    let mut client = proxied.connect();
    let fields = [("Connection", "Upgrade"), ("Upgrade", "websocket")];
    client.send_request("GET", "/socket", &fields).unwrap();
    assert_eq!(client.head().unwrap().status, 101);
    client.send("hello").unwrap();
    assert_eq!(client.take(5).unwrap(), b"hello");
}

#[test]
fn tls_untrusted_certificate_returns_502_without_waiting() {
    let secure = TlsUpstream::new(&["h2", "http/1.1"]);
    let other = TlsUpstream::new(&["h2", "http/1.1"]);
    let hold = |proxy: Proxy| proxy.upstream_wait(Duration::ZERO);
    let proxied = TestProxy::with_upstreams(&[&secure.url()], hold);
    assert_eq!(proxied.get("/", &[]).status, 502);
    let proxied = TestProxy::with_upstreams(&[&secure.url()], |proxy| {
        hold(proxy)
            .root_certificates(other.authority.as_bytes())
            .unwrap()
    });
    assert_eq!(proxied.get("/", &[]).status, 502);
    // A failed verification does not wait for the upstream; otherwise this would take an hour.
    let patient = |proxy: Proxy| proxy.upstream_wait(Duration::from_secs(3600));
    let navigation = [("accept", "text/html")];
    let proxied = TestProxy::with_upstreams(&[&secure.url()], patient);
    assert_eq!(proxied.get("/", &navigation).status, 502);
    // The certificate is for another name.
    let address = format!("https://127.0.0.1:{}", secure.port);
    let proxied = TestProxy::with_upstreams(&[&address], |proxy| {
        hold(proxy)
            .root_certificates(secure.authority.as_bytes())
            .unwrap()
    });
    assert_eq!(proxied.get("/", &[]).status, 502);
    let plain = format!("http://localhost:{}", secure.port);
    assert_eq!(
        TestProxy::with_upstreams(&[&plain], hold)
            .get("/", &[])
            .status,
        502
    );
}

#[test]
fn tls_invalid_ca_bundle_is_an_error() {
    let proxy = || Proxy::new(["https://localhost".parse().unwrap()]).unwrap();
    assert!(proxy().root_certificates(b"").is_err());
    assert!(proxy().root_certificates(b"words").is_err());
    let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(proxy().root_certificates(broken).is_err());
}

#[test]
fn tls_upstream_without_tls_is_unavailable() {
    let upstream = Upstream::responding(OK);
    let address = format!("https://localhost:{}", upstream.address().port());
    let proxied = TestProxy::with_upstreams(&[&address], |proxy| {
        proxy
            .upstream_wait(Duration::ZERO)
            .connect_timeout(SHORT * 4)
    });
    assert!(matches!(proxied.get("/", &[]).status, 502 | 504));
    assert_eq!(upstream.requests().len(), 0);
}
