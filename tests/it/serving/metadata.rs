//! `tidings.json`, the metadata file of a build, which is never served.

use tidings::Policy;
use tidings::Release;

use super::*;

const ABOUT_IT: (&str, &str) = (
    "tidings.json",
    r#"{"notes": "Dark mode", "policy": "idle", "label": "1.4.2"}"#,
);

fn metadata(release: &Release) -> (Option<&str>, Option<&str>, Option<Policy>) {
    (release.notes(), release.label(), release.policy())
}

#[tokio::test]
async fn metadata_file_sets_notes_label_and_policy() {
    let served = DirectorySite::new(&[SITE, &[ABOUT_IT]].concat()).await;
    let release = served.site.current().unwrap();
    let expected = (Some("Dark mode"), Some("1.4.2"), Some(Policy::Idle));
    assert_eq!(metadata(&release), expected);
    let plain = DirectorySite::new(SITE).await;
    let without = plain.site.current().unwrap();
    assert_eq!(metadata(&without), (None, None, None));
    // The file is not part of the release.
    assert_eq!(release.id(), without.id());
    assert_eq!(release.len(), without.len());
}

#[tokio::test]
async fn metadata_file_is_not_served() {
    let copies = [
        ("tidings.json.br", "x"),
        ("tidings.json.gz", "x"),
        ("sub/tidings.json", "{}"),
    ];
    let served = DirectorySite::new(&[SITE, &[ABOUT_IT], &copies].concat()).await;
    for path in ["/tidings.json", "/tidings.json?x", "/%74idings.json"] {
        for fields in [&[][..], NAVIGATION, &[("tidings-preflight", "1")]] {
            let reply = served.get(path, fields).await;
            assert_plain(&reply, 404, "404 Not Found\n");
        }
    }
    for path in ["/tidings.json.br", "/tidings.json.gz"] {
        assert_eq!(served.get(path, &[]).await.status, 404, "{path}");
    }
    // In a subdirectory it is an ordinary file.
    assert_eq!(served.get("/sub/tidings.json", &[]).await.text(), "{}");
    // Without such a file the path does not fall back to the app either.
    let served = DirectorySite::new(SITE).await;
    let reply = served.get("/tidings.json", NAVIGATION).await;
    assert_plain(&reply, 404, "404 Not Found\n");
}

#[tokio::test]
async fn metadata_file_invalid_does_not_stop_a_deploy() {
    for (json, expected) in [
        ("", (None, None, None)),
        ("{\"notes\"", (None, None, None)),
        ("[1]", (None, None, None)),
        (
            r#"{"notes": 1, "label": "2", "policy": "never", "more": {}}"#,
            (None, Some("2"), None),
        ),
    ] {
        let served = DirectorySite::new(&[SITE, &[("tidings.json", json)]].concat()).await;
        let release = served.site.current().unwrap();
        assert_eq!(metadata(&release), expected, "{json}");
        assert_page(&served.get("/", NAVIGATION).await, INDEX);
    }
    // A file over the size limit is ignored as well.
    let large = format!("{{\"notes\": \"{}\"}}", "x".repeat(300_000));
    let served = DirectorySite::new(&[SITE, &[("tidings.json", large.as_str())]].concat()).await;
    let release = served.site.current().unwrap();
    assert_eq!(metadata(&release), (None, None, None));
}

#[tokio::test]
async fn metadata_file_change_does_not_notify() {
    let served = DirectorySite::new(&[SITE, &[ABOUT_IT]].concat()).await;
    let change = |dir: &std::path::Path| {
        std::fs::write(dir.join("tidings.json"), r#"{"notes": "Mended"}"#).unwrap();
    };
    let is_there = |release: &Release| release.notes() == Some("Mended");
    served.change_without_notice(change, is_there).await;
    let release = served.site.current().unwrap();
    assert_eq!(metadata(&release), (Some("Mended"), None, None));
}

#[test]
fn named_release_setters_set_metadata() {
    let release = Release::new("v2".parse().unwrap(), 1)
        .with_notes("https://app.example/news")
        .with_label("2.0")
        .with_policy(Policy::Force);
    let expected = (
        Some("https://app.example/news"),
        Some("2.0"),
        Some(Policy::Force),
    );
    assert_eq!(metadata(&release), expected);
    let release = release.with_notes(&"x".repeat(5000)).with_label("");
    assert_eq!(release.notes().unwrap().len(), 4000);
    assert_eq!(release.label(), None);
}
