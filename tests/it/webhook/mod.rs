//! The webhook, through its layer and mostly without a socket.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod announcement;
mod directory;
mod limits;
mod responses;
mod signatures;

use std::convert::Infallible;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use hmac::Hmac;
use hmac::KeyInit as _;
use hmac::Mac as _;
use http::Request;
use http::Response;
use http_body_util::Full;
use serde_json::Value;
use sha2::Sha256;
use tidings::Release;
use tidings::Secret;
use tidings::Site;
use tidings::UpdateNotifierLayer;
use tower::Layer as _;
use tower::ServiceExt as _;
use tower::service_fn;

use crate::support::bodies::ScriptedBody;
use crate::support::bodies::Step;
use crate::support::directory_site::Reply;

const SECRET: &str = "It's a Secret to Everybody";
const BEARER: (&str, &str) = ("authorization", "Bearer It's a Secret to Everybody");
const PATH: &str = "/__tidings/deploys";

fn secret() -> Secret {
    Secret::new(SECRET).unwrap()
}

fn hook(site: &Site) -> UpdateNotifierLayer {
    UpdateNotifierLayer::new(site.clone()).webhook(secret())
}

/// A site with a named release, and its webhook.
fn named_site() -> (Site, UpdateNotifierLayer) {
    let site = Site::new();
    site.publish(Release::new("v1".parse().unwrap(), 7));
    let layer = hook(&site);
    (site, layer)
}

/// Sends a request to the webhook over a service that responds with 418, the method and the path.
async fn send(
    layer: &UpdateNotifierLayer,
    method: &str,
    path: &str,
    fields: &[(&str, &str)],
    body: ScriptedBody,
) -> Reply {
    let inner = service_fn(async |request: Request<ScriptedBody>| {
        let body = format!("{} {}", request.method(), request.uri().path());
        let answer = Response::builder().status(418);
        Ok::<_, Infallible>(answer.body(Full::<Bytes>::from(body)).unwrap())
    });
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let answer = layer.layer(inner).oneshot(request.body(body).unwrap());
    Reply::read(answer.await.unwrap()).await
}

async fn post(layer: &UpdateNotifierLayer, fields: &[(&str, &str)], body: &str) -> Reply {
    send(layer, "POST", PATH, fields, one_frame(body)).await
}

/// A POST with a valid signature.
async fn post_signed(layer: &UpdateNotifierLayer, body: &str) -> Reply {
    post(layer, &[("x-hub-signature-256", &sign(body))], body).await
}

fn one_frame(body: &str) -> ScriptedBody {
    ScriptedBody::new([Step::Data(Bytes::copy_from_slice(body.as_bytes()))])
}

fn sign(body: &str) -> String {
    let code = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    let code = code.chain_update(body).finalize().into_bytes();
    format!("sha256={}", HEXLOWER.encode(&code))
}

fn seconds() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap().as_secs()
}

/// The entry of the last deploy.
async fn last(layer: &UpdateNotifierLayer) -> Value {
    let reply = send(layer, "GET", PATH, &[BEARER], ScriptedBody::default()).await;
    assert_eq!(reply.status, 200);
    json(&reply)[0].clone()
}

fn json(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap()
}

#[track_caller]
fn assert_rejected(reply: &Reply, status: u16, text: &str) {
    assert_eq!(reply.status, status, "{}", reply.text());
    assert!(reply.text().contains(text), "{}", reply.text());
    assert_eq!(reply.field("content-type"), "text/plain; charset=utf-8");
    assert_eq!(reply.field("cache-control"), "no-store");
    assert_eq!(reply.field("x-content-type-options"), "nosniff");
    let challenge = if status == 401 { "Bearer" } else { "" };
    assert_eq!(reply.field("www-authenticate"), challenge);
}
