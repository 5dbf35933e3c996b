//! Which files the pages of a release lead to, and whether any of those is missing.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use crate::build::name_index::Names;
use crate::html::references;
use crate::http::media_type;
use crate::http::media_type::Kind;
use crate::release::asset::Asset;
use crate::release::hashed_names::Evidence;

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
        let pages = files
            .keys()
            .filter(|path| media_type::kind(path) == Kind::Page);
        let mut queue: Vec<&str> = pages.map(String::as_str).collect();
        reach
            .reached
            .extend(queue.iter().map(|&path| path.to_owned()));
        while let Some(path) = queue.pop() {
            let text = files[path].plain().content().bytes()?;
            match media_type::kind(path) {
                Kind::Page => reach.need(path, &text, files),
                _ => reach.note_absent(&text, &names, files, evidence),
            }
            for named in names.in_text(&text) {
                if reach.reached.insert(named.to_owned())
                    && matches!(media_type::kind(named), Kind::Script | Kind::Style)
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
            file.is_some_and(|file| !file.is_empty() || media_type::kind(path) == Kind::Style)
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

/// The path, and what is left of it when leading folders are taken off: a build made for `/app/` may be
/// served from a root of its own behind something that takes the prefix off.
fn suffixes(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[at..])
}

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
