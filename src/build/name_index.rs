//! The names of files, and where they occur in a text.

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

/// The names of all files, ready to be searched for.
pub(crate) struct Names<'a> {
    search: Option<AhoCorasick>,
    patterns: Vec<Pattern<'a>>,
    by_name: HashMap<&'a str, Vec<&'a str>>,
}

struct Pattern<'a> {
    text: String,
    whole: Whole,
    paths: Vec<&'a str>,
}

/// What must not stand beside a name for it to be the whole name.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Whole {
    /// Another character of a name.
    Name,
    /// The same; and a slash must stand before it: a name without an extension is also a word.
    Word,
    /// A letter or digit: webpack puts `179:"28cb0dcd"` into a table, and the name together when it runs.
    Token,
    /// Anything but quotes: `179:"30115207"`, but no other number or word.
    String,
}

impl<'a> Names<'a> {
    pub(crate) fn of(files: &'a BTreeMap<String, Arc<Asset>>) -> Self {
        let mut by_name: HashMap<&str, Vec<&str>> = HashMap::new();
        let mut wanted: BTreeMap<(String, u8), (Whole, Vec<&str>)> = BTreeMap::new();
        for path in files.keys() {
            let name = path.rsplit('/').next().unwrap_or(path);
            by_name.entry(name).or_default().push(path);
            if matches!(media_type::kind(path), Kind::Page | Kind::SourceMap) {
                continue;
            }
            let whole = if name.contains('.') {
                Whole::Name
            } else {
                Whole::Word
            };
            let encoded = utf8_percent_encode(name, ENCODED).to_string();
            // Not by the evidence of its folder: what lies beside it must not change what is reached.
            let noise = hashed_names::noise_in(name).map(|token| (token.to_owned(), Whole::Token));
            let doubtful =
                hashed_names::doubtful_in(name).map(|token| (token.to_owned(), Whole::String));
            let forms = [(name.to_owned(), whole), (encoded, whole)];
            for (text, whole) in forms.into_iter().chain(noise).chain(doubtful) {
                let (_, paths) = wanted
                    .entry((text, whole as u8))
                    .or_insert_with(|| (whole, Vec::new()));
                if paths.last() != Some(&path.as_str()) {
                    paths.push(path);
                }
            }
        }
        let patterns: Vec<_> = wanted
            .into_iter()
            .map(|((text, _), (whole, paths))| Pattern { text, whole, paths })
            .collect();
        let search = AhoCorasick::new(patterns.iter().map(|pattern| &pattern.text))
            .inspect_err(
                |error| tracing::warn!(%error, "too many names to search for; only pages count"),
            )
            .ok();
        Self {
            search,
            patterns,
            by_name,
        }
    }

    /// True if there is a file of that name, and not empty, in whatever folder.
    pub(crate) fn have(&self, path: &str, files: &BTreeMap<String, Arc<Asset>>) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        let mut paths = self.by_name.get(name).into_iter().flatten();
        // Webpack puts `e + ".9404ab77fde6eae9.js"` together when it runs.
        let is_end = name.starts_with(['.', '-', '_']);
        paths.any(|path| !files[*path].is_empty())
            || (is_end && self.by_name.keys().any(|known| known.ends_with(name)))
    }

    /// The paths of the files whose names occur in `text`, some of them more than once.
    pub(crate) fn in_text<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = &'a str> + 't {
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
                pattern.whole.is_whole(before, after).then_some(pattern)
            })
            .flat_map(|pattern| pattern.paths.iter().copied())
    }
}

impl Whole {
    fn is_whole(self, before: Option<u8>, after: (Option<u8>, Option<u8>)) -> bool {
        let of_a_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        let goes_on = match after {
            (Some(b'.'), Some(next)) | (Some(next), _) => of_a_name(next),
            (None, _) => false,
        };
        match self {
            Self::Name => {
                !goes_on && !before.is_some_and(|b| of_a_name(b) || matches!(b, b'.' | b'@'))
            }
            Self::Word => !goes_on && before == Some(b'/'),
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

// As browsers and bundlers write a name into a URL.
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
