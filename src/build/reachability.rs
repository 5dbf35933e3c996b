//! Which files of a build are reachable from its pages, and which of the referenced files are missing.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use crate::build::name_index::NameIndex;
use crate::html::references;
use crate::http::media_type;
use crate::http::media_type::Kind;
use crate::release::asset::Asset;
use crate::release::hashed_names::HashPatterns;

/// What the pages of a build refer to.
#[derive(Debug, Default)]
pub(crate) struct Reachability {
    /// The paths of all pages, and of every file whose name occurs in a page, or in a script or style sheet that is
    /// itself reachable.
    pub(crate) reachable: BTreeSet<String>,
    /// References to files that do not exist, or are empty.
    pub(crate) missing_references: BTreeSet<String>,
}

impl Reachability {
    /// Follows the references from all pages. Reads the text of files that are not in memory; blocks.
    ///
    /// # Errors
    ///
    /// If such a file can't be read.
    pub(crate) fn find(
        files: &BTreeMap<String, Arc<Asset>>,
        patterns: &HashPatterns,
    ) -> io::Result<Self> {
        let names = NameIndex::new(files);
        let mut reachability = Self::default();
        let pages = files
            .keys()
            .filter(|path| media_type::kind(path) == Kind::Page);
        let mut queue: Vec<&str> = pages.map(String::as_str).collect();
        reachability
            .reachable
            .extend(queue.iter().map(|&path| path.to_owned()));
        while let Some(path) = queue.pop() {
            let text = files[path].plain().content().bytes()?;
            match media_type::kind(path) {
                Kind::Page => reachability.check_page(path, &text, files),
                _ => reachability.check_text(&text, &names, files, patterns),
            }
            for named in names.find_in(&text) {
                if reachability.reachable.insert(named.to_owned())
                    && matches!(media_type::kind(named), Kind::Script | Kind::Style)
                {
                    queue.push(named);
                }
            }
        }
        Ok(reachability)
    }

    /// Adds the files that a page needs and that do not exist.
    fn check_page(&mut self, page: &str, html: &[u8], files: &BTreeMap<String, Arc<Asset>>) {
        // An empty style sheet may be intended: VitePress writes one.
        let exists = |path: &str| {
            let file = files.get(path);
            file.is_some_and(|file| !file.is_empty() || media_type::kind(path) == Kind::Style)
        };
        for needed in references::in_page(page, html) {
            if !suffixes(&needed).any(exists) {
                self.missing_references.insert(needed);
            }
        }
    }

    /// Adds the files that a script or style sheet names and that do not exist.
    fn check_text(
        &mut self,
        text: &[u8],
        names: &NameIndex<'_>,
        files: &BTreeMap<String, Arc<Asset>>,
        patterns: &HashPatterns,
    ) {
        for path in references::in_text(text) {
            let path = percent_decode_str(path).decode_utf8_lossy();
            if patterns.is_hashed_anywhere(&path) && !names.contains(&path, files) {
                let name = path.rsplit('/').next().unwrap_or(&path);
                self.missing_references.insert(name.to_owned());
            }
        }
    }
}

/// The path, and the path without its leading folders: a build made for `/app/` may be served from a root of its own,
/// behind a proxy that strips the prefix.
fn suffixes(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[at..])
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn find(files: &[(&str, &str)]) -> Reachability {
        let files: BTreeMap<_, _> = files
            .iter()
            .map(|(path, text)| {
                let asset = Asset::from_bytes(Bytes::copy_from_slice(text.as_bytes()));
                ((*path).to_owned(), Arc::new(asset))
            })
            .collect();
        let patterns = HashPatterns::from_paths(files.keys().map(String::as_str));
        Reachability::find(&files, &patterns).unwrap()
    }

    #[track_caller]
    fn check_reachable(files: &[(&str, &str)], expected: &[&str]) {
        let reachability = find(files);
        assert_eq!(reachability.reachable.iter().collect::<Vec<_>>(), expected);
    }

    #[track_caller]
    fn check_missing(files: &[(&str, &str)], expected: &[&str]) {
        let reachability = find(files);
        assert_eq!(
            reachability.missing_references.iter().collect::<Vec<_>>(),
            expected
        );
    }

    #[test]
    fn file_named_by_a_reachable_script_is_reachable() {
        check_reachable(
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
    fn name_within_a_longer_name_is_no_reference() {
        check_reachable(
            &[
                ("/index.html", "data.js a.js.map x-a.js a.json LICENSE"),
                ("/LICENSE", ""),
                ("/a.js", ""),
            ],
            &["/index.html"],
        );
        check_reachable(
            &[
                ("/index.html", "see /files/LICENSE, a.js."),
                ("/files/LICENSE", ""),
                ("/a.js", ""),
            ],
            &["/a.js", "/files/LICENSE", "/index.html"],
        );
    }

    #[test]
    fn chunk_named_by_its_hash_is_reachable() {
        check_reachable(
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
    fn unreferenced_files_do_not_change_reachability() {
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
        check_reachable(&files, &expected);
        files.extend([
            ("/js/plain.js", ""),
            ("/js/old.js", ""),
            ("/js/older.js", ""),
            ("/js/oldest.js", ""),
        ]);
        check_reachable(&files, &expected);
    }

    #[test]
    fn script_of_a_page_that_is_empty_is_missing() {
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
    fn build_for_a_sub_path_at_the_root_is_complete() {
        check_missing(
            &[
                ("/index.html", "<script src=/app/assets/b.js></script>"),
                ("/assets/b.js", "1"),
            ],
            &[],
        );
    }

    #[test]
    fn lazy_chunk_that_does_not_exist_is_missing() {
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
    fn chunk_named_by_a_hash_of_digits_is_reachable() {
        check_reachable(
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
    fn name_that_is_composed_or_encoded_is_not_missing() {
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
    fn empty_style_sheet_is_not_missing() {
        check_missing(
            &[
                ("/index.html", "<link rel=stylesheet href=/vp-icons.css>"),
                ("/vp-icons.css", ""),
            ],
            &[],
        );
    }
}
