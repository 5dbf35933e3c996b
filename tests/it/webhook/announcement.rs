//! `Announcement`, the client of the webhook, against a server on a socket.

use tidings::Announcement;
use tidings::Policy;
use tidings::Server;
use tidings::StaticFiles;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;

/// Serves a site without files on a free port; returns its URL.
async fn serve(site: &Site, hook: Option<UpdateNotifierLayer>, tasks: &mut JoinSet<()>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let files = StaticFiles::new(site.clone());
    let layer = hook.unwrap_or_else(|| UpdateNotifierLayer::new(site.clone()));
    let server = Server::new(listener);
    tasks.spawn(server.run(layer.layer(files), std::future::pending()));
    url
}

#[tokio::test]
async fn announcement_publishes_named_release_with_metadata() {
    let (site, hook) = named_site();
    let mut tasks = JoinSet::new();
    let url = serve(&site, Some(hook.clone()), &mut tasks).await;
    let announcement = Announcement::new()
        .id("v2".parse().unwrap())
        .notes("What's \"new\"\n")
        .label("2.0")
        .policy(Policy::Navigate);
    let announced = announcement.send(&url, &secret()).await.unwrap();
    assert_eq!(announced.status(), 202);
    assert!(announced.is_accepted());
    assert!(
        announced.text().contains("Release v2 is published"),
        "{announced:?}"
    );
    assert_eq!(site.current().unwrap().id().as_str(), "v2");
    let last = last(&hook).await;
    assert_eq!(last["notes"], "What's \"new\"");
    assert_eq!(last["policy"], "navigate");
    // Sending it again is not a replay, since it is signed anew.
    let announced = announcement.send(&url, &secret()).await.unwrap();
    assert!(
        announced.text().contains("already current"),
        "{announced:?}"
    );
    let announced = Announcement::new().send(&url, &secret()).await.unwrap();
    assert!(announced.is_accepted());
}

#[tokio::test]
async fn announcement_rejected_returns_the_response() {
    let (site, hook) = named_site();
    let mut tasks = JoinSet::new();
    let hook = hook.prefix("/_news").unwrap();
    let url = serve(&site, Some(hook), &mut tasks).await;
    let send = async |path: &str, secret: Secret| {
        let url = format!("{url}{path}");
        Announcement::new().send(&url, &secret).await.unwrap()
    };
    assert!(send("/_news", secret()).await.is_accepted());
    assert!(send("/_news/deploys", secret()).await.is_accepted());
    let announced = send(
        "/_news",
        Secret::new("another secret of the same kind").unwrap(),
    )
    .await;
    assert_eq!(announced.status(), 401);
    assert_eq!(
        announced.text(),
        "a valid bearer token or signature is required"
    );
    assert!(!announced.is_accepted());
    // A server without a webhook.
    let url = serve(&site, None, &mut tasks).await;
    let announced = Announcement::new().send(&url, &secret()).await.unwrap();
    assert!(!announced.is_accepted(), "{announced:?}");
}

#[tokio::test]
async fn announcement_connect_refused_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = Announcement::new().send(&url, &secret()).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("can't announce at {url}/__tidings/deploys: ")),
        "{text}"
    );
    assert!(text.contains("refused"), "{text}");
    assert!(!error.is_config());
    let error = Announcement::new()
        .send("x.test", &secret())
        .await
        .unwrap_err();
    assert!(error.is_config());
}

#[tokio::test(start_paused = true)]
async fn announcement_without_response_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let error = Announcement::new().send(&url, &secret()).await.unwrap_err();
    assert!(
        error.to_string().contains("no response within 30 s"),
        "{error}"
    );
    drop(listener);
}

#[tokio::test]
async fn announcement_redirect_is_reported_not_followed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut tasks = JoinSet::new();
    let service = service_fn(async |_: Request<hyper::body::Incoming>| {
        let answer = Response::builder()
            .status(301)
            .header("location", "https://x.test/");
        Ok::<_, Infallible>(answer.body(Full::<Bytes>::default()).unwrap())
    });
    tasks.spawn(Server::new(listener).run(service, std::future::pending()));
    let announced = Announcement::new().send(&url, &secret()).await.unwrap();
    assert_eq!(announced.status(), 301);
    assert!(
        announced.text().contains("https://x.test/"),
        "{announced:?}"
    );
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn announcement_untrusted_certificate_is_an_error() {
    use tokio_rustls::rustls;

    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            _ = acceptor.accept(stream).await;
        }
    });
    let error = Announcement::new().send(&url, &secret()).await.unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
}
