//! The list of a service worker that Workbox made: what it fetches when it is installed, and answers with later.
//!
//! It fetches pages as it does all else, in a way that says neither that they are pages nor who asks, so they must be
//! sent with the script to everybody; else whoever it answers would never hear of a release.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use memchr::memmem;

use crate::http::media_type;
use crate::http::media_type::Kind;
use crate::release::asset::Asset;
use crate::release::asset::Content;

/// Those of `pages` that a list among `files` names.
pub(crate) fn listed(
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

/// The addresses in what looks like the list: `{url:"…",revision:"…"}`, in either order, with quotes or without.
fn urls(script: &[u8]) -> Vec<String> {
    let is_workbox = MARKS
        .iter()
        .any(|mark| memmem::find(script, mark).is_some());
    if !is_workbox {
        return Vec::new();
    }
    let found = memmem::find_iter(script, "revision").filter_map(|at| {
        let before = &script[at.saturating_sub(LONGEST)..at];
        let start = at - before.len() + before.iter().rposition(|b| *b == b'{')?;
        let after = &script[at..script.len().min(at + LONGEST)];
        let end = at + after.iter().position(|b| *b == b'}')?;
        url(std::str::from_utf8(&script[start + 1..end]).ok()?)
    });
    found.collect()
}

/// The value of `url` in the inside of an object.
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

// In every build of it, whatever became of its names: names of its caches, of its functions, of its placeholder.
const MARKS: [&[u8]; 3] = [b"workbox", b"recache", b"__WB_"];

// An entry of the list is an address and a hash.
const LONGEST: usize = 512;

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
        assert_eq!(Vec::from_iter(listed(&files, &pages)), expected, "{script}");
    }

    #[test]
    fn the_lists_of_real_builds_are_found() {
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
    fn other_scripts_have_none() {
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
