//! The response of the proxy to a request.

use std::convert::Infallible;

use anyhow::Result;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header;
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::EVENTS;
use super::event_stream::EventStream;
use super::forward::ResponseBody;
use super::forward::Upstreams;
use super::forward::full_body;
use super::forward::text_response;
use super::rules::Shared;

pub(super) async fn handle(
    rules: Shared,
    upstreams: Upstreams,
    request: Request<Incoming>,
) -> Result<Response<ResponseBody>, Infallible> {
    let response = forward_by_rules(&rules, &upstreams, request).await;
    Ok(response
        .unwrap_or_else(|_| text_response(StatusCode::BAD_GATEWAY, "no response from upstream")))
}

async fn forward_by_rules(
    rules: &Shared,
    upstreams: &Upstreams,
    mut request: Request<Incoming>,
) -> Result<Response<ResponseBody>> {
    let path = request.uri().path().to_owned();
    let key = key(&request);
    let (stored, upstream) = {
        let mut rules = rules.lock();
        *rules.requests.entry(path.clone()).or_default() += 1;
        if rules.is_missing(&path) {
            return Ok(text_response(StatusCode::NOT_FOUND, "not found"));
        }
        let pages = rules.pages.as_ref();
        let stored = pages.and_then(|pages| pages.get(&key).cloned());
        let preferred = sticky_upstream(request.headers());
        (stored, rules.next(preferred))
    };
    if let Some(stored) = stored.filter(|_| request.method() == Method::GET) {
        return Ok(set_page_headers(rules, stored.map(full_body)));
    }
    let Some((number, authority)) = upstream else {
        return Ok(text_response(StatusCode::BAD_GATEWAY, "no upstream"));
    };
    // A page is needed in full, never as 304: to be stored, and to get the headers of the current rules.
    if wants_page(&request) {
        for condition in [header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE] {
            request.headers_mut().remove(condition);
        }
    }
    let get = request.method() == Method::GET;
    let mut response = upstreams.forward(&authority, request).await?;
    if path == EVENTS && response.status() == StatusCode::OK && get {
        return Ok(response.map(|body| EventStream::new(body, rules.clone()).boxed_unsync()));
    }
    let caches = rules.lock().pages.is_some();
    if caches && get && is_page(&response) && response.status() == StatusCode::OK {
        let (head, body) = response.into_parts();
        let stored = Response::from_parts(head, body.collect().await?.to_bytes());
        let mut rules = rules.lock();
        if let Some(pages) = &mut rules.pages {
            // Of two concurrent responses the first one stays.
            pages.entry(key).or_insert_with(|| stored.clone());
        }
        response = stored.map(full_body);
    }
    if rules.lock().sticky {
        let cookie = HeaderValue::from_str(&format!("{COOKIE}{number}; Path=/"))?;
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(set_page_headers(rules, response))
}

/// Sets the headers of the current rules on a page.
fn set_page_headers(
    rules: &Shared,
    mut response: Response<ResponseBody>,
) -> Response<ResponseBody> {
    if is_page(&response) {
        for (name, value) in &rules.lock().page_headers {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

/// The cache key of a page: the request target, and the header that responses vary by.
fn key<T>(request: &Request<T>) -> String {
    let codings = request.headers().get(header::ACCEPT_ENCODING);
    format!("{} {codings:?}", request.uri())
}

fn wants_page<T>(request: &Request<T>) -> bool {
    starts(request.headers().get(header::ACCEPT), "text/html")
}

fn is_page<T>(response: &Response<T>) -> bool {
    starts(response.headers().get(header::CONTENT_TYPE), "text/html")
}

fn starts(value: Option<&HeaderValue>, start: &str) -> bool {
    value.is_some_and(|value| value.as_bytes().starts_with(start.as_bytes()))
}

/// The number of the upstream in the sticky cookie.
fn sticky_upstream(headers: &HeaderMap) -> Option<usize> {
    let all = headers.get(header::COOKIE)?.to_str().ok()?;
    let ours = all.split("; ").find_map(|one| one.strip_prefix(COOKIE))?;
    ours.parse().ok()
}

const COOKIE: &str = "upstream=";
