//! `Content-Encoding` (RFC 9110, section 8.4).

use std::borrow::Cow;

use http::HeaderMap;
use http::header;

use crate::http::coding::coding::Coding;

/// The coding of a body, as its header fields name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ContentEncoding {
    /// None: there is no such field, or an empty one, or one that names `identity`.
    Identity,
    /// One that can be decoded.
    Known(Coding),
    /// One that can't be decoded, or several of them applied one after the other: the field's value.
    Unsupported(String),
}

impl ContentEncoding {
    /// The coding that these header fields name. Several fields count as one with commas.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Self {
        let fields = headers.get_all(header::CONTENT_ENCODING).iter();
        let fields: Vec<Cow<'_, str>> = fields
            .map(|field| String::from_utf8_lossy(field.as_bytes()))
            .collect();
        let tokens = fields.iter().flat_map(|field| field.split(','));
        let mut tokens = tokens.map(str::trim).filter(|token| !token.is_empty());
        match (tokens.next(), tokens.next()) {
            (None, _) => Self::Identity,
            (Some(token), None) if token.eq_ignore_ascii_case("identity") => Self::Identity,
            (Some(token), None) => Coding::from_token(token)
                .map_or_else(|| Self::Unsupported(token.to_owned()), Self::Known),
            (Some(_), Some(_)) => Self::Unsupported(fields.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn parse(fields: &[&'static str]) -> ContentEncoding {
        let fields = fields.iter().copied().map(HeaderValue::from_static);
        let fields = fields.map(|field| (header::CONTENT_ENCODING, field));
        ContentEncoding::from_headers(&fields.collect())
    }

    #[test]
    fn content_encoding_with_one_token_is_its_coding() {
        for (field, expected) in [
            ("", None),
            (" , ", None),
            ("identity", None),
            ("Identity", None),
            ("gzip", Some(Coding::Gzip)),
            (" GZip ", Some(Coding::Gzip)),
            ("x-gzip", Some(Coding::Gzip)),
            ("br", Some(Coding::Brotli)),
            ("deflate", Some(Coding::Deflate)),
        ] {
            let expected = expected.map_or(ContentEncoding::Identity, ContentEncoding::Known);
            assert_eq!(parse(&[field]), expected, "{field}");
        }
        assert_eq!(parse(&[]), ContentEncoding::Identity);
    }

    #[test]
    fn content_encoding_unknown_or_stacked_is_unsupported() {
        for (fields, expected) in [
            (&["compress"][..], "compress"),
            (&["gzip, br"], "gzip, br"),
            (&["gzip", "br"], "gzip, br"),
            (&["gzip, identity"], "gzip, identity"),
        ] {
            let expected = ContentEncoding::Unsupported(expected.to_owned());
            assert_eq!(parse(fields), expected);
        }
    }
}
