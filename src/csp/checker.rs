//! The checker: evaluates the policies of responses and pages, and logs what they block.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use http::HeaderMap;
use http::HeaderValue;
use http::header;

use crate::csp::evaluation::Evaluation;
use crate::csp::mode::Csp;
use crate::csp::page_origin::PageOrigin;
use crate::csp::script_permission::ScriptPermission;
use crate::csp::violation::Violation;
use crate::html::meta_policies;

/// Evaluates policies, and logs each reason to leave the script out once. `Clone` is cheap, and clones share what was
/// logged.
#[derive(Debug, Clone, Default)]
pub(crate) struct CspChecker {
    csp: Csp,
    reported: Arc<Mutex<HashSet<Violation>>>,
}

impl CspChecker {
    pub(crate) fn new(csp: Csp) -> Self {
        Self {
            csp,
            reported: Arc::default(),
        }
    }

    pub(crate) fn csp(&self) -> Csp {
        self.csp
    }

    /// What the tag needs for the script to run under the policies of a response. They are amended by `script_hash`, a
    /// hash source such as `'sha256-…'`, where that is necessary and allowed. `None` if the script can't run.
    pub(crate) fn evaluate_headers(
        &self,
        headers: &mut HeaderMap,
        page_origin: &PageOrigin,
        script_hash: &str,
    ) -> Option<ScriptPermission> {
        if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
            return Some(ScriptPermission::default());
        }
        let values = headers.get_all(header::CONTENT_SECURITY_POLICY).iter();
        let values: Vec<String> = values
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        let evaluation = Evaluation::new(&values, self.csp, page_origin, script_hash);
        let evaluation = self.report(evaluation)?;
        let values = headers
            .iter_mut()
            .filter(|(name, _)| *name == header::CONTENT_SECURITY_POLICY);
        for ((_, value), amended) in values.zip(evaluation.amended) {
            if let Some(amended) = amended {
                // A valid value with ASCII added to it is a valid value.
                *value = HeaderValue::try_from(amended).ok()?;
            }
        }
        Some(evaluation.permission)
    }

    /// What the tag needs in a page with this HTML after the insertion point. `None` if the script can't run.
    pub(crate) fn evaluate_page(
        &self,
        permission: ScriptPermission,
        head: &[u8],
        page_origin: &PageOrigin,
    ) -> Option<ScriptPermission> {
        let policies = meta_policies::policies(head);
        if policies.is_empty() {
            return Some(permission);
        }
        self.report(permission.restrict_to(&policies, page_origin))
    }

    fn report<T>(&self, result: Result<T, Violation>) -> Option<T> {
        let violation = match result {
            Ok(value) => return Some(value),
            Err(violation) => violation,
        };
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        if reported.len() < MAX_REPORTED && reported.insert(violation) {
            tracing::warn!(
                directive = violation.directive.name(),
                reason = %violation.reason,
                "content-security-policy blocks the client script, its pages get no updates"
            );
        }
        None
    }
}

// There are hardly more reasons, and they must not fill a log.
const MAX_REPORTED: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csp::directive::Directive;
    use crate::csp::violation::ViolationReason;

    #[test]
    fn violations_repeated_are_reported_once() {
        let checker = CspChecker::default();
        let page_origin = PageOrigin::new(&Arc::default());
        let mut headers = HeaderMap::new();
        for policy in [
            "script-src 'none'",
            "script-src 'none'",
            "connect-src 'none'",
        ] {
            headers.insert(
                header::CONTENT_SECURITY_POLICY,
                HeaderValue::from_static(policy),
            );
            let checker = checker.clone();
            let permission = checker.evaluate_headers(&mut headers, &page_origin, "'sha256-x'");
            assert_eq!(permission, None);
        }
        let reported = checker.reported.lock().unwrap().clone();
        let expected = [
            (Directive::ScriptSrc, ViolationReason::NoScripts),
            (Directive::ConnectSrc, ViolationReason::NoConnection),
        ];
        let expected = expected.map(|(directive, reason)| Violation { directive, reason });
        assert_eq!(reported, HashSet::from(expected));
    }
}
