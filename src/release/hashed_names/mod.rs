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

use crate::http::media_type;
use crate::http::media_type::Kind;
use crate::release::hashed_names::form::Form;
use crate::release::hashed_names::token::Alphabet;
use crate::release::hashed_names::token::Place;
use crate::release::hashed_names::token::Token;
pub(crate) use crate::release::hashed_names::token::doubtful_in;
pub(crate) use crate::release::hashed_names::token::noise_in;
use crate::release::hashed_names::token::tokens;
use crate::release::hashed_names::word::Look;
use crate::release::hashed_names::word::look;

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
            if media_type::kind(name) != Kind::SourceMap && !is_precompressed(name) {
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
        match media_type::kind(name) {
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
            names
                .filter(|name| media_type::kind(name) == kind)
                .collect()
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
    matches!(media_type::extension(name), "br" | "gz" | "zst")
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

// Of a few names, all may end alike by chance.
const MANY: usize = 8;

// What webpack puts into a name; a number or word is not that long.
const LONG: usize = 20;

#[cfg(test)]
mod tests;
