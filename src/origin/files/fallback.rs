//! What answers a path that no file has.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::error::Kind;
use crate::http::media_type;
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

impl fmt::Display for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::None => "none",
            Self::Page(path) => path,
        })
    }
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
}
