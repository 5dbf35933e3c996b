//! The formats of the hashes in the file names of a release.

use std::collections::HashMap;

use crate::http::media_type;
use crate::http::media_type::Kind;
use crate::release::hashed_names::hash_format::HashFormat;
use crate::release::hashed_names::randomness::Randomness;
use crate::release::hashed_names::randomness::randomness;
use crate::release::hashed_names::token::Alphabet;
use crate::release::hashed_names::token::Token;
use crate::release::hashed_names::token::TokenPosition;
use crate::release::hashed_names::token::tokens;

/// The formats of the hashes in the file names of a release, by folder.
#[derive(Debug, Default)]
pub(crate) struct HashPatterns {
    folders: HashMap<String, FolderPatterns>,
    /// The formats of all folders, without duplicates.
    formats: Vec<HashFormat>,
}

/// The formats in one folder: of its scripts and styles, and of its other files.
#[derive(Debug, Default)]
struct FolderPatterns {
    code: Vec<HashFormat>,
    other: Vec<HashFormat>,
    /// Nearly all scripts and styles have a token of such a format.
    is_uniform: bool,
}

impl HashPatterns {
    /// Learns the formats from the paths of all files of a release.
    pub(crate) fn from_paths<'a>(paths: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names: HashMap<&str, Vec<&str>> = HashMap::new();
        for path in paths {
            let (folder, name) = split(path);
            if media_type::kind(name) != Kind::SourceMap && !is_precompressed(name) {
                names.entry(folder).or_default().push(name);
            }
        }
        let folders = names.into_iter().filter_map(|(folder, names)| {
            let found = FolderPatterns::from_names(&names);
            found.formats().next()?;
            Some((folder.to_owned(), found))
        });
        let mut patterns = Self {
            folders: folders.collect(),
            formats: Vec::new(),
        };
        for format in patterns.folders.values().flat_map(FolderPatterns::formats) {
            if !patterns.formats.contains(&format) {
                patterns.formats.push(format);
            }
        }
        patterns
    }

    /// True if the name of the file at `path` carries a hash of its content.
    pub(crate) fn is_hashed(&self, path: &str) -> bool {
        let (folder, name) = split(path);
        // A source map or a compressed copy is as immutable as the file that it belongs to.
        let name = name
            .strip_suffix(".br")
            .or_else(|| name.strip_suffix(".gz"))
            .unwrap_or(name);
        let name = name.strip_suffix(".map").unwrap_or(name);
        let folder = self.folders.get(folder);
        match media_type::kind(name) {
            Kind::Page => false,
            Kind::Script | Kind::Style => folder.is_some_and(|folder| folder.matches_code(name)),
            Kind::SourceMap | Kind::Other => {
                folder.is_some_and(|folder| folder.matches_other(name)) || self.matches_alone(name)
            }
        }
    }

    /// True if a path in a script is that of a hashed file: if the folder that it names, or any folder where it names
    /// none, has names of this format.
    pub(crate) fn is_hashed_anywhere(&self, path: &str) -> bool {
        let (folder, name) = split(path);
        let last = |folder| split(folder).1;
        let folders = self.folders.iter().filter(|(known, _)| {
            matches!(last(folder), "" | "." | "..") || last(folder) == last(known)
        });
        folders
            .flat_map(|(_, found)| found.formats())
            .any(|format| format.matches_random_token(name))
    }

    /// True if an image or font without others in its folder has a hash in its name: in a format of some folder, or too
    /// long to be anything else.
    fn matches_alone(&self, name: &str) -> bool {
        let is_digest = |token: Token<'_>| {
            token.text.len() >= MIN_DIGEST
                && token.position != TokenPosition::Whole
                && Alphabet::Hex.contains(token.text)
                && randomness(token.text) == Randomness::Certain
        };
        let is_built = !self.formats.is_empty();
        is_built
            && (self
                .formats
                .iter()
                .any(|format| format.matches_random_token(name))
                || tokens(name).any(is_digest))
    }
}

impl FolderPatterns {
    fn from_names(names: &[&str]) -> Self {
        let of_kind = |kind| -> Vec<&str> {
            let names = names.iter().copied();
            names
                .filter(|name| media_type::kind(name) == kind)
                .collect()
        };
        let (scripts, styles) = (of_kind(Kind::Script), of_kind(Kind::Style));
        let code = [&scripts, &styles].map(|names| HashFormat::shared_by(names, 1));
        let code: Vec<HashFormat> = code.into_iter().flatten().collect();
        let names = scripts.iter().chain(&styles);
        let has_format = |name: &&&str| {
            code.iter()
                .any(|format| format.matching_tokens(name).next().is_some())
        };
        let (all, with) = (names.clone().count(), names.filter(has_format).count());
        Self {
            is_uniform: all >= MIN_UNIFORM && with * 20 >= all * 19,
            code,
            // A single image is not sufficient.
            other: HashFormat::shared_by(&of_kind(Kind::Other), 2)
                .into_iter()
                .collect(),
        }
    }

    fn formats(&self) -> impl Iterator<Item = HashFormat> {
        self.code.iter().chain(&self.other).copied()
    }

    fn matches_code(&self, name: &str) -> bool {
        let mut formats = self.code.iter();
        formats.any(|format| format.matches(name, self.is_uniform))
    }

    fn matches_other(&self, name: &str) -> bool {
        // Some images and fonts are always named by people.
        self.formats().any(|format| format.matches(name, false))
    }
}

fn is_precompressed(name: &str) -> bool {
    matches!(media_type::extension(name), "br" | "gz" | "zst")
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

// Of a few names, all may end alike by chance.
const MIN_UNIFORM: usize = 8;

// The length of webpack's hashes; a number or word is not that long.
const MIN_DIGEST: usize = 20;
