//! What distinguishes the builds of an upstream.

use std::fmt;
use std::str::FromStr;

use http::HeaderName;
use serde_json::Value;

use crate::error::Error;
use crate::error::Kind;

/// What distinguishes the builds of an upstream.
///
/// ```
/// use tidings::Fingerprint;
///
/// for text in ["scripts", "header:X-Version", "json:/version.json#build.id", "etag"] {
///     text.parse::<Fingerprint>()?;
/// }
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Fingerprint {
    /// The local scripts and style sheets that its pages load, and the inline scripts. Nonces, tokens, times and the
    /// order of attributes are ignored.
    #[default]
    Scripts,
    /// This header of the response with the first page.
    Header(HeaderName),
    /// A value in a JSON file.
    Json(JsonField),
    /// The entity tags of its pages.
    Etag,
}

/// A value in a JSON file: `/version.json#version`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonField {
    path: String,
    /// A JSON Pointer (RFC 6901), usually of one name.
    pointer: String,
}

impl JsonField {
    /// The path of the file on the upstream.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The value in this file, if there is one: a string, number or boolean.
    pub(crate) fn value_in(&self, json: &[u8]) -> Option<String> {
        let json: Value = serde_json::from_slice(json).ok()?;
        match json.pointer(&self.pointer)? {
            Value::String(text) => Some(text.clone()),
            value @ (Value::Number(_) | Value::Bool(_)) => Some(value.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

impl FromStr for JsonField {
    type Err = Error;

    /// A path that begins with a slash, `#`, and the place of the value in the file: names separated by dots, or a
    /// JSON Pointer (RFC 6901), as in `/version.json#build.id` and `/version.json#/build/id`.
    fn from_str(field: &str) -> Result<Self, Error> {
        let invalid = || Error::new(Kind::InvalidFingerprint(format!("json:{field}")));
        let (path, key) = field.split_once('#').ok_or_else(invalid)?;
        if !is_path(path) || key.is_empty() {
            return Err(invalid());
        }
        let pointer = if key.starts_with('/') {
            key.to_owned()
        } else {
            format!(
                "/{}",
                key.replace('~', "~0").replace('/', "~1").replace('.', "/")
            )
        };
        Ok(Self {
            path: path.to_owned(),
            pointer,
        })
    }
}

impl FromStr for Fingerprint {
    type Err = Error;

    /// `scripts`, `header:NAME`, `json:/path#key` or `etag`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = || Error::new(Kind::InvalidFingerprint(text.to_owned()));
        match text.split_once(':') {
            None if text == "scripts" => Ok(Self::Scripts),
            None if text == "etag" => Ok(Self::Etag),
            Some(("header", name)) => Ok(Self::Header(name.parse().map_err(|_| invalid())?)),
            Some(("json", field)) => Ok(Self::Json(field.parse()?)),
            _ => Err(invalid()),
        }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scripts => f.write_str("scripts"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Json(field) => write!(f, "json:{}#{}", field.path, field.pointer),
            Self::Etag => f.write_str("etag"),
        }
    }
}

/// True for a valid request target that begins with exactly one slash.
pub(crate) fn is_path(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && path.parse::<http::uri::PathAndQuery>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_fingerprint_is_rejected() {
        for text in [
            "",
            "script",
            "Etag",
            "header",
            "header:",
            "header:a b",
            "json",
            "json:",
            "json:/v.json",
            "json:/v.json#",
            "json:v.json#v",
            "json://x/v.json#v",
            "json:#v",
            "etag:x",
        ] {
            let error = text.parse::<Fingerprint>().unwrap_err();
            assert!(
                error.to_string().contains("invalid fingerprint"),
                "{text:?}: {error}"
            );
            assert!(error.is_config());
        }
    }

    #[test]
    fn fingerprint_is_displayed_as_parsed() {
        for (text, expected) in [
            ("scripts", "scripts"),
            ("header:X-Version", "header:x-version"),
            ("json:/v.json?a=b#build.id", "json:/v.json?a=b#/build/id"),
            ("etag", "etag"),
        ] {
            let parsed: Fingerprint = text.parse().unwrap();
            assert_eq!(parsed.to_string(), expected);
            assert_eq!(expected.parse::<Fingerprint>().unwrap(), parsed);
        }
    }

    #[test]
    fn json_value_is_found_by_name_or_pointer() {
        let json =
            br#"{"version":"1.4.2","build":{"id":7,"ok":true,"at":null},"a/b":"c","list":["x"]}"#;
        for (key, expected) in [
            ("version", Some("1.4.2")),
            ("build.id", Some("7")),
            ("/build/id", Some("7")),
            ("build.ok", Some("true")),
            ("build.at", None),
            ("build", None),
            ("a/b", Some("c")),
            ("/a~1b", Some("c")),
            ("list.0", Some("x")),
            ("nothing", None),
        ] {
            let field: JsonField = format!("/v.json#{key}").parse().unwrap();
            assert_eq!(field.value_in(json).as_deref(), expected, "{key}");
        }
        let field: JsonField = "/v.json#v".parse().unwrap();
        assert_eq!(field.value_in(b"<html>"), None);
    }
}
