//! The notice in frames.

/// Whether pages in frames show a notice of their own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Frames {
    /// They don't. The page around them does, if it has the script.
    #[default]
    Quiet,
    /// They do, like any page.
    Notice,
}
