//! Telling names that carry a hash of their content from names that don't.
//!
//! A name alone does not tell: `item-WZQT-SKE.js` was made by a build tool, `some-document.js` by a person, and
//! `chunk-30115207.js` could be either's. So a folder is the evidence: build tools give the scripts and styles
//! of a folder a token of one length, alphabet and place, and most of those tokens look like noise. Where that is
//! so, the others need not.

mod form;
mod token;
mod word;

use std::collections::HashMap;

use crate::release::hashed::form::Form;
use crate::release::hashed::token::Alphabet;
use crate::release::hashed::token::Place;
use crate::release::hashed::token::Token;
pub(crate) use crate::release::hashed::token::doubtful_in;
pub(crate) use crate::release::hashed::token::noise_in;
use crate::release::hashed::token::tokens;
use crate::release::hashed::word::Look;
use crate::release::hashed::word::look;
use crate::release::media;
use crate::release::media::Kind;

/// What the folders of one release have shown: the forms of hash that each of them uses.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    folders: HashMap<String, Folder>,
    /// The forms of all folders, each once.
    forms: Vec<Form>,
}

/// The forms that the scripts and styles of a folder use, and those of its other files.
#[derive(Debug, Default)]
struct Folder {
    code: Vec<Form>,
    other: Vec<Form>,
    /// Hardly a script or style is named otherwise.
    is_pure: bool,
}

impl Evidence {
    /// Looks at the names of all files of a release.
    pub(crate) fn gather<'a>(paths: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names: HashMap<&str, Vec<&str>> = HashMap::new();
        for path in paths {
            let (folder, name) = split(path);
            if media::kind(name) != Kind::SourceMap && !is_precompressed(name) {
                names.entry(folder).or_default().push(name);
            }
        }
        let folders = names.into_iter().filter_map(|(folder, names)| {
            let found = Folder::of(&names);
            found.forms().next()?;
            Some((folder.to_owned(), found))
        });
        let mut evidence = Self {
            folders: folders.collect(),
            forms: Vec::new(),
        };
        for form in evidence.folders.values().flat_map(Folder::forms) {
            if !evidence.forms.contains(&form) {
                evidence.forms.push(form);
            }
        }
        evidence
    }

    /// True if the name of the file at `path` carries a hash of its content.
    pub(crate) fn is_hashed(&self, path: &str) -> bool {
        let (folder, name) = split(path);
        // A source map, or a compressed copy, is as immutable as the file that it belongs to.
        let name = name
            .strip_suffix(".br")
            .or_else(|| name.strip_suffix(".gz"))
            .unwrap_or(name);
        let name = name.strip_suffix(".map").unwrap_or(name);
        let folder = self.folders.get(folder);
        match media::kind(name) {
            Kind::Page => false,
            Kind::Script | Kind::Style => folder.is_some_and(|folder| folder.has_code(name)),
            Kind::SourceMap | Kind::Other => {
                folder.is_some_and(|folder| folder.has_other(name)) || self.has_alone(name)
            }
        }
    }

    /// True if a path that stands in a script would be that of a hashed file: if its folder, or any where it
    /// names none, has such names.
    pub(crate) fn is_hashed_anywhere(&self, path: &str) -> bool {
        let (folder, name) = split(path);
        let last = |folder| split(folder).1;
        let folders = self.folders.iter().filter(|(known, _)| {
            matches!(last(folder), "" | "." | "..") || last(folder) == last(known)
        });
        folders
            .flat_map(|(_, found)| found.forms())
            .any(|form| form.is_proven_by(name))
    }

    /// True if a picture or font that has no others beside it has a hash in its name: of a form that some folder
    /// has, or too long to be anything else.
    fn has_alone(&self, name: &str) -> bool {
        let is_digest = |token: Token<'_>| {
            token.text.len() >= LONG
                && token.place != Place::Whole
                && Alphabet::Hex.has(token.text)
                && look(token.text) == Look::Random
        };
        let is_built = !self.forms.is_empty();
        is_built
            && (self.forms.iter().any(|form| form.is_proven_by(name))
                || tokens(name).any(is_digest))
    }
}

impl Folder {
    fn of(names: &[&str]) -> Self {
        let of_kind = |kind| -> Vec<&str> {
            let names = names.iter().copied();
            names.filter(|name| media::kind(name) == kind).collect()
        };
        let (scripts, styles) = (of_kind(Kind::Script), of_kind(Kind::Style));
        let code = [&scripts, &styles].map(|names| Form::shared(names, 1));
        let code: Vec<Form> = code.into_iter().flatten().collect();
        let names = scripts.iter().chain(&styles);
        let has_form = |name: &&&str| code.iter().any(|form| form.fitting(name).next().is_some());
        let (all, with) = (names.clone().count(), names.filter(has_form).count());
        Self {
            is_pure: all >= MANY && with * 20 >= all * 19,
            code,
            // One picture is no evidence.
            other: Form::shared(&of_kind(Kind::Other), 2).into_iter().collect(),
        }
    }

    fn forms(&self) -> impl Iterator<Item = Form> {
        self.code.iter().chain(&self.other).copied()
    }

    fn has_code(&self, name: &str) -> bool {
        let mut forms = self.code.iter();
        forms.any(|form| form.fits(name, self.is_pure))
    }

    fn has_other(&self, name: &str) -> bool {
        // Among pictures and fonts there are always some that people named.
        self.forms().any(|form| form.fits(name, false))
    }
}

fn is_precompressed(name: &str) -> bool {
    matches!(media::extension(name), "br" | "gz" | "zst")
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

// Of a few names, all may end alike by chance.
const MANY: usize = 8;

// What webpack puts into a name; a number or word is not that long.
const LONG: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn hashed<'a>(paths: &[&'a str]) -> Vec<&'a str> {
        let evidence = Evidence::gather(paths.iter().copied());
        let hashed = paths.iter().copied();
        hashed.filter(|path| evidence.is_hashed(path)).collect()
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
    fn vite_builds_are_found_whole() {
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
    fn a_plain_name_among_hashed_ones_stays_plain() {
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
    fn webpack_builds_are_found_whole() {
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
    fn angular_builds_are_found_whole() {
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
    fn next_builds_are_found_whole() {
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
    fn a_hash_that_looks_like_a_number_or_word_is_known_by_its_folder() {
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
    fn a_picture_alone_is_known_by_the_rest_of_the_build() {
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
    fn what_stands_behind_a_hash_is_no_part_of_it() {
        check_all(&[
            "/_astro/hero.DTJ77394.png",
            "/_astro/hero.DTJ77394_1hfRj7.webp",
            "/_astro/hero.DTJ77394_Z2iqkam.webp",
            "/_astro/page.B4URO6dV.js",
        ]);
        check_all(&["/app-8a387750e1c2d3f4.js", "/app-8a387750e1c2d3f4_bg.wasm"]);
    }

    #[test]
    fn a_folder_of_plain_names_yields_none() {
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
    fn a_name_in_a_script_is_measured_by_what_the_folders_use() {
        let evidence = Evidence::gather(["/assets/index-BfX2k3Qa.js"]);
        assert!(evidence.is_hashed_anywhere("./About-C0gX_-9k.js"));
        assert!(evidence.is_hashed_anywhere("app/assets/About-C0gX_-9k.js"));
        assert!(!evidence.is_hashed_anywhere("lib/heatmap/About-C0gX_-9k.js"));
        assert!(!evidence.is_hashed_anywhere("some-document.js"));
        assert!(!evidence.is_hashed_anywhere("vbscript.js"));
        assert!(!evidence.is_hashed_anywhere("main.0f1e2d3c4b5a6978.js"));
        assert!(!Evidence::default().is_hashed_anywhere("About-C0gX_-9k.js"));
    }
}
