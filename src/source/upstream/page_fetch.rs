//! Fetches the entry pages of an upstream, and computes the fingerprint of the release that they belong to.

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
use crate::http::context::Outcome;
use crate::http::context::RequestContext;
use crate::http::dates::last_modified_millis;
use crate::http::media_type;
use crate::release::fingerprint::ReleaseFingerprint;
use crate::source::upstream::fingerprint::Fingerprint;
use crate::source::upstream::fingerprint::JsonField;
use crate::source::upstream::redirect::RequestTarget;
use crate::source::upstream::redirect::Scheme;

/// An error of a service or a body.
pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// Fetches what identifies the release of an upstream.
#[derive(Debug, Clone)]
pub(crate) struct PageFetcher {
    /// The paths of the entry pages.
    pub(crate) pages: Vec<Arc<str>>,
    pub(crate) fingerprint: Fingerprint,
    /// The `Host` of the requests, if it is not that of the upstream.
    pub(crate) host: Option<Box<str>>,
}

/// The release that an upstream showed in one poll.
#[derive(Debug)]
pub(crate) struct ShownRelease {
    pub(crate) fingerprint: Arc<ReleaseFingerprint>,
    /// The newest `Last-Modified` of its pages, in milliseconds since 1970, if all have one.
    pub(crate) modified: Option<u64>,
}

/// A response with a page or file.
struct Fetched<B> {
    /// Its path after redirects.
    path: String,
    headers: HeaderMap,
    body: B,
}

impl PageFetcher {
    /// Fetches the pages of an upstream, first by `scheme`, which is set to the scheme that succeeded.
    ///
    /// # Errors
    ///
    /// The reason as text, if the upstream cannot be reached, or responds otherwise than with its pages.
    pub(crate) async fn fetch_release<S, B>(
        &self,
        upstream: &mut S,
        scheme: &mut Scheme,
    ) -> Result<ShownRelease, String>
    where
        S: Service<Request<Empty<Bytes>>, Response = Response<B>>,
        S::Error: Into<BoxError>,
        B: Body,
        B::Error: Into<BoxError>,
    {
        if let Fingerprint::Json(field) = &self.fingerprint {
            return self.fetch_json(upstream, scheme, field).await;
        }
        let (mut pages, mut values) = (Vec::new(), Vec::new());
        let mut modified = Some(0);
        for page in &self.pages {
            let fetched = self.fetch(upstream, scheme, page, ACCEPT_PAGE).await?;
            if !media_type::is_html(&fetched.headers) {
                return Err(format!("{page} is not an HTML page"));
            }
            modified = modified
                .and_then(|newest: u64| Some(newest.max(last_modified_millis(&fetched.headers)?)));
            let value = |name| text(&fetched.headers, name).ok_or(format!("{page} has no {name}"));
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
                _ => pages.push((Arc::clone(page), self.page_fingerprint(fetched).await?)),
            }
        }
        let fingerprint = match self.fingerprint {
            Fingerprint::Scripts => ReleaseFingerprint::Pages(pages),
            _ => ReleaseFingerprint::Version(values.join(" ").into()),
        };
        Ok(ShownRelease {
            fingerprint: Arc::new(fingerprint),
            modified,
        })
    }

    async fn fetch_json<S, B>(
        &self,
        upstream: &mut S,
        scheme: &mut Scheme,
        field: &JsonField,
    ) -> Result<ShownRelease, String>
    where
        S: Service<Request<Empty<Bytes>>, Response = Response<B>>,
        S::Error: Into<BoxError>,
        B: Body,
        B::Error: Into<BoxError>,
    {
        let fetched = self
            .fetch(upstream, scheme, field.path(), ACCEPT_JSON)
            .await?;
        let mut json = Vec::new();
        let modified = last_modified_millis(&fetched.headers);
        read(fetched, |piece| json.extend_from_slice(piece)).await?;
        let value = field.value_in(&json);
        let value = value.ok_or_else(|| format!("{} has no such value", field.path()))?;
        Ok(ShownRelease {
            fingerprint: Arc::new(ReleaseFingerprint::Version(value.into())),
            modified,
        })
    }

    async fn page_fingerprint<B>(&self, fetched: Fetched<B>) -> Result<PageFingerprint, String>
    where
        B: Body,
        B::Error: Into<BoxError>,
    {
        let path = fetched.path.clone();
        let mut reader = PageReader::new();
        read(fetched, |piece| reader.write(piece)).await?;
        let parsed = reader.end().ok_or(format!("{path} cannot be parsed"))?;
        Ok(PageFingerprint::new(parsed.resolve_at(PageLocation {
            path: &path,
            host: self.host.as_deref(),
        })))
    }

    /// Fetches `path`, and follows redirects on the same host.
    async fn fetch<S, B>(
        &self,
        upstream: &mut S,
        scheme: &mut Scheme,
        path: &str,
        accept: &'static str,
    ) -> Result<Fetched<B>, String>
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
                .map_err(error_text)?;
            let response = upstream.call(request).await.map_err(error_text)?;
            let (parts, body) = response.into_parts();
            let path = &mut target.path;
            if parts.status == StatusCode::OK {
                *scheme = target.scheme;
                path.truncate(path.find('?').unwrap_or(path.len()));
                return Ok(Fetched {
                    path: target.path,
                    headers: parts.headers,
                    body,
                });
            }
            let location = text(&parts.headers, &header::LOCATION);
            let (true, Some(location)) = (parts.status.is_redirection(), location) else {
                return Err(format!("{path} responded with {}", parts.status));
            };
            let upstream = Outcome::upstream(&parts.extensions);
            let own = upstream.map(|upstream| upstream.authority.as_str());
            let next = target.follow(location, self.host.as_deref().or(own));
            target = next.ok_or_else(|| self.redirected_away(&target, location))?;
        }
        let path = target.path;
        Err(format!("{path}: too many redirects"))
    }

    fn redirected_away(&self, from: &RequestTarget, location: &str) -> String {
        let text = format!("{} redirects to {location}, on another host", from.path);
        match self.host {
            Some(_) => text,
            None => format!("{text}; if that is the site's own, set the host of the polls"),
        }
    }

    /// A request like that of a navigation. It may be answered by caches on the way: what counts is what visitors get.
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
                .extension(RequestContext {
                    assumes_https: true,
                    ..RequestContext::default()
                });
        }
        request.body(Empty::new()).map_err(error_text)
    }
}

/// Reads a body and decodes it: some upstreams encode whatever the request accepts. Ignores what comes after
/// [`MAX_BODY_BYTES`].
async fn read<B>(fetched: Fetched<B>, mut take: impl FnMut(&[u8])) -> Result<(), String>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let coding = text(&fetched.headers, &header::CONTENT_ENCODING).unwrap_or_default();
    let coding = match coding.trim() {
        plain if plain.is_empty() || plain.eq_ignore_ascii_case("identity") => None,
        name => match Coding::from_token(name) {
            Some(coding) => Some(coding),
            None => return Err(format!("unsupported Content-Encoding {name}")),
        },
    };
    let mut body = pin!(DecodeBody::new(fetched.body, coding));
    let mut left = MAX_BODY_BYTES;
    while left > 0
        && let Some(frame) = body.frame().await
    {
        let Ok(data) = frame.map_err(error_text)?.into_data() else {
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

/// An error with its sources, in one line.
fn error_text(error: impl Into<BoxError>) -> String {
    let error = error.into();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

const ACCEPT_PAGE: &str = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";

const ACCEPT_JSON: &str = "application/json";

const USER_AGENT: &str = concat!("tidings/", env!("CARGO_PKG_VERSION"));

// From http to https to www to the language to the start page.
const MAX_REDIRECTS: usize = 5;

// The tags of what a page loads are in its first kilobytes.
const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;
