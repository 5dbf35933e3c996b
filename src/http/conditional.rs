//! Conditional requests (RFC 9110, section 13).

use http::HeaderMap;
use http::HeaderValue;
use http::header;

use crate::http::etag::are_weakly_equal;
use crate::http::etag::entity_tags;

/// The validators of the selected representation (RFC 9110, section 8.8).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Validators<'a> {
    pub(crate) etag: &'a HeaderValue,
    pub(crate) last_modified: Option<&'a HeaderValue>,
}

/// The result of the preconditions of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Send,
    NotModified,
    PreconditionFailed,
}

impl Validators<'_> {
    /// Evaluates the preconditions of a request, in the order of section 13.2.2.
    ///
    /// Dates are compared for equality, not for order: a rollback makes files older.
    pub(crate) fn decide(&self, headers: &HeaderMap) -> Decision {
        if headers.contains_key(header::IF_MATCH) {
            if !self.matches(headers, header::IF_MATCH, are_strongly_equal) {
                return Decision::PreconditionFailed;
            }
        } else if let Some(date) = headers.get(header::IF_UNMODIFIED_SINCE)
            && self.last_modified.is_some_and(|modified| modified != date)
        {
            return Decision::PreconditionFailed;
        }
        if headers.contains_key(header::IF_NONE_MATCH) {
            if self.matches(headers, header::IF_NONE_MATCH, are_weakly_equal) {
                return Decision::NotModified;
            }
        } else if let Some(date) = headers.get(header::IF_MODIFIED_SINCE)
            && self.last_modified == Some(date)
        {
            return Decision::NotModified;
        }
        Decision::Send
    }

    /// Returns true if a range may be sent: there is no `If-Range`, or it matches a validator (section 13.1.5).
    pub(crate) fn allow_range(&self, headers: &HeaderMap) -> bool {
        match headers.get(header::IF_RANGE) {
            None => true,
            Some(condition) => condition == self.etag || self.last_modified == Some(condition),
        }
    }

    /// Returns true if the list in the field `name` has an equal entity tag, or is `*`.
    fn matches(
        &self,
        headers: &HeaderMap,
        name: header::HeaderName,
        equals: fn(&str, &str) -> bool,
    ) -> bool {
        let ours = self.etag.to_str().unwrap_or("");
        headers
            .get_all(name)
            .iter()
            .filter_map(|list| list.to_str().ok())
            .any(|list| list.trim() == "*" || entity_tags(list).any(|tag| equals(tag, ours)))
    }
}

fn are_strongly_equal(theirs: &str, ours: &str) -> bool {
    theirs == ours && !theirs.starts_with("W/")
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    const DATE: &str = "Sun, 22 Nov 2026 12:00:00 GMT";

    fn headers(fields: &[(HeaderName, &str)]) -> HeaderMap {
        let fields = fields.iter();
        fields
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect()
    }

    fn with_validators<T>(f: impl FnOnce(Validators<'_>) -> T) -> T {
        f(Validators {
            etag: &HeaderValue::from_static("\"x\""),
            last_modified: Some(&HeaderValue::from_static(DATE)),
        })
    }

    #[track_caller]
    fn check(fields: &[(HeaderName, &str)], expected: Decision) {
        let decision = with_validators(|validators| validators.decide(&headers(fields)));
        assert_eq!(decision, expected, "{fields:?}");
    }

    #[test]
    fn if_none_match_compares_lists_weakly() {
        use Decision::NotModified;
        use Decision::Send;
        for (value, expected) in [
            ("\"x\"", NotModified),
            ("W/\"x\"", NotModified),
            ("\"a\", \"x\"", NotModified),
            ("\"a\" ,W/\"x\" , \"b\"", NotModified),
            ("*", NotModified),
            ("\"y\"", Send),
            ("x", Send),
            ("\"x", Send),
        ] {
            check(&[(header::IF_NONE_MATCH, value)], expected);
        }
        // `If-Modified-Since` is ignored beside it.
        check(
            &[
                (header::IF_NONE_MATCH, "\"y\""),
                (header::IF_MODIFIED_SINCE, DATE),
            ],
            Send,
        );
    }

    #[test]
    fn date_conditions_compare_for_equality() {
        check(&[(header::IF_MODIFIED_SINCE, DATE)], Decision::NotModified);
        let later = "Mon, 23 Nov 2026 12:00:00 GMT";
        check(&[(header::IF_MODIFIED_SINCE, later)], Decision::Send);
        check(
            &[(header::IF_UNMODIFIED_SINCE, later)],
            Decision::PreconditionFailed,
        );
        check(&[(header::IF_UNMODIFIED_SINCE, DATE)], Decision::Send);
    }

    #[test]
    fn if_match_weak_tag_fails() {
        check(&[(header::IF_MATCH, "\"x\"")], Decision::Send);
        check(&[(header::IF_MATCH, "*")], Decision::Send);
        check(
            &[(header::IF_MATCH, "W/\"x\"")],
            Decision::PreconditionFailed,
        );
        check(&[(header::IF_MATCH, "\"y\"")], Decision::PreconditionFailed);
    }

    #[test]
    fn if_range_mismatch_disallows_range() {
        for (value, expected) in [
            ("\"x\"", true),
            ("W/\"x\"", false),
            ("\"y\"", false),
            (DATE, true),
            ("x", false),
        ] {
            let headers = headers(&[(header::IF_RANGE, value)]);
            assert_eq!(
                with_validators(|v| v.allow_range(&headers)),
                expected,
                "{value}"
            );
        }
        assert!(with_validators(|v| v.allow_range(&HeaderMap::new())));
    }
}
