//! The client script that is sent is made of the one that is read.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

/// Runs where esbuild is at hand, which the test command sees to.
#[test]
fn the_minified_client_is_made_of_its_source() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let client = root.join("src/client/js");
    if !client.join("node_modules/esbuild").exists() {
        assert!(std::env::var_os("CI").is_none(), "esbuild is missing");
        return;
    }
    let made = TempDir::with_prefix("tidings-").unwrap();
    let build = Command::new("node")
        .arg(client.join("build.mjs"))
        .arg(made.path())
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&build.stderr);
    assert!(build.status.success(), "{complaint}");
    for part in ["client", "whole", "news", "worker"] {
        let file = format!("{part}.js");
        let kept = client.join("min").join(&file);
        assert!(
            fs::read(made.path().join(&file)).unwrap() == fs::read(kept).unwrap(),
            "{file} is not made of its source: npm --prefix src/client/js run build"
        );
    }
}

/// What every page load carries, and what comes with a notice, in bytes with gzip.
#[test]
fn the_client_is_small() {
    let min = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/client/js/min");
    for (part, most) in [("client", 3000), ("news", 6000), ("worker", 1000)] {
        let script = fs::read(min.join(format!("{part}.js"))).unwrap();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&script).unwrap();
        let size = gzip.finish().unwrap().len();
        assert!(size <= most, "{part}.js is {size} bytes");
    }
}
