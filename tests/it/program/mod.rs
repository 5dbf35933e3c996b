//! The program, as a process.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod arguments;
mod environment;
mod missing_directory;
mod reference;
mod shutdown;

use crate::support::program::Exit;
use crate::support::program::Program;
use crate::support::program::run;
use crate::support::program::serve;
use crate::support::program::tidings;
use crate::support::site_dir;

const INDEX: &str = "<!doctype html><title>Home</title>\n";

/// The flags that all serving commands have, with their variables.
const COMMON: &[(&str, &str)] = &[
    ("--listen", "TIDINGS_LISTEN"),
    ("--h2c", "TIDINGS_H2C"),
    ("--max-streams", "TIDINGS_MAX_STREAMS"),
    ("--prefix", "TIDINGS_PREFIX"),
    ("--csp", "TIDINGS_CSP"),
    ("--drain", "TIDINGS_DRAIN"),
    ("--webhook-secret-file", "TIDINGS_WEBHOOK_SECRET_FILE"),
    ("--log", "TIDINGS_LOG"),
    ("--policy", "TIDINGS_POLICY"),
    ("--notice", "TIDINGS_NOTICE"),
    ("--position", "TIDINGS_POSITION"),
    ("--snooze", "TIDINGS_SNOOZE"),
    ("--cooldown", "TIDINGS_COOLDOWN"),
    ("--navigate-wait", "TIDINGS_NAVIGATE_WAIT"),
    ("--idle-after", "TIDINGS_IDLE_AFTER"),
    ("--countdown", "TIDINGS_COUNTDOWN"),
    ("--frames", "TIDINGS_FRAMES"),
    ("--messages", "TIDINGS_MESSAGES"),
    ("--route", "TIDINGS_ROUTE"),
    ("--upstream-host", "TIDINGS_UPSTREAM_HOST"),
    ("--trusted-proxy", "TIDINGS_TRUSTED_PROXY"),
    ("--upstream-ca", "TIDINGS_UPSTREAM_CA"),
    ("--connect-timeout", "TIDINGS_CONNECT_TIMEOUT"),
    ("--first-byte-timeout", "TIDINGS_FIRST_BYTE_TIMEOUT"),
    ("--body-idle-timeout", "TIDINGS_BODY_IDLE_TIMEOUT"),
    ("--pool-idle", "TIDINGS_POOL_IDLE"),
    ("--upstream-wait", "TIDINGS_UPSTREAM_WAIT"),
];

/// The flags of `tidings serve` only.
const SERVE: &[(&str, &str)] = &[
    ("--retain-releases", "TIDINGS_RETAIN_RELEASES"),
    ("--memory-limit", "TIDINGS_MEMORY_LIMIT"),
    ("--max-memory-file", "TIDINGS_MAX_MEMORY_FILE"),
    ("--fallback", "TIDINGS_FALLBACK"),
    ("--debounce", "TIDINGS_DEBOUNCE"),
    ("--incomplete-after", "TIDINGS_INCOMPLETE_AFTER"),
    ("--rescan-interval", "TIDINGS_RESCAN_INTERVAL"),
    ("--watch", "TIDINGS_WATCH"),
];

/// The flags of `tidings proxy` only.
const PROXY: &[(&str, &str)] = &[
    ("--poll-interval", "TIDINGS_POLL_INTERVAL"),
    ("--poll-page", "TIDINGS_POLL_PAGE"),
    ("--fingerprint", "TIDINGS_FINGERPRINT"),
    ("--poll-host", "TIDINGS_POLL_HOST"),
    ("--health-path", "TIDINGS_HEALTH_PATH"),
    ("--health-interval", "TIDINGS_HEALTH_INTERVAL"),
];

/// Invalid values.
const INVALID: &[(&str, &str)] = &[
    ("--listen", "nonsense"),
    ("--listen", "8080"),
    ("--listen", "127.0.0.1:99999"),
    ("--retain-releases", "x"),
    ("--retain-releases", "-1"),
    ("--memory-limit", "1T"),
    ("--memory-limit", "lots"),
    ("--max-memory-file", "-1"),
    ("--max-streams", "0"),
    ("--max-streams", "many"),
    ("--fallback", "app"),
    ("--fallback", "../x.html"),
    ("--debounce", "5"),
    ("--debounce", "soon"),
    ("--incomplete-after", "-1s"),
    ("--rescan-interval", "1ms"),
    ("--rescan-interval", "0s"),
    ("--watch", "sometimes"),
    ("--prefix", "x"),
    ("--prefix", "/"),
    ("--prefix", "/a/"),
    ("--prefix", "/a b"),
    ("--csp", "drop"),
    ("--drain", "ten"),
    ("--log", "tidings=loud"),
    ("--policy", "nag"),
    ("--policy", "/admin=nag"),
    ("--policy", "admin=force"),
    ("--notice", "popup"),
    ("--position", "left"),
    ("--snooze", "soon"),
    ("--cooldown", "5"),
    ("--navigate-wait", "-1s"),
    ("--idle-after", "x"),
    ("--countdown", "0s"),
    ("--frames", "some"),
    ("--messages", "no-such-file.json"),
    ("--messages", "Cargo.toml"),
    ("--webhook-secret-file", "no-such-file"),
    ("--webhook-secret-file", "/dev/null"),
    ("--route", "/api"),
    ("--route", "/=http://127.0.0.1:9"),
    ("--route", "/api=ftp://127.0.0.1"),
    ("--route", "/api=http://127.0.0.1:9/x"),
    ("--route", "/__tidings=http://127.0.0.1:9"),
    ("--upstream-host", "a b"),
    ("--trusted-proxy", "example.org"),
    ("--upstream-ca", "no-such-file.pem"),
    ("--upstream-ca", "Cargo.toml"),
    ("--connect-timeout", "5"),
    ("--first-byte-timeout", "x"),
    ("--first-byte-timeout", "0s"),
    ("--body-idle-timeout", "x"),
    ("--pool-idle", "x"),
    ("--upstream-wait", "x"),
];

/// Values that are invalid for `tidings proxy`.
const INVALID_FOR_PROXY: &[(&str, &str)] = &[
    ("--poll-interval", "1ms"),
    ("--poll-page", "admin"),
    ("--poll-page", "//x"),
    ("--fingerprint", "guess"),
    ("--fingerprint", "header:a b"),
    ("--fingerprint", "json:version.json"),
    ("--poll-host", "a b"),
    ("--health-path", "healthz"),
    ("--health-interval", "1ms"),
    ("--route", "/__tidings/x=http://127.0.0.1:9"),
    ("--trusted-proxy", "10.0.0.0/33"),
    ("--retain-releases", "3"),
];

fn site() -> tempfile::TempDir {
    site_dir(&[("index.html", INDEX)])
}

/// Asserts exit code 2, a message that contains all of `parts`, and no other output.
#[track_caller]
fn assert_rejected(ended: &Exit, parts: &[&str]) {
    if let Err(fault) = is_rejected(ended, parts) {
        panic!("{fault}");
    }
}

fn is_rejected(ended: &Exit, parts: &[&str]) -> Result<(), String> {
    let missing = parts.iter().find(|part| !ended.stderr.contains(**part));
    let fault = match (ended.code, missing) {
        (code, _) if code != Some(2) => format!("ended with {code:?}"),
        _ if !ended.stdout.is_empty() => format!("wrote {:?}", ended.stdout),
        _ if ended.stderr.contains("panicked") => "panicked".to_owned(),
        (_, Some(part)) => format!("no {part} in the message"),
        (_, None) => return Ok(()),
    };
    Err(format!("{fault}: {:?}", ended.stderr))
}

#[test]
fn stdout_has_one_line_with_the_listen_address() {
    let dir = site();
    let program = Program::serve(dir.path());
    let address = program.address();
    assert_eq!(address.ip().to_string(), "127.0.0.1");
    assert_ne!(address.port(), 0);
    // The line is written only after the socket listens.
    program.get("/", &[]);
    let program = program.ready();
    crate::support::put(dir.path(), &[("index.html", "<!doctype html><p>2")]);
    crate::support::wait_until("the next release", || {
        program.get("/", &[]).text().ends_with("<p>2").then_some(())
    });
    let ended = program.stop("TERM");
    assert_eq!(ended.stdout, format!("listening on http://{address}\n"));
    assert_eq!(ended.code, Some(0));
}

#[test]
fn listen_flag_sets_the_address() {
    let dir = site();
    for (listen, start) in [("127.0.0.1:0", "127.0.0.1:"), ("localhost:0", "127.0.0.1:")] {
        let mut command = tidings();
        command
            .arg("serve")
            .arg(dir.path())
            .args(["--listen", listen]);
        let program = Program::start(&mut command).ready();
        let address = program.address();
        assert!(
            address.to_string().starts_with(start) || address.is_ipv6(),
            "{address}"
        );
    }
}

#[test]
fn listen_address_in_use_exits_1_naming_it() {
    let dir = site();
    let program = Program::serve(dir.path());
    let address = program.address().to_string();
    let mut second = tidings();
    second.arg("serve").arg(dir.path());
    let ended = run(second.args(["--listen", &address]));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.contains("--listen"), "{}", ended.stderr);
    assert!(ended.stderr.contains(&address), "{}", ended.stderr);
    assert!(ended.stderr.contains("in use"), "{}", ended.stderr);
    // The first program is not affected.
    program.ready();
}
