# What a contributor runs: `just` lists the recipes. tests/install installs the programs they need, tests/run runs
# them all. Without `just`, each line below works in a shell as well.

set shell := ["bash", "-euo", "pipefail", "-c"]
set positional-arguments

target := env("CARGO_TARGET_DIR", "target")
# All tests that need no other program. The whole workspace, so that each recipe finds what another has compiled.
tested := "--workspace --all-features --lib --bins --test it"
# What an https client of npm trusts, where the system has it: Debian's Node knows it, Node from npm does not.
certificates := "/etc/ssl/certs/ca-certificates.crt"

export PATH := justfile_directory() / "target/tools/bin:" + env("PATH") + ":/usr/sbin"
export NODE_EXTRA_CA_CERTS := env("NODE_EXTRA_CA_CERTS", if path_exists(certificates) == "true" { certificates } else { "" })

# List the recipes.
default:
    @just --list --unsorted

# Formatting, spelling and lints (seconds).
check: fmt typos clippy

# Tests of the library and the program: all but the longest, or those whose names contain FILTER (a minute).
test *filter:
    #!/usr/bin/env bash
    set -euo pipefail
    if ! command -v cargo-nextest >/dev/null; then
      exec cargo test {{ tested }} -- "$@"
    fi
    # A name that is given is looked for among the longest as well.
    [ $# = 0 ] || set -- --ignore-default-filter "$@"
    exec cargo nextest run {{ tested }} "$@"

# Tests of the library and the program, with the longest (some minutes).
test-all:
    if command -v cargo-nextest >/dev/null; then cargo nextest run {{ tested }} --profile all; \
      else cargo test {{ tested }}; fi

# SCRIPTS of the client's package.json; `build` minifies the sources.
client *scripts="lint test check": (node_modules "src/client/js")
    for script in {{ scripts }}; do npm --prefix src/client/js run "$script"; done

# Tests in browsers, and among nginx, Vite and Node.
e2e engine=env("ENGINES", "chromium,firefox,webkit") *filter: spa
    #!/usr/bin/env bash
    set -euo pipefail
    shift
    cargo build --bin tidings --all-features
    export ENGINES={{ quote(engine) }} TIDINGS_BIN={{ quote(target / "debug/tidings") }} RUST_LIB_BACKTRACE=0
    cargo test --workspace --all-features --test browser --test peers -- "$@"

# Fuzz TARGET, or each, for SECONDS; 0 has no end.
fuzz target="" seconds="60":
    tests/fuzz/run {{ quote(target) }} {{ quote(seconds) }}

# Everything but browsers and fuzzing (some minutes).
ready: check deny features client doc test-all

# Formatting (repair: cargo fmt).
fmt:
    cargo fmt --all --check
    cargo fmt --manifest-path tests/fuzz/Cargo.toml --check

# Spelling; typos.toml lists what is spelt so on purpose.
typos: (needs "typos" "typos")

# Lints.
clippy:
    cargo clippy --workspace --all-targets --all-features -- -D warnings

# Licences, banned and duplicate crates, sources.
deny: (needs "cargo-deny" "cargo deny --all-features check bans licenses sources")

# Known vulnerabilities of dependencies. Needs network.
advisories: (needs "cargo-deny" "cargo deny --all-features check advisories")

# Lints with no feature, each alone, and all.
features: (needs "cargo-hack" "cargo hack clippy --each-feature -- -D warnings")

# Without that toolchain, what can be checked is the version that each dependency declares; Clippy's lint
# `incompatible_msrv` finds items of the standard library that are too new.

# Compile with the minimum Rust version, where rustup has that toolchain.
msrv:
    #!/usr/bin/env bash
    set -euo pipefail
    version=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    if cargo "+$version" --version >/dev/null 2>&1; then
      exec cargo "+$version" check --all-features --locked --target-dir {{ quote(target / "msrv") }}
    fi
    echo "Rust $version is not installed (rustup toolchain install $version --profile minimal): not compiled with it."
    cargo metadata --format-version 1 --all-features --locked | node -e '
      const { packages } = JSON.parse(require("fs").readFileSync(0));
      const minor = (version) => Number(version.split(".")[1]);
      const late = packages.filter((p) => p.rust_version && minor(p.rust_version) > minor(process.argv[1]));
      for (const p of late) console.error(`${p.name} ${p.version} needs Rust ${p.rust_version}`);
      process.exit(late.length ? 1 : 0);
    ' "$version"
    echo "No dependency declares a later one."

# Documentation and its examples.
doc:
    cargo test --doc --workspace --all-features
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --all-features --workspace

# The two builds of the test SPA, for `e2e`.
spa: (node_modules "tests/spa")
    npm --prefix tests/spa run build

# Bytes of each script of the client, minified and with gzip.
sizes: (node_modules "src/client/js")
    @for script in src/client/js/min/*.js; do \
      echo "$script: $(wc -c <"$script") bytes, $(gzip -9 <"$script" | wc -c) with gzip"; done
    @echo "src/failed-elements.js, a part of client.js: $(src/client/js/node_modules/.bin/esbuild src/client/js/src/failed-elements.js --minify \
      | gzip -9 | wc -c) with gzip"

# The packages of the lock file in FOLDER.
[private]
node_modules folder:
    cd {{ folder }}; cmp -s package-lock.json node_modules/.installed || \
      { npm ci; cp package-lock.json node_modules/.installed; }

[private]
needs program +command:
    @if command -v {{ program }} >/dev/null; then echo '{{ command }}'; {{ command }}; \
      else echo "Skipped: {{ program }} is not installed; tests/install installs it."; fi
