//! The fallback for paths without a file.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::error::Kind;
use crate::http::media_type;
use crate::release::Release;

/// The response to a navigation whose path has no file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Fallback {
    /// `/404.html` with status 404 if the release has one; otherwise `/index.html` with status 200, for a single-page
    /// app with client-side routes.
    #[default]
    Auto,
    /// `/404.html` if the release has one, otherwise an empty 404.
    None,
    /// The page at this path, with status 200.
    Page(String),
}

impl Fallback {
    /// Returns the path of the page that serves the app's client-side routes; `None` if there are none.
    pub(crate) fn app_shell<'a>(&'a self, release: &Release) -> Option<&'a str> {
        match self {
            Self::Auto if release.get(NOT_FOUND).is_none() => Some("/index.html"),
            Self::Auto | Self::None => None,
            Self::Page(path) => Some(path),
        }
    }
}

impl FromStr for Fallback {
    type Err = Error;

    /// Parses `auto`, `none`, or the path of a page such as `/app.html`.
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
    fn fallback_keyword_or_page_path_parses() {
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
