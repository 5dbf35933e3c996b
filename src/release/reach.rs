//! Which files the pages of a release lead to, and whether any of those is missing.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use aho_corasick::AhoCorasick;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::percent_decode_str;
use percent_encoding::utf8_percent_encode;

use crate::release::asset::Asset;
use crate::release::hashed;
use crate::release::hashed::Evidence;
use crate::release::media;
use crate::release::media::Kind;
use crate::release::references;

/// What the pages lead to.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    /// The paths of all pages, and of every file whose name occurs in a page, or in a script or style sheet
    /// that is itself reached.
    pub(crate) reached: BTreeSet<String>,
    /// What is named but not there, or there but empty.
    pub(crate) missing: BTreeSet<String>,
}

impl Reach {
    /// Follows the names. Reads the text of files that are not in memory; blocks.
    ///
    /// # Errors
    ///
    /// If such a file can't be read any more.
    pub(crate) fn of(
        files: &BTreeMap<String, Arc<Asset>>,
        evidence: &Evidence,
    ) -> io::Result<Self> {
        let names = Names::of(files);
        let mut reach = Self::default();
        let pages = files.keys().filter(|path| media::kind(path) == Kind::Page);
        let mut queue: Vec<&str> = pages.map(String::as_str).collect();
        reach
            .reached
            .extend(queue.iter().map(|&path| path.to_owned()));
        while let Some(path) = queue.pop() {
            let text = files[path].plain().content().bytes()?;
            match media::kind(path) {
                Kind::Page => reach.need(path, &text, files),
                _ => reach.note_absent(&text, &names, files, evidence),
            }
            for named in names.in_text(&text) {
                if reach.reached.insert(named.to_owned())
                    && matches!(media::kind(named), Kind::Script | Kind::Style)
                {
                    queue.push(named);
                }
            }
        }
        Ok(reach)
    }

    fn need(&mut self, page: &str, html: &[u8], files: &BTreeMap<String, Arc<Asset>>) {
        // An empty style sheet says nothing, but may be all there is to say: VitePress writes one.
        let is_there = |path: &str| {
            let file = files.get(path);
            file.is_some_and(|file| !file.is_empty() || media::kind(path) == Kind::Style)
        };
        for needed in references::of_page(page, html) {
            if !suffixes(&needed).any(is_there) {
                self.missing.insert(needed);
            }
        }
    }

    fn note_absent(
        &mut self,
        text: &[u8],
        names: &Names<'_>,
        files: &BTreeMap<String, Arc<Asset>>,
        evidence: &Evidence,
    ) {
        for path in references::paths_in(text) {
            let path = percent_decode_str(path).decode_utf8_lossy();
            if evidence.is_hashed_anywhere(&path) && !names.have(&path, files) {
                let name = path.rsplit('/').next().unwrap_or(&path);
                self.missing.insert(name.to_owned());
            }
        }
    }
}

/// The names of all files, ready to be searched for.
struct Names<'a> {
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
    fn of(files: &'a BTreeMap<String, Arc<Asset>>) -> Self {
        let mut by_name: HashMap<&str, Vec<&str>> = HashMap::new();
        let mut wanted: BTreeMap<(String, u8), (Whole, Vec<&str>)> = BTreeMap::new();
        for path in files.keys() {
            let name = path.rsplit('/').next().unwrap_or(path);
            by_name.entry(name).or_default().push(path);
            if matches!(media::kind(path), Kind::Page | Kind::SourceMap) {
                continue;
            }
            let whole = if name.contains('.') {
                Whole::Name
            } else {
                Whole::Word
            };
            let encoded = utf8_percent_encode(name, ENCODED).to_string();
            // Not by the evidence of its folder: what lies beside it must not change what is reached.
            let noise = hashed::noise_in(name).map(|token| (token.to_owned(), Whole::Token));
            let doubtful = hashed::doubtful_in(name).map(|token| (token.to_owned(), Whole::String));
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
    fn have(&self, path: &str, files: &BTreeMap<String, Arc<Asset>>) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        let mut paths = self.by_name.get(name).into_iter().flatten();
        // Webpack puts `e + ".9404ab77fde6eae9.js"` together when it runs.
        let is_end = name.starts_with(['.', '-', '_']);
        paths.any(|path| !files[*path].is_empty())
            || (is_end && self.by_name.keys().any(|known| known.ends_with(name)))
    }

    /// The paths of the files whose names occur in `text`, some of them more than once.
    fn in_text<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = &'a str> + 't {
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

/// The path, and what is left of it when leading folders are taken off: a build made for `/app/` may be
/// served from a root of its own behind something that takes the prefix off.
fn suffixes(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[at..])
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn reach(files: &[(&str, &str)]) -> Reach {
        let files: BTreeMap<_, _> = files
            .iter()
            .map(|(path, text)| {
                let asset = Asset::from_bytes(Bytes::copy_from_slice(text.as_bytes()));
                ((*path).to_owned(), Arc::new(asset))
            })
            .collect();
        let evidence = Evidence::gather(files.keys().map(String::as_str));
        Reach::of(&files, &evidence).unwrap()
    }

    #[track_caller]
    fn check_reached(files: &[(&str, &str)], expected: &[&str]) {
        let reach = reach(files);
        assert_eq!(reach.reached.iter().collect::<Vec<_>>(), expected);
    }

    #[track_caller]
    fn check_missing(files: &[(&str, &str)], expected: &[&str]) {
        let reach = reach(files);
        assert_eq!(reach.missing.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn names_are_followed_from_pages_through_scripts_and_style_sheets() {
        check_reached(
            &[
                ("/index.html", "<!doctype html><script src=/a.js></script>"),
                ("/a.js", "import('./b.js')"),
                ("/b.js", "import './b.css'; //# sourceMappingURL=b.js.map"),
                ("/b.css", "url(img/my%20pic.png)"),
                ("/b.js.map", "other.js"),
                ("/img/my pic.png", ""),
                ("/other.js", "unreached.js"),
                ("/robots.txt", ""),
                ("/unreached.js", ""),
            ],
            &["/a.js", "/b.css", "/b.js", "/img/my pic.png", "/index.html"],
        );
    }

    #[test]
    fn a_name_inside_a_longer_name_is_not_named() {
        check_reached(
            &[
                ("/index.html", "data.js a.js.map x-a.js a.json LICENSE"),
                ("/LICENSE", ""),
                ("/a.js", ""),
            ],
            &["/index.html"],
        );
        check_reached(
            &[
                ("/index.html", "see /files/LICENSE, a.js."),
                ("/files/LICENSE", ""),
                ("/a.js", ""),
            ],
            &["/a.js", "/files/LICENSE", "/index.html"],
        );
    }

    #[test]
    fn webpack_names_chunks_by_their_hash_alone() {
        check_reached(
            &[
                ("/index.html", "<script src=/js/main.8e2f0b3a.js></script>"),
                ("/js/main.8e2f0b3a.js", r#"{787:"28cb0dcd"}[e]+".chunk.js""#),
                ("/js/787.28cb0dcd.chunk.js", ""),
                ("/js/453.a1f0e9b2.chunk.js", ""),
            ],
            &[
                "/index.html",
                "/js/787.28cb0dcd.chunk.js",
                "/js/main.8e2f0b3a.js",
            ],
        );
    }

    #[test]
    fn leftovers_do_not_change_what_is_reached() {
        let mut files = vec![
            ("/index.html", "<script src=/js/main.8e2f0b3a.js></script>"),
            ("/js/787.28cb0dcd.chunk.js", ""),
            ("/js/main.8e2f0b3a.js", r#"{787:"28cb0dcd"}[e]+".chunk.js""#),
        ];
        let expected = [
            "/index.html",
            "/js/787.28cb0dcd.chunk.js",
            "/js/main.8e2f0b3a.js",
        ];
        check_reached(&files, &expected);
        files.extend([
            ("/js/plain.js", ""),
            ("/js/old.js", ""),
            ("/js/older.js", ""),
            ("/js/oldest.js", ""),
        ]);
        check_reached(&files, &expected);
    }

    #[test]
    fn a_page_needs_its_scripts_there_and_not_empty() {
        check_missing(
            &[
                (
                    "/index.html",
                    "<script src=/a.js></script><script src=/b.js></script><script src=/c.js></script>",
                ),
                ("/a.js", ""),
                ("/b.js", "1"),
            ],
            &["/a.js", "/c.js"],
        );
    }

    #[test]
    fn a_build_for_a_sub_path_served_from_its_own_root_is_complete() {
        check_missing(
            &[
                ("/index.html", "<script src=/app/assets/b.js></script>"),
                ("/assets/b.js", "1"),
            ],
            &[],
        );
    }

    #[test]
    fn a_lazy_chunk_that_a_script_names_must_be_there() {
        check_missing(
            &[
                (
                    "/index.html",
                    "<script src=/assets/index-BfX2k3Qa.js></script>",
                ),
                (
                    "/assets/index-BfX2k3Qa.js",
                    r#"import("./About-C0gX_-9k.js");import("./Home-x8Zb2_Qk.js");"some-document.js""#,
                ),
                ("/assets/Home-x8Zb2_Qk.js", "1"),
            ],
            &["About-C0gX_-9k.js"],
        );
    }

    #[test]
    fn webpack_names_chunks_by_hashes_that_look_like_numbers_too() {
        check_reached(
            &[
                ("/index.html", "<script src=/js/main.8e2f0b3a.js></script>"),
                (
                    "/js/main.8e2f0b3a.js",
                    r#"{787:"28cb0dcd",12:"30115207"}[e]+".chunk.js";{a:24118451}"#,
                ),
                ("/js/12.30115207.chunk.js", ""),
                ("/js/787.28cb0dcd.chunk.js", ""),
                ("/js/99.24118451.chunk.js", ""),
            ],
            &[
                "/index.html",
                "/js/12.30115207.chunk.js",
                "/js/787.28cb0dcd.chunk.js",
                "/js/main.8e2f0b3a.js",
            ],
        );
    }

    #[test]
    fn a_name_that_is_put_together_or_encoded_is_not_missing() {
        check_missing(
            &[
                (
                    "/index.html",
                    "<script src=/js/6528.9404ab77fde6eae9.js></script>",
                ),
                (
                    "/js/6528.9404ab77fde6eae9.js",
                    r#"e+".9404ab77fde6eae9.js";e+".b9a2955e820bdcd6.js";"js/my%20a.22f797afdf25adef.js""#,
                ),
                ("/js/my a.22f797afdf25adef.js", "1"),
            ],
            &[".b9a2955e820bdcd6.js"],
        );
    }

    #[test]
    fn an_empty_style_sheet_is_not_missing() {
        check_missing(
            &[
                ("/index.html", "<link rel=stylesheet href=/vp-icons.css>"),
                ("/vp-icons.css", ""),
            ],
            &[],
        );
    }
}
