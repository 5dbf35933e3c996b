//! A site with Angular's service worker, which accepts a page only if its hash equals the one in the manifest.

use serde_json::Value;
use sha1::Digest as _;
use sha1::Sha1;

use super::*;
use crate::support::coding::decode;

/// The headers of a request of the worker.
const FETCH: &[(&str, &str)] = &[
    ("sec-fetch-dest", "empty"),
    ("accept", "*/*"),
    ("accept-encoding", "br"),
];

fn decoded(reply: &Reply) -> Vec<u8> {
    decode(reply.field("content-encoding"), &reply.body)
}

fn sha1(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha1::digest(bytes))
}

/// A manifest for these pages and the script, under a base path.
fn manifest(base: &str, pages: &[(&str, &str)]) -> String {
    let mut table: Vec<_> = pages
        .iter()
        .map(|(path, html)| (*path, sha1(html.as_bytes())))
        .collect();
    table.push(("assets/index-BfX2k3Qa.js", sha1(SCRIPT.as_bytes())));
    let table = table
        .iter()
        .map(|(path, hash)| format!("\n    \"{base}/{path}\": \"{hash}\""));
    let table = table.collect::<Vec<_>>().join(",");
    format!(
        "{{\n  \"configVersion\": 1,\n  \"timestamp\": 1763824000123,\n  \"index\": \"{base}/index.html\",\n  \
         \"hashTable\": {{{table}\n  }},\n  \"dataGroups\": []\n}}"
    )
}

/// Asserts that every file in the served manifest has the hash listed there, for a site at `base`.
async fn assert_accepted(served: &DirectorySite, base: &str) {
    let sent = served.get("/ngsw.json?ngsw-cache-bust=0.1", FETCH).await;
    let sent: Value = serde_json::from_slice(&decoded(&sent)).unwrap();
    let table = sent["hashTable"].as_object().unwrap();
    assert!(!table.is_empty());
    for (url, hash) in table {
        let path = url.strip_prefix(base).unwrap();
        for query in ["", "?ngsw-cache-bust=0.2"] {
            let reply = served.get(&format!("{path}{query}"), FETCH).await;
            assert_eq!(
                sha1(&decoded(&reply)),
                hash.as_str().unwrap(),
                "{url}{query}"
            );
        }
    }
}

#[tokio::test]
async fn ngsw_manifest_has_hashes_of_pages_with_script() {
    let raw = manifest("", &[("index.html", INDEX), ("about.html", ABOUT)]);
    let served = DirectorySite::new(&[SITE, &[("ngsw.json", raw.as_str())]].concat()).await;
    assert_accepted(&served, "").await;
    let page = served.get("/", NAVIGATION).await;
    assert_page(&page, INDEX);
    let fetched = served.get("/", &[("sec-fetch-dest", "empty")]).await;
    assert_eq!(lines(&fetched.headers), lines(&page.headers));
    assert_eq!(fetched.body, page.body);
    // The page is the same for every request, and too small to be compressed.
    assert_eq!(page.field("vary"), "");
    // Nothing else in the manifest changes.
    let sent = served.get("/ngsw.json", &[]).await;
    assert_eq!(sent.field("content-type"), "application/json");
    assert_eq!(sent.field("last-modified"), "");
    let about = served.get("/about", &[]).await;
    let expected = raw
        .replace(&sha1(INDEX.as_bytes()), &sha1(&page.body))
        .replace(&sha1(ABOUT.as_bytes()), &sha1(&about.body));
    assert_eq!(sent.text(), expected);
    // Pages that are not listed are sent as usual.
    let fetched = served.get("/docs/", &[("sec-fetch-dest", "empty")]).await;
    assert_eq!(fetched.text(), DOCS);
}

#[tokio::test]
async fn ngsw_manifest_etag_changes_with_the_release() {
    let raw = manifest("", &[("index.html", INDEX)]);
    let served = DirectorySite::new(&[SITE, &[("ngsw.json", raw.as_str())]].concat()).await;
    let first = served.get("/ngsw.json", FETCH).await;
    let known = [FETCH, &[("if-none-match", first.field("etag"))]].concat();
    assert_eq!(served.get("/ngsw.json", &known).await.status, 304);
    let raw = manifest("", &[("index.html", ABOUT)]);
    let files = [SITE, &[("index.html", ABOUT), ("ngsw.json", raw.as_str())]];
    served.replace(&files.concat()).await;
    assert_eq!(served.get("/ngsw.json", &known).await.status, 200);
    assert_accepted(&served, "").await;
}

#[tokio::test]
async fn ngsw_manifest_with_base_path_matches_served_pages() {
    let raw = manifest("/app", &[("index.html", INDEX), ("docs/index.html", DOCS)]);
    let served = DirectorySite::new(&[SITE, &[("ngsw.json", raw.as_str())]].concat()).await;
    assert_accepted(&served, "/app").await;
    assert_page(&served.get("/docs/", FETCH_PLAIN).await, DOCS);
}

#[tokio::test]
async fn ngsw_manifest_without_matching_page_is_unchanged() {
    for raw in [
        manifest("", &[("index.html", "another")]),
        "{\"hashTable\": {}}".to_owned(),
        "{\"hash".to_owned(),
    ] {
        let served = DirectorySite::new(&[SITE, &[("ngsw.json", raw.as_str())]].concat()).await;
        assert_eq!(served.get("/ngsw.json", &[]).await.text(), raw);
        assert_page(&served.get("/", NAVIGATION).await, INDEX);
        assert_eq!(served.get("/", FETCH_PLAIN).await.text(), INDEX);
    }
}

const FETCH_PLAIN: &[(&str, &str)] = &[("sec-fetch-dest", "empty")];
