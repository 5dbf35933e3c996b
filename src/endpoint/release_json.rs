//! `release.json`: the current release, and what has changed since an older one.

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::client::settings::ClientSettings;
use crate::endpoint::jitter::random_in;
use crate::endpoint::response;
use crate::endpoint::stream_limit::StreamLimit;
use crate::http::body::Body;
use crate::http::conditional::Decision;
use crate::http::conditional::Validators;
use crate::http::reply::NO_CACHE;
use crate::http::reply::Reply;
use crate::site::AnnouncementData;
use crate::site::Site;

/// The current release; with `since` (a release id) in the query also what has changed since then, and the settings of
/// the client, with messages in the first available one of the languages in `lang`. 503 without a release.
pub(crate) fn release_json(
    site: &Site,
    stream_limit: &StreamLimit,
    settings: &ClientSettings,
    query: &str,
    headers: &HeaderMap,
) -> Response<Body> {
    let state = site.state();
    let Some(announcement) = state.announcement() else {
        return response::unavailable("there is no release yet\n");
    };
    let Some(since) = query_parameter(query, "since") else {
        return conditional(announcement.etag(), announcement.json(), headers);
    };
    let changes = state.changes_since(since);
    let details = ReleaseDetails {
        announcement: announcement.data(),
        delay: random_in(0..=stream_limit.reconnect_jitter()),
        settings: settings.to_json(query_parameter(query, "lang").unwrap_or("")),
        changes: changes.as_deref(),
    };
    // Only maps with other keys than strings don't serialize.
    let json = serde_json::to_vec(&details).unwrap_or_default();
    Reply::json(StatusCode::OK, json).build()
}

#[derive(Serialize)]
struct ReleaseDetails<'a> {
    #[serde(flatten)]
    announcement: &'a AnnouncementData,
    /// How long the tab should wait before it acts, in milliseconds.
    delay: u64,
    settings: Value,
    /// `None` if the older release is unknown, or too much has changed.
    changes: Option<&'a RawValue>,
}

fn conditional(etag: &HeaderValue, json: &Bytes, headers: &HeaderMap) -> Response<Body> {
    let validators = Validators {
        etag,
        last_modified: None,
    };
    let reply = Reply::json(StatusCode::OK, json.clone())
        .header(header::ETAG, etag.clone())
        .header(header::CACHE_CONTROL, NO_CACHE);
    let mut response = reply.build();
    if validators.decide(headers) == Decision::NotModified {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
    }
    response
}

/// The value of a parameter whose values need no decoding: release ids and language tags.
fn query_parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}
