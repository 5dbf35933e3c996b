//! The answer of a front to a request.

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
use super::forward::Answer;
use super::forward::Upstreams;
use super::forward::say;
use super::forward::whole;
use super::rules::Shared;
use super::stream::Stream;

pub(super) async fn answer(
    rules: Shared,
    upstreams: Upstreams,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Infallible> {
    let answer = pass(&rules, &upstreams, request).await;
    Ok(answer.unwrap_or_else(|_| say(StatusCode::BAD_GATEWAY, "no upstream answers")))
}

async fn pass(
    rules: &Shared,
    upstreams: &Upstreams,
    mut request: Request<Incoming>,
) -> Result<Response<Answer>> {
    let path = request.uri().path().to_owned();
    let key = key(&request);
    let (stored, upstream) = {
        let mut rules = rules.lock();
        *rules.requests.entry(path.clone()).or_default() += 1;
        if rules.misses(&path) {
            return Ok(say(StatusCode::NOT_FOUND, "not found"));
        }
        let pages = rules.pages.as_ref();
        let stored = pages.and_then(|pages| pages.get(&key).cloned());
        let stuck = cookie(request.headers());
        (stored, rules.next(stuck))
    };
    if let Some(stored) = stored.filter(|_| request.method() == Method::GET) {
        return Ok(dress(rules, stored.map(whole)));
    }
    let Some((number, authority)) = upstream else {
        return Ok(say(StatusCode::BAD_GATEWAY, "there is no upstream"));
    };
    // A page's answer is needed whole: to be stored, and with the headers that are the rule now.
    if wants_page(&request) {
        for condition in [header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE] {
            request.headers_mut().remove(condition);
        }
    }
    let get = request.method() == Method::GET;
    let mut answer = upstreams.ask(&authority, request).await?;
    if path == EVENTS && answer.status() == StatusCode::OK && get {
        return Ok(answer.map(|body| Stream::new(body, rules.clone()).boxed_unsync()));
    }
    let caches = rules.lock().pages.is_some();
    if caches && get && is_page(&answer) && answer.status() == StatusCode::OK {
        let (head, body) = answer.into_parts();
        let stored = Response::from_parts(head, body.collect().await?.to_bytes());
        let mut rules = rules.lock();
        if let Some(pages) = &mut rules.pages {
            // Of two that were asked for at once the first one stays.
            pages.entry(key).or_insert_with(|| stored.clone());
        }
        answer = stored.map(whole);
    }
    if rules.lock().sticky {
        let cookie = HeaderValue::from_str(&format!("{COOKIE}{number}; Path=/"))?;
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(dress(rules, answer))
}

/// Gives a page the headers that are the rule now.
fn dress(rules: &Shared, mut answer: Response<Answer>) -> Response<Answer> {
    if is_page(&answer) {
        for (name, value) in &rules.lock().page_headers {
            answer.headers_mut().insert(name, value.clone());
        }
    }
    answer
}

/// What a cache tells pages apart by: the target, and what the answer varies with.
fn key<T>(request: &Request<T>) -> String {
    let codings = request.headers().get(header::ACCEPT_ENCODING);
    format!("{} {codings:?}", request.uri())
}

fn wants_page<T>(request: &Request<T>) -> bool {
    starts(request.headers().get(header::ACCEPT), "text/html")
}

fn is_page<T>(answer: &Response<T>) -> bool {
    starts(answer.headers().get(header::CONTENT_TYPE), "text/html")
}

fn starts(value: Option<&HeaderValue>, start: &str) -> bool {
    value.is_some_and(|value| value.as_bytes().starts_with(start.as_bytes()))
}

/// The number of the upstream that this browser sticks to.
fn cookie(headers: &HeaderMap) -> Option<usize> {
    let all = headers.get(header::COOKIE)?.to_str().ok()?;
    let ours = all.split("; ").find_map(|one| one.strip_prefix(COOKIE))?;
    ours.parse().ok()
}

const COOKIE: &str = "upstream=";
