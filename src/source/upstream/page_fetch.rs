//! What an upstream is asked, and what its answer shows.

use std::error::Error as StdError;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header;
use http_body::Body;
use http_body_util::BodyExt as _;
use http_body_util::Empty;
use tower_service::Service;

use crate::html::page_assets::PageFingerprint;
use crate::html::page_assets::PageLocation;
use crate::html::page_assets::PageReader;
use crate::http::coding::Coding;
use crate::http::coding::DecodeBody;
use crate::http::context::AsHttps;
use crate::http::context::OwnName;
use crate::http::dates::last_modified_millis;
use crate::http::media_type;
use crate::release::fingerprint::ReleaseFingerprint;
use crate::source::upstream::fingerprint::Fingerprint;
use crate::source::upstream::fingerprint::JsonField;
use crate::source::upstream::redirect::RequestTarget;
use crate::source::upstream::redirect::Scheme;

/// What the errors of services and bodies can be made into.
pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// The fetcher that a look puts to an upstream.
#[derive(Debug, Clone)]
pub(crate) struct PageFetcher {
    pub(crate) pages: Vec<Arc<str>>,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) host: Option<Box<str>>,
}

/// What an upstream showed in one look.
#[derive(Debug)]
pub(crate) struct ShownPages {
    pub(crate) pages: Arc<ReleaseFingerprint>,
    /// The newest `Last-Modified` of its pages, in milliseconds since 1970, if all have one.
    pub(crate) modified: Option<u64>,
}

/// A page or file, wherever it was found.
struct Found<B> {
    path: String,
    headers: HeaderMap,
    body: B,
}

impl PageFetcher {
    /// Asks the upstream, first by the scheme that it has shown its pages by before, which is kept up. What it answers
    /// other than with its pages comes back as a text that says why.
    pub(crate) async fn ask<S, B>(
        &self,
        upstream: &mut S,
        scheme: &mut Scheme,
    ) -> Result<ShownPages, String>
    where
        S: Service<Request<Empty<Bytes>>, Response = Response<B>>,
        S::Error: Into<BoxError>,
        B: Body,
        B::Error: Into<BoxError>,
    {
        if let Fingerprint::Json(field) = &self.fingerprint {
            return self.ask_json(upstream, scheme, field).await;
        }
        let (mut prints, mut values) = (Vec::new(), Vec::new());
        let mut modified = Some(0);
        for page in &self.pages {
            let found = self.fetch(upstream, scheme, page, PAGE).await?;
            if !media_type::is_html(&found.headers) {
                return Err(format!("{page} is no HTML page"));
            }
            modified = modified
                .and_then(|newest: u64| Some(newest.max(last_modified_millis(&found.headers)?)));
            let value = |name| text(&found.headers, name).ok_or(format!("{page} has no {name}"));
            match &self.fingerprint {
                Fingerprint::Header(name) => {
                    values.push(value(name)?.trim().to_owned());
                    break;
                }
                Fingerprint::Etag => {
                    let tag = value(&header::ETAG)?;
                    let tag = tag.trim_start_matches("W/").trim_matches('"');
                    values.push(tag.to_owned());
                }
                _ => prints.push((Arc::clone(page), self.print(found).await?)),
            }
        }
        let pages = match self.fingerprint {
            Fingerprint::Scripts => ReleaseFingerprint::Pages(prints),
            _ => ReleaseFingerprint::Version(values.join(" ").into()),
        };
        Ok(ShownPages {
            pages: Arc::new(pages),
            modified,
        })
    }

    async fn ask_json<S, B>(
        &self,
        upstream: &mut S,
        scheme: &mut Scheme,
        field: &JsonField,
    ) -> Result<ShownPages, String>
    where
        S: Service<Request<Empty<Bytes>>, Response = Response<B>>,
        S::Error: Into<BoxError>,
        B: Body,
        B::Error: Into<BoxError>,
    {
        let found = self.fetch(upstream, scheme, field.path(), JSON).await?;
        let mut json = Vec::new();
        let modified = last_modified_millis(&found.headers);
        read(found, |piece| json.extend_from_slice(piece)).await?;
        let value = field.of(&json);
        let value = value.ok_or_else(|| format!("{} has no such value", field.path()))?;
        Ok(ShownPages {
            pages: Arc::new(ReleaseFingerprint::Version(value.into())),
            modified,
        })
    }

    async fn print<B>(&self, found: Found<B>) -> Result<PageFingerprint, String>
    where
        B: Body,
        B::Error: Into<BoxError>,
    {
        let path = found.path.clone();
        let mut reader = PageReader::new();
        read(found, |piece| reader.write(piece)).await?;
        let found = reader.end().ok_or(format!("{path} can't be parsed"))?;
        Ok(PageFingerprint::new(found.resolve_at(PageLocation {
            path: &path,
            host: self.host.as_deref(),
        })))
    }

    /// Gets what is at `path`, or where that leads to on the same host.
    async fn fetch<S, B>(
        &self,
        upstream: &mut S,
        scheme: &mut Scheme,
        path: &str,
        accept: &'static str,
    ) -> Result<Found<B>, String>
    where
        S: Service<Request<Empty<Bytes>>, Response = Response<B>>,
        S::Error: Into<BoxError>,
    {
        let mut target = RequestTarget {
            path: path.to_owned(),
            scheme: *scheme,
        };
        for _ in 0..=MAX_REDIRECTS {
            let request = self.request(&target, accept)?;
            std::future::poll_fn(|cx| upstream.poll_ready(cx))
                .await
                .map_err(why)?;
            let response = upstream.call(request).await.map_err(why)?;
            let (parts, body) = response.into_parts();
            let path = &mut target.path;
            if parts.status == StatusCode::OK {
                *scheme = target.scheme;
                path.truncate(path.find('?').unwrap_or(path.len()));
                return Ok(Found {
                    path: target.path,
                    headers: parts.headers,
                    body,
                });
            }
            let location = text(&parts.headers, &header::LOCATION);
            let (true, Some(location)) = (parts.status.is_redirection(), location) else {
                return Err(format!("{path} is answered with {}", parts.status));
            };
            let own = parts.extensions.get::<OwnName>();
            let own = own.map(|OwnName(name)| name.as_str());
            let next = target.follow(location, self.host.as_deref().or(own));
            target = next.ok_or_else(|| self.leads_away(&target, location))?;
        }
        let path = target.path;
        Err(format!("{path} leads on and on"))
    }

    fn leads_away(&self, from: &RequestTarget, location: &str) -> String {
        let text = format!("{} leads to {location}, on another host", from.path);
        match self.host {
            Some(_) => text,
            None => format!("{text}; if it is the site's own, name it ({NAMED_BY})"),
        }
    }

    /// A request as that of a navigation. It does not ask caches on the way to be passed over: what counts is what
    /// visitors get.
    fn request(
        &self,
        target: &RequestTarget,
        accept: &'static str,
    ) -> Result<Request<Empty<Bytes>>, String> {
        let mut request = Request::builder()
            .uri(&target.path)
            .header(header::ACCEPT, accept)
            .header(header::ACCEPT_ENCODING, "identity")
            .header(header::USER_AGENT, USER_AGENT)
            .header("sec-fetch-dest", "document")
            .header("sec-fetch-mode", "navigate");
        if let Some(host) = &self.host {
            request = request.header(header::HOST, &**host);
        }
        if target.scheme == Scheme::Https {
            let host = self.host.as_deref();
            let host = host.map(|host| format!(";host=\"{host}\""));
            let forwarded = format!("proto=https{}", host.unwrap_or_default());
            request = request
                .header("x-forwarded-proto", "https")
                .header(header::FORWARDED, forwarded)
                .extension(AsHttps);
        }
        request.body(Empty::new()).map_err(why)
    }
}

/// Reads a body and undoes its coding: some have one whatever they are asked for. Of what is larger than
/// [`MAX_BODY_BYTES`] the rest is left out.
async fn read<B>(found: Found<B>, mut take: impl FnMut(&[u8])) -> Result<(), String>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let coding = text(&found.headers, &header::CONTENT_ENCODING).unwrap_or_default();
    let coding = match coding.trim() {
        plain if plain.is_empty() || plain.eq_ignore_ascii_case("identity") => None,
        name => match Coding::from_token(name) {
            Some(coding) => Some(coding),
            None => return Err(format!("the answer is coded as {name}")),
        },
    };
    let mut body = pin!(DecodeBody::new(found.body, coding));
    let mut left = MAX_BODY_BYTES;
    while left > 0
        && let Some(frame) = body.frame().await
    {
        let Ok(data) = frame.map_err(why)?.into_data() else {
            continue;
        };
        let piece = &data[..data.len().min(left)];
        take(piece);
        left -= piece.len();
    }
    Ok(())
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers
        .get(name)
        .and_then(|value| HeaderValue::to_str(value).ok())
}

/// An error with all that is behind it, in one line.
fn why(error: impl Into<BoxError>) -> String {
    let error = error.into();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

const PAGE: &str = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";

const JSON: &str = "application/json";

const USER_AGENT: &str = concat!("tidings/", env!("CARGO_PKG_VERSION"));

// What the operator can do about it.
const NAMED_BY: &str = "--poll-host, PollUpstream::host";

// From http to https to www to the language to the start page.
const MAX_REDIRECTS: usize = 5;

// What a page loads stands in its first kilobytes.
const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;
