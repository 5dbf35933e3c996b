//! The syntax of policies (CSP3, section 2.2).

use crate::csp::directive::Directive;
use crate::csp::source_list::SourceList;

/// One policy: the first directive of each name that matters here.
#[derive(Debug, Clone)]
pub(crate) struct Policy<'a> {
    text: &'a str,
    directives: Vec<DirectiveValue<'a>>,
}

/// A directive in its policy.
#[derive(Debug, Clone, Copy)]
struct DirectiveValue<'a> {
    directive: Directive,
    value: &'a str,
    /// Where the value ends in the policy, in bytes.
    end: usize,
}

impl<'a> Policy<'a> {
    /// The policies of one header value, which is a list.
    pub(crate) fn parse_list(value: &'a str) -> impl Iterator<Item = Self> {
        value.split(',').map(Self::parse)
    }

    /// Never fails: anything but a directive is ignored, as browsers do.
    pub(crate) fn parse(text: &'a str) -> Self {
        let mut directives: Vec<DirectiveValue<'_>> = Vec::new();
        let mut start = 0;
        for part in text.split(';') {
            let token = part.trim_end_matches(is_whitespace);
            let end = start + token.len();
            start += part.len() + 1;
            let token = token.trim_start_matches(is_whitespace);
            let (name, value) = token.split_at(token.find(is_whitespace).unwrap_or(token.len()));
            let directive = Directive::from_name(name).filter(|_| token.is_ascii());
            if let Some(directive) = directive
                && directives.iter().all(|known| known.directive != directive)
            {
                directives.push(DirectiveValue {
                    directive,
                    value,
                    end,
                });
            }
        }
        Self { text, directives }
    }

    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// The sources of script elements; `None` if they are not restricted.
    pub(crate) fn script_sources(&self) -> Option<SourceList<'a>> {
        self.source_list(SCRIPT_FALLBACKS)
    }

    /// The targets of connections; `None` if they are not restricted.
    pub(crate) fn connect_sources(&self) -> Option<SourceList<'a>> {
        self.source_list(&[Directive::ConnectSrc, Directive::DefaultSrc])
    }

    /// The flags of a sandboxed page; `None` if it is not sandboxed.
    pub(crate) fn sandbox_flags(&self) -> Option<SourceList<'a>> {
        self.source_list(&[Directive::Sandbox])
    }

    /// The policy with `source` added to the directive for script elements, and nothing else changed.
    pub(crate) fn with_script_source(&self, source: &str) -> String {
        match self.first(SCRIPT_FALLBACKS) {
            None => self.text.to_owned(),
            Some(found) if found.directive == Directive::DefaultSrc => {
                let text = self.text.trim_end_matches(is_whitespace);
                let separator = if text.ends_with(';') { " " } else { "; " };
                let (name, value) = (Directive::ScriptSrc.name(), found.value);
                format!("{text}{separator}{name}{value} {source}")
            }
            Some(found) => {
                let (before, after) = self.text.split_at(found.end);
                format!("{before} {source}{after}")
            }
        }
    }

    fn source_list(&self, chain: &[Directive]) -> Option<SourceList<'a>> {
        let found = self.first(chain)?;
        Some(SourceList::new(found.directive, found.value))
    }

    /// The first directive of `chain` that the policy has: each falls back to the next.
    fn first(&self, chain: &[Directive]) -> Option<DirectiveValue<'a>> {
        let find = |directive: &Directive| {
            let mut directives = self.directives.iter();
            directives
                .find(|found| found.directive == *directive)
                .copied()
        };
        chain.iter().find_map(find)
    }
}

/// ASCII whitespace as browsers define it (Infra, section 4.6).
fn is_whitespace(c: char) -> bool {
    c.is_ascii_whitespace()
}

// CSP3, section 6.8.3.
const SCRIPT_FALLBACKS: &[Directive] = &[
    Directive::ScriptSrcElem,
    Directive::ScriptSrc,
    Directive::DefaultSrc,
];
