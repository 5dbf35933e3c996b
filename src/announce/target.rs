//! The URL of a webhook, from the URL of its site.

use http::Uri;
use http::uri::PathAndQuery;

use crate::error::Error;
use crate::error::Kind;
use crate::http::prefix::ReservedPrefix;

/// The URL that an announcement is sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target(Uri);

impl Target {
    /// Parses the URL of a site, of its reserved paths, or of its webhook.
    ///
    /// # Errors
    ///
    /// If it is not a URL, has another scheme than `schemes`, no host, or credentials.
    pub(crate) fn parse(url: &str, schemes: &[&str]) -> Result<Self, Error> {
        let invalid = |reason| Error::new(Kind::InvalidUrl(url.to_owned(), reason));
        let uri: Uri = url.parse().map_err(|_| invalid("it is not a URL"))?;
        let scheme = uri.scheme_str();
        let scheme = scheme.ok_or_else(|| invalid("it does not begin with http:// or https://"))?;
        if scheme == "https" && !schemes.contains(&scheme) {
            return Err(invalid("this build has no TLS support, use http://"));
        }
        if !schemes.contains(&scheme) {
            return Err(invalid("it does not begin with http:// or https://"));
        }
        if uri
            .authority()
            .is_none_or(|authority| authority.as_str().contains('@'))
        {
            return Err(invalid("credentials in the URL are not supported"));
        }
        let path = match uri.path().trim_end_matches('/') {
            "" => ReservedPrefix::default().join("deploys"),
            path if path.ends_with("/deploys") => path.to_owned(),
            prefix => format!("{prefix}/deploys"),
        };
        let mut parts = uri.into_parts();
        let path = PathAndQuery::try_from(path).map_err(|_| invalid("it is not a URL"))?;
        parts.path_and_query = Some(path);
        let uri = Uri::from_parts(parts).map_err(|_| invalid("it is not a URL"))?;
        Ok(Self(uri))
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_defaults_to_the_deploys_path() {
        for (url, expected) in [
            ("http://x.test", "http://x.test/__tidings/deploys"),
            (
                "https://x.test:8443/",
                "https://x.test:8443/__tidings/deploys",
            ),
            (
                "http://[::1]:8080?q#f",
                "http://[::1]:8080/__tidings/deploys",
            ),
            (
                "http://x.test/__tidings/deploys",
                "http://x.test/__tidings/deploys",
            ),
            (
                "http://x.test/__tidings/deploys/",
                "http://x.test/__tidings/deploys",
            ),
            ("http://x.test/deploys", "http://x.test/deploys"),
            ("http://x.test/_news", "http://x.test/_news/deploys"),
            ("http://x.test/a/_news//", "http://x.test/a/_news/deploys"),
            ("HTTP://x.test/mydeploys", "http://x.test/mydeploys/deploys"),
        ] {
            let target = Target::parse(url, &["http", "https"]).unwrap();
            assert_eq!(target.uri().to_string(), expected, "{url}");
        }
    }

    #[test]
    fn invalid_url_is_rejected_with_the_reason() {
        for (url, reason) in [
            ("", "not a URL"),
            ("x.test", "begin with"),
            ("x.test:80", "begin with"),
            ("/deploys", "begin with"),
            ("ftp://x.test", "begin with"),
            ("http://", "not a URL"),
            ("http://a b", "not a URL"),
            ("http://me:pw@x.test", "credentials"),
        ] {
            let error = Target::parse(url, &["http", "https"]).unwrap_err();
            assert!(error.to_string().contains(reason), "{url}: {error}");
            assert!(error.is_config());
        }
        let error = Target::parse("https://x.test", &["http"]).unwrap_err();
        assert!(error.to_string().contains("no TLS support"), "{error}");
    }
}
