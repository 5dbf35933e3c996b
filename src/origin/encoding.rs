//! Choosing a content coding by `Accept-Encoding` (RFC 9110, section 12.5.3).

use http::HeaderMap;
use http::header;

use crate::release::Asset;
use crate::release::Coding;
use crate::release::Representation;

/// The form of an asset in which to send it to whoever sent `headers`, and its coding.
pub(crate) fn form_of<'a>(
    asset: &'a Asset,
    headers: &HeaderMap,
) -> (&'a Representation, Option<Coding>) {
    if !asset.is_encoded() {
        return (asset.plain(), None);
    }
    let coding = Accepted::by(headers).choose(|coding| asset.encoded(coding).is_some());
    match coding.and_then(|coding| Some((asset.encoded(coding)?, coding))) {
        Some((representation, coding)) => (representation, Some(coding)),
        None => (asset.plain(), None),
    }
}

/// What a client takes.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Accepted {
    identity: Option<Weight>,
    brotli: Option<Weight>,
    gzip: Option<Weight>,
    any: Option<Weight>,
}

/// A quality value in thousandths.
type Weight = u16;

impl Accepted {
    /// What a request says. One without the field takes anything, but a client that does not say it knows a
    /// coding had better not get one.
    fn by(headers: &HeaderMap) -> Self {
        let mut accepted = Self {
            identity: None,
            brotli: None,
            gzip: None,
            any: None,
        };
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
            coding if coding.eq_ignore_ascii_case("identity") => &mut self.identity,
            "*" => &mut self.any,
            _ => return,
        };
        *slot = Some(weight);
    }

    /// The best of what there is: the highest weight, and of equal weights the smallest form. `None` is
    /// identity, also where the client takes nothing that we have: better than a 406, which no browser expects.
    fn choose(self, available: impl Fn(Coding) -> bool) -> Option<Coding> {
        // Identity is acceptable unless it is refused by name or by `*;q=0`.
        let identity = self
            .identity
            .or(self.any.filter(|&any| any == 0))
            .unwrap_or(1);
        let mut best = (identity, None);
        for coding in Coding::ALL.into_iter().rev() {
            let weight = match coding {
                Coding::Brotli => self.brotli,
                Coding::Gzip => self.gzip,
            };
            let weight = weight.or(self.any).unwrap_or(0);
            if weight > 0 && weight >= best.0 && available(coding) {
                best = (weight, Some(coding));
            }
        }
        best.1
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

    #[track_caller]
    fn check(field: Option<&str>, expected: Option<Coding>) {
        let headers = field.map(|field| (header::ACCEPT_ENCODING, field.parse().unwrap()));
        let accepted = Accepted::by(&headers.into_iter().collect());
        assert_eq!(accepted.choose(|_| true), expected, "{field:?}");
    }

    #[test]
    fn the_weights_decide() {
        let (br, gzip) = (Some(Coding::Brotli), Some(Coding::Gzip));
        for (field, expected) in [
            ("gzip, deflate, br, zstd", br),
            ("gzip", gzip),
            ("x-gzip", gzip),
            ("GZIP;Q=1", gzip),
            ("br;q=0.5, gzip;q=0.8", gzip),
            ("br;q=0, gzip;q=0", None),
            ("gzip;q=0.001", gzip),
            ("gzip;q=0.001, identity;q=0", gzip),
            ("identity, gzip;q=0.5", None),
            ("identity;q=0.5, gzip;q=0.5", gzip),
            ("*", br),
            ("*;q=0", None),
            ("gzip, *;q=0", gzip),
            ("br;q=0, *", gzip),
            ("identity;q=1, *;q=0", None),
            ("identity;q=0", None),
            ("identity;q=0, *;q=0.1", br),
            ("deflate", None),
            ("gzip;q=x", None),
            ("", None),
        ] {
            check(Some(field), expected);
        }
        check(None, None);
    }

    #[test]
    fn only_what_is_there_is_chosen() {
        let headers = [(header::ACCEPT_ENCODING, "br, gzip".parse().unwrap())];
        let accepted = Accepted::by(&headers.into_iter().collect());
        assert_eq!(
            accepted.choose(|coding| coding == Coding::Gzip),
            Some(Coding::Gzip)
        );
        assert_eq!(accepted.choose(|_| false), None);
    }
}
