//! Content Security Policies: whether the script may run in a page, and what its tag must carry for that
//! (CSP3, <https://www.w3.org/TR/CSP3/>).
//!
//! Where several policies hold, all of them must permit it. A policy is never loosened unless the operator says so
//! ([`Csp::Amend`]), and then by the hash of one script.

mod guard;
mod parse;
mod source;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::client::script_tag;
pub(crate) use crate::csp::guard::Guard;
pub(crate) use crate::csp::guard::Home;
use crate::csp::parse::Directive;
use crate::csp::parse::Policy;
pub(crate) use crate::csp::source::Nonce;
use crate::csp::source::Sources;

/// What becomes of a page whose `Content-Security-Policy` does not let the script run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Csp {
    /// The policy stays as it is, and the page goes without the script.
    #[default]
    Keep,
    /// The hash of the script is added to the policy, where that is all it takes. Nothing else gets in by that.
    Amend,
}

/// What the tag must be for the script to run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Permit {
    pub(crate) nonce: Option<Nonce>,
    pub(crate) form: Form,
}

/// How the script comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Form {
    /// A small one, which imports another when there is news.
    #[default]
    Parts,
    /// All in one file, where a policy lets nothing be imported.
    Whole,
    /// All in one file, by its hash.
    Pinned,
}

/// Why a page can't have the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Refusal {
    pub(crate) directive: Directive,
    pub(crate) why: Why,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Why {
    /// No script may run at all.
    NoScripts,
    /// The script could not hear of news.
    NoConnection,
    /// The page is sandboxed away from its own host, or from scripts.
    Sandboxed,
    /// The hash of the script would do, but is not to be added.
    NotAmended,
    /// The policies want different nonces.
    Nonces,
    /// A hash would keep the page's own inline scripts from running.
    Inline,
    /// The field is not ASCII, and can't be written anew.
    Odd,
}

/// What the policies of a response come to.
#[derive(Debug, PartialEq, Eq)]
struct Judged {
    permit: Permit,
    /// For each field in their order what it is to be instead.
    amended: Vec<Option<String>>,
}

/// Judges the `Content-Security-Policy` fields of a response.
fn judge(fields: &[String], csp: Csp, home: &Home) -> Result<Judged, Refusal> {
    let policies = || fields.iter().flat_map(|field| Policy::list(field));
    policies().try_for_each(|policy| check_sandbox(&policy))?;
    let Demands { optional, needing } = Demands::of(policies(), home)?;
    let common = common_nonce(&needing);
    let permit = |nonce, form| Permit { nonce, form };
    if needing.is_empty() || common.is_some() {
        return Ok(Judged {
            permit: permit(common.or(optional), Form::Parts),
            amended: Vec::new(),
        });
    }
    let nonce = needing.iter().find_map(|sources| sources.nonces().next());
    let open = needing
        .iter()
        .find(|sources| !has(**sources, nonce.as_ref()));
    if let (Csp::Keep, Some(open)) = (csp, open) {
        let wants_nonce = open.nonces().next().is_some();
        let why = if wants_nonce {
            Why::Nonces
        } else {
            Why::NotAmended
        };
        return Err(refusal(*open, why));
    }
    let fields = fields
        .iter()
        .map(|field| amend(field, nonce.as_ref(), home));
    Ok(Judged {
        amended: fields.collect::<Result<_, _>>()?,
        permit: permit(nonce, Form::Pinned),
    })
}

/// The field with the hash of the script in each of its policies that lets the script in by nothing else; `None` if it
/// has no such policy.
fn amend(field: &str, nonce: Option<&Nonce>, home: &Home) -> Result<Option<String>, Refusal> {
    let mut is_another = false;
    let mut policies = Vec::new();
    for policy in Policy::list(field) {
        let closed = |sources: &Sources<'_>| !lets_in(*sources, home) && !has(*sources, nonce);
        let Some(sources) = policy.script().filter(closed) else {
            policies.push(policy.text().to_owned());
            continue;
        };
        if sources.allow_inline() {
            return Err(refusal(sources, Why::Inline));
        }
        if !field.is_ascii() {
            return Err(refusal(sources, Why::Odd));
        }
        is_another = true;
        policies.push(policy.with_script(script_tag::whole_source()));
    }
    Ok(is_another.then(|| policies.join(",")))
}

/// What policies that let the script connect want of its tag.
struct Demands<'a> {
    /// A nonce of those that let the script in for its address.
    optional: Option<Nonce>,
    /// The others.
    needing: Vec<Sources<'a>>,
}

impl<'a> Demands<'a> {
    fn of(policies: impl Iterator<Item = Policy<'a>>, home: &Home) -> Result<Self, Refusal> {
        let mut demands = Self {
            optional: None,
            needing: Vec::new(),
        };
        for policy in policies {
            check_connect(&policy, home)?;
            let Some(sources) = policy.script() else {
                continue;
            };
            if sources.is_none() {
                return Err(refusal(sources, Why::NoScripts));
            }
            if lets_in(sources, home) {
                demands.optional = demands.optional.or_else(|| sources.nonces().next());
            } else {
                demands.needing.push(sources);
            }
        }
        Ok(demands)
    }
}

impl Permit {
    /// What the permit comes to in a page with these policies in its head, behind the tag.
    ///
    /// The tag is fetched before they hold, but what the script imports and where it connects they rule over.
    fn under(self, metas: &[String], home: &Home) -> Result<Self, Refusal> {
        let policies = metas.iter().map(|text| Policy::parse(text));
        let Demands { optional, needing } = Demands::of(policies, home)?;
        let nonce = self.nonce.or_else(|| common_nonce(&needing)).or(optional);
        let may_import = needing.iter().all(|sources| has(*sources, nonce.as_ref()));
        let form = match self.form {
            Form::Parts if !may_import => Form::Whole,
            form => form,
        };
        Ok(Self { nonce, form })
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoScripts => "it lets no script run",
            Self::NoConnection => "it lets nothing connect to the page's own host ('self')",
            Self::Sandboxed => "it has not both allow-scripts and allow-same-origin",
            Self::NotAmended => {
                "it has neither 'self' nor a nonce for it; --csp amend would add its hash"
            }
            Self::Nonces => "the policies want different nonces; --csp amend would add its hash",
            Self::Inline => "its hash would switch 'unsafe-inline' off for the page's own scripts",
            Self::Odd => "it is not ASCII and can't be amended",
        })
    }
}

fn check_sandbox(policy: &Policy<'_>) -> Result<(), Refusal> {
    match policy.sandbox() {
        // Away from its own origin it may not read our event stream.
        Some(flags) if !(flags.has("allow-scripts") && flags.has("allow-same-origin")) => {
            Err(refusal(flags, Why::Sandboxed))
        }
        _ => Ok(()),
    }
}

fn check_connect(policy: &Policy<'_>, home: &Home) -> Result<(), Refusal> {
    match policy.connect() {
        Some(sources) if !sources.allow(home.place(&home.stream())) => {
            Err(refusal(sources, Why::NoConnection))
        }
        _ => Ok(()),
    }
}

/// True if scripts of ours may run for the sake of their address.
fn lets_in(sources: Sources<'_>, home: &Home) -> bool {
    !sources.is_strict() && sources.allow(home.place(&home.scripts()))
}

fn has(sources: Sources<'_>, nonce: Option<&Nonce>) -> bool {
    nonce.is_some_and(|nonce| sources.nonces().any(|own| own == *nonce))
}

/// A nonce that all of these have.
fn common_nonce(needing: &[Sources<'_>]) -> Option<Nonce> {
    let mut nonces = needing.first()?.nonces();
    nonces.find(|nonce| needing.iter().all(|sources| has(*sources, Some(nonce))))
}

fn refusal(sources: Sources<'_>, why: Why) -> Refusal {
    Refusal {
        directive: sources.directive,
        why,
    }
}
