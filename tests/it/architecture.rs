//! Modules depend on each other in one direction only, as documented in the crate docs.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// A module may use the modules on earlier lines. Modules on one line do not use each other.
const LAYERS: [&[&str]; 12] = [
    &["error"],
    &["release"],
    &["site"],
    &["inject"],
    &["events", "origin", "settings", "source"],
    &["endpoint"],
    &["service"],
    &["layer"],
    &["server"],
    &["announce"],
    &["config"],
    &["fuzz"],
];

#[test]
fn modules_depend_only_on_lower_layers() {
    let mut seen = BTreeSet::new();
    for file in sources(&source_dir()) {
        let module = module_of(&file);
        if matches!(module.as_str(), "cli" | "lib" | "main") {
            continue;
        }
        let own = layer(&module);
        let text = fs::read_to_string(&file).unwrap();
        for line in text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
        {
            for used in uses(line).filter(|used| *used != module) {
                assert!(
                    layer(used) < own,
                    "{}: {module} uses {used}",
                    file.display()
                );
            }
        }
        seen.insert(module);
    }
    let all = LAYERS.iter().flat_map(|layer| layer.iter());
    assert!(
        all.clone().all(|module| seen.contains(*module)),
        "not all of them were there: {seen:?}"
    );
}

#[test]
fn library_uses_no_arguments_signals_or_standard_streams() {
    for file in sources(&source_dir()) {
        if matches!(module_of(&file).as_str(), "cli" | "main") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let lines = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for line in lines {
            for word in [
                "clap",
                "anyhow",
                "tokio::signal",
                "stdout",
                "stderr",
                "std::env",
                "println!",
                "rlimit",
            ] {
                assert!(!line.contains(word), "{}: {line}", file.display());
            }
        }
    }
}

fn layer(module: &str) -> usize {
    let found = LAYERS.iter().position(|layer| layer.contains(&module));
    found.unwrap_or_else(|| panic!("{module} has no place among the layers"))
}

/// The modules that a line refers to by `crate::`.
fn uses(line: &str) -> impl Iterator<Item = &str> {
    line.split("crate::").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        &rest[..end.unwrap_or(rest.len())]
    })
}

fn module_of(file: &Path) -> String {
    let inside = file.strip_prefix(source_dir()).unwrap();
    let first = inside
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_str()
        .unwrap();
    first.trim_end_matches(".rs").to_owned()
}

fn sources(dir: &Path) -> impl Iterator<Item = PathBuf> {
    walkdir::WalkDir::new(dir)
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
}

fn source_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}
