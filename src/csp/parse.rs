//! Content Security Policies as they are written (CSP3, section 2.2).

use crate::csp::source::Sources;

/// The directives that decide whether our script may run, and hear of news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Directive {
    DefaultSrc,
    ScriptSrc,
    ScriptSrcElem,
    ConnectSrc,
    Sandbox,
}

/// One policy: the directives of those names, the first of each.
#[derive(Debug, Clone)]
pub(crate) struct Policy<'a> {
    text: &'a str,
    directives: Vec<Written<'a>>,
}

/// A directive in its policy.
#[derive(Debug, Clone, Copy)]
struct Written<'a> {
    directive: Directive,
    value: &'a str,
    /// Where the value ends in the policy.
    end: usize,
}

impl Directive {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::DefaultSrc => "default-src",
            Self::ScriptSrc => "script-src",
            Self::ScriptSrcElem => "script-src-elem",
            Self::ConnectSrc => "connect-src",
            Self::Sandbox => "sandbox",
        }
    }

    fn named(name: &str) -> Option<Self> {
        let all = [
            Self::DefaultSrc,
            Self::ScriptSrc,
            Self::ScriptSrcElem,
            Self::ConnectSrc,
            Self::Sandbox,
        ];
        all.into_iter()
            .find(|directive| directive.name().eq_ignore_ascii_case(name))
    }
}

impl<'a> Policy<'a> {
    /// The policies of one header field, which are a list.
    pub(crate) fn list(field: &'a str) -> impl Iterator<Item = Self> {
        field.split(',').map(Self::parse)
    }

    /// Never fails: what is no directive is passed over, as browsers do.
    pub(crate) fn parse(text: &'a str) -> Self {
        let mut directives: Vec<Written<'_>> = Vec::new();
        let mut start = 0;
        for part in text.split(';') {
            let token = part.trim_end_matches(is_blank);
            let end = start + token.len();
            start += part.len() + 1;
            let token = token.trim_start_matches(is_blank);
            let (name, value) = token.split_at(token.find(is_blank).unwrap_or(token.len()));
            let directive = Directive::named(name).filter(|_| token.is_ascii());
            if let Some(directive) = directive
                && directives.iter().all(|known| known.directive != directive)
            {
                directives.push(Written {
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

    /// What rules over script elements; `None` if nothing does.
    pub(crate) fn script(&self) -> Option<Sources<'a>> {
        self.sources(SCRIPT)
    }

    /// What rules over connections; `None` if nothing does.
    pub(crate) fn connect(&self) -> Option<Sources<'a>> {
        self.sources(&[Directive::ConnectSrc, Directive::DefaultSrc])
    }

    /// What a sandboxed page is allowed; `None` if it is not sandboxed.
    pub(crate) fn sandbox(&self) -> Option<Sources<'a>> {
        self.sources(&[Directive::Sandbox])
    }

    /// The policy with `source` added to what rules over script elements, and nothing else changed.
    pub(crate) fn with_script(&self, source: &str) -> String {
        match self.first(SCRIPT) {
            None => self.text.to_owned(),
            Some(written) if written.directive == Directive::DefaultSrc => {
                let text = self.text.trim_end_matches(is_blank);
                let separator = if text.ends_with(';') { " " } else { "; " };
                let (name, value) = (Directive::ScriptSrc.name(), written.value);
                format!("{text}{separator}{name}{value} {source}")
            }
            Some(written) => {
                let (before, after) = self.text.split_at(written.end);
                format!("{before} {source}{after}")
            }
        }
    }

    fn sources(&self, chain: &[Directive]) -> Option<Sources<'a>> {
        let written = self.first(chain)?;
        Some(Sources::new(written.directive, written.value))
    }

    /// The first of `chain` that is there: each falls back to the next.
    fn first(&self, chain: &[Directive]) -> Option<Written<'a>> {
        let find = |wanted: &Directive| {
            let mut directives = self.directives.iter();
            directives
                .find(|written| written.directive == *wanted)
                .copied()
        };
        chain.iter().find_map(find)
    }
}

/// ASCII white space as browsers have it.
fn is_blank(c: char) -> bool {
    c.is_ascii_whitespace()
}

// CSP3, section 6.8.3.
const SCRIPT: &[Directive] = &[
    Directive::ScriptSrcElem,
    Directive::ScriptSrc,
    Directive::DefaultSrc,
];
