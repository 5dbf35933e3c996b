//! The content codings that a client accepts: `Accept-Encoding` (RFC 9110, section 12.5.3).

use http::HeaderMap;
use http::header;

/// The weights of the supported content codings in a request's `Accept-Encoding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct AcceptEncoding {
    identity: Option<Weight>,
    zstd: Option<Weight>,
    brotli: Option<Weight>,
    gzip: Option<Weight>,
    deflate: Option<Weight>,
    any: Option<Weight>,
}

/// A quality value in thousandths.
type Weight = u16;

impl AcceptEncoding {
    /// Parses `Accept-Encoding`. By the RFC a request without the field accepts any coding; here it accepts only
    /// identity, since its client may not support any other.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Self {
        let mut accept_encoding = Self::default();
        for value in headers.get_all(header::ACCEPT_ENCODING) {
            let Ok(value) = value.to_str() else { continue };
            for item in value.split(',') {
                accept_encoding.add(item);
            }
        }
        accept_encoding
    }

    fn add(&mut self, item: &str) {
        let mut parts = item.split(';');
        let coding = parts.next().unwrap_or("").trim();
        let weight = parts
            .find_map(|parameter| {
                let (name, value) = parameter.split_once('=')?;
                name.trim()
                    .eq_ignore_ascii_case("q")
                    .then(|| weight(value.trim()))
            })
            .unwrap_or(1000);
        let slot = match coding {
            coding if coding.eq_ignore_ascii_case("br") => &mut self.brotli,
            coding if coding.eq_ignore_ascii_case("gzip") => &mut self.gzip,
            coding if coding.eq_ignore_ascii_case("x-gzip") => &mut self.gzip,
            coding if coding.eq_ignore_ascii_case("deflate") => &mut self.deflate,
            coding if coding.eq_ignore_ascii_case("zstd") => &mut self.zstd,
            coding if coding.eq_ignore_ascii_case("identity") => &mut self.identity,
            "*" => &mut self.any,
            _ => return,
        };
        *slot = Some(weight);
    }

    /// Returns true if the client accepts the coding with this token.
    pub(crate) fn allows(self, token: &str) -> bool {
        self.weight_of(token) > 0
    }

    /// Returns the offered coding with the highest weight; of equal weights, the one that is offered first. Each is
    /// offered with its token.
    ///
    /// `None` stands for identity. It is also returned if the client accepts none of the codings, nor identity: no
    /// browser expects a 406.
    pub(crate) fn choose<C>(
        self,
        offered: impl IntoIterator<Item = (&'static str, C)>,
    ) -> Option<C> {
        // Identity is acceptable unless it is excluded by name or by `*;q=0`.
        let identity = self
            .identity
            .or(self.any.filter(|&any| any == 0))
            .unwrap_or(1);
        let mut best = (0, None);
        for (token, coding) in offered {
            let weight = self.weight_of(token);
            if weight > best.0 {
                best = (weight, Some(coding));
            }
        }
        best.1.filter(|_| best.0 >= identity)
    }

    fn weight_of(self, token: &str) -> Weight {
        let weight = match token {
            "zstd" => self.zstd,
            "br" => self.brotli,
            "gzip" => self.gzip,
            "deflate" => self.deflate,
            _ => Some(0),
        };
        weight.or(self.any).unwrap_or(0)
    }
}

/// Parses a weight such as `0.5`, in thousandths. An invalid weight is 0.
fn weight(text: &str) -> Weight {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.len() > 1 || fraction.len() > 3 {
        return 0;
    }
    let digits = format!("{whole}{fraction:0<3}");
    digits.parse().map_or(0, |weight: Weight| weight.min(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(&str, &str); 4] = [
        ("zstd", "zstd"),
        ("br", "br"),
        ("gzip", "gzip"),
        ("deflate", "deflate"),
    ];

    fn accept_encoding(field: Option<&str>) -> AcceptEncoding {
        let headers = field.map(|field| (header::ACCEPT_ENCODING, field.parse().unwrap()));
        AcceptEncoding::from_headers(&headers.into_iter().collect())
    }

    #[test]
    fn accept_encoding_with_weights_selects_highest() {
        for (field, expected) in [
            ("gzip, deflate, br, zstd", "zstd"),
            ("gzip, deflate, br", "br"),
            ("gzip", "gzip"),
            ("x-gzip", "gzip"),
            ("GZIP;Q=1", "gzip"),
            ("br;q=0.5, gzip;q=0.8", "gzip"),
            ("br;q=0.5, Deflate;q=0.8", "deflate"),
            ("br;q=0, gzip;q=0", ""),
            ("gzip;q=0.001", "gzip"),
            ("gzip;q=0.001, identity;q=0", "gzip"),
            ("identity, gzip;q=0.5", ""),
            ("identity;q=0.5, gzip;q=0.5", "gzip"),
            ("*", "zstd"),
            ("*;q=0", ""),
            ("gzip, *;q=0", "gzip"),
            ("zstd;q=0, br;q=0, *", "gzip"),
            ("identity;q=1, *;q=0", ""),
            ("identity;q=0", ""),
            ("identity;q=0, *;q=0.1", "zstd"),
            ("compress", ""),
            ("gzip;q=x", ""),
            ("", ""),
        ] {
            let chosen = accept_encoding(Some(field)).choose(ALL);
            assert_eq!(chosen.unwrap_or_default(), expected, "{field:?}");
        }
        assert_eq!(accept_encoding(None).choose(ALL), None);
    }

    #[test]
    fn choose_considers_only_offered_codings() {
        let accept_encoding = accept_encoding(Some("br, gzip"));
        assert_eq!(accept_encoding.choose([("gzip", 1)]), Some(1));
        assert_eq!(accept_encoding.choose::<u8>([]), None);
    }

    #[test]
    fn allows_accepts_any_nonzero_weight() {
        let accept_encoding = accept_encoding(Some("identity, gzip;q=0.1, br;q=0"));
        assert!(accept_encoding.allows("gzip"));
        assert!(!accept_encoding.allows("br"));
        assert!(!accept_encoding.allows("deflate"));
        assert!(!accept_encoding.allows("aes128gcm"));
        assert!(!self::accept_encoding(None).allows("gzip"));
        assert!(!self::accept_encoding(Some("*")).allows("aes128gcm"));
    }
}
