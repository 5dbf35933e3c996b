//! The secret that a webhook and those who call it share.

use std::fmt;

use data_encoding::HEXLOWER;
use hmac::Hmac;
use hmac::KeyInit as _;
use hmac::Mac as _;
use sha2::Sha256;

use crate::error::Error;
use crate::error::Kind;

/// What whoever announces a deploy has to know. `Debug` does not show it.
///
/// ```
/// use tidings::Secret;
///
/// let secret = Secret::new("0b5c1f7a9d3e48a6b2c4d6e8f0a1b3c5")?;
/// assert_eq!(format!("{secret:?}"), "Secret(…)");
/// assert!(Secret::new("guess me").is_err());
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Clone)]
pub struct Secret {
    /// Where every code begins.
    keyed: Hmac<Sha256>,
    /// The code of the secret itself.
    own: Code,
}

/// An HMAC-SHA256 (RFC 2104).
pub(crate) type Code = [u8; 32];

impl Secret {
    /// A secret of these bytes, as they are in a file: line breaks at the end are no part of it.
    ///
    /// # Errors
    ///
    /// If there are less than 16 bytes.
    pub fn new(bytes: impl AsRef<[u8]>) -> Result<Self, Error> {
        let mut bytes = bytes.as_ref();
        while let [rest @ .., b'\r' | b'\n'] = bytes {
            bytes = rest;
        }
        let keyed = Hmac::new_from_slice(bytes).ok();
        let keyed = keyed.filter(|_| bytes.len() >= LEAST_BYTES);
        let keyed: Hmac<Sha256> = keyed.ok_or_else(|| Error::new(Kind::InvalidSecret))?;
        let own = keyed.clone().chain_update(bytes).finalize().into_bytes();
        Ok(Self {
            keyed,
            own: own.into(),
        })
    }

    /// True if `given` is the secret. Takes the same time wherever they differ, and whatever their lengths.
    pub(crate) fn is(&self, given: &[u8]) -> bool {
        self.signed(given, &self.own)
    }

    /// True if `code` is that of `message`. Takes the same time wherever they differ.
    pub(crate) fn signed(&self, message: &[u8], code: &Code) -> bool {
        let found = self.keyed.clone().chain_update(message);
        found.verify_slice(code).is_ok()
    }

    /// The value of [`SIGNATURE`] for this message.
    pub(crate) fn sign(&self, message: &[u8]) -> String {
        let code = self.keyed.clone().chain_update(message).finalize();
        format!("{SCHEME}{}", HEXLOWER.encode(&code.into_bytes()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The field that carries the signature of a message: `sha256=` and its code in hex, as GitHub sends it.
pub(crate) const SIGNATURE: &str = "x-hub-signature-256";

/// What stands before the code.
pub(crate) const SCHEME: &str = "sha256=";

// 128 bits, if they are random. Most are written in hex and have twice as many.
const LEAST_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_signed_as_github_signs_it() {
        let secret = Secret::new("It's a Secret to Everybody\n").unwrap();
        let expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert_eq!(secret.sign(b"Hello, World!"), expected);
        let code = HEXLOWER.decode(&expected.as_bytes()[SCHEME.len()..]);
        let code: Code = code.unwrap().try_into().unwrap();
        assert!(secret.signed(b"Hello, World!", &code));
        assert!(!secret.signed(b"Hello, World", &code));
    }

    #[test]
    fn only_the_whole_secret_is_the_secret() {
        let secret = Secret::new(b"0123456789abcdef\r\n").unwrap();
        assert!(secret.is(b"0123456789abcdef"));
        for given in [
            "",
            "0",
            "0123456789abcde",
            "0123456789abcdef\n",
            "0123456789abcdef0",
        ] {
            assert!(!secret.is(given.as_bytes()), "{given:?}");
        }
    }

    #[test]
    fn a_short_secret_is_refused_with_a_way_to_a_better_one() {
        for short in ["", "\n", "0123456789abcde", "0123456789abcde\n\n"] {
            let error = Secret::new(short).unwrap_err();
            assert!(
                error.to_string().contains("openssl rand -hex 32"),
                "{error}"
            );
            assert!(error.is_config());
        }
    }
}
