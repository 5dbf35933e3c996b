//! Pages of a directory with a `Content-Security-Policy` that another layer adds.

use http::HeaderName;
use http::HeaderValue;
use tidings::Csp;
use tower_http::set_header::SetResponseHeaderLayer;

use super::*;
use crate::support::directory_site::DirectorySite;

const CSP: HeaderName = HeaderName::from_static("content-security-policy");

fn policy(policy: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(CSP, HeaderValue::from_static(policy))
}

async fn directory() -> DirectorySite {
    DirectorySite::new(&[("index.html", &page())]).await
}

/// The page, with a layer that sets this policy between the files and the notifier.
async fn page_with_inner_policy(
    directory: &DirectorySite,
    csp: Csp,
    value: &'static str,
    request: &[(&str, &str)],
) -> Reply {
    let notifier = UpdateNotifierLayer::new(directory.site.clone()).csp(csp);
    let app = notifier.layer(policy(value).layer(directory.files.clone()));
    let headers = [NAVIGATION, &[("host", "app.example")], request].concat();
    Reply::read(send(app, "GET", "/", &headers).await).await
}

#[tokio::test]
async fn directory_csp_with_nonce_gives_the_tag_the_nonce() {
    let directory = directory().await;
    for value in [
        "script-src 'nonce-abc' 'strict-dynamic'; connect-src 'self'",
        "script-src 'nonce-abc'; connect-src 'self'",
    ] {
        // The compressed form of the page was made without the nonce.
        let request = [("accept-encoding", "br, gzip")];
        let reply = page_with_inner_policy(&directory, Csp::Keep, value, &request).await;
        assert_eq!(reply.status, 200);
        let tag = tag_between(reply.text(), PAGE.0, PAGE.1);
        assert!(tag.contains(" nonce=\"abc\""), "{tag}");
        assert_eq!(reply.field("content-encoding"), "");
        assert_eq!(release_of(reply.text()), directory.id());
        assert_eq!(reply.field("content-security-policy"), value);
    }
}

#[tokio::test]
async fn directory_csp_with_hashes_is_amended_by_csp_amend() {
    let directory = directory().await;
    let value = "script-src 'sha256-abc'; connect-src 'self'";
    let reply = page_with_inner_policy(&directory, Csp::Amend, value, &[]).await;
    let amended = reply.field("content-security-policy").to_owned();
    let hash = amended
        .strip_prefix("script-src 'sha256-abc' '")
        .and_then(|rest| rest.strip_suffix("'; connect-src 'self'"));
    let integrity = format!(" integrity=\"{}\"", hash.unwrap_or_default());
    assert!(reply.text().contains(&integrity), "{amended}");
}

#[tokio::test]
async fn directory_csp_forbidding_leaves_the_page_without_script() {
    let directory = directory().await;
    let request = [("accept-encoding", "br")];
    let reply = page_with_inner_policy(&directory, Csp::Keep, "script-src 'none'", &request).await;
    assert_eq!(reply.text(), page());
    // The header is that of this page, not of the one with the script.
    assert_eq!(reply.field("content-length"), page().len().to_string());
    assert_eq!(reply.field("content-encoding"), "");
}

#[tokio::test]
async fn directory_csp_allowing_self_keeps_the_prepared_page() {
    let directory = directory().await;
    let etag = directory
        .get("/", NAVIGATION)
        .await
        .field("etag")
        .to_owned();
    let request = [("if-none-match", etag.as_str())];
    for request in [&[][..], &request] {
        let value = "default-src 'self'";
        let reply = page_with_inner_policy(&directory, Csp::Keep, value, request).await;
        assert_eq!(reply.field("etag"), etag);
        assert_eq!(reply.status, if request.is_empty() { 200 } else { 304 });
    }
}

#[tokio::test]
async fn directory_csp_of_an_outer_layer_allows_the_external_script_by_self() {
    let directory = directory().await;
    let notifier = UpdateNotifierLayer::new(directory.site.clone());
    let app = policy("default-src 'self'").layer(notifier.layer(directory.files.clone()));
    let reply = Reply::read(send(app, "GET", "/", NAVIGATION).await).await;
    let tag = tag_between(reply.text(), PAGE.0, PAGE.1);
    // From this host, external, without a nonce: what 'self' allows.
    assert!(
        tag.starts_with("<script async src=\"/__tidings/client-"),
        "{tag}"
    );
}
