//! Reading what a page loads and runs off the page, piece by piece.

use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use lol_html::MemorySettings;
use lol_html::element;
use lol_html::send::Element;
use lol_html::send::HtmlRewriter;
use lol_html::send::Settings;
use lol_html::text;
use sha2::Digest as _;
use sha2::Sha256;

use crate::digest::Digest;
use crate::html::page_assets::Elements;
use crate::html::page_assets::File;
use crate::html::references::resolve;

/// Takes a page of any size in any pieces, and keeps the elements alone.
pub(crate) struct Reader {
    /// `None` once it has failed.
    rewriter: Option<Parser>,
    found: Arc<Mutex<Found>>,
}

type Parser = HtmlRewriter<'static, fn(&[u8])>;

/// The elements of a page as they are written there, whatever its address.
#[derive(Debug, Default)]
pub(crate) struct Found {
    base: Option<String>,
    /// URL and integrity.
    files: Vec<(String, String)>,
    inline: Vec<Digest>,
    /// The script that is being read.
    script: Option<Sha256>,
}

/// Where a page was found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Location<'a> {
    pub(crate) path: &'a str,
    /// The host whose absolute URLs are the site's own, with the port if it has one.
    pub(crate) host: Option<&'a str>,
}

impl Reader {
    pub(crate) fn new() -> Self {
        let found = Arc::new(Mutex::new(Found::default()));
        let [on_base, on_script, on_text, on_link] = [(); 4].map(|()| Arc::clone(&found));
        let memory = MemorySettings::new().with_max_allowed_memory_usage(PARSER_MEMORY);
        let settings = Settings::new_send()
            // An odd page is not ours to judge.
            .with_strict(false)
            .with_memory_settings(memory)
            .append_element_content_handler(element!("base[href]", move |base| {
                let mut found = lock(&on_base);
                if found.base.is_none() {
                    found.base = base.get_attribute("href");
                }
                Ok(())
            }))
            .append_element_content_handler(element!("script", move |script| {
                lock(&on_script).begin(script);
                Ok(())
            }))
            .append_element_content_handler(text!("script", move |text| {
                let mut found = lock(&on_text);
                if let Some(script) = &mut found.script {
                    script.update(text.as_str());
                }
                if text.last_in_text_node() {
                    found.finish();
                }
                Ok(())
            }))
            .append_element_content_handler(element!("link[rel][href]", move |link| {
                if loads(link) {
                    lock(&on_link).file(link, "href");
                }
                Ok(())
            }));
        Self {
            rewriter: Some(HtmlRewriter::new(settings, |_| {})),
            found,
        }
    }

    /// Takes the next piece.
    pub(crate) fn write(&mut self, piece: &[u8]) {
        let failed = |rewriter: &mut HtmlRewriter<'_, _>| rewriter.write(piece).is_err();
        if self.rewriter.as_mut().is_some_and(failed) {
            // It must not be used after that.
            self.rewriter = None;
        }
    }

    /// What was found; `None` if the page could not be parsed to its end.
    pub(crate) fn end(self) -> Option<Found> {
        self.rewriter?.end().ok()?;
        Some(std::mem::take(&mut lock(&self.found)))
    }

    /// Reads a page, or the beginning of one, at once.
    pub(crate) fn read(page: &[u8]) -> Option<Found> {
        let mut reader = Self::new();
        reader.write(page);
        reader.end()
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl Found {
    /// The elements of the page, if it is there.
    pub(crate) fn at(&self, location: Location<'_>) -> Elements {
        let base = match &self.base {
            Some(base) => own(base, location.host).and_then(|base| resolve(location.path, base)),
            None => Some(location.path.to_owned()),
        };
        let mut elements = Elements {
            inline: self.inline.iter().copied().collect(),
            ..Elements::default()
        };
        // With a base on another host nothing relative is ours.
        let Some(base) = base else {
            return elements;
        };
        for (url, integrity) in &self.files {
            let Some(url) = own(url, location.host) else {
                continue;
            };
            let Some(path) = resolve(&base, url) else {
                continue;
            };
            let path = path.into_boxed_str();
            let url = url.split('#').next().unwrap_or_default();
            if let Some((_, query)) = url.split_once('?') {
                elements.queries.insert((path.clone(), query.into()));
            }
            let mut hashes: Vec<&str> = integrity.split_ascii_whitespace().collect();
            hashes.sort_unstable();
            let integrity = hashes.join(" ").into();
            elements.files.insert(File { path, integrity });
        }
        elements
    }

    fn begin(&mut self, script: &Element<'_, '_>) {
        self.script = None;
        if script.has_attribute("src") {
            self.file(script, "src");
        } else if is_run(script) {
            self.script = Some(Sha256::new());
        }
    }

    fn finish(&mut self) {
        if let Some(script) = self.script.take() {
            self.inline.push(Digest::finish(script));
        }
    }

    fn file(&mut self, element: &Element<'_, '_>, url: &str) {
        if let Some(url) = element.get_attribute(url) {
            let integrity = element.get_attribute("integrity").unwrap_or_default();
            self.files.push((url, integrity));
        }
    }
}

/// True if a script in the page is run, or says what is: everything else is data, as made for each request as not.
fn is_run(script: &Element<'_, '_>) -> bool {
    let Some(kind) = script.get_attribute("type") else {
        return true;
    };
    let kind = kind.trim_ascii().to_ascii_lowercase();
    matches!(kind.as_str(), "" | "module" | "importmap") || {
        let subtype = kind.split_once('/').map_or("", |(_, subtype)| subtype);
        let subtype = subtype.strip_prefix("x-").unwrap_or(subtype);
        matches!(subtype, "javascript" | "ecmascript")
    }
}

/// True if a link loads a script or a style sheet.
fn loads(link: &Element<'_, '_>) -> bool {
    let has = |attribute: &str, wanted: &[&str]| {
        let value = link.get_attribute(attribute).unwrap_or_default();
        let mut words = value.split_ascii_whitespace();
        words.any(|word| {
            wanted
                .iter()
                .any(|wanted| word.eq_ignore_ascii_case(wanted))
        })
    };
    has("rel", &["stylesheet", "modulepreload"])
        || (has("rel", &["preload"]) && has("as", &["script", "style"]))
}

/// The URL without the scheme and host, if these are the site's own; as it is, if it has none.
fn own<'a>(url: &'a str, host: Option<&str>) -> Option<&'a str> {
    let url = url.trim_ascii();
    let schemes = ["https://", "http://", "//"];
    let Some(rest) = schemes.iter().find_map(|scheme| {
        let start = url.get(..scheme.len())?;
        start
            .eq_ignore_ascii_case(scheme)
            .then(|| &url[scheme.len()..])
    }) else {
        return Some(url);
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let is_own = host.is_some_and(|host| authority.eq_ignore_ascii_case(host));
    is_own.then_some(if rest.starts_with('/') { rest } else { "/" })
}

fn lock(found: &Mutex<Found>) -> std::sync::MutexGuard<'_, Found> {
    found.lock().unwrap_or_else(PoisonError::into_inner)
}

// For the tag that is being read, which may have a picture in it, and the elements that are open. Text is not held.
const PARSER_MEMORY: usize = 16 * 1024 * 1024;
