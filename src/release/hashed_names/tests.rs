//! Names of real builds, and of folders whose files were named by people.

use crate::release::hashed_names::HashPatterns;

fn hashed<'a>(paths: &[&'a str]) -> Vec<&'a str> {
    let patterns = HashPatterns::from_paths(paths.iter().copied());
    let hashed = paths.iter().copied();
    hashed.filter(|path| patterns.is_hashed(path)).collect()
}

#[track_caller]
fn check_all(paths: &[&str]) {
    assert_eq!(hashed(paths), paths);
}

#[track_caller]
fn check_none(paths: &[&str]) {
    assert_eq!(hashed(paths), [""; 0]);
}

#[test]
fn names_of_vite_builds_are_hashed() {
    check_all(&["/assets/index-DkQ2x9Zb.js"]);
    check_all(&[
        "/assets/index-BfX2k3Qa.js",
        "/assets/index-BfX2k3Qa.js.map",
        "/assets/nl-pnLhDsgh.js",
        "/assets/item-WZQT-SKE.js",
        "/assets/About-C0gX_-9k.js",
        "/assets/About-tn0RQdqM.css",
        "/assets/_plugin-vue_export-helper-DlAUqK2U.js",
        "/assets/en-US-Bq3kd81_.js",
        "/assets/logo-8bK_zQ3d.svg",
    ]);
}

#[test]
fn plain_name_among_hashed_ones_is_not_hashed() {
    let paths = [
        "/assets/index-BfX2k3Qa.js",
        "/assets/vendor-Dk2_x9Zb.js",
        "/assets/Home-x8Zb2_Qk.js",
        "/assets/Inter-SemiBold.woff2",
        "/assets/team-overview.png",
        "/index.html",
        "/favicon.ico",
    ];
    assert_eq!(hashed(&paths), paths[..3]);
}

#[test]
fn names_of_webpack_builds_are_hashed() {
    check_all(&[
        "/static/js/main.8e2f0b3a.js",
        "/static/js/787.28cb0dcd.chunk.js",
        "/static/js/787.28cb0dcd.chunk.js.map",
        "/static/js/453.a1f0e9b2.chunk.js",
    ]);
    check_all(&[
        "/js/chunk-vendors.82b9c7a5.js",
        "/js/app.5c1f0d3e.js",
        "/js/about.44b3a0c9.js",
    ]);
    check_all(&[
        "/static/media/logo.6ce24c58023cc2f8fd88fe9d219db6c6.svg",
        "/static/media/hero.0a4b6c58123cc2f8fd88fe9d219db6aa.png",
    ]);
}

#[test]
fn names_of_angular_builds_are_hashed() {
    let paths = [
        "/chunk-CPMWLSLU.js",
        "/chunk-3KCV2Q7Z.js",
        "/main-WZQTSKEE.js",
        "/polyfills-FFHMD2TL.js",
        "/styles-5INURTSO.css",
        "/ngsw-worker.js",
        "/index.html",
    ];
    assert_eq!(hashed(&paths), paths[..5]);
    check_all(&["/main.0f1e2d3c4b5a6978.js", "/runtime.9d8c7b6a5f4e3d2c.js"]);
}

#[test]
fn names_of_next_builds_are_hashed() {
    check_all(&[
        "/_next/static/chunks/main-6b1f0c9e8d7a5432.js",
        "/_next/static/chunks/4bd1b696-f785427dddbba9fb.js",
        "/_next/static/chunks/webpack-0a9b8c7d6e5f4a3b.js",
        "/_next/static/chunks/polyfills-42372ed130431b0a.js",
        "/_next/static/css/0b1f6c9e8d7a5432.css",
        "/_next/static/media/e4af272ccee01ff0-s.p.woff2",
        "/_next/static/media/0484562807a97172-s.woff2",
    ]);
    check_all(&[
        "/_nuxt/BhVxk2Fq.js",
        "/_nuxt/D3k_fq2x.js",
        "/_nuxt/entry.Dk2sQ8fX.css",
    ]);
}

#[test]
fn hash_like_a_number_or_word_is_recognized_by_its_folder() {
    check_all(&[
        "/static/js/main.84605326.js",
        "/static/js/495.be90ecf3.chunk.js",
        "/static/js/591.fe276a82.chunk.js",
        "/static/js/3203.dbf93652.chunk.js.LICENSE.txt",
    ]);
    let paths = [
        "/assets/About-C0gX_-9k.js",
        "/assets/DeliveryDetail-Cjauci12.css",
        "/assets/NewsList-Dzevxv_f.js",
        "/assets/index-BfX2k3Qa.js",
        "/assets/java-Dde-Wnb4.js",
        "/assets/nl-pnLhDsgh.js",
        "/assets/vendor-Dk2_x9Zb.js",
        "/assets/KaTeX_Fraktur-Bold-BdnERNNW.ttf",
        "/assets/some-document.js",
        "/assets/Inter-SemiBold.woff2",
    ];
    assert_eq!(hashed(&paths), paths[..8]);
    check_all(&[
        "/_nuxt/0067ed0ab127294fd979.css",
        "/_nuxt/00de770539e5c1296438.css",
        "/_nuxt/00953e4.js",
        "/_nuxt/01b3f7b.js",
        "/_nuxt/0280bb9.js",
        "/_nuxt/9511d27.js",
    ]);
    check_all(&[
        "/_next/static/chunks/03u3lpl7tn2_t.js",
        "/_next/static/chunks/045ssh-m_olvw.js",
        "/_next/static/chunks/0dq7c9glnronx.js",
        "/_next/static/chunks/2421p_tyy9-sd.js",
        "/_next/static/chunks/2966a-vwqzpwa.js",
        "/_next/static/chunks/2kd01k7_ccb0k.js",
    ]);
}

#[test]
fn hash_of_a_single_image_is_recognized_by_other_folders() {
    let paths = [
        "/static/js/index.95181d570c.js",
        "/static/media/logo.6ce24c58023cc2f8fd88fe9d219db6c6.svg",
        "/static/svg/vector-art.f74e179f3a.svg",
        "/static/img/team-overview.svg",
    ];
    assert_eq!(hashed(&paths), paths[..3]);
    check_none(&[
        "/js/app.js",
        "/img/logo.6ce24c58023cc2f8fd88fe9d219db6c6.svg",
    ]);
}

#[test]
fn hash_with_a_suffix_is_recognized() {
    check_all(&[
        "/_astro/hero.DTJ77394.png",
        "/_astro/hero.DTJ77394_1hfRj7.webp",
        "/_astro/hero.DTJ77394_Z2iqkam.webp",
        "/_astro/page.B4URO6dV.js",
    ]);
    check_all(&["/app-8a387750e1c2d3f4.js", "/app-8a387750e1c2d3f4_bg.wasm"]);
}

#[test]
fn folder_of_plain_names_has_no_hashes() {
    check_none(&[
        "/js/some-document.js",
        "/js/test-overview.js",
        "/js/jquery-3.7.1.min.js",
        "/js/bootstrap.bundle.min.js",
        "/js/app-20240101.js",
        "/js/service-worker.js",
        "/js/registerSW.js",
        "/js/highcharts.js",
    ]);
    check_none(&["/app.js"]);
    check_none(&["/fullcalendar.js", "/style.css"]);
    check_none(&["/lib/Object.getPrototypeOf.js", "/lib/decode-data-html.js"]);
    check_none(&["/loader/FastPLYLoader.js"]);
    check_none(&["/base64js.min.js"]);
    check_none(&[
        "/fonts/raptorv2premium-bold.woff",
        "/fonts/raptorv2premium-bold.woff2",
    ]);
    check_none(&[
        "/photos/DSC01234.jpg",
        "/photos/DSC01235.jpg",
        "/photos/IMG_20240102.jpg",
    ]);
    check_none(&["/img/logo-1200x600.png", "/img/hero-1920x1080.png"]);
    check_none(&[
        "/fonts/Inter-SemiBold.woff2",
        "/fonts/Inter-ExtraBold.woff2",
    ]);
    check_none(&["/docs/index-DkQ2x9Zb.html"]);
}

#[test]
fn name_in_a_script_is_compared_with_the_formats_of_folders() {
    let patterns = HashPatterns::from_paths(["/assets/index-BfX2k3Qa.js"]);
    assert!(patterns.is_hashed_anywhere("./About-C0gX_-9k.js"));
    assert!(patterns.is_hashed_anywhere("app/assets/About-C0gX_-9k.js"));
    assert!(!patterns.is_hashed_anywhere("lib/heatmap/About-C0gX_-9k.js"));
    assert!(!patterns.is_hashed_anywhere("some-document.js"));
    assert!(!patterns.is_hashed_anywhere("vbscript.js"));
    assert!(!patterns.is_hashed_anywhere("main.0f1e2d3c4b5a6978.js"));
    assert!(!HashPatterns::default().is_hashed_anywhere("About-C0gX_-9k.js"));
}

/// Lists of the names in builds by real tools: `# ` before a name with a hash, `- ` before others.
#[test]
fn names_of_real_builds_are_classified() {
    let lists = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/names");
    let mut count = 0;
    for list in std::fs::read_dir(lists).unwrap() {
        let list = list.unwrap().path();
        let text = std::fs::read_to_string(&list).unwrap();
        let names: Vec<(bool, &str)> = text
            .lines()
            .map(|line| match line.split_at(2) {
                ("# ", name) => (true, name),
                ("- ", name) => (false, name),
                _ => panic!("{}: {line}", list.display()),
            })
            .collect();
        let patterns = HashPatterns::from_paths(names.iter().map(|(_, name)| *name));
        for (expected, name) in names {
            assert_eq!(
                patterns.is_hashed(name),
                expected,
                "{}: {name}",
                list.display()
            );
        }
        count += 1;
    }
    assert!(count > 40, "only {count} lists");
}
