//! The client script that is sent is made of the one that is read.

use std::path::Path;
use std::process::Command;

/// Runs where esbuild is at hand, which the test command sees to.
#[test]
fn the_minified_client_is_made_of_its_source() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let esbuild = root.join("tests/spa/node_modules/.bin/esbuild");
    if !esbuild.exists() {
        assert!(
            std::env::var_os("CI").is_none(),
            "{} is missing",
            esbuild.display()
        );
        return;
    }
    let made = Command::new(esbuild)
        .arg(root.join("src/inject/client.js"))
        .args(["--minify", "--target=es2019", "--charset=ascii"])
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let kept = std::fs::read(root.join("src/inject/client.min.js")).unwrap();
    assert!(
        made.stdout == kept,
        "make it anew: npm --prefix tests/spa run --silent client > src/inject/client.min.js"
    );
}
