//! What answers a path that no file has.

use std::str::FromStr;

use http::HeaderMap;
use http::Method;

use crate::error::Error;
use crate::error::Kind;
use crate::http::media_type;
use crate::notify::eligibility;
use crate::release::Release;

/// What answers a navigation to a path that no file has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Fallback {
    /// `/index.html`, for a single-page app with its own routes; where there is a `/404.html`, that, with
    /// status 404.
    #[default]
    Auto,
    /// `/404.html` where there is one, else a plain 404.
    None,
    /// The page at this path, with status 200.
    Page(String),
}

impl Fallback {
    /// The path of the page that `release` has for a route of the app; `None` if it has no such routes.
    pub(crate) fn shell<'a>(&'a self, release: &Release) -> Option<&'a str> {
        match self {
            Self::Auto if release.get(NOT_FOUND).is_none() => Some("/index.html"),
            Self::Auto | Self::None => None,
            Self::Page(path) => Some(path),
        }
    }
}

impl FromStr for Fallback {
    type Err = Error;

    /// `auto`, `none`, or the path of a page: `/app.html`.
    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "auto" => Ok(Self::Auto),
            "none" => Ok(Self::None),
            page => {
                let path = format!("/{}", page.trim_start_matches('/'));
                let is_plain = path
                    .split('/')
                    .skip(1)
                    .all(|s| !matches!(s, "" | "." | ".."));
                let is_page = media_type::kind(&path) == media_type::Kind::Page;
                if is_plain && is_page {
                    Ok(Self::Page(path))
                } else {
                    Err(Error::new(Kind::InvalidFallback(page.to_owned())))
                }
            }
        }
    }
}

/// True for a request of somebody who goes to a page, as against a script, image or fetch: by
/// `Sec-Fetch-Dest` where there is one (Fetch Metadata, section 2.1), else by an `Accept` that names HTML. Our
/// client's preflight is to see what a navigation would.
pub(crate) fn is_navigation(method: &Method, headers: &HeaderMap) -> bool {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return false;
    }
    if eligibility::is_preflight(headers) {
        return true;
    }
    eligibility::is_to_show(headers).unwrap_or_else(|| eligibility::accepts_html(headers))
}

pub(crate) const NOT_FOUND: &str = "/404.html";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fallback_is_a_word_or_a_page() {
        for (text, expected) in [
            ("auto", Fallback::Auto),
            ("none", Fallback::None),
            ("app.html", Fallback::Page("/app.html".into())),
            ("/sub/app.html", Fallback::Page("/sub/app.html".into())),
        ] {
            assert_eq!(text.parse::<Fallback>().unwrap(), expected);
        }
        for text in ["", "spa", "../x.html", "a//b.html", "/app.js"] {
            assert!(text.parse::<Fallback>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_navigation_asks_for_a_document() {
        let check = |fields: &[(&str, &str)], expected| {
            let headers = fields
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            let headers: HeaderMap<http::HeaderValue> = headers.collect::<HeaderMap<_>>();
            assert_eq!(
                is_navigation(&Method::GET, &headers),
                expected,
                "{fields:?}"
            );
            assert!(!is_navigation(&Method::POST, &headers));
        };
        check(
            &[("accept", "text/html,application/xhtml+xml,*/*;q=0.8")],
            true,
        );
        check(&[("accept", "*/*")], false);
        check(&[("accept", "application/json")], false);
        check(&[], false);
        check(&[("sec-fetch-dest", "document"), ("accept", "*/*")], true);
        check(&[("sec-fetch-dest", "iframe")], true);
        check(
            &[("sec-fetch-dest", "empty"), ("sec-fetch-mode", "navigate")],
            true,
        );
        check(
            &[("sec-fetch-dest", "empty"), ("tidings-preflight", "1")],
            true,
        );
        check(
            &[("sec-fetch-dest", "script"), ("accept", "text/html")],
            false,
        );
        check(
            &[("sec-fetch-dest", "empty"), ("accept", "text/html")],
            false,
        );
    }
}
