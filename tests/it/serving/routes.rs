//! Mapping of paths to files: clean URLs, redirects, fallback, 404 pages, and rejected paths.

use std::fs;
use std::os::unix::fs::symlink;

use super::*;
use crate::support::put;

const NOT_FOUND: &str = "<!doctype html><title>Not here</title>\n";
const APP: &str = "<!doctype html><title>App</title>\n";

#[tokio::test]
async fn fallback_navigation_to_unknown_path_gets_index() {
    let served = DirectorySite::new(SITE).await;
    for path in [
        "/users",
        "/users/42",
        "/users/jane.doe",
        "/users/",
        "/v1.2/notes.md",
        "/caf%C3%A9",
        "/100%25",
        "/%252e%252e/x",
        "/assets/",
        "/assets",
        "/...",
        "/users?next=/docs&x=%00",
    ] {
        for fields in [
            NAVIGATION,
            &[("sec-fetch-dest", "document"), ("accept", "*/*")],
            &[("sec-fetch-dest", "iframe")],
            &[("sec-fetch-dest", "frame")],
            &[("accept", "text/html")],
            &[("accept", "application/xml, text/html;q=0.9")],
        ] {
            let reply = served.get(path, fields).await;
            assert_eq!(reply.status, 200, "{path} {fields:?}");
            assert_page(&reply, INDEX);
            assert_eq!(reply.field("cache-control"), "no-cache");
            // Other requests get a 404 for this path.
            let vary: Vec<_> = reply.field("vary").split(", ").collect();
            assert!(vary.contains(&"accept") && vary.contains(&"sec-fetch-dest"));
        }
    }
}

#[tokio::test]
async fn missing_hashed_file_returns_404_for_navigation() {
    let served = DirectorySite::new(SITE).await;
    for path in ["/assets/index-Dk2_x9Zb.js", "/assets/About-tn0RQdqM.css"] {
        let reply = served.get(path, NAVIGATION).await;
        assert_plain(&reply, 404, "404 Not Found\n");
    }
}

#[tokio::test]
async fn missing_file_non_navigation_returns_plain_404() {
    let served = DirectorySite::new(SITE).await;
    for path in [
        "/assets/index-OLDOLD12.js",
        "/assets/About-tn0RQdqM.css",
        "/api/users",
        "/users/42",
        "/docs/guide",
        "/robots.txt/",
        "/index.html/x",
        "/%252e%252e/x",
    ] {
        for fields in [
            &[][..],
            &[("accept", "*/*")],
            &[("accept", "application/json")],
            &[("accept", "text/css,*/*;q=0.1")],
            &[("sec-fetch-dest", "script"), ("accept", "text/html")],
            &[("sec-fetch-dest", "style"), ("accept", "text/html,*/*")],
            &[("sec-fetch-dest", "image"), ("accept", "text/html")],
            &[("sec-fetch-dest", "empty"), ("accept", "text/html")],
            &[("sec-fetch-dest", "worker"), ("accept", "text/html")],
            &[("sec-fetch-dest", "object"), ("accept", "text/html")],
            &[("sec-fetch-dest", ""), ("accept", "text/html")],
        ] {
            let reply = served.get(path, fields).await;
            assert_plain(&reply, 404, "404 Not Found\n");
        }
    }
}

#[tokio::test]
async fn page_404_replaces_the_fallback() {
    let files = [SITE, &[("404.html", NOT_FOUND)]].concat();
    let served = DirectorySite::new(&files).await;
    for path in ["/users/42", "/none/", "/assets/none.js"] {
        let reply = served.get(path, NAVIGATION).await;
        assert_eq!(reply.status, 404);
        assert_page(&reply, NOT_FOUND);
        assert_eq!(reply.field("cache-control"), "no-store");
        // A 206 or 304 here would be mistaken for one of the missing page.
        let etag = reply.field("etag").to_owned();
        let fields = [
            NAVIGATION,
            &[("if-none-match", &etag), ("range", "bytes=0-3")],
        ];
        let again = served.get(path, &fields.concat()).await;
        assert_eq!(again.status, 404);
        assert_page(&again, NOT_FOUND);
        assert_plain(&served.get(path, &[]).await, 404, "404 Not Found\n");
    }
    assert_page(&served.get("/", NAVIGATION).await, INDEX);
}

#[tokio::test]
async fn page_404_in_subdirectory_keeps_the_fallback() {
    let files = [SITE, &[("docs/404.html", NOT_FOUND)]].concat();
    let served = DirectorySite::new(&files).await;
    assert_page(&served.get("/docs/none", NAVIGATION).await, INDEX);
}

#[tokio::test]
async fn fallback_option_selects_the_page() {
    let with = |files: &'static [(&'static str, &'static str)], fallback: &'static str| async move {
        let served = DirectorySite::new(&[SITE, files].concat()).await;
        let served = served.fallback(fallback);
        let reply = served.get("/users/42", NAVIGATION).await;
        // Existing files are served whatever the fallback is.
        assert_page(&served.get("/about", NAVIGATION).await, ABOUT);
        reply
    };
    let reply = with(&[], "none").await;
    assert_plain(&reply, 404, "404 Not Found\n");
    let reply = with(&[("404.html", NOT_FOUND)], "none").await;
    assert_eq!(reply.status, 404);
    assert_page(&reply, NOT_FOUND);
    let reply = with(&[("app.html", APP)], "/app.html").await;
    assert_eq!(reply.status, 200);
    assert_page(&reply, APP);
    let reply = with(
        &[("sub/app.html", APP), ("404.html", NOT_FOUND)],
        "sub/app.html",
    );
    let reply = reply.await;
    assert_eq!(reply.status, 200);
    assert_page(&reply, APP);
    // The fallback page does not exist (yet).
    let reply = with(&[], "/app.html").await;
    assert_plain(&reply, 404, "404 Not Found\n");
    let reply = with(&[("404.html", NOT_FOUND)], "/app.html").await;
    assert_eq!(reply.status, 404);
    assert_page(&reply, NOT_FOUND);
}

#[tokio::test]
async fn clean_urls_resolve_index_and_extension() {
    let both = [
        ("both.html", APP),
        ("both/index.html", NOT_FOUND),
        ("a b/index.html", APP),
    ];
    let served = DirectorySite::new(&[SITE, &both].concat()).await;
    for (path, html) in [
        ("/", INDEX),
        ("/index.html", INDEX),
        ("/index", INDEX),
        ("/about", ABOUT),
        ("/about.html", ABOUT),
        ("/docs/", DOCS),
        ("/docs/index.html", DOCS),
        ("/docs/index", DOCS),
        ("/both", APP),
        ("/both/", NOT_FOUND),
        ("/a%20b/", APP),
        ("/%61bout", ABOUT),
        ("/about?x=1", ABOUT),
        ("/./about", ABOUT),
        ("/docs/../about", ABOUT),
        ("//about", ABOUT),
        ("/docs//", DOCS),
        ("/docs/.", DOCS),
    ] {
        let reply = served.get(path, &[]).await;
        assert_eq!(reply.status, 200, "{path}");
        assert_page(&reply, html);
    }
}

#[tokio::test]
async fn trailing_slash_wrong_returns_308() {
    let odd = [
        ("a b/index.html", APP),
        ("50%/index.html", APP),
        ("é?#/x.html", APP),
    ];
    let served = DirectorySite::new(&[SITE, &odd].concat()).await;
    for (path, location) in [
        ("/docs", "/docs/"),
        ("/docs?a=b&c=%2Fd//e", "/docs/?a=b&c=%2Fd//e"),
        ("/docs?", "/docs/?"),
        ("/about/", "/about"),
        ("/about/?x=//evil.example", "/about?x=//evil.example"),
        ("/about//", "/about"),
        ("/a%20b", "/a%20b/"),
        ("/50%25", "/50%25/"),
        ("/%C3%A9%3F%23/x/", "/%C3%A9%3F%23/x"),
        // No path redirects to another host.
        ("//about/", "/about"),
        ("///docs", "/docs/"),
        ("//evil.example/%2e%2e/about/", "/about"),
        ("//evil.example/../docs", "/docs/"),
        ("/./docs", "/docs/"),
    ] {
        let reply = served.get(path, NAVIGATION).await;
        assert_eq!(reply.status, 308, "{path}");
        assert_eq!(reply.field("location"), location, "{path}");
        assert_eq!(reply.field("cache-control"), "no-cache", "{path}");
        assert_eq!(reply.text(), "308 Permanent Redirect\n");
    }
}

#[tokio::test]
async fn hostile_paths_return_400() {
    let served = DirectorySite::new(SITE).await;
    for path in [
        "/..",
        "/../",
        "/../robots.txt",
        "/docs/../../robots.txt",
        "/%2e%2e/robots.txt",
        "/.%2e/robots.txt",
        "/docs/..%2f..%2frobots.txt",
        "/%2F%2Fevil.example",
        "/%2Fevil.example/%2e%2e/about/",
        "/docs%2findex.html",
        "/%5c",
        "/%5cevil.example/about/",
        "/..%5crobots.txt",
        "/%00",
        "/about%00",
        "/robots.txt%00.html",
        "/%ff",
        "/%c0%ae%c0%ae/robots.txt",
        "/%ed%a0%80",
        "/%0d%0aset-cookie:%20x=y",
        "/about/%0a",
        "/%1b%5b31m",
        "/%7f",
        "/%09",
    ] {
        for fields in [&[][..], NAVIGATION] {
            let reply = served.get(path, fields).await;
            assert_plain(&reply, 400, "400 Bad Request\n");
            assert_eq!(reply.field("location"), "");
        }
    }
    // Dot segments that stay inside the root are resolved.
    let reply = served.get("//evil.example/..", NAVIGATION).await;
    assert_eq!(reply.status, 200);
    assert_page(&reply, INDEX);
}

#[tokio::test]
async fn symlink_out_of_root_returns_404() {
    let outer = crate::support::site_dir(&[("secret.txt", "secret")]);
    let root = outer.path().join("dist");
    put(&root, SITE);
    symlink("../secret.txt", root.join("linked.txt")).unwrap();
    symlink(outer.path(), root.join("up")).unwrap();
    symlink("robots.txt", root.join("inside.txt")).unwrap();
    let site = tidings::Site::new();
    let watch = crate::support::directory_site::watch(&root);
    let watching = watch.run(site.clone());
    let test = async {
        crate::support::wait_until_async("the first release", || site.current()).await;
        let files = tidings::StaticFiles::new(site.clone());
        for path in ["/linked.txt", "/up/secret.txt", "/secret.txt"] {
            let reply = crate::support::directory_site::send(files.clone(), "GET", path, &[]).await;
            assert_plain(&Reply::read(reply).await, 404, "404 Not Found\n");
        }
        let reply = crate::support::directory_site::send(files, "GET", "/inside.txt", &[]).await;
        assert_eq!(Reply::read(reply).await.text(), ROBOTS);
    };
    tokio::select! {
        () = test => {}
        never = watching => match never {},
    }
}

#[tokio::test]
async fn dot_files_return_404_except_well_known() {
    let hidden = [
        (".env", "KEY=secret"),
        (".git/config", "secret"),
        ("docs/.draft.html", "secret"),
        ("docs/.hidden/x.txt", "secret"),
        (".well-known/.secret", "secret"),
        (".well-known/security.txt", "Contact: x\n"),
    ];
    let served = DirectorySite::new(&[SITE, &hidden].concat()).await;
    for (path, _) in hidden.iter().filter(|(_, content)| *content == "secret") {
        let path = format!("/{path}");
        assert_plain(&served.get(&path, &[]).await, 404, "404 Not Found\n");
        assert_page(&served.get(&path, NAVIGATION).await, INDEX);
    }
    let reply = served.get("/.env", &[]).await;
    assert_plain(&reply, 404, "404 Not Found\n");
    let reply = served.get("/.well-known/security.txt", &[]).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.text(), "Contact: x\n");
}

#[tokio::test]
async fn page_404_added_or_removed_takes_effect_on_deploy() {
    let served = DirectorySite::new(SITE).await;
    assert_page(&served.get("/users", NAVIGATION).await, INDEX);
    // Adding a 404 page disables the fallback to the app; removing it enables it again.
    served.deploy(&[("404.html", NOT_FOUND)]).await;
    assert_eq!(served.get("/users", NAVIGATION).await.status, 404);
    served
        .change(|dir| fs::remove_file(dir.join("404.html")).unwrap())
        .await;
    assert_page(&served.get("/users", NAVIGATION).await, INDEX);
}
