//! An index of file names, and of their occurrences in a text.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;

use aho_corasick::AhoCorasick;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;

use crate::http::media_type;
use crate::http::media_type::Kind;
use crate::release::asset::Asset;
use crate::release::hashed_names;

/// The names of all files, and a search for them.
pub(crate) struct NameIndex<'a> {
    search: Option<AhoCorasick>,
    patterns: Vec<Pattern<'a>>,
    by_name: HashMap<&'a str, Vec<&'a str>>,
}

struct Pattern<'a> {
    text: String,
    boundary: Boundary,
    paths: Vec<&'a str>,
}

/// What must be around a pattern for it to be a whole name.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Boundary {
    /// No character of a name on either side.
    Name,
    /// A slash before it, and no character of a name after it: a name without an extension may also be a word.
    Word,
    /// No letter or digit on either side: webpack puts `179:"28cb0dcd"` into a table, and composes the name at run
    /// time.
    Token,
    /// Quotes on both sides: `179:"30115207"`, but no other number or word.
    String,
}

impl<'a> NameIndex<'a> {
    /// Indexes the names of these files.
    pub(crate) fn new(files: &'a BTreeMap<String, Arc<Asset>>) -> Self {
        let mut by_name: HashMap<&str, Vec<&str>> = HashMap::new();
        let mut by_text: BTreeMap<(String, u8), (Boundary, Vec<&str>)> = BTreeMap::new();
        for path in files.keys() {
            let name = path.rsplit('/').next().unwrap_or(path);
            by_name.entry(name).or_default().push(path);
            if matches!(media_type::kind(path), Kind::Page | Kind::SourceMap) {
                continue;
            }
            let boundary = if name.contains('.') {
                Boundary::Name
            } else {
                Boundary::Word
            };
            let encoded = utf8_percent_encode(name, ENCODED).to_string();
            // Not by the patterns of its folder: other files there must not change what is reachable.
            let random =
                hashed_names::random_tokens(name).map(|token| (token.to_owned(), Boundary::Token));
            let ambiguous = hashed_names::ambiguous_tokens(name)
                .map(|token| (token.to_owned(), Boundary::String));
            let texts = [(name.to_owned(), boundary), (encoded, boundary)];
            for (text, boundary) in texts.into_iter().chain(random).chain(ambiguous) {
                let (_, paths) = by_text
                    .entry((text, boundary as u8))
                    .or_insert_with(|| (boundary, Vec::new()));
                if paths.last() != Some(&path.as_str()) {
                    paths.push(path);
                }
            }
        }
        let patterns: Vec<_> = by_text
            .into_iter()
            .map(|((text, _), (boundary, paths))| Pattern {
                text,
                boundary,
                paths,
            })
            .collect();
        let search = AhoCorasick::new(patterns.iter().map(|pattern| &pattern.text))
            .inspect_err(
                |error| tracing::warn!(%error, "too many file names to search for; only pages are reachable"),
            )
            .ok();
        Self {
            search,
            patterns,
            by_name,
        }
    }

    /// True if there is a file with the name of this path in any folder, and it is not empty.
    pub(crate) fn contains(&self, path: &str, files: &BTreeMap<String, Arc<Asset>>) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        let mut paths = self.by_name.get(name).into_iter().flatten();
        // Webpack composes `e + ".9404ab77fde6eae9.js"` at run time.
        let is_end = name.starts_with(['.', '-', '_']);
        paths.any(|path| !files[*path].is_empty())
            || (is_end && self.by_name.keys().any(|known| known.ends_with(name)))
    }

    /// The paths of the files whose names occur in `text`, possibly more than once.
    pub(crate) fn find_in<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = &'a str> + 't {
        let found = self
            .search
            .iter()
            .flat_map(move |search| search.find_overlapping_iter(text));
        found
            .filter_map(move |found| {
                let pattern = &self.patterns[found.pattern().as_usize()];
                let before = found.start().checked_sub(1).map(|at| text[at]);
                let after = (
                    text.get(found.end()).copied(),
                    text.get(found.end() + 1).copied(),
                );
                pattern.boundary.is_around(before, after).then_some(pattern)
            })
            .flat_map(|pattern| pattern.paths.iter().copied())
    }
}

impl Boundary {
    /// True if these bytes around an occurrence make it a whole name.
    fn is_around(self, before: Option<u8>, after: (Option<u8>, Option<u8>)) -> bool {
        let is_name_char = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        let continues = match after {
            (Some(b'.'), Some(next)) | (Some(next), _) => is_name_char(next),
            (None, _) => false,
        };
        match self {
            Self::Name => {
                !continues && !before.is_some_and(|b| is_name_char(b) || matches!(b, b'.' | b'@'))
            }
            Self::Word => !continues && before == Some(b'/'),
            Self::Token => {
                let alphanumeric = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
                !alphanumeric(before) && !alphanumeric(after.0)
            }
            Self::String => {
                let quote = |b: u8| matches!(b, b'"' | b'\'' | b'`');
                before.is_some_and(quote) && after.0.is_some_and(|b| quote(b) || b == b'\\')
            }
        }
    }
}

// As browsers and bundlers encode a name in a URL.
const ENCODED: &percent_encoding::AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'@')
    .remove(b'+')
    .remove(b'$')
    .remove(b'!')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',');
