//! Names that the code had before it used those of the field (RFCs, MDN, nginx, hyper). None of them comes back.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// Identifiers that occur nowhere as whole words.
const IDENTIFIERS: &str = "
    Absence Alarm Answering AsHttps Asked Asking Audience BrokenOff Care Choose Desk Door Evidence Fate
    FromUpstream Gate HostField Ledger Likeness Looker MadeRoom Mark Marks Naming NoAnswer NoProof Objection
    OneUpstream OwnName Passing Permit Readers Revisit Said Settle Speak Speaker Stamper StoodStill Tagger
    Tally Teller Timeless Traffic Unaltered Unsettled Wanted Whom form_of recoder snippet take_over told_by
    unaltered";

/// Everyday words: no item and no file in `src` is called so.
const DEFINITIONS: &str = "
    about agree alarm answer awaited by desk door held ledger look looked looker member naming of on patience
    place preface promises question quietly said say settle snippet spared stir suspect tagger teller told
    traffic twins unaltered whole whom word";

/// Options that have another name.
const OPTIONS: &str = "
    --events --file-limit --health --hold --http2 --idle --idle-timeout --keep --later --memory --page --poll
    --quiet --wait";

#[test]
fn old_identifier_does_not_occur() {
    for (path, text) in files(&["src", "tests", "benches", "examples"], &CODE) {
        for name in IDENTIFIERS.split_whitespace() {
            let line = find(&text, name, |_| true);
            assert!(line.is_none(), "{path}: {name} in {line:?}");
        }
    }
}

#[test]
fn everyday_word_is_not_defined() {
    for (path, text) in files(&["src"], &CODE) {
        let stem = path.rsplit('/').next().unwrap().split('.').next();
        for word in DEFINITIONS.split_whitespace() {
            let line = find(&text, word, |line| defines(line, word));
            let found = stem == Some(word) || line.is_some();
            assert!(!found, "{path}: {word} in {line:?}");
        }
    }
}

#[test]
fn old_option_does_not_occur() {
    let prose = ["rs", "js", "mjs", "ts", "md", "sh", "yml", "toml", ""];
    for (path, text) in files(
        &["src", "tests", "benches", "examples", "README.md"],
        &prose,
    ) {
        for option in OPTIONS.split_whitespace() {
            // nginx, curl and others have options of their own.
            let line = find(&text, option, |line| line.contains("tidings"));
            assert!(line.is_none(), "{path}: {option} in {line:?}");
            let quoted = format!("\"{option}\"");
            assert!(!text.contains(&quoted), "{path}: {quoted}");
        }
    }
}

/// The first line with `word` of those that `accept` does.
fn find<'a>(text: &'a str, word: &str, accept: impl Fn(&str) -> bool) -> Option<&'a str> {
    if !text.contains(word) {
        return None;
    }
    text.lines()
        .find(|line| has_word(line, word) && accept(line))
}

fn defines(line: &str, name: &str) -> bool {
    let keywords = [
        "class", "const", "enum", "fn", "function", "mod", "static", "struct", "trait",
    ];
    let is_comment = line.trim_start().starts_with("//");
    !is_comment
        && keywords
            .iter()
            .any(|keyword| has_word(line, &format!("{keyword} {name}")))
}

fn has_word(line: &str, word: &str) -> bool {
    let is_inside = |c: char| c.is_alphanumeric() || c == '_' || c == '-' && word.starts_with("--");
    line.match_indices(word).any(|(start, _)| {
        let after = line[start + word.len()..].chars().next();
        let before = line[..start].chars().next_back();
        !before.is_some_and(is_inside) && !after.is_some_and(is_inside)
    })
}

/// The text files with these extensions, by paths from the top of the repository.
fn files(below: &[&str], extensions: &[&str]) -> Vec<(String, String)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let installed = [
        "node_modules",
        "target",
        "dist",
        "min",
        "names",
        "seeds",
        "terms.rs",
    ];
    let paths = below.iter().flat_map(|below| {
        walkdir::WalkDir::new(top.join(below))
            .into_iter()
            .filter_entry(|entry| !installed.iter().any(|name| entry.file_name() == *name))
            .map(|entry| entry.unwrap().into_path())
            .filter(|path| path.is_file() && extensions.contains(&extension(path)))
    });
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).ok()?;
        let path = path.strip_prefix(top).unwrap().to_str()?.to_owned();
        Some((path, text))
    };
    paths.filter_map(read).collect()
}

fn extension(path: &Path) -> &str {
    path.extension()
        .map_or("", |extension| extension.to_str().unwrap())
}

const CODE: [&str; 4] = ["rs", "js", "mjs", "ts"];
