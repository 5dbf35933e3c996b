//! The order of the modules, and what each may import, as told in `ARCHITECTURE.md`.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The folders and files at the top of `src`; each imports only what stands before it.
const LAYERS: [&str; 19] = [
    "error", "digest", "http", "html", "release", "site", "build", "csp", "client", "endpoint",
    "notify", "source", "origin", "server", "config", "app", "announce", "cli", "fuzz",
];

#[test]
fn import_of_higher_layer_does_not_occur() {
    let sources = Sources::read();
    let mut seen = BTreeSet::new();
    for module in sources.modules.keys().filter(|module| !module.is_empty()) {
        let own = layer(top(module));
        seen.insert(top(module));
        for import in sources.imports(module) {
            let used = top(&import);
            assert!(
                used == top(module) || layer(used) < own,
                "{module} imports {import}"
            );
        }
    }
    let missing: Vec<_> = LAYERS.iter().filter(|top| !seen.contains(**top)).collect();
    assert!(missing.is_empty(), "not in src: {missing:?}");
}

#[test]
fn import_circle_of_files_does_not_occur() {
    let sources = Sources::read();
    let imports: BTreeMap<&str, BTreeSet<String>> = sources
        .modules
        .keys()
        .map(|module| (module.as_str(), sources.imports(module)))
        .collect();
    for (module, direct) in &imports {
        let mut reached = BTreeSet::new();
        let mut next: Vec<&str> = direct.iter().map(String::as_str).collect();
        while let Some(import) = next.pop() {
            assert_ne!(import, *module, "{module} is in a circle of {reached:?}");
            if reached.insert(import) {
                next.extend(imports[import].iter().map(String::as_str));
            }
        }
    }
}

#[test]
fn mod_file_declares_and_defines_nothing() {
    for (module, source) in &Sources::read().modules {
        if source.is_folder {
            for statement in statements(&source.code) {
                assert!(
                    is_declaration(&statement),
                    "{module}: {statement} is not a declaration"
                );
            }
        }
    }
}

#[test]
fn relative_import_occurs_only_in_unit_tests() {
    for (module, source) in &Sources::read().modules {
        let mut in_tests = module.split("::").any(|name| name == "tests");
        for line in source.code.lines() {
            in_tests |= line.ends_with("mod tests {");
            let is_relative = line.contains("super::") || line.contains("use self::");
            assert!(in_tests || !is_relative, "{module}: {line}");
        }
    }
}

#[test]
fn library_uses_no_arguments_signals_or_standard_streams() {
    for (module, source) in &Sources::read().modules {
        if top(module) == "cli" {
            continue;
        }
        let code = source.code.split("#[cfg(test)]\nmod tests {").next();
        for line in code.unwrap().lines() {
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
                assert!(!line.contains(word), "{module}: {line}");
            }
        }
    }
}

/// The modules of the library and of `cli` by their paths, such as `http::etag`; the root has an empty one.
struct Sources {
    modules: BTreeMap<String, Source>,
}

struct Source {
    /// `lib.rs` or `mod.rs`.
    is_folder: bool,
    /// Without lines that are comments.
    code: String,
}

impl Sources {
    fn read() -> Self {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let files = walkdir::WalkDir::new(&src)
            .into_iter()
            .map(|entry| entry.unwrap().into_path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
        let mut modules = BTreeMap::new();
        for file in files {
            let path = file.strip_prefix(&src).unwrap().with_extension("");
            let mut names: Vec<&str> = path.iter().map(|name| name.to_str().unwrap()).collect();
            if names == ["main"] {
                continue;
            }
            let is_folder = names
                .pop_if(|last| *last == "mod" || *last == "lib")
                .is_some();
            let code = fs::read_to_string(&file)
                .unwrap()
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .map(|line| line.to_owned() + "\n")
                .collect();
            modules.insert(names.join("::"), Source { is_folder, code });
        }
        Self { modules }
    }

    /// The other modules whose items `module` uses. Re-exports are followed to the module that has the definition; to
    /// re-export is not to import.
    fn imports(&self, module: &str) -> BTreeSet<String> {
        let source = &self.modules[module];
        let mut found = BTreeSet::new();
        if !source.is_folder {
            for path in crate_paths(&source.code) {
                self.resolve(&path, &mut found);
            }
            found.remove(module);
        }
        found
    }

    /// The modules that define what `path` names, by the longest module that is a prefix of it.
    fn resolve(&self, path: &str, found: &mut BTreeSet<String>) {
        let mut module = path;
        while !self.modules.contains_key(module) {
            module = module.rsplit_once("::").map_or("", |(parent, _)| parent);
        }
        let item = path[module.len()..].trim_start_matches("::");
        let item = item.split("::").next().unwrap();
        let source = &self.modules[module];
        if !source.is_folder {
            found.insert(module.to_owned());
            return;
        }
        let exports = crate_paths(&source.code);
        let named: Vec<_> = exports
            .iter()
            .filter(|export| export.rsplit("::").next() == Some(item))
            .collect();
        // A folder that is named as a whole, or that re-exports by a glob, stands for all that it re-exports.
        let all = exports.iter().collect();
        for export in if named.is_empty() { all } else { named } {
            self.resolve(export, found);
        }
    }
}

/// The paths behind `crate::`.
fn crate_paths(code: &str) -> Vec<String> {
    let paths = code.split("crate::").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
        rest[..end.unwrap_or(rest.len())]
            .trim_end_matches(':')
            .to_owned()
    });
    paths.collect()
}

/// What stands at the top of a file, attributes aside.
fn statements(code: &str) -> Vec<String> {
    let lines = code
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let code: String = lines.map(|line| line.to_owned() + " ").collect();
    code.split_inclusive(';')
        .map(|statement| statement.trim().to_owned())
        .filter(|statement| !statement.is_empty())
        .collect()
}

fn is_declaration(statement: &str) -> bool {
    let bare = statement
        .trim_start_matches("pub ")
        .trim_start_matches("pub(crate) ")
        .trim_start_matches("pub(super) ");
    (bare.starts_with("mod ") || bare.starts_with("use "))
        && bare.ends_with(';')
        && !bare.contains(['{', '='])
}

fn layer(top: &str) -> usize {
    let found = LAYERS.iter().position(|layer| *layer == top);
    found.unwrap_or_else(|| panic!("{top} has no place among the layers"))
}

fn top(module: &str) -> &str {
    module.split("::").next().unwrap()
}
