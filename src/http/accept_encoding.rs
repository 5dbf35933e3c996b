//! What a client accepts, by its `Accept-Encoding` (RFC 9110, section 12.5.3).

use http::HeaderMap;
use http::header;

/// The weights that a client gives to the codings that we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Accepted {
    identity: Option<Weight>,
    zstd: Option<Weight>,
    brotli: Option<Weight>,
    gzip: Option<Weight>,
    deflate: Option<Weight>,
    any: Option<Weight>,
}

/// A quality value in thousandths.
type Weight = u16;

impl Accepted {
    /// What a request says. One without the field takes anything, but a client that does not say it knows a
    /// coding had better not get one.
    pub(crate) fn by(headers: &HeaderMap) -> Self {
        let mut accepted = Self::default();
        for value in headers.get_all(header::ACCEPT_ENCODING) {
            let Ok(value) = value.to_str() else { continue };
            for item in value.split(',') {
                accepted.add(item);
            }
        }
        accepted
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

    /// True if the client takes the coding of this token.
    pub(crate) fn allows(self, token: &str) -> bool {
        self.weight_of(token) > 0
    }

    /// The best of what there is, named by token, the one that we would rather send first: the highest weight, and of
    /// equal weights the first. `None` is identity, also where the client takes nothing that we have: better than a
    /// 406, which no browser expects.
    pub(crate) fn choose<C>(
        self,
        offered: impl IntoIterator<Item = (&'static str, C)>,
    ) -> Option<C> {
        // Identity is acceptable unless it is refused by name or by `*;q=0`.
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

/// `0.5` in thousandths; what is no weight counts as none.
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

    fn accepted(field: Option<&str>) -> Accepted {
        let headers = field.map(|field| (header::ACCEPT_ENCODING, field.parse().unwrap()));
        Accepted::by(&headers.into_iter().collect())
    }

    #[test]
    fn the_weights_decide() {
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
            let chosen = accepted(Some(field)).choose(ALL);
            assert_eq!(chosen.unwrap_or_default(), expected, "{field:?}");
        }
        assert_eq!(accepted(None).choose(ALL), None);
    }

    #[test]
    fn only_what_is_there_is_chosen() {
        let accepted = accepted(Some("br, gzip"));
        assert_eq!(accepted.choose([("gzip", 1)]), Some(1));
        assert_eq!(accepted.choose::<u8>([]), None);
    }

    #[test]
    fn what_is_allowed_need_not_be_the_best() {
        let accepted = accepted(Some("identity, gzip;q=0.1, br;q=0"));
        assert!(accepted.allows("gzip"));
        assert!(!accepted.allows("br"));
        assert!(!accepted.allows("deflate"));
        assert!(!accepted.allows("aes128gcm"));
        assert!(!self::accepted(None).allows("gzip"));
        assert!(!self::accepted(Some("*")).allows("aes128gcm"));
    }
}
