//! Upstreams at `https`: whose certificates are believed, and what is spoken inside.

use std::sync::Arc;

use ::http::Request;
use ::http::Response;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use super::*;

/// A server with a certificate for `localhost`, which says what it was asked for, and in which protocol.
struct Secure {
    port: u16,
    authority: String,
    _runtime: Runtime,
}

impl Secure {
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
        runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(acceptor.clone(), stream));
            }
        });
        Self {
            port,
            authority: certified.cert.pem(),
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
    let service = service_fn(async |request: Request<Incoming>| {
        let authority = request.uri().authority().map(ToString::to_string);
        let host = request
            .headers()
            .get("host")
            .map(|host| host.to_str().unwrap());
        let text = format!(
            "{:?} {} authority={} host={}",
            request.version(),
            request.uri().path(),
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
        _ = server.serve_connection(io, service).await;
    }
}

#[test]
fn an_upstream_is_spoken_to_in_the_best_protocol_that_it_knows() {
    for (protocols, expected) in [
        (&["h2", "http/1.1"][..], "HTTP/2.0"),
        (&["h2"], "HTTP/2.0"),
        (&["http/1.1"], "HTTP/1.1"),
        (&[], "HTTP/1.1"),
    ] {
        let secure = Secure::new(protocols);
        let proxied = Proxied::to(&[&secure.url()], |proxy| {
            proxy.authorities(secure.authority.as_bytes()).unwrap()
        });
        for _ in 0..3 {
            let answer = proxied.get("/x", &[]);
            assert_eq!(answer.status, 200);
            let start = format!("{expected} /x ");
            assert!(answer.text().starts_with(&start), "{answer:?}");
            assert!(answer.field("via").starts_with(&expected["HTTP/".len()..]));
        }
    }
}

#[test]
fn the_name_that_is_asked_for_is_one_and_the_same_in_every_protocol() {
    for (protocols, is_http2) in [(&["h2"][..], true), (&["http/1.1"], false)] {
        let secure = Secure::new(protocols);
        let own = format!("localhost:{}", secure.port);
        for (host, expected) in [
            ("keep", "tidings.test"),
            ("upstream", own.as_str()),
            ("app.example", "app.example"),
        ] {
            let proxied = Proxied::to(&[&secure.url()], |proxy| {
                let host = host.parse().unwrap();
                proxy
                    .authorities(secure.authority.as_bytes())
                    .unwrap()
                    .host(host)
            });
            let answer = proxied.get("/", &[]);
            let told = if is_http2 {
                format!("authority={expected} host=")
            } else {
                format!("authority= host={expected}")
            };
            assert!(answer.text().ends_with(&told), "{host} {answer:?}");
        }
    }
}

#[test]
fn an_upstream_that_nobody_vouches_for_is_not_asked() {
    let secure = Secure::new(&["h2", "http/1.1"]);
    let other = Secure::new(&["h2", "http/1.1"]);
    let hold = |proxy: Proxy| proxy.hold(Duration::ZERO);
    let proxied = Proxied::to(&[&secure.url()], hold);
    assert_eq!(proxied.get("/", &[]).status, 502);
    let proxied = Proxied::to(&[&secure.url()], |proxy| {
        hold(proxy).authorities(other.authority.as_bytes()).unwrap()
    });
    assert_eq!(proxied.get("/", &[]).status, 502);
    // By another name than the one that it is for.
    let address = format!("https://127.0.0.1:{}", secure.port);
    let proxied = Proxied::to(&[&address], |proxy| {
        hold(proxy)
            .authorities(secure.authority.as_bytes())
            .unwrap()
    });
    assert_eq!(proxied.get("/", &[]).status, 502);
    let plain = format!("http://localhost:{}", secure.port);
    assert_eq!(Proxied::to(&[&plain], hold).get("/", &[]).status, 502);
}

#[test]
fn an_authority_that_can_not_be_read_is_refused() {
    let proxy = || Proxy::new(["https://localhost".parse().unwrap()]).unwrap();
    assert!(proxy().authorities(b"").is_err());
    assert!(proxy().authorities(b"words").is_err());
    let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(proxy().authorities(broken).is_err());
}

#[test]
fn an_upstream_that_speaks_no_tls_is_no_upstream() {
    let upstream = Upstream::answering(OK);
    let address = format!("https://localhost:{}", upstream.address().port());
    let proxied = Proxied::to(&[&address], |proxy| {
        proxy.hold(Duration::ZERO).connect_timeout(MOMENT * 4)
    });
    assert!(matches!(proxied.get("/", &[]).status, 502 | 504));
    assert_eq!(upstream.asked().len(), 0);
}
