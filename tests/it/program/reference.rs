//! The tables of options in the README are those of `--help`.

use std::fmt::Write as _;

use super::*;

/// An option as the help has it.
#[derive(Debug)]
struct Row {
    heading: String,
    option: String,
    default: String,
    text: String,
}

impl Row {
    fn to_markdown(&self) -> String {
        let code = |text: &str| match text {
            "" => String::new(),
            text => format!("`{text}`"),
        };
        let row = format!(
            "| {} | {} | {} |",
            code(&self.option).replace('|', "\\|"),
            code(&self.default).replace('|', "\\|"),
            self.text.replace('|', "\\|"),
        );
        row.replace("|  |", "| |")
    }
}

/// The options of a command, in their order.
fn rows(command: &str) -> Vec<Row> {
    // So that no description is wrapped.
    let ended = run(tidings().env("COLUMNS", "1000").args([command, "--help"]));
    assert_eq!(ended.code, Some(0));
    let mut rows = Vec::new();
    let mut heading = String::new();
    for line in ended.stdout.lines() {
        if let Some(name) = line.strip_suffix(':').filter(|name| !name.starts_with(' ')) {
            name.clone_into(&mut heading);
        }
        let line = line.trim_start();
        let Some((option, help)) = line.split_once("  ").filter(|_| line.starts_with("--")) else {
            continue;
        };
        if option == "--help" {
            continue;
        }
        // That of the program itself is shown with those of the server.
        let heading = if heading == "Options" {
            "Server"
        } else {
            &heading
        };
        let tag = |name: &str| {
            let (_, rest) = help.split_once(&format!(" [{name}: "))?;
            Some(rest.split_once(']')?.0.to_owned())
        };
        let text = help.split(" [default: ").next().unwrap();
        let text = text.split(" [env: ").next().unwrap();
        rows.push(Row {
            heading: heading.to_owned(),
            option: option.replace(['<', '>'], ""),
            default: tag("default").unwrap_or_default(),
            text: text.trim().to_owned(),
        });
    }
    rows
}

/// The README with its tables as they have to be.
fn expected(readme: &str) -> String {
    let (serve, proxy) = (rows("serve"), rows("proxy"));
    let mut expected = String::new();
    let mut rest = readme;
    let mut count = 0;
    while let Some((before, after)) = rest.split_once("<!-- options: ") {
        let (heading, after) = after.split_once(" -->\n").unwrap();
        let (_, after) = after.split_once("<!-- end -->").unwrap();
        let mut rows: Vec<_> = serve.iter().filter(|row| row.heading == heading).collect();
        if rows.is_empty() {
            rows = proxy.iter().filter(|row| row.heading == heading).collect();
        }
        assert!(!rows.is_empty(), "no options below {heading:?}");
        count += rows.len();
        let rows: Vec<_> = rows.into_iter().map(Row::to_markdown).collect();
        write!(
            expected,
            "{before}<!-- options: {heading} -->\n| option | default | meaning |\n|---|---|---|\n{}\n<!-- end -->",
            rows.join("\n")
        )
        .unwrap();
        rest = after;
    }
    expected.push_str(rest);
    // All of both, and those of each that the other has not.
    let known = COMMON.len() + SERVE.len() + PROXY.len();
    assert_eq!(count, known, "options in the tables");
    expected
}

#[test]
fn readme_tables_equal_help() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let expected = expected(&readme);
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(path, &expected).unwrap();
        return;
    }
    for (found, expected) in readme.lines().zip(expected.lines()) {
        assert_eq!(found, expected, "run this test with UPDATE_README=1");
    }
    assert_eq!(readme.len(), expected.len());
}
