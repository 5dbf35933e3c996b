//! A missing or incomplete directory.

use std::fs;

use super::*;
use crate::support::events::Events;
use crate::support::put;
use crate::support::wait_until;

#[test]
fn directory_missing_returns_503_until_complete() {
    let outer = site_dir(&[]);
    let dir = outer.path().join("releases/current");
    let shown = dir.to_str().unwrap();
    let program = Program::serve_with(&dir, &["--rescan-interval", "500ms"]);
    program.wait_for_log(&[
        "INFO",
        "waiting for a complete build",
        shown,
        "no such directory",
    ]);
    let answer = program.get("/", &[]);
    assert_eq!(answer.status, 503);
    assert_eq!(answer.field("retry-after"), "2");
    assert!(answer.text().contains(shown), "{answer:?}");
    let answer = program.get("/", &[("sec-fetch-dest", "document")]);
    assert_eq!(answer.status, 503);
    assert!(answer.text().starts_with("<!doctype html>"));
    // An event stream can be opened before the first release, and gets it at once.
    let mut events = Events::open(program.address());
    assert_ne!(events.block().unwrap().unwrap().retry, "");

    fs::create_dir_all(&dir).unwrap();
    program.wait_for_log(&["waiting for a complete build", "no index.html"]);
    put(
        &dir,
        &[("index.html", "<!doctype html><script src=/app.js></script>")],
    );
    program.wait_for_log(&["waiting for a complete build", "missing files: /app.js"]);
    assert_eq!(program.get("/", &[]).status, 503);
    put(&dir, &[("app.js", "1")]);
    let release = events.release().unwrap();
    let page = program.get("/", &[]);
    assert_eq!(page.status, 200);
    assert!(page.text().contains(&release), "{page:?}");
    program.wait_for_log(&["INFO", "published", &release]);
    assert_eq!(program.stop("TERM").code, Some(0));
}

#[test]
fn directory_removed_keeps_serving_the_last_release() {
    let outer = site_dir(&[("dist/index.html", INDEX)]);
    let dir = outer.path().join("dist");
    let program = Program::serve(&dir).ready();
    let before = program.get("/", &[]);
    fs::remove_dir_all(&dir).unwrap();
    program.wait_for_log(&["still serving the last release", "no such directory"]);
    assert_eq!(program.get("/", &[]).body, before.body);
    put(&dir, &[("index.html", "<!doctype html><p>2")]);
    wait_until("the next release", || {
        program.get("/", &[]).text().ends_with("<p>2").then_some(())
    });
}

#[test]
fn incomplete_after_elapsed_warns_with_missing_file() {
    let dir = site_dir(&[("index.html", "<!doctype html><script src=/app.js></script>")]);
    let arguments = ["--debounce", "50ms", "--incomplete-after", "300ms"];
    let program = Program::serve_with(dir.path(), &arguments).ready();
    program.wait_for_log(&["WARN", "published an incomplete build", "/app.js"]);
}
