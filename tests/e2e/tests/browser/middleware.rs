//! The middleware in a server whose pages have policies of nonces and hashes.

use std::convert::Infallible;

use anyhow::Context;
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

use crate::UPDATE_TEXT;

in_every_engine!(csp_of_nonces_or_hashes_allows_notice_and_refresh);

async fn csp_of_nonces_or_hashes_allows_notice_and_refresh(engine: Engine) -> Result<()> {
    let page = Page::open(engine).await?;
    let mut result = Ok(());
    for policy in POLICIES {
        result = result.and(check_update(&page, policy).await.context(policy));
    }
    page.close().await?;
    result
}

/// The notice is shown, the refresh brings the new page, and no violation is reported.
async fn check_update(page: &Page, policy: &'static str) -> Result<()> {
    let site = Site::new();
    site.publish(Release::new("first".parse()?, 1));
    let (url, serving) = serve(&site, policy).await?;
    page.goto(&url).await?;
    page.wait_for_text("#release", "first").await?;
    page.wait_for_text("#app", "It runs").await?;
    site.publish(Release::new("second".parse()?, 2));
    page.wait_for_notice(UPDATE_TEXT).await?;
    let violations = page.eval("return reports").await?;
    ensure!(violations == serde_json::json!([]), "{violations}");
    page.press_button("Refresh").await?;
    page.wait_for_text("#release", "second").await?;
    site.close();
    serving.abort();
    Ok(())
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

// With a nonce alone the client loads `update` by import(); the hash is that of the script in `PAGE`.
const POLICIES: [&str; 3] = [
    "script-src 'nonce-c2hpcHM' 'strict-dynamic'",
    "default-src 'none'; connect-src 'self'; img-src 'self'; script-src 'nonce-c2hpcHM'",
    "default-src 'none'; connect-src 'self'; img-src 'self'; \
        script-src 'sha256-dFTO5UX4gYjUbrJU/tYI20MC+w2981CY7O1PVcZtXYU='",
];

/// Records what its policy blocks.
const PAGE: &str = "<!doctype html><html lang=en><title>App</title>
<p id=release>RELEASE</p><p id=app></p>
<script nonce=c2hpcHM>
    window.reports = [];
    document.addEventListener('securitypolicyviolation', ({ blockedURI }) => reports.push(blockedURI));
    document.querySelector('#app').textContent = 'It runs';
</script>";
