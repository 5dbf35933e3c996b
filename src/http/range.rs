//! Range requests (RFC 9110, section 14).

use std::ops::RangeInclusive;

use http::HeaderMap;
use http::header;

/// The part of a representation that a request selects by its `Range`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ByteRange {
    /// The whole representation: there is no range, an invalid one, or more than one.
    Full,
    /// These bytes, first and last.
    Partial(RangeInclusive<u64>),
    /// No bytes: the range begins past the end.
    Unsatisfiable,
}

impl ByteRange {
    /// Selects the range of a representation with this length.
    ///
    /// A request for several ranges, or an invalid one, selects the whole (section 14.2 allows both). In practice only
    /// attackers request many ranges of a static file.
    pub(crate) fn from_headers(headers: &HeaderMap, length: u64) -> Self {
        let field = headers
            .get(header::RANGE)
            .and_then(|field| field.to_str().ok());
        field
            .and_then(|field| parse(field, length))
            .unwrap_or(Self::Full)
    }
}

fn parse(field: &str, length: u64) -> Option<ByteRange> {
    let (unit, range) = field.split_once('=')?;
    let (first, last) = range.trim().split_once('-')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let end = length.checked_sub(1);
    let (first, last) = if first.is_empty() {
        // A suffix range: the last `count` bytes, or all of a shorter file.
        let count = number(last)?;
        if count == 0 {
            return Some(ByteRange::Unsatisfiable);
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
        Some(last) if first <= last => Some(ByteRange::Partial(first..=last)),
        _ => Some(ByteRange::Unsatisfiable),
    }
}

/// Parses a number. One that does not fit is `u64::MAX`.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn range_single_selects_those_bytes() {
        for (field, expected) in [
            ("bytes=0-4", ByteRange::Partial(0..=4)),
            ("bytes=5-", ByteRange::Partial(5..=9)),
            ("bytes=-3", ByteRange::Partial(7..=9)),
            ("bytes=-30", ByteRange::Partial(0..=9)),
            ("bytes=8-30", ByteRange::Partial(8..=9)),
            ("bytes=10-", ByteRange::Unsatisfiable),
            ("bytes=10-12", ByteRange::Unsatisfiable),
            ("bytes=-0", ByteRange::Unsatisfiable),
            ("bytes=5-2", ByteRange::Full),
            ("bytes=0-1,3-4", ByteRange::Full),
            ("bytes=", ByteRange::Full),
            ("bytes=a-b", ByteRange::Full),
            ("lines=0-1", ByteRange::Full),
            ("bytes=+1-2", ByteRange::Full),
            ("bytes=18446744073709551616-", ByteRange::Unsatisfiable),
            ("bytes=0-18446744073709551616", ByteRange::Partial(0..=9)),
        ] {
            let headers = [(header::RANGE, field.parse().unwrap())];
            assert_eq!(
                ByteRange::from_headers(&headers.into_iter().collect(), 10),
                expected,
                "{field}"
            );
        }
        assert_eq!(
            ByteRange::from_headers(&HeaderMap::new(), 10),
            ByteRange::Full
        );
        let headers = [(header::RANGE, "bytes=-5".parse().unwrap())];
        assert_eq!(
            ByteRange::from_headers(&headers.into_iter().collect(), 0),
            ByteRange::Unsatisfiable
        );
    }
}
