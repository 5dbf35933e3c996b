//! Files of all kinds in a site: unusual names, special files, symlinks, and missing permissions.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::process::Command;

use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;
use tempfile::TempDir;

use crate::deploys::build::Build;
use crate::deploys::build::INDEX;
use crate::deploys::harness::InProcessSite;
use crate::deploys::harness::ProgramSite;
use crate::deploys::harness::SiteUnderTest;
use crate::deploys::os;
use crate::deploys::process::Process;
use crate::deploys::report_skipped;
use crate::deploys::run;
use crate::support::program::Program;
use crate::support::program::serve;
use crate::support::put;

#[test]
fn file_names_with_special_characters_are_served() {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    let build = Build::new(1);
    build.put_all(dir.path());
    let names = [
        "with space.txt",
        "100%.txt",
        "100%25.txt",
        "a#b.txt",
        "a?b=c.txt",
        "a&b+c,d;e=f.txt",
        "it's (a) [name] {here} ~!@$^.txt",
        "\"quoted\" <b>.txt",
        "naïve – 漢字 😀.txt",
        "né\u{301}.txt",
        "Über uns/straße 1.txt",
        "...txt",
        "colon:.txt",
        "no-extension",
    ];
    let names: Vec<_> = names.iter().filter(|name| !name.starts_with('.')).collect();
    for name in &names {
        put(dir.path(), &[(name, name)]);
    }
    let mut site = InProcessSite::watch_natively(dir.path());
    site.expect(&build);
    for name in names {
        let path = utf8_percent_encode(name, NON_ALPHANUMERIC).to_string();
        let (status, body) = site.get(&format!("/{}", path.replace("%2F", "/")));
        assert_eq!((status, body.as_slice()), (200, name.as_bytes()), "{name}");
    }
}

#[test]
fn percent_encoded_references_reach_their_files() {
    let page = r#"<!doctype html><script src="/my%20app.js"></script><script src="/%E6%BC%A2.js"></script>
        <img src="/a%23b.png"><img src="/100%25.png">"#;
    let build = Build::new(1).with(INDEX, page);
    let id = build.id();
    for name in ["my app.js", "漢.js", "a#b.png", "100%.png"] {
        assert_ne!(build.clone().with(name, "1").id(), id, "{name}");
    }
}

#[test]
fn file_name_not_utf_8_is_skipped() {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    let (one, two) = (Build::new(1), Build::new(2));
    one.put_all(dir.path());
    let folder = dir.path().join(OsStr::from_bytes(b"fol\xffder"));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("a.html"), "<!doctype html>").unwrap();
    fs::write(
        dir.path().join(OsStr::from_bytes(b"caf\xe9.html")),
        "<!doctype html>",
    )
    .unwrap();
    let mut site = InProcessSite::watch_natively(dir.path());
    site.expect(&one);
    assert_eq!(site.get("/caf%E9.html").0, 400);
    assert_eq!(site.get("/caf%C3%A9.html").0, 404);
    two.put_all(dir.path());
    site.expect(&two);
}

#[test]
fn symlink_out_of_root_is_not_served() {
    let top = TempDir::with_prefix("tidings-").unwrap();
    let dir = top.path().join("dist");
    let (one, two) = (Build::new(1), Build::new(2));
    one.put_all(&dir);
    put(
        top.path(),
        &[("secret.txt", "secret"), ("dist-private/key.txt", "secret")],
    );
    let link = |target: &str, name: &str| symlink(target, dir.join(name)).unwrap();
    link("../secret.txt", "relative.txt");
    link("../dist-private/key.txt", "neighbour.txt");
    link("..", "up");
    link("../dist-private", "folder");
    link("/etc/passwd", "passwd");
    link("/", "all");
    symlink(top.path().join("secret.txt"), dir.join("absolute.txt")).unwrap();
    link("absolute.txt", "through-another.txt");
    put(&dir, &[("texts/hello.txt", "hello")]);
    link("texts/hello.txt", "inside.txt");
    link("texts", "folder-inside");
    let mut site = InProcessSite::watch_natively(&dir);
    site.expect(&one);
    for path in [
        "relative.txt",
        "neighbour.txt",
        "up/secret.txt",
        "folder/key.txt",
        "passwd",
        "all/etc/passwd",
        "absolute.txt",
        "through-another.txt",
    ] {
        assert_eq!(site.get(&format!("/{path}")).0, 404, "{path}");
    }
    site.check_file("inside.txt", b"hello");
    site.check_file("folder-inside/hello.txt", b"hello");
    two.put_all(&dir);
    site.expect(&two);
}

/// Through a symlink to `/` the whole machine would be watched.
#[test]
fn symlink_out_of_root_is_not_watched() {
    let top = TempDir::with_prefix("tidings-").unwrap();
    let dir = top.path().join("dist");
    let (one, two) = (Build::new(1), Build::new(2));
    one.put_all(&dir);
    for folder in 0..50 {
        fs::create_dir_all(top.path().join(format!("data/{folder}"))).unwrap();
    }
    symlink("../data", dir.join("data")).unwrap();
    let mut site = ProgramSite::serve(&dir);
    site.expect(&one);
    two.put_all(&dir);
    site.expect(&two);
    let watches = Process::with_argument(&dir).watches();
    // The site, its assets, and its parent.
    assert!((3..10).contains(&watches), "{watches}");
}

#[test]
fn special_files_return_404_and_do_not_block() {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    let (one, two) = (Build::new(1), Build::new(2));
    one.put_all(dir.path());
    let at = |name: &str| dir.path().join(name);
    run("mkfifo", [os(&at("pipe.txt"))]);
    symlink("pipe.txt", at("link-to-pipe.txt")).unwrap();
    let _socket = UnixListener::bind(at("socket.txt")).unwrap();
    symlink("/dev/zero", at("zero.txt")).unwrap();
    fs::create_dir(at("folder.txt")).unwrap();
    fs::create_dir(at("empty")).unwrap();
    let mut site = InProcessSite::watch_natively(dir.path());
    site.expect(&one);
    for name in [
        "pipe.txt",
        "link-to-pipe.txt",
        "socket.txt",
        "zero.txt",
        "folder.txt",
    ] {
        assert_eq!(site.get(&format!("/{name}")).0, 404, "{name}");
    }
    two.put_all(dir.path());
    site.expect(&two);
}

#[test]
fn symlink_dangling_does_not_block() {
    check_link("nowhere", "link");
}

#[test]
fn symlink_to_itself_does_not_block() {
    check_link("link", "link");
}

#[test]
fn symlink_cycle_does_not_block() {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    for (target, name) in [("b", "a"), ("c", "b"), ("a", "c")] {
        symlink(target, dir.path().join(name)).unwrap();
    }
    check_in(&dir);
}

#[test]
fn symlink_to_own_directory_does_not_block() {
    check_link(".", "link");
}

#[test]
fn symlink_through_a_file_does_not_block() {
    check_link("index.html/no/folder", "link");
}

#[test]
fn symlink_to_too_long_name_does_not_block() {
    check_link(&"x".repeat(300), "link");
}

#[test]
fn symlinked_directories_in_each_other_do_not_block() {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    for (folder, target, name) in [("a", "../b", "b"), ("b", "../a", "a")] {
        fs::create_dir(dir.path().join(folder)).unwrap();
        symlink(target, dir.path().join(folder).join(name)).unwrap();
        put(&dir.path().join(folder), &[("file.txt", folder)]);
    }
    check_in(&dir);
}

#[test]
fn index_replaced_by_fifo_or_directory_is_incomplete() {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    let (one, two) = (Build::new(1), Build::new(2));
    let index = dir.path().join(INDEX);
    one.put_all(dir.path());
    let mut site = ProgramSite::serve(dir.path());
    site.expect(&one);
    fs::remove_file(&index).unwrap();
    run("mkfifo", [os(&index)]);
    site.program
        .wait_for_log(&["still serving", "no index.html"]);
    fs::remove_file(&index).unwrap();
    fs::create_dir(&index).unwrap();
    site.check(&one);
    fs::remove_dir(&index).unwrap();
    two.put_all(dir.path());
    site.expect(&two);
}

#[test]
fn file_unreadable_is_logged_and_waits() {
    // Root may read anything; without its capabilities it may not.
    let works = Command::new("unshare").args(["-U", "true"]).status();
    if !works.is_ok_and(|status| status.success()) {
        return report_skipped("no user namespaces here");
    }
    let dir = TempDir::with_prefix("tidings-").unwrap();
    let (one, two) = (Build::new(1), Build::new(2));
    one.put_all(dir.path());
    let bare = serve(dir.path());
    let mut command = Command::new("unshare");
    command
        .arg("-U")
        .arg(bare.get_program())
        .args(bare.get_args());
    command.args([
        "--debounce=25ms",
        "--rescan-interval=1h",
        "--incomplete-after=1h",
    ]);
    let mut site = ProgramSite::new(Program::start(&mut command));
    site.expect(&one);
    two.put(dir.path(), two.entry());
    let entry = dir.path().join(two.entry());
    let allow = |mode| fs::set_permissions(&entry, PermissionsExt::from_mode(mode)).unwrap();
    allow(0);
    let others = two.index_last();
    let others = others.iter().filter(|path| **path != two.entry());
    others.for_each(|path| two.put(dir.path(), path));
    site.program.wait_for_log(&[
        "still serving the last release",
        two.entry(),
        "Permission denied",
    ]);
    site.check(&one);
    allow(0o644);
    site.expect(&two);
}

/// Asserts that a site with a symlink to `target` is served, and so is the next build.
#[track_caller]
fn check_link(target: &str, name: &str) {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    symlink(target, dir.path().join(name)).unwrap();
    check_in(&dir);
}

#[track_caller]
fn check_in(dir: &TempDir) {
    let (one, two) = (Build::new(1), Build::new(2));
    one.put_all(dir.path());
    let mut site = InProcessSite::watch_natively(dir.path());
    site.expect(&one);
    two.put_all(dir.path());
    site.expect(&two);
}
