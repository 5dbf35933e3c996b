//! Evaluating the policies of a response, and those in a page.

use crate::csp::mode::Csp;
use crate::csp::page_origin::PageOrigin;
use crate::csp::policy::Policy;
use crate::csp::script_permission::ScriptPermission;
use crate::csp::script_permission::ScriptVariant;
use crate::csp::source_list::Nonce;
use crate::csp::source_list::SourceList;
use crate::csp::violation::Violation;
use crate::csp::violation::ViolationReason;

/// The result for the policies of a response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Evaluation {
    pub(crate) permission: ScriptPermission,
    /// For each header value, in their order, its replacement.
    pub(crate) amended: Vec<Option<String>>,
}

impl Evaluation {
    /// Evaluates the `Content-Security-Policy` header values of a response. `script_hash` is the hash source of the
    /// script, and is all that is ever added to a policy.
    pub(crate) fn new(
        values: &[String],
        csp: Csp,
        page_origin: &PageOrigin,
        script_hash: &str,
    ) -> Result<Self, Violation> {
        let policies = || values.iter().flat_map(|value| Policy::parse_list(value));
        policies().try_for_each(|policy| check_sandbox(&policy))?;
        let requirements = Requirements::new(policies(), page_origin)?;
        let Requirements {
            optional_nonce,
            restrictive,
        } = requirements;
        let common = common_nonce(&restrictive);
        if restrictive.is_empty() || common.is_some() {
            return Ok(Self {
                permission: ScriptPermission {
                    nonce: common.or(optional_nonce),
                    variant: ScriptVariant::Client,
                },
                amended: Vec::new(),
            });
        }
        let nonce = restrictive.iter().find_map(|list| list.nonces().next());
        let unsatisfied = restrictive
            .iter()
            .find(|list| !has_nonce(**list, nonce.as_ref()));
        if let (Csp::Keep, Some(list)) = (csp, unsatisfied) {
            let reason = if list.nonces().next().is_some() {
                ViolationReason::ConflictingNonces
            } else {
                ViolationReason::NotAmended
            };
            return Err(violation(*list, reason));
        }
        let amended = values
            .iter()
            .map(|value| amend(value, nonce.as_ref(), page_origin, script_hash));
        Ok(Self {
            amended: amended.collect::<Result<_, _>>()?,
            permission: ScriptPermission {
                nonce,
                variant: ScriptVariant::BundleByHash,
            },
        })
    }
}

impl ScriptPermission {
    /// The permission in a page with these policies in `meta` elements after the script's tag.
    ///
    /// The script is fetched before they apply, but they restrict its imports and connections.
    pub(crate) fn restrict_to(
        self,
        policies: &[String],
        page_origin: &PageOrigin,
    ) -> Result<Self, Violation> {
        let policies = policies.iter().map(|text| Policy::parse(text));
        let Requirements {
            optional_nonce,
            restrictive,
        } = Requirements::new(policies, page_origin)?;
        let nonce = self.nonce.or_else(|| common_nonce(&restrictive));
        let nonce = nonce.or(optional_nonce);
        let may_import = restrictive
            .iter()
            .all(|list| has_nonce(*list, nonce.as_ref()));
        let variant = match self.variant {
            ScriptVariant::Client if !may_import => ScriptVariant::Bundle,
            variant => variant,
        };
        Ok(Self { nonce, variant })
    }
}

/// What policies that allow the event stream require of the tag.
struct Requirements<'a> {
    /// A nonce of those that allow the script's URL anyway.
    optional_nonce: Option<Nonce>,
    /// The source lists that don't allow the script's URL.
    restrictive: Vec<SourceList<'a>>,
}

impl<'a> Requirements<'a> {
    fn new(
        policies: impl Iterator<Item = Policy<'a>>,
        page_origin: &PageOrigin,
    ) -> Result<Self, Violation> {
        let mut requirements = Self {
            optional_nonce: None,
            restrictive: Vec::new(),
        };
        for policy in policies {
            check_connect(&policy, page_origin)?;
            let Some(list) = policy.script_sources() else {
                continue;
            };
            if list.is_none() {
                return Err(violation(list, ViolationReason::NoScripts));
            }
            if allows_scripts(list, page_origin) {
                requirements.optional_nonce =
                    requirements.optional_nonce.or_else(|| list.nonces().next());
            } else {
                requirements.restrictive.push(list);
            }
        }
        Ok(requirements)
    }
}

/// The header value with the hash of the script added to each of its policies that allows the script by nothing else;
/// `None` if there is no such policy.
fn amend(
    value: &str,
    nonce: Option<&Nonce>,
    page_origin: &PageOrigin,
    script_hash: &str,
) -> Result<Option<String>, Violation> {
    let mut is_amended = false;
    let mut policies = Vec::new();
    for policy in Policy::parse_list(value) {
        let blocks =
            |list: &SourceList<'_>| !allows_scripts(*list, page_origin) && !has_nonce(*list, nonce);
        let Some(list) = policy.script_sources().filter(blocks) else {
            policies.push(policy.text().to_owned());
            continue;
        };
        if list.allows_inline() {
            return Err(violation(list, ViolationReason::UnsafeInline));
        }
        if !value.is_ascii() {
            return Err(violation(list, ViolationReason::NotAscii));
        }
        is_amended = true;
        policies.push(policy.with_script_source(script_hash));
    }
    Ok(is_amended.then(|| policies.join(",")))
}

fn check_sandbox(policy: &Policy<'_>) -> Result<(), Violation> {
    match policy.sandbox_flags() {
        // In another origin the page may not read the event stream.
        Some(flags) if !(flags.has("allow-scripts") && flags.has("allow-same-origin")) => {
            Err(violation(flags, ViolationReason::Sandboxed))
        }
        _ => Ok(()),
    }
}

fn check_connect(policy: &Policy<'_>, page_origin: &PageOrigin) -> Result<(), Violation> {
    match policy.connect_sources() {
        Some(list) if !list.allows_url(page_origin.url(&page_origin.events_path())) => {
            Err(violation(list, ViolationReason::NoConnection))
        }
        _ => Ok(()),
    }
}

/// True if the client's scripts are allowed by their URL.
fn allows_scripts(list: SourceList<'_>, page_origin: &PageOrigin) -> bool {
    !list.is_strict_dynamic() && list.allows_url(page_origin.url(&page_origin.scripts_path()))
}

fn has_nonce(list: SourceList<'_>, nonce: Option<&Nonce>) -> bool {
    nonce.is_some_and(|nonce| list.nonces().any(|own| own == *nonce))
}

/// A nonce that all lists have.
fn common_nonce(lists: &[SourceList<'_>]) -> Option<Nonce> {
    let mut nonces = lists.first()?.nonces();
    nonces.find(|nonce| lists.iter().all(|list| has_nonce(*list, Some(nonce))))
}

fn violation(list: SourceList<'_>, reason: ViolationReason) -> Violation {
    Violation {
        directive: list.directive,
        reason,
    }
}
