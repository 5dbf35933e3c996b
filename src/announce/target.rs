//! The target: the URL of a webhook, made from what people write.

use http::Uri;
use http::uri::PathAndQuery;

use crate::error::Error;
use crate::error::Kind;
use crate::http::prefix::ReservedPrefix;

/// Where an announcement goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target(Uri);

impl Target {
    /// # Errors
    ///
    /// If it has none of the schemes, no host, a name and password, or is no URL at all.
    pub(crate) fn parse(url: &str, schemes: &[&str]) -> Result<Self, Error> {
        let refused = |why| Error::new(Kind::InvalidUrl(url.to_owned(), why));
        let uri: Uri = url.parse().map_err(|_| refused("it is no URL"))?;
        let scheme = uri.scheme_str();
        let scheme = scheme.ok_or_else(|| refused("it does not begin with http:// or https://"))?;
        if scheme == "https" && !schemes.contains(&scheme) {
            return Err(refused(
                "this tidings is built without TLS, for http:// only",
            ));
        }
        if !schemes.contains(&scheme) {
            return Err(refused("it does not begin with http:// or https://"));
        }
        if uri
            .authority()
            .is_none_or(|authority| authority.as_str().contains('@'))
        {
            return Err(refused("it has a name in front of the host"));
        }
        let path = match uri.path().trim_end_matches('/') {
            "" => ReservedPrefix::default().join("deploys"),
            path if path.ends_with("/deploys") => path.to_owned(),
            prefix => format!("{prefix}/deploys"),
        };
        let mut parts = uri.into_parts();
        let path = PathAndQuery::try_from(path).map_err(|_| refused("it is no URL"))?;
        parts.path_and_query = Some(path);
        let uri = Uri::from_parts(parts).map_err(|_| refused("it is no URL"))?;
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
    fn a_site_is_enough() {
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
    fn what_is_no_url_is_refused_with_the_reason() {
        for (url, why) in [
            ("", "no URL"),
            ("x.test", "begin with"),
            ("x.test:80", "begin with"),
            ("/deploys", "begin with"),
            ("ftp://x.test", "begin with"),
            ("http://", "no URL"),
            ("http://a b", "no URL"),
            ("http://me:pw@x.test", "name in front"),
        ] {
            let error = Target::parse(url, &["http", "https"]).unwrap_err();
            assert!(error.to_string().contains(why), "{url}: {error}");
            assert!(error.is_config());
        }
        let error = Target::parse("https://x.test", &["http"]).unwrap_err();
        assert!(error.to_string().contains("without TLS"), "{error}");
    }
}
