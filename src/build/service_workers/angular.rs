//! The manifest of Angular's service worker, which verifies every page that it fetches by its SHA-1.
//!
//! A page with the script has another hash, which must be in the manifest; and the worker, which fetches pages like all
//! other files, must get them with the script.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use sha1::Digest as _;
use sha1::Sha1;

use crate::http::media_type;
use crate::http::media_type::Kind;
use crate::release::asset::Asset;
use crate::release::representation::Content;

/// A manifest with the hashes of the pages with the script.
#[derive(Debug)]
pub(crate) struct UpdatedManifest {
    pub(crate) manifest: Bytes,
    /// The pages whose hashes were updated: all requests must get them with the script.
    pub(crate) pages: BTreeSet<String>,
}

impl UpdatedManifest {
    /// Updates the manifest in `files` with the hashes of `pages`, which have the script. `None` if there is no
    /// manifest, or none of the pages is in it.
    ///
    /// A page is found by the hash that the build has computed. Its path may be prefixed by the base under which the
    /// site was to be deployed, the same for all pages.
    pub(crate) fn new(
        files: &BTreeMap<String, Arc<Asset>>,
        pages: &BTreeMap<&str, Arc<Asset>>,
    ) -> Option<Self> {
        let manifest = files.get(MANIFEST)?.plain().content().bytes().ok()?;
        let mut json: Value = match serde_json::from_slice(&manifest) {
            Ok(json) => json,
            Err(error) => {
                tracing::warn!(
                    path = MANIFEST,
                    %error,
                    "cannot parse the manifest of a service worker; if it is angular's, it will reject the pages"
                );
                return None;
            }
        };
        let table = json.get_mut("hashTable")?.as_object_mut()?;
        let mut changed = BTreeSet::new();
        let mut base = None;
        let mut unknown = Vec::new();
        for (url, hash) in table {
            if media_type::kind(url) != Kind::Page {
                continue;
            }
            let known = hash.as_str().and_then(|hash| find(url, hash, files));
            let known =
                known.filter(|(found, _)| *base.get_or_insert_with(|| found.clone()) == *found);
            let Some((_, path)) = known else {
                unknown.push(url.as_str());
                continue;
            };
            let Some(Content::Memory(page)) = pages.get(path).map(|page| page.plain().content())
            else {
                continue;
            };
            *hash = sha1(page).into();
            changed.insert(path.to_owned());
        }
        if !unknown.is_empty() {
            let urls = unknown[..unknown.len().min(MAX_LISTED)].join(", ");
            tracing::warn!(
                path = MANIFEST,
                urls,
                "hashes in the manifest of angular's service worker match no page; it will reject these pages"
            );
        }
        if changed.is_empty() {
            return None;
        }
        // In the format in which the build has written it, to keep the difference small.
        let manifest = if manifest.contains(&b'\n') {
            serde_json::to_vec_pretty(&json)
        } else {
            serde_json::to_vec(&json)
        };
        Some(Self {
            manifest: manifest.ok()?.into(),
            pages: changed,
        })
    }
}

/// The base and the path of the file at `url`, if it has this hash.
fn find<'a>(
    url: &str,
    hash: &str,
    files: &'a BTreeMap<String, Arc<Asset>>,
) -> Option<(String, &'a str)> {
    let url = percent_decode_str(url).decode_utf8().ok()?;
    // Longest first.
    let mut slashes = url.match_indices('/').map(|(at, _)| at);
    slashes.find_map(|at| {
        let (path, file) = files.get_key_value(&url[at..])?;
        let Content::Memory(bytes) = file.plain().content() else {
            return None;
        };
        let is_match = sha1(bytes).eq_ignore_ascii_case(hash);
        is_match.then(|| (url[..at].to_owned(), path.as_str()))
    })
}

fn sha1(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha1::digest(bytes))
}

pub(crate) const MANIFEST: &str = "/ngsw.json";

const MAX_LISTED: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    const RAW: &str = "<!doctype html>raw";
    const WITH: &str = "<!doctype html><script>";

    /// Updates a manifest with `RAW`, `WITH` and `DOCS` in place of the hashes of these pages.
    fn update(manifest: &str) -> Option<(String, Vec<String>)> {
        let asset =
            |text: &str| Arc::new(Asset::from_bytes(Bytes::copy_from_slice(text.as_bytes())));
        let names = [("RAW", RAW), ("WITH", WITH), ("DOCS", "docs")];
        let manifest = names
            .iter()
            .fold(manifest.to_owned(), |text, (name, page)| {
                text.replace(name, &sha1(page.as_bytes()))
            });
        let files = BTreeMap::from([
            ("/index.html".to_owned(), asset(RAW)),
            ("/docs/index.html".to_owned(), asset("docs")),
            ("/plain.html".to_owned(), asset("plain")),
            ("/main.js".to_owned(), asset(RAW)),
            (MANIFEST.to_owned(), asset(&manifest)),
        ]);
        let pages = BTreeMap::from([
            ("/index.html", asset(WITH)),
            ("/docs/index.html", asset("docs with")),
        ]);
        let UpdatedManifest { manifest, pages } = UpdatedManifest::new(&files, &pages)?;
        let text = String::from_utf8(manifest.to_vec()).unwrap();
        let text = text
            .replace(&sha1(WITH.as_bytes()), "WITH")
            .replace(&sha1(RAW.as_bytes()), "RAW");
        let text = text
            .replace(&sha1(b"docs with"), "DOCS WITH")
            .replace(&sha1(b"docs"), "DOCS");
        Some((text, pages.into_iter().collect()))
    }

    #[track_caller]
    fn check(manifest: &str, expected: &str, pages: &[&str]) {
        let (text, changed) = update(manifest).expect("another manifest");
        assert_eq!(text, expected);
        assert_eq!(changed, pages);
    }

    #[test]
    fn manifest_update_changes_nothing_but_hashes_of_pages() {
        check(
            r#"{"configVersion":1,"timestamp":1763824000123,"index":"/index.html","assetGroups":[{"urls":["/z","/a"]}],"hashTable":{"/main.js":"RAW","/index.html":"RAW","/a.css":"1"},"b":null,"a":1}"#,
            r#"{"configVersion":1,"timestamp":1763824000123,"index":"/index.html","assetGroups":[{"urls":["/z","/a"]}],"hashTable":{"/main.js":"RAW","/index.html":"WITH","/a.css":"1"},"b":null,"a":1}"#,
            &["/index.html"],
        );
        check(
            "{\n  \"hashTable\": {\n    \"/index.html\": \"RAW\"\n  },\n  \"dataGroups\": []\n}",
            "{\n  \"hashTable\": {\n    \"/index.html\": \"WITH\"\n  },\n  \"dataGroups\": []\n}",
            &["/index.html"],
        );
    }

    #[test]
    fn manifest_with_a_base_has_it_for_all_pages() {
        check(
            r#"{"hashTable":{"/app/docs/index.html":"DOCS","/app/index.html":"RAW"}}"#,
            r#"{"hashTable":{"/app/docs/index.html":"DOCS WITH","/app/index.html":"WITH"}}"#,
            &["/docs/index.html", "/index.html"],
        );
        // The base has the name of a folder; the hash distinguishes them.
        check(
            r#"{"hashTable":{"/docs/index.html":"RAW"}}"#,
            r#"{"hashTable":{"/docs/index.html":"WITH"}}"#,
            &["/index.html"],
        );
        check(
            r#"{"hashTable":{"/app/index.html":"RAW","/other/docs/index.html":"DOCS"}}"#,
            r#"{"hashTable":{"/app/index.html":"WITH","/other/docs/index.html":"DOCS"}}"#,
            &["/index.html"],
        );
    }

    #[test]
    fn manifest_without_matching_hashes_is_not_updated() {
        for manifest in [
            "",
            "{",
            "[]",
            "{}",
            r#"{"hashTable":[]}"#,
            r#"{"hashTable":{}}"#,
            r#"{"hashTable":{"/main.js":"RAW"}}"#,
            r#"{"hashTable":{"/index.html":"0000"}}"#,
            r#"{"hashTable":{"/index.html":1}}"#,
            r#"{"hashTable":{"index.html":"RAW"}}"#,
        ] {
            assert_eq!(update(manifest), None, "{manifest}");
        }
    }
}
