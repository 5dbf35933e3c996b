//! The middleware in somebody's own server, whose pages have policies of nonces and hashes.

use std::convert::Infallible;

use anyhow::Result;
use anyhow::ensure;
use http::Request;
use http::Response;
use http::header;
use hyper::body::Incoming;
use tidings::Csp;
use tidings::Release;
use tidings::Server;
use tidings::Site;
use tidings::UpdateNotifierLayer;
use tidings_e2e::Engine;
use tidings_e2e::Page;
use tidings_e2e::in_every_engine;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower::ServiceBuilder;
use tower::service_fn;

use crate::NEWS;

in_every_engine!(
    a_nonce_that_trusts_what_it_loads_is_enough,
    a_nonce_by_itself_is_enough,
    a_policy_of_hashes_is_amended,
);

async fn a_nonce_that_trusts_what_it_loads_is_enough(engine: Engine) -> Result<()> {
    is_told(engine, "script-src 'nonce-c2hpcHM' 'strict-dynamic'").await
}

async fn a_nonce_by_itself_is_enough(engine: Engine) -> Result<()> {
    is_told(
        engine,
        "default-src 'none'; connect-src 'self'; img-src 'self'; script-src 'nonce-c2hpcHM'",
    )
    .await
}

async fn a_policy_of_hashes_is_amended(engine: Engine) -> Result<()> {
    // The hash of the script in `PAGE`.
    is_told(
        engine,
        "default-src 'none'; connect-src 'self'; img-src 'self'; script-src 'sha256-5nsf2NXCpWsrcLSo2kQKndVPKsR3zpLoLn9bNooNPUc='",
    )
    .await
}

/// The notice comes, the refresh brings the new page, and nobody reports a violation.
async fn is_told(engine: Engine, policy: &'static str) -> Result<()> {
    let site = Site::new();
    site.publish(Release::named("first".parse()?, 1));
    let (url, serving) = serve(&site, policy).await?;
    let page = Page::open(engine).await?;
    let told = async {
        page.goto(&url).await?;
        page.shows("#release", "first").await?;
        page.shows("#app", "It runs").await?;
        site.publish(Release::named("second".parse()?, 2));
        page.notice(NEWS).await?;
        let violations = page.eval("return seen").await?;
        ensure!(violations == serde_json::json!([]), "{violations}");
        page.press("Refresh").await?;
        page.shows("#release", "second").await
    };
    let told = told.await;
    page.close().await?;
    site.close();
    serving.abort();
    told
}

/// Serves one page, which names the current release, under this policy.
async fn serve(site: &Site, policy: &'static str) -> Result<(String, JoinHandle<()>)> {
    let app = {
        let site = site.clone();
        service_fn(move |_: Request<Incoming>| {
            let release = site.current().map(|release| release.id().to_string());
            async move {
                let page = PAGE.replace("RELEASE", &release.unwrap_or_default());
                let mut answer = Response::new(page);
                let fields = [
                    (header::CONTENT_TYPE, "text/html"),
                    (header::CONTENT_SECURITY_POLICY, policy),
                ];
                for (name, value) in fields {
                    let value = header::HeaderValue::from_static(value);
                    answer.headers_mut().insert(name, value);
                }
                Ok::<_, Infallible>(answer)
            }
        })
    };
    let layer = UpdateNotifierLayer::new(site.clone()).csp(Csp::Amend);
    let service = ServiceBuilder::new().layer(layer).service(app);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    let serving = Server::new(listener).run(service, std::future::pending());
    Ok((url, tokio::spawn(serving)))
}

/// Its script is what the hash is of.
const PAGE: &str = "<!doctype html><html lang=en><title>App</title>
<p id=release>RELEASE</p><p id=app></p>
<script nonce=c2hpcHM>
    window.seen = [];
    document.addEventListener('securitypolicyviolation', ({ blockedURI }) => seen.push(blockedURI));
    document.querySelector('#app').textContent = 'It runs';
</script>";
