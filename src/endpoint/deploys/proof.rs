//! The proof: how a request shows that it comes from somebody who has the secret.

use data_encoding::HEXLOWER_PERMISSIVE;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header;

use crate::endpoint::deploys::secret::Code;
use crate::endpoint::deploys::secret::SCHEME;
use crate::endpoint::deploys::secret::SIGNATURE;
use crate::endpoint::deploys::secret::Secret;

/// What a request has to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// The secret itself (RFC 6750, section 2.1).
    Bearer,
    /// What is the code of the body, or not.
    Signature(Code),
}

impl Proof {
    /// The proof in the head of a request. `None` if there is none, or one that is wrong already: a request whose bearer
    /// token is wrong gets no second chance by a signature.
    pub(crate) fn of(fields: &HeaderMap, secret: &Secret) -> Option<Self> {
        if let Some(token) = bearer(fields).ok()? {
            return secret.is(token).then_some(Self::Bearer);
        }
        let signature = one(fields, &HeaderName::from_static(SIGNATURE)).ok()??;
        let code = signature.strip_prefix(SCHEME.as_bytes())?;
        let code = HEXLOWER_PERMISSIVE.decode(code).ok()?;
        code.try_into().ok().map(Self::Signature)
    }
}

/// A field that is there more than once, of which nobody can say which counts.
struct Twice;

/// The bearer token, if there is one.
fn bearer(fields: &HeaderMap) -> Result<Option<&[u8]>, Twice> {
    let Some(credentials) = one(fields, &header::AUTHORIZATION)? else {
        return Ok(None);
    };
    let (scheme, rest) = credentials
        .split_at_checked(BEARER.len())
        .unwrap_or_default();
    // Another scheme is somebody else's, such as a proxy's that asks for a password.
    let is_bearer = scheme.eq_ignore_ascii_case(BEARER);
    Ok(is_bearer.then(|| rest.trim_ascii()))
}

fn one<'a>(fields: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a [u8]>, Twice> {
    let mut values = fields.get_all(name).iter();
    let first = values.next().map(HeaderValue::as_bytes);
    if values.next().is_some() {
        return Err(Twice);
    }
    Ok(first)
}

const BEARER: &[u8] = b"bearer ";

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef";
    const CODE: &str = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn proof(fields: &[(&'static str, &str)]) -> Option<Proof> {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        Proof::of(&map, &Secret::new(SECRET).unwrap())
    }

    #[test]
    fn a_bearer_token_is_judged_by_the_head_alone() {
        for (value, is_right) in [
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
            let found = proof(&[("authorization", value)]);
            assert_eq!(found, is_right.then_some(Proof::Bearer), "{value:?}");
        }
    }

    #[test]
    fn a_signature_is_a_scheme_and_a_code() {
        let right = format!("sha256={CODE}");
        let upper = format!("sha256={}", CODE.to_uppercase());
        for (value, is_one) in [
            (&*right, true),
            (&*upper, true),
            (CODE, false),
            ("sha256=", false),
            (&right[..right.len() - 2], false),
            (&*right.replace("sha256", "sha1"), false),
            (&*right.replace('7', "x"), false),
            ("", false),
        ] {
            let found = proof(&[("x-hub-signature-256", value)]);
            assert_eq!(
                matches!(found, Some(Proof::Signature(_))),
                is_one,
                "{value:?}"
            );
        }
    }

    #[test]
    fn of_two_proofs_the_token_counts_and_two_of_a_kind_are_none() {
        let (right, wrong) = ("Bearer 0123456789abcdef", "Bearer 0123456789abcdeg");
        let signature = format!("sha256={CODE}");
        let signed = ("x-hub-signature-256", &*signature);
        assert_eq!(proof(&[]), None);
        assert_eq!(
            proof(&[("authorization", right), signed]),
            Some(Proof::Bearer)
        );
        assert_eq!(proof(&[("authorization", wrong), signed]), None);
        let by_password = proof(&[("authorization", "Basic eDp5"), signed]);
        assert!(matches!(by_password, Some(Proof::Signature(_))));
        assert_eq!(proof(&[signed, signed]), None);
        assert_eq!(
            proof(&[("authorization", right), ("authorization", right)]),
            None
        );
    }
}
