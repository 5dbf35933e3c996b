//! Command-line flags, valid and invalid.

use super::*;

#[test]
fn unknown_flag_or_argument_exits_2_with_usage() {
    let dir = site();
    let ended = run(serve(dir.path()).arg("--nope"));
    assert_rejected(&ended, &["--nope", "Usage:"]);
    let ended = run(tidings().arg("deploy"));
    assert_rejected(&ended, &["deploy", "Usage:"]);
    assert_rejected(&run(&mut tidings()), &["serve", "Usage:"]);
    assert_rejected(&run(tidings().arg("serve")), &["DIR", "Usage:"]);
    assert_rejected(&run(tidings().args(["serve", ""])), &["DIR"]);
    let ended = run(serve(dir.path()).arg("another"));
    assert_rejected(&ended, &["another"]);
}

#[test]
fn invalid_value_exits_2_naming_the_flag() {
    let dir = site();
    let mut faults = Vec::new();
    for (flag, value) in INVALID {
        let mut command = tidings();
        command.arg("serve").arg(dir.path());
        if *flag != "--listen" {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        let ended = run(command.arg(format!("{flag}={value}")));
        faults.extend(is_rejected(&ended, &[flag]).err());
    }
    for (flag, value) in INVALID_FOR_PROXY {
        let mut command = tidings();
        command.args(["proxy", "http://127.0.0.1:9", "--listen", "127.0.0.1:0"]);
        let ended = run(command.arg(format!("{flag}={value}")));
        faults.extend(is_rejected(&ended, &[flag]).err());
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn invalid_upstream_url_exits_2_with_an_example() {
    assert_rejected(&run(tidings().arg("proxy")), &["URL", "Usage:"]);
    for upstream in [
        "",
        "ftp://host",
        "http://host/app",
        "http://user:secret@host",
        "unix:app.sock",
    ] {
        let ended = run(tidings().args(["proxy", upstream]));
        assert_rejected(&ended, &["http://127.0.0.1:3000"]);
    }
}

#[test]
fn webhook_secret_short_or_given_twice_exits_2() {
    let dir = site();
    let secret = dir.path().join("secret");
    std::fs::write(&secret, "0123456789abcdef").unwrap();
    let mut command = serve(dir.path());
    command.arg("--webhook-secret-file").arg(&secret);
    let ended = run(command.env("TIDINGS_WEBHOOK_SECRET", "0123456789abcdef"));
    assert_rejected(&ended, &["--webhook-secret-file", "TIDINGS_WEBHOOK_SECRET"]);
    let ended = run(serve(dir.path()).env("TIDINGS_WEBHOOK_SECRET", "short"));
    assert_rejected(&ended, &["TIDINGS_WEBHOOK_SECRET", "openssl rand"]);
    let ended = run(tidings().args(["announce", "http://127.0.0.1:9"]));
    assert_rejected(&ended, &["--secret-file", "TIDINGS_WEBHOOK_SECRET"]);
    let mut command = tidings();
    command.args(["announce", "nonsense", "--secret-file"]);
    assert_rejected(&run(command.arg(&secret)), &["nonsense", "https://"]);
}

#[test]
fn announce_connect_refused_exits_1() {
    let mut command = tidings();
    command.args(["announce", "http://127.0.0.1:9"]);
    let ended = run(command.env("TIDINGS_WEBHOOK_SECRET", "0123456789abcdef"));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("127.0.0.1:9"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("0123456789abcdef"));
}

#[test]
fn contradicting_values_exit_2_naming_both_flags() {
    let dir = site();
    let ended = run(serve(dir.path()).args(["--debounce", "20s"]));
    assert_rejected(&ended, &["--debounce", "--incomplete-after"]);
    let ended = run(serve(dir.path()).args(["--incomplete-after", "100ms"]));
    assert_rejected(&ended, &["--debounce", "--incomplete-after"]);
}

#[test]
fn directory_argument_is_a_file_exits_2() {
    let dir = site();
    let file = dir.path().join("index.html");
    let ended = run(&mut serve(&file));
    assert_rejected(&ended, &[file.to_str().unwrap(), "is a file", "directory"]);
}

/// The help of a command, without line breaks. Asserts that it has exactly these flags.
#[track_caller]
fn help(command: &str, flags: &[&[(&str, &str)]]) -> String {
    let ended = run(tidings().args([command, "--help"]));
    assert_eq!(ended.code, Some(0));
    assert_eq!(ended.stderr, "");
    let words: Vec<_> = ended.stdout.split_whitespace().collect();
    let help = words.join(" ");
    for (flag, variable) in flags.iter().copied().flatten() {
        // A switch may have a value, in brackets.
        let is_there = [" ", "["].map(|end| help.contains(&format!(" {flag}{end}")));
        assert!(is_there.contains(&true), "{flag}");
        let variable = format!("[env: {variable}]");
        assert!(help.contains(&variable), "{variable}");
    }
    let found = ended.stdout.lines().filter(|line| {
        let line = line.trim_start();
        line.starts_with("--") || line.starts_with('-') && line.contains(", --")
    });
    let known: usize = flags.iter().map(|flags| flags.len()).sum();
    assert_eq!(
        found.count(),
        known + 1,
        "more or fewer than the tests know"
    );
    help
}

#[test]
fn help_lists_every_flag_with_variable_and_default() {
    let serve = help("serve", &[COMMON, SERVE]);
    let proxy = help("proxy", &[COMMON, PROXY]);
    for (part, what) in [
        ("[default: 127.0.0.1:8080]", "--listen"),
        ("[default: 20000]", "--max-streams"),
        ("[default: 10s]", "--drain, --upstream-wait"),
        ("[default: /__tidings]", "--prefix"),
        ("[default: keep]", "--csp, --upstream-host"),
        ("[default: 5s]", "--connect-timeout"),
        ("[default: 1m]", "--first-byte-timeout"),
        ("[default: 5m]", "--body-idle-timeout"),
        ("[default: 4s]", "--pool-idle"),
        ("[default: info]", "--log"),
    ] {
        assert!(serve.contains(part), "{what}: no {part}");
        assert!(proxy.contains(part), "{what}: no {part}");
    }
    for (part, what) in [
        ("<DIR>", "the directory"),
        ("[env: TIDINGS_DIR]", "its variable"),
        ("[default: 3]", "--retain-releases"),
        ("[default: 512M]", "--memory-limit"),
        ("[default: 1M]", "--max-memory-file"),
        ("[default: auto]", "--fallback"),
        ("[default: 200ms]", "--debounce"),
        ("[default: 5s]", "--rescan-interval"),
        ("[default: native]", "--watch"),
    ] {
        assert!(serve.contains(part), "{what}: no {part}");
    }
    for (part, what) in [
        ("<URL>", "the upstreams"),
        ("[env: TIDINGS_UPSTREAM]", "their variable"),
        ("[default: /]", "--poll-page"),
        ("[default: scripts]", "--fingerprint"),
    ] {
        assert!(proxy.contains(part), "{what}: no {part}");
    }
    let ended = run(tidings().arg("--help"));
    assert_eq!(ended.code, Some(0));
    for command in ["serve", "proxy", "announce"] {
        assert!(ended.stdout.contains(command), "{}", ended.stdout);
    }
}

#[test]
fn version_flag_prints_the_version() {
    let ended = run(tidings().arg("--version"));
    assert_eq!(ended.code, Some(0));
    assert_eq!(
        ended.stdout,
        concat!("tidings ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn log_flag_sets_the_level() {
    let dir = site();
    let ended = Program::serve_with(dir.path(), &["--log", "off"])
        .ready()
        .stop("TERM");
    assert_eq!(ended.stderr, "");
    let ended = Program::serve_with(dir.path(), &["--log", "debug"])
        .ready()
        .stop("TERM");
    assert!(ended.stderr.contains("DEBUG tidings"), "{}", ended.stderr);
    let ended = Program::serve(dir.path()).ready().stop("TERM");
    assert!(ended.stderr.contains(" INFO tidings"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("DEBUG"), "{}", ended.stderr);
    // Standard error is not a terminal, so the log has no colours.
    assert!(!ended.stderr.contains('\u{1b}'), "{}", ended.stderr);
}
