//! Telling names that carry a hash of their content from names that don't.
//!
//! A name alone does not tell: `item-WZQT-SKE.js` was made by a build tool, `some-document.js` by a person.
//! So a folder is the evidence: build tools give the scripts and styles of a folder a token of one length,
//! and nearly all those tokens look like noise.

use std::collections::BTreeSet;
use std::collections::HashMap;

use crate::release::media;
use crate::release::media::Kind;

/// What the folders of one release have shown: the lengths of hash that each of them uses.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    folders: HashMap<String, Vec<Form>>,
}

/// A length of token that most scripts and styles of a folder have.
#[derive(Debug, Clone, Copy)]
struct Form {
    length: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Look {
    /// Could be a word, a number, a date.
    Plain,
    /// No word, but too orderly to prove anything by itself.
    Possible,
    /// Noise.
    Random,
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
        let mut folders = HashMap::new();
        for (folder, names) in names {
            let forms = forms(&names);
            if !forms.is_empty() {
                folders.insert(folder.to_owned(), forms);
            }
        }
        Self { folders }
    }

    /// True if the name of the file at `path` carries a hash of its content.
    pub(crate) fn is_hashed(&self, path: &str) -> bool {
        let (folder, name) = split(path);
        // A source map, or a compressed copy, is as immutable as the file that it belongs to.
        let name = name
            .strip_suffix(".map")
            .or_else(|| name.strip_suffix(".br"))
            .or_else(|| name.strip_suffix(".gz"))
            .unwrap_or(name);
        if media::kind(name) == Kind::Page {
            return false;
        }
        let forms = self.folders.get(folder).into_iter().flatten();
        forms.copied().any(|form| form.fits(name))
    }

    /// True if a name that stands in a script would be that of a hashed file, in whatever folder.
    pub(crate) fn is_hashed_anywhere(&self, name: &str) -> bool {
        self.folders
            .values()
            .flatten()
            .any(|form| token(name, form.length, Look::Random).is_some())
    }
}

impl Form {
    fn fits(self, name: &str) -> bool {
        // Of pictures and fonts there are always some that people named.
        let least = match media::kind(name) {
            Kind::Script | Kind::Style => Look::Possible,
            _ => Look::Random,
        };
        token(name, self.length, least).is_some()
    }
}

/// The forms that the names of one folder share.
fn forms(names: &[&str]) -> Vec<Form> {
    let code: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| matches!(media::kind(name), Kind::Script | Kind::Style))
        .collect();
    // A folder of images or fonts alone has to stand for itself, and one picture is no evidence.
    let (witnesses, enough) = if code.is_empty() {
        let other = names.iter().copied();
        (
            other
                .filter(|name| media::kind(name) == Kind::Other)
                .collect(),
            2,
        )
    } else {
        (code, 1)
    };
    let lengths: BTreeSet<usize> = witnesses
        .iter()
        .copied()
        .flat_map(noise_in)
        .map(str::len)
        .collect();
    let mut forms = Vec::new();
    for length in lengths {
        let count = |least| {
            let with = witnesses
                .iter()
                .filter(|name| token(name, length, least).is_some());
            with.count()
        };
        let (random, possible) = (count(Look::Random), count(Look::Possible));
        if random < enough || random * 10 < possible * 7 || random * 2 < witnesses.len() {
            continue;
        }
        forms.push(Form { length });
    }
    // `index-Bx3fK2Qa.js` also ends in the longer token `index-Bx3fK2Qa`; what most names share is the form.
    let best = |form: &Form| {
        let with = witnesses
            .iter()
            .filter(|name| token(name, form.length, Look::Random).is_some());
        with.count()
    };
    if let Some(most) = forms.iter().map(best).max() {
        forms.retain(|form| best(form) == most);
    }
    forms
}

/// Whatever in the name of a file looks like noise by itself, whatever its neighbours are called.
pub(crate) fn noise_in(name: &str) -> impl Iterator<Item = &str> {
    tokens(name).filter(|token| look(token) == Look::Random)
}

/// The token of this length in `name`, if it looks like this or better.
fn token(name: &str, length: usize, least: Look) -> Option<&str> {
    tokens(name).find(|token| token.len() == length && look(token) >= least)
}

/// Whatever in a name could be a hash: each of its dotted parts but the extension, whole, and from every
/// separator in it to its end.
fn tokens(name: &str) -> impl Iterator<Item = &str> {
    let stem = name.rsplit_once('.').map_or("", |(stem, _)| stem);
    stem.split('.')
        .flat_map(|part| {
            let after = part
                .char_indices()
                .filter(|(_, c)| matches!(c, '-' | '_'))
                .map(|(at, _)| &part[at + 1..]);
            // Next puts a mark behind the hash of a font: `0484562807a97172-s.p.woff2`.
            let before = part.strip_suffix("-s");
            std::iter::once(part).chain(after).chain(before)
        })
        .filter(|token| (SHORTEST..=LONGEST).contains(&token.len()))
        .filter(|token| {
            token
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        })
}

/// How much a token looks like noise.
fn look(token: &str) -> Look {
    let bytes = token.as_bytes();
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    let letters = bytes.iter().filter(|b| b.is_ascii_alphabetic()).count();
    if letters == 0 || is_size(token) || is_uuid(token) {
        return Look::Plain;
    }
    if token.split(['-', '_']).all(is_word_or_number) {
        return Look::Plain;
    }
    let turns = bytes
        .windows(2)
        .filter(|pair| class(pair[0]) != class(pair[1]))
        .count();
    let upper = bytes.iter().filter(|b| b.is_ascii_uppercase()).count();
    let all_upper = upper == letters && letters >= 4;
    // A number behind a name (`DSC01234`, `chapter12`) turns once.
    if turns >= 3 || (turns == 2 && digits > 0) || all_upper || consonants(token) >= 5 {
        return Look::Random;
    }
    Look::Possible
}

/// True for a part of a name as people write them: `document`, `Document`, `SemiBold`, `v2`, `README`, `2024`.
fn is_word_or_number(part: &str) -> bool {
    let word = part.trim_end_matches(|c: char| c.is_ascii_digit());
    let rest = word.trim_start_matches(|c: char| c.is_ascii_digit());
    if rest.is_empty() {
        return true;
    }
    if rest.len() < word.len() && word.len() < part.len() {
        return false;
    }
    if word.len() < part.len() && rest.len() > 1 && rest.bytes().all(|b| b.is_ascii_uppercase()) {
        // `DSC01234` and `IMG2024` are cameras' names.
        return rest.len() <= 4 && part.len() - word.len() >= 3;
    }
    let cased = rest.bytes().all(|b| b.is_ascii_lowercase())
        || humps(rest).is_some_and(|shortest| shortest >= 3);
    rest.bytes().all(|b| b.is_ascii_alphabetic()) && cased && is_sayable(rest)
}

/// The length of the shortest hump of a CamelCase word, `None` if it is none.
fn humps(word: &str) -> Option<usize> {
    let mut shortest = usize::MAX;
    let mut length = 0;
    for (at, b) in word.bytes().enumerate() {
        if !b.is_ascii_alphabetic() {
            return None;
        }
        if b.is_ascii_uppercase() && at > 0 {
            shortest = shortest.min(length);
            length = 0;
        }
        length += 1;
    }
    Some(shortest.min(length))
}

/// Words have vowels, and no long runs without one.
fn is_sayable(word: &str) -> bool {
    word.len() <= 3 || (consonants(word) <= 4 && word.bytes().any(is_vowel))
}

/// The longest run of consonants.
fn consonants(word: &str) -> usize {
    word.split(|c: char| !c.is_ascii_alphabetic() || is_vowel(c as u8))
        .map(str::len)
        .max()
        .unwrap_or(0)
}

fn is_vowel(b: u8) -> bool {
    matches!(
        b.to_ascii_lowercase(),
        b'a' | b'e' | b'i' | b'o' | b'u' | b'y'
    )
}

fn is_size(token: &str) -> bool {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    token
        .split_once('x')
        .is_some_and(|(width, height)| number(width) && number(height))
}

fn is_uuid(token: &str) -> bool {
    let lengths = token.split('-').map(str::len);
    token.len() == 36 && lengths.eq([8, 4, 4, 4, 12])
}

fn class(b: u8) -> u8 {
    match b {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        _ => 3,
    }
}

fn is_precompressed(name: &str) -> bool {
    matches!(media::extension(name), "br" | "gz" | "zst")
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

// Shorter tokens are version numbers and words; longer ones than SHA-1 in hex nobody puts into a name.
const SHORTEST: usize = 6;
const LONGEST: usize = 40;

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
        assert!(evidence.is_hashed_anywhere("About-C0gX_-9k.js"));
        assert!(!evidence.is_hashed_anywhere("some-document.js"));
        assert!(!evidence.is_hashed_anywhere("main.0f1e2d3c4b5a6978.js"));
        assert!(!Evidence::default().is_hashed_anywhere("About-C0gX_-9k.js"));
    }
}
