//! `Content-Encoding` (RFC 9110, section 8.4).

use std::borrow::Cow;

use http::HeaderMap;
use http::header;

use crate::http::coding::Coding;

/// What a page comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Came {
    /// No coding, by whatever words.
    Plain,
    In(Coding),
    /// A coding that we don't know, or several, one in the other: as it was named.
    Unknown(String),
}

impl Came {
    pub(crate) fn by(headers: &HeaderMap) -> Self {
        let fields = headers.get_all(header::CONTENT_ENCODING).iter();
        let fields: Vec<Cow<'_, str>> = fields
            .map(|field| String::from_utf8_lossy(field.as_bytes()))
            .collect();
        let names = fields.iter().flat_map(|field| field.split(','));
        let mut names = names.map(str::trim).filter(|name| !name.is_empty());
        match (names.next(), names.next()) {
            (None, _) => Self::Plain,
            (Some(name), None) if name.eq_ignore_ascii_case("identity") => Self::Plain,
            (Some(name), None) => {
                Coding::named(name).map_or_else(|| Self::Unknown(name.to_owned()), Self::In)
            }
            (Some(_), Some(_)) => Self::Unknown(fields.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came(fields: &[&'static str]) -> Came {
        let fields = fields.iter();
        let fields = fields.map(|field| {
            (
                header::CONTENT_ENCODING,
                http::HeaderValue::from_static(field),
            )
        });
        Came::by(&fields.collect())
    }

    #[test]
    fn one_coding_is_known_by_its_name() {
        for (field, expected) in [
            ("", None),
            (" , ", None),
            ("identity", None),
            ("Identity", None),
            ("gzip", Some("gzip")),
            (" GZip ", Some("gzip")),
            ("x-gzip", Some("gzip")),
            ("br", Some("br")),
            ("deflate", Some("deflate")),
        ] {
            let expected =
                expected.map_or(Came::Plain, |name| Came::In(Coding::named(name).unwrap()));
            assert_eq!(came(&[field]), expected, "{field}");
        }
        assert_eq!(came(&[]), Came::Plain);
    }

    #[test]
    fn what_is_unknown_or_stacked_keeps_its_name() {
        for (fields, expected) in [
            (&["compress"][..], "compress"),
            (&["gzip, br"], "gzip, br"),
            (&["gzip", "br"], "gzip, br"),
            (&["gzip, identity"], "gzip, identity"),
        ] {
            assert_eq!(came(fields), Came::Unknown(expected.to_owned()));
        }
    }
}
