//! The secret that a webhook shares with its clients.

use std::fmt;

use data_encoding::HEXLOWER;
use hmac::Hmac;
use hmac::KeyInit as _;
use hmac::Mac as _;
use sha2::Sha256;

use crate::error::Error;
use crate::error::Kind;

/// The secret that authorizes announcements of deploys. `Debug` does not show it.
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
    /// The state that every signature starts from.
    keyed: Hmac<Sha256>,
    /// The code of the secret itself.
    own: SignatureCode,
}

/// An HMAC-SHA256 (RFC 2104).
pub(crate) type SignatureCode = [u8; 32];

impl Secret {
    /// A secret of these bytes. Line breaks at the end, as in a file, are removed.
    ///
    /// # Errors
    ///
    /// If it is shorter than 16 bytes.
    pub fn new(bytes: impl AsRef<[u8]>) -> Result<Self, Error> {
        let mut bytes = bytes.as_ref();
        while let [rest @ .., b'\r' | b'\n'] = bytes {
            bytes = rest;
        }
        let keyed = Hmac::new_from_slice(bytes).ok();
        let keyed = keyed.filter(|_| bytes.len() >= MIN_BYTES);
        let keyed: Hmac<Sha256> = keyed.ok_or_else(|| Error::new(Kind::InvalidSecret))?;
        let own = keyed.clone().chain_update(bytes).finalize().into_bytes();
        Ok(Self {
            keyed,
            own: own.into(),
        })
    }

    /// True if `token` is the secret. Takes the same time wherever they differ, and whatever their lengths.
    pub(crate) fn equals(&self, token: &[u8]) -> bool {
        self.verifies(token, &self.own)
    }

    /// True if `code` is the signature of `body`. Takes the same time wherever they differ.
    pub(crate) fn verifies(&self, body: &[u8], code: &SignatureCode) -> bool {
        let found = self.keyed.clone().chain_update(body);
        found.verify_slice(code).is_ok()
    }

    /// The value of [`SIGNATURE_HEADER`] for this body.
    pub(crate) fn sign(&self, body: &[u8]) -> String {
        let code = self.keyed.clone().chain_update(body).finalize();
        format!("{SCHEME}{}", HEXLOWER.encode(&code.into_bytes()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The header with the signature of the body: `sha256=` and the code in hex, as GitHub sends it.
pub(crate) const SIGNATURE_HEADER: &str = "x-hub-signature-256";

/// The prefix of the code.
pub(crate) const SCHEME: &str = "sha256=";

// 128 bits, if they are random. Secrets in hex have twice as many bytes.
const MIN_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_matches_github() {
        let secret = Secret::new("It's a Secret to Everybody\n").unwrap();
        let expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert_eq!(secret.sign(b"Hello, World!"), expected);
        let code = HEXLOWER.decode(&expected.as_bytes()[SCHEME.len()..]);
        let code: SignatureCode = code.unwrap().try_into().unwrap();
        assert!(secret.verifies(b"Hello, World!", &code));
        assert!(!secret.verifies(b"Hello, World", &code));
    }

    #[test]
    fn equals_only_the_whole_secret() {
        let secret = Secret::new(b"0123456789abcdef\r\n").unwrap();
        assert!(secret.equals(b"0123456789abcdef"));
        for given in [
            "",
            "0",
            "0123456789abcde",
            "0123456789abcdef\n",
            "0123456789abcdef0",
        ] {
            assert!(!secret.equals(given.as_bytes()), "{given:?}");
        }
    }

    #[test]
    fn short_secret_is_rejected_with_advice() {
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
