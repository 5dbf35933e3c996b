//! Byte ranges (RFC 9110, section 14).

use std::ops::RangeInclusive;

use http::HeaderMap;
use http::header;

/// What the `Range` of a request comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ranged {
    /// All of it: there is no range, one we don't understand, or more than one.
    Whole,
    /// These bytes.
    Part(RangeInclusive<u64>),
    /// Nothing: the range begins behind the end.
    Unsatisfiable,
}

impl Ranged {
    /// Several ranges, and what is no range at all, are answered with the whole (section 14.2 allows both):
    /// nobody but attackers asks a static server for many.
    pub(crate) fn by(headers: &HeaderMap, length: u64) -> Self {
        let field = headers
            .get(header::RANGE)
            .and_then(|field| field.to_str().ok());
        field
            .and_then(|field| parse(field, length))
            .unwrap_or(Self::Whole)
    }
}

fn parse(field: &str, length: u64) -> Option<Ranged> {
    let (unit, range) = field.split_once('=')?;
    let (first, last) = range.trim().split_once('-')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let end = length.checked_sub(1);
    let (first, last) = if first.is_empty() {
        // The last so many; of a shorter file, all.
        let count = number(last)?;
        if count == 0 {
            return Some(Ranged::Unsatisfiable);
        }
        (length.saturating_sub(count), end)
    } else {
        let first = number(first)?;
        let last = if last.is_empty() {
            u64::MAX
        } else {
            number(last)?
        };
        if last < first {
            return None;
        }
        (first, end.map(|end| end.min(last)))
    };
    match last {
        Some(last) if first <= last => Some(Ranged::Part(first..=last)),
        _ => Some(Ranged::Unsatisfiable),
    }
}

/// A number, or the largest there is for one that is larger.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_ranges_are_served() {
        for (field, expected) in [
            ("bytes=0-4", Ranged::Part(0..=4)),
            ("bytes=5-", Ranged::Part(5..=9)),
            ("bytes=-3", Ranged::Part(7..=9)),
            ("bytes=-30", Ranged::Part(0..=9)),
            ("bytes=8-30", Ranged::Part(8..=9)),
            ("bytes=10-", Ranged::Unsatisfiable),
            ("bytes=10-12", Ranged::Unsatisfiable),
            ("bytes=-0", Ranged::Unsatisfiable),
            ("bytes=5-2", Ranged::Whole),
            ("bytes=0-1,3-4", Ranged::Whole),
            ("bytes=", Ranged::Whole),
            ("bytes=a-b", Ranged::Whole),
            ("lines=0-1", Ranged::Whole),
            ("bytes=+1-2", Ranged::Whole),
            ("bytes=18446744073709551616-", Ranged::Unsatisfiable),
            ("bytes=0-18446744073709551616", Ranged::Part(0..=9)),
        ] {
            let headers = [(header::RANGE, field.parse().unwrap())];
            assert_eq!(
                Ranged::by(&headers.into_iter().collect(), 10),
                expected,
                "{field}"
            );
        }
        assert_eq!(Ranged::by(&HeaderMap::new(), 10), Ranged::Whole);
        let headers = [(header::RANGE, "bytes=-5".parse().unwrap())];
        assert_eq!(
            Ranged::by(&headers.into_iter().collect(), 0),
            Ranged::Unsatisfiable
        );
    }
}
