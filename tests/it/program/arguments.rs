//! Flags, right and wrong.

use super::*;

#[test]
fn a_wrong_flag_is_refused_by_its_name() {
    let dir = site();
    let ended = run(serve(dir.path()).arg("--nope"));
    assert_refused(&ended, &["--nope", "Usage:"]);
    let ended = run(tidings().arg("deploy"));
    assert_refused(&ended, &["deploy", "Usage:"]);
    assert_refused(&run(&mut tidings()), &["serve", "Usage:"]);
    assert_refused(&run(tidings().arg("serve")), &["DIR", "Usage:"]);
    assert_refused(&run(tidings().args(["serve", ""])), &["DIR"]);
    let ended = run(serve(dir.path()).arg("another"));
    assert_refused(&ended, &["another"]);
}

#[test]
fn a_wrong_value_is_refused_by_the_name_of_its_flag() {
    let dir = site();
    let mut faults = Vec::new();
    for (flag, value) in NONSENSE {
        let mut command = tidings();
        command.arg("serve").arg(dir.path());
        if *flag != "--listen" {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        let ended = run(command.arg(format!("{flag}={value}")));
        faults.extend(is_refused(&ended, &[flag]).err());
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn values_that_contradict_each_other_are_refused_by_both_names() {
    let dir = site();
    let ended = run(serve(dir.path()).args(["--quiet", "20s"]));
    assert_refused(&ended, &["--quiet", "--incomplete-after"]);
    let ended = run(serve(dir.path()).args(["--incomplete-after", "100ms"]));
    assert_refused(&ended, &["--quiet", "--incomplete-after"]);
}

#[test]
fn a_file_is_no_directory() {
    let dir = site();
    let file = dir.path().join("index.html");
    let ended = run(&mut serve(&file));
    assert_refused(&ended, &[file.to_str().unwrap(), "is a file", "directory"]);
}

#[test]
fn the_help_has_every_flag_with_its_variable_and_its_default() {
    let ended = run(tidings().args(["serve", "--help"]));
    assert_eq!(ended.code, Some(0));
    assert_eq!(ended.stderr, "");
    // Without the breaks of its lines.
    let words: Vec<_> = ended.stdout.split_whitespace().collect();
    let help = words.join(" ");
    for (flag, variable) in FLAGS {
        assert!(help.contains(&format!(" {flag} <")), "{flag}");
        let variable = format!("[env: {variable}=]");
        assert!(help.contains(&variable), "{variable}");
    }
    for (part, what) in [
        ("<DIR>", "the directory"),
        ("[env: TIDINGS_DIR=]", "its variable"),
        ("[default: 127.0.0.1:8080]", "--listen"),
        ("[default: 3]", "--keep"),
        ("[default: 512M]", "--memory"),
        ("[default: 1M]", "--file-limit"),
        ("[default: 20000]", "--max-streams"),
        ("[default: auto]", "--fallback"),
        ("[default: 200ms]", "--quiet"),
        ("[default: 10s]", "--incomplete-after, --drain"),
        ("[default: 5s]", "--poll"),
        ("[default: system]", "--events"),
        ("[default: /__tidings]", "--prefix"),
        ("[default: keep]", "--csp"),
        ("[default: info]", "--log"),
    ] {
        assert!(help.contains(part), "{what}: no {part}");
    }
    let flags = ended.stdout.lines().filter(|line| {
        let line = line.trim_start();
        line.starts_with("--") || line.starts_with('-') && line.contains(", --")
    });
    assert_eq!(
        flags.count(),
        FLAGS.len() + 1,
        "more or fewer than the tests know"
    );
    let ended = run(tidings().arg("--help"));
    assert_eq!(ended.code, Some(0));
    assert!(ended.stdout.contains("serve"), "{}", ended.stdout);
}

#[test]
fn it_knows_its_version() {
    let ended = run(tidings().arg("--version"));
    assert_eq!(ended.code, Some(0));
    assert_eq!(
        ended.stdout,
        concat!("tidings ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn the_log_can_be_switched_off_and_up() {
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
    // It goes into a file or a journal here, where colours are noise.
    assert!(!ended.stderr.contains('\u{1b}'), "{}", ended.stderr);
}
