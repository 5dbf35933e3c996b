//! The directives that decide about the script.

/// A directive that decides whether the client script may run and open its event stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Directive {
    DefaultSrc,
    ScriptSrc,
    ScriptSrcElem,
    ConnectSrc,
    Sandbox,
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

    /// The directive with this name, in any case.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
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
