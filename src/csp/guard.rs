//! What the layer knows about policies, and what it has told the operator.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use http::HeaderMap;
use http::HeaderValue;
use http::Request;
use http::header;

use crate::csp::Csp;
use crate::csp::Permit;
use crate::csp::Refusal;
use crate::csp::judge;
use crate::csp::source::Place;
use crate::html::meta_policies;
use crate::http::prefix::ReservedPrefix;

/// Judges policies, and tells the operator of each reason to leave the script out, once. `Clone` is cheap, and all
/// clones remember together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Guard {
    csp: Csp,
    told: Arc<Mutex<HashSet<Refusal>>>,
}

/// Where the page and the script come from.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    prefix: Arc<ReservedPrefix>,
    host: Option<HeaderValue>,
}

impl Guard {
    pub(crate) fn new(csp: Csp) -> Self {
        Self {
            csp,
            told: Arc::default(),
        }
    }

    pub(crate) fn csp(&self) -> Csp {
        self.csp
    }

    /// What the tag must be for the script to run under the policies of a response, which are amended if need be and
    /// may be. `None` if it can't run.
    pub(crate) fn judge(&self, headers: &mut HeaderMap, home: &Home) -> Option<Permit> {
        if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
            return Some(Permit::default());
        }
        let fields = headers.get_all(header::CONTENT_SECURITY_POLICY).iter();
        let fields: Vec<String> = fields
            .map(|field| String::from_utf8_lossy(field.as_bytes()).into_owned())
            .collect();
        let judged = self.tell(judge(&fields, self.csp, home))?;
        let amended = judged.amended.into_iter();
        let fields = headers
            .iter_mut()
            .filter(|(name, _)| *name == header::CONTENT_SECURITY_POLICY);
        for ((_, field), amended) in fields.zip(amended) {
            if let Some(amended) = amended {
                // It was a field and has become a longer one, which is no less a field.
                *field = HeaderValue::try_from(amended).ok()?;
            }
        }
        Some(judged.permit)
    }

    /// What the permit comes to in a page that has this behind the place of the tag. `None` if the script can't run.
    pub(crate) fn read_page(&self, permit: Permit, head: &[u8], home: &Home) -> Option<Permit> {
        let metas = meta_policies::policies(head);
        if metas.is_empty() {
            return Some(permit);
        }
        self.tell(permit.under(&metas, home))
    }

    fn tell<T>(&self, judged: Result<T, Refusal>) -> Option<T> {
        let refusal = match judged {
            Ok(judged) => return Some(judged),
            Err(refusal) => refusal,
        };
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() < MOST_TOLD && told.insert(refusal) {
            let directive = refusal.directive.name();
            tracing::warn!(
                directive,
                "a Content-Security-Policy keeps the script out of its pages, which will not hear of releases: {}",
                refusal.why
            );
        }
        None
    }
}

impl Home {
    pub(crate) fn new(prefix: &Arc<ReservedPrefix>) -> Self {
        Self {
            prefix: Arc::clone(prefix),
            host: None,
        }
    }

    /// On the host that a request names.
    pub(crate) fn of<B>(prefix: &Arc<ReservedPrefix>, request: &Request<B>) -> Self {
        let authority = || HeaderValue::try_from(request.uri().authority()?.as_str()).ok();
        let host = request.headers().get(header::HOST).cloned();
        Self {
            prefix: Arc::clone(prefix),
            host: host.or_else(authority),
        }
    }

    pub(crate) fn prefix(&self) -> &ReservedPrefix {
        &self.prefix
    }

    pub(crate) fn place<'a>(&'a self, path: &'a str) -> Place<'a> {
        let host = self.host.as_ref().and_then(|host| host.to_str().ok());
        Place { host, path }
    }

    /// The folder that the scripts are in.
    pub(crate) fn scripts(&self) -> String {
        self.prefix.join("")
    }

    pub(crate) fn stream(&self) -> String {
        self.prefix.join("events")
    }
}

// There are hardly more reasons, and a log is not to fill with them.
const MOST_TOLD: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csp::Why;
    use crate::csp::parse::Directive;

    #[test]
    fn the_operator_is_told_once_of_each_reason() {
        let guard = Guard::default();
        let home = Home::new(&Arc::default());
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
            assert_eq!(guard.clone().judge(&mut headers, &home), None);
        }
        let told = guard.told.lock().unwrap().clone();
        let expected = [
            (Directive::ScriptSrc, Why::NoScripts),
            (Directive::ConnectSrc, Why::NoConnection),
        ];
        let expected = expected.map(|(directive, why)| Refusal { directive, why });
        assert_eq!(told, HashSet::from(expected));
    }
}
