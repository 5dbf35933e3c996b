//! The credentials of a request: the secret, or a signature by it.

use data_encoding::HEXLOWER_PERMISSIVE;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header;

use crate::endpoint::deploys::secret::SCHEME;
use crate::endpoint::deploys::secret::SIGNATURE_HEADER;
use crate::endpoint::deploys::secret::Secret;
use crate::endpoint::deploys::secret::SignatureCode;

/// The credentials of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// The secret itself (RFC 6750, section 2.1).
    Bearer,
    /// A signature of the body, not verified yet.
    Signature(SignatureCode),
}

impl Credentials {
    /// The credentials in the headers of a request. A request with a wrong bearer token is unauthorized even if it has a
    /// signature.
    pub(crate) fn from_headers(headers: &HeaderMap, secret: &Secret) -> Result<Self, Unauthorized> {
        if let Some(token) = bearer_token(headers)? {
            return secret
                .equals(token)
                .then_some(Self::Bearer)
                .ok_or(Unauthorized);
        }
        let signature = single_value(headers, &HeaderName::from_static(SIGNATURE_HEADER))?;
        let code = signature.and_then(parse_signature);
        code.map(Self::Signature).ok_or(Unauthorized)
    }
}

/// No credentials, or wrong ones.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unauthorized;

/// The bearer token (RFC 6750, section 2.1), if there is one.
fn bearer_token(headers: &HeaderMap) -> Result<Option<&[u8]>, Unauthorized> {
    let Some(credentials) = single_value(headers, &header::AUTHORIZATION)? else {
        return Ok(None);
    };
    let (scheme, rest) = credentials
        .split_at_checked(BEARER.len())
        .unwrap_or_default();
    // Another scheme is for someone else, such as a proxy that asks for a password.
    let is_bearer = scheme.eq_ignore_ascii_case(BEARER);
    Ok(is_bearer.then(|| rest.trim_ascii()))
}

fn parse_signature(value: &[u8]) -> Option<SignatureCode> {
    let code = value.strip_prefix(SCHEME.as_bytes())?;
    let code = HEXLOWER_PERMISSIVE.decode(code).ok()?;
    code.try_into().ok()
}

/// The value of a header. If there are two, it is unknown which one counts.
fn single_value<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a [u8]>, Unauthorized> {
    let mut values = headers.get_all(name).iter();
    let first = values.next().map(HeaderValue::as_bytes);
    if values.next().is_some() {
        return Err(Unauthorized);
    }
    Ok(first)
}

const BEARER: &[u8] = b"bearer ";

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef";
    const CODE: &str = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn credentials(headers: &[(&'static str, &str)]) -> Option<Credentials> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        Credentials::from_headers(&map, &Secret::new(SECRET).unwrap()).ok()
    }

    #[test]
    fn bearer_token_is_verified_from_the_header() {
        for (value, is_valid) in [
            ("Bearer 0123456789abcdef", true),
            ("bearer  0123456789abcdef", true),
            ("BEARER 0123456789abcdef", true),
            ("Bearer 0123456789abcdeF", false),
            ("Bearer 0123456789abcdef0", false),
            ("Bearer ", false),
            ("Bearer", false),
            ("Bearer0123456789abcdef", false),
            ("Basic 0123456789abcdef", false),
            ("0123456789abcdef", false),
            ("", false),
        ] {
            let found = credentials(&[("authorization", value)]);
            assert_eq!(found, is_valid.then_some(Credentials::Bearer), "{value:?}");
        }
    }

    #[test]
    fn signature_needs_scheme_and_code() {
        let right = format!("sha256={CODE}");
        let upper = format!("sha256={}", CODE.to_uppercase());
        for (value, is_valid) in [
            (&*right, true),
            (&*upper, true),
            (CODE, false),
            ("sha256=", false),
            (&right[..right.len() - 2], false),
            (&*right.replace("sha256", "sha1"), false),
            (&*right.replace('7', "x"), false),
            ("", false),
        ] {
            let found = credentials(&[("x-hub-signature-256", value)]);
            assert_eq!(
                matches!(found, Some(Credentials::Signature(_))),
                is_valid,
                "{value:?}"
            );
        }
    }

    #[test]
    fn two_credentials_prefer_the_token_and_duplicates_are_unauthorized() {
        let (right, wrong) = ("Bearer 0123456789abcdef", "Bearer 0123456789abcdeg");
        let signature = format!("sha256={CODE}");
        let signed = ("x-hub-signature-256", &*signature);
        assert_eq!(credentials(&[]), None);
        assert_eq!(
            credentials(&[("authorization", right), signed]),
            Some(Credentials::Bearer)
        );
        assert_eq!(credentials(&[("authorization", wrong), signed]), None);
        let with_basic = credentials(&[("authorization", "Basic eDp5"), signed]);
        assert!(matches!(with_basic, Some(Credentials::Signature(_))));
        assert_eq!(credentials(&[signed, signed]), None);
        assert_eq!(
            credentials(&[("authorization", right), ("authorization", right)]),
            None
        );
    }
}
