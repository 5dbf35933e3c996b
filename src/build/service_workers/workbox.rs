//! The precache list of a service worker that was made by Workbox.
//!
//! The worker fetches the list's pages when it is installed, in requests that do not look like navigations, and later
//! responds to navigations with them. So these pages must be sent with the script to all requests; otherwise the tabs
//! that get them would not hear of releases.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use memchr::memmem;

use crate::http::media_type;
use crate::http::media_type::Kind;
use crate::release::asset::Asset;
use crate::release::representation::Content;

/// The pages that are in a precache list in `files`.
pub(crate) fn precached_pages(
    files: &BTreeMap<String, Arc<Asset>>,
    pages: &BTreeMap<&str, Arc<Asset>>,
) -> BTreeSet<String> {
    let mut listed = BTreeSet::new();
    let scripts = files
        .iter()
        .filter(|(path, _)| media_type::kind(path) == Kind::Script);
    for (path, script) in scripts {
        let Content::Memory(text) = script.plain().content() else {
            continue;
        };
        let folder = &path[..=path.rfind('/').unwrap_or(0)];
        for url in urls(text) {
            let url = url.split(['?', '#']).next().unwrap_or("");
            let at = match url.strip_prefix("./").unwrap_or(url) {
                absolute if absolute.starts_with('/') => absolute.to_owned(),
                relative => format!("{folder}{relative}"),
            };
            let folder = at.trim_end_matches('/');
            let names = [
                at.clone(),
                format!("{folder}/index.html"),
                format!("{folder}.html"),
            ];
            let found = names
                .into_iter()
                .find(|name| pages.contains_key(name.as_str()));
            listed.extend(found);
        }
    }
    listed
}

/// The URLs in what looks like such a list: `{url:"…",revision:"…"}`, in either order, with quotes or without.
fn urls(script: &[u8]) -> Vec<String> {
    let is_workbox = MARKERS
        .iter()
        .any(|marker| memmem::find(script, marker).is_some());
    if !is_workbox {
        return Vec::new();
    }
    let found = memmem::find_iter(script, "revision").filter_map(|at| {
        let before = &script[at.saturating_sub(MAX_ITEM)..at];
        let start = at - before.len() + before.iter().rposition(|b| *b == b'{')?;
        let after = &script[at..script.len().min(at + MAX_ITEM)];
        let end = at + after.iter().position(|b| *b == b'}')?;
        url(std::str::from_utf8(&script[start + 1..end]).ok()?)
    });
    found.collect()
}

/// The value of `url` in an object without its braces.
fn url(object: &str) -> Option<String> {
    let keys = object.match_indices("url").map(|(at, _)| at);
    keys.filter(|at| !object[..*at].ends_with(|c: char| c.is_alphanumeric()))
        .find_map(|at| {
            let rest = object[at + "url".len()..].trim_start_matches(['"', '\'']);
            let value = rest.trim_start().strip_prefix(':')?.trim_start();
            let quote = value
                .chars()
                .next()
                .filter(|c| matches!(c, '"' | '\'' | '`'))?;
            value[1..].split(quote).next().map(str::to_owned)
        })
}

// One is in every build of Workbox, minified or not: in the names of its caches, its functions, its placeholder.
const MARKERS: [&[u8]; 3] = [b"workbox", b"recache", b"__WB_"];

// An item of the list is a URL and a hash.
const MAX_ITEM: usize = 512;

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[track_caller]
    fn check(path: &str, script: &str, expected: &[&str]) {
        let asset =
            |text: &str| Arc::new(Asset::from_bytes(Bytes::copy_from_slice(text.as_bytes())));
        let files = BTreeMap::from([(path.to_owned(), asset(script))]);
        let names = ["/index.html", "/about.html", "/docs/index.html"];
        let pages = names.map(|name| (name, asset(""))).into();
        assert_eq!(
            Vec::from_iter(precached_pages(&files, &pages)),
            expected,
            "{script}"
        );
    }

    #[test]
    fn precache_list_of_a_real_build_is_found() {
        // vite-plugin-pwa, generateSW.
        check(
            "/sw.js",
            r#"define(["./workbox-3e8df8c8"],function(e){e.precacheAndRoute([{url:"registerSW.js",revision:"1872c500"},{url:"index.html",revision:"0b5e7f"},{url:"assets/index-D1.js",revision:null}],{})"#,
            &["/index.html"],
        );
        // injectManifest, minified; with spaces; create-react-app.
        check(
            "/sw.js",
            r#"const p="workbox-precache-v2";x([{"revision":"0b5e","url":"/about"},{"revision":null,"url":"a.js"},{ "url": "docs/", "revision": "1" }])"#,
            &["/about.html", "/docs/index.html"],
        );
        check(
            "/precache-manifest.77.js",
            "self.__precacheManifest = [\n  {\n    \"revision\": \"0b5e\",\n    \"url\": \"/index.html\"\n  }\n];",
            &["/index.html"],
        );
        check(
            "/docs/sw.js",
            "precache([{url:'./',revision:'1'}])",
            &["/docs/index.html"],
        );
    }

    #[test]
    fn script_without_a_precache_list_has_no_pages() {
        check("/app.js", r#"x=[{url:"index.html",revision:"1"}]"#, &[]);
        check(
            "/sw.js",
            r#"precache({curl:"index.html",revision:"1"})"#,
            &[],
        );
        check("/sw.js", r#"precache({url:index,revision:"1"})"#, &[]);
        check(
            "/sw.js",
            "precache revision } { revision url: {é revision é}",
            &[],
        );
        check(
            "/sw.txt",
            r#"precache({url:"index.html",revision:"1"})"#,
            &[],
        );
    }
}
