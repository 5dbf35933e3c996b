//! The minified client scripts are up to date with their sources, and small.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;

/// Runs where the client's build tools are installed, as `tests/run` does.
#[test]
fn minified_scripts_rebuilt_from_sources_equal_the_committed() {
    let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/client/js");
    if !client.join("node_modules/esbuild").exists() {
        assert!(std::env::var_os("CI").is_none(), "esbuild is missing");
        return;
    }
    let check = Command::new("node")
        .arg(client.join("build.mjs"))
        .arg("--check")
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&check.stderr);
    assert!(check.status.success(), "{message}");
}

/// Size limits in bytes after gzip: what every page loads, what is loaded when there is a new release, and the worker.
#[test]
fn minified_scripts_with_gzip_stay_below_their_limits() {
    let min = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/client/js/min");
    for (part, most) in [("client", 3000), ("update", 6000), ("worker", 1000)] {
        let script = fs::read(min.join(format!("{part}.js"))).unwrap();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&script).unwrap();
        let size = gzip.finish().unwrap().len();
        assert!(size <= most, "{part}.js is {size} bytes");
    }
}
