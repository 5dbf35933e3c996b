//! Options from environment variables.

use super::*;
use crate::support::events::Events;
use crate::support::put;
use crate::support::wait_until;

#[test]
fn environment_variables_set_every_option() {
    let dir = site_dir(&[
        (
            "index.html",
            "<!doctype html><script src=/a-BfX2k3Qa.js></script>",
        ),
        ("a-BfX2k3Qa.js", "1"),
        ("large.txt", &"x".repeat(5000)),
    ]);
    let mut command = tidings();
    command.arg("serve").env("TIDINGS_DIR", dir.path());
    command.envs([
        ("TIDINGS_LISTEN", "127.0.0.1:0"),
        ("TIDINGS_RETAIN_RELEASES", "0"),
        ("TIDINGS_MEMORY_LIMIT", "1M"),
        ("TIDINGS_MAX_MEMORY_FILE", "1k"),
        ("TIDINGS_MAX_STREAMS", "1"),
        ("TIDINGS_FALLBACK", "none"),
        ("TIDINGS_DEBOUNCE", "50ms"),
        ("TIDINGS_INCOMPLETE_AFTER", "1s"),
        ("TIDINGS_RESCAN_INTERVAL", "200ms"),
        ("TIDINGS_WATCH", "poll"),
        ("TIDINGS_PREFIX", "/_news"),
        ("TIDINGS_DRAIN", "1s"),
        ("TIDINGS_LOG", "debug"),
    ]);
    let program = Program::start(&mut command).ready();
    assert!(
        program
            .get("/", &[])
            .text()
            .contains("src=\"/_news/client-")
    );
    let html = [("accept", "text/html")];
    assert_eq!(program.get("/some/route", &html).status, 404);
    let _stream = Events::open_at(program.address(), "/_news/events");
    assert_eq!(program.get("/_news/events", &[]).status, 503);
    assert!(program.log().contains("DEBUG"));
    put(
        dir.path(),
        &[
            ("b-Dk2_x9Zb.js", "2"),
            (
                "index.html",
                "<!doctype html><script src=/b-Dk2_x9Zb.js></script>",
            ),
        ],
    );
    std::fs::remove_file(dir.path().join("a-BfX2k3Qa.js")).unwrap();
    wait_until("the next release, without the old chunk", || {
        (program.get("/a-BfX2k3Qa.js", &[]).status == 404).then_some(())
    });
    assert_eq!(program.get("/b-Dk2_x9Zb.js", &[]).text(), "2");
    assert_eq!(program.get("/large.txt", &[]).body.len(), 5000);
}

#[test]
fn invalid_variable_exits_2_naming_the_variable() {
    let dir = site();
    let mut faults = Vec::new();
    for (flag, value) in INVALID {
        let mut flags = COMMON.iter().chain(SERVE);
        let (_, variable) = flags.find(|(known, _)| known == flag).unwrap();
        let mut command = tidings();
        command.arg("serve").arg(dir.path());
        command.env("TIDINGS_LISTEN", "127.0.0.1:0");
        let ended = run(command.env(variable, value));
        faults.extend(is_rejected(&ended, &[variable]).err());
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn flag_overrides_variable() {
    let dir = site();
    let mut command = serve(dir.path());
    command.args(["--prefix", "/flag"]);
    command.envs([("TIDINGS_PREFIX", "/variable"), ("TIDINGS_DIR", "/nowhere")]);
    let program = Program::start(&mut command).ready();
    assert_eq!(program.get("/flag/release.json", &[]).status, 200);
    assert_eq!(program.get("/variable/release.json", &[]).status, 404);
}

#[test]
fn variable_of_another_kind_of_site_exits_2_naming_it() {
    let dir = site();
    let ended = run(serve(dir.path()).env("TIDINGS_POLL_PAGE", "/admin"));
    assert_rejected(&ended, &["error: TIDINGS_POLL_PAGE: "]);
    let mut command = tidings();
    command.args(["proxy", "http://127.0.0.1:9"]);
    let ended = run(command.env("TIDINGS_RETAIN_RELEASES", "3"));
    assert_rejected(&ended, &["error: TIDINGS_RETAIN_RELEASES: "]);
    let mut command = tidings();
    command.args(["proxy", "http://127.0.0.1:9"]);
    let ended = run(command.env("TIDINGS_DIR", dir.path()));
    assert_rejected(&ended, &["TIDINGS_DIR", "URL http://127.0.0.1:9"]);
}

#[test]
fn invalid_variable_that_a_flag_overrides_exits_2() {
    let dir = site();
    let mut command = serve(dir.path());
    command.args(["--drain", "1s"]);
    let ended = run(command.env("TIDINGS_DRAIN", "soon"));
    assert_rejected(&ended, &["error: TIDINGS_DRAIN: "]);
}

#[test]
fn variable_of_a_list_has_commas_between_values() {
    let dir = site();
    let mut command = serve(dir.path());
    command.env(
        "TIDINGS_ROUTE",
        "/a=http://127.0.0.1:9,/b=http://127.0.0.1:9",
    );
    command.args(["--upstream-wait", "0s"]);
    let program = Program::start(&mut command).ready();
    for path in ["/a", "/b/c"] {
        assert_eq!(program.get(path, &[]).status, 502, "{path}");
    }
}
