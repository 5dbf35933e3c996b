//! Reads the assets of a page, piece by piece.

use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use lol_html::element;
use lol_html::send::Element;
use lol_html::send::HtmlRewriter;
use lol_html::text;
use sha2::Digest as _;
use sha2::Sha256;

use crate::digest::Digest;
use crate::html::page_assets::assets::AssetFile;
use crate::html::page_assets::assets::PageAssets;
use crate::html::parser_settings::parser_settings;
use crate::html::references::resolve;

/// Parses a page of any size in pieces of any size, and keeps nothing but its assets.
pub(crate) struct PageReader {
    /// `None` once it has failed.
    rewriter: Option<Parser>,
    page: Arc<Mutex<ParsedPage>>,
}

type Parser = HtmlRewriter<'static, fn(&[u8])>;

/// The assets of a page as they are written in it, before their URLs are resolved.
#[derive(Debug, Default)]
pub(crate) struct ParsedPage {
    base: Option<String>,
    /// The URL and integrity of each.
    files: Vec<(String, String)>,
    inline_scripts: Vec<Digest>,
    /// The hasher of the inline script that is being parsed.
    script: Option<Sha256>,
}

/// The address of a page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageLocation<'a> {
    pub(crate) path: &'a str,
    /// The host, with its port if it has one: absolute URLs with it are those of the site itself.
    pub(crate) host: Option<&'a str>,
}

impl PageReader {
    pub(crate) fn new() -> Self {
        let page = Arc::new(Mutex::new(ParsedPage::default()));
        let [on_base, on_script, on_text, on_link] = [(); 4].map(|()| Arc::clone(&page));
        let settings = parser_settings(MAX_PARSER_MEMORY)
            .append_element_content_handler(element!("base[href]", move |base| {
                let mut page = lock(&on_base);
                if page.base.is_none() {
                    page.base = base.get_attribute("href");
                }
                Ok(())
            }))
            .append_element_content_handler(element!("script", move |script| {
                lock(&on_script).start_script(script);
                Ok(())
            }))
            .append_element_content_handler(text!("script", move |text| {
                let mut page = lock(&on_text);
                if let Some(script) = &mut page.script {
                    script.update(text.as_str());
                }
                if text.last_in_text_node() {
                    page.end_script();
                }
                Ok(())
            }))
            .append_element_content_handler(element!("link[rel][href]", move |link| {
                if is_asset(link) {
                    lock(&on_link).add_file(link, "href");
                }
                Ok(())
            }));
        Self {
            rewriter: Some(HtmlRewriter::new(settings, |_| {})),
            page,
        }
    }

    /// Parses the next piece.
    pub(crate) fn write(&mut self, piece: &[u8]) {
        let failed = |rewriter: &mut HtmlRewriter<'_, _>| rewriter.write(piece).is_err();
        if self.rewriter.as_mut().is_some_and(failed) {
            // It must not be used after an error.
            self.rewriter = None;
        }
    }

    /// Ends the page. `None` if it could not be parsed to its end.
    pub(crate) fn end(self) -> Option<ParsedPage> {
        self.rewriter?.end().ok()?;
        Some(std::mem::take(&mut lock(&self.page)))
    }

    /// Parses a whole page, or the start of one.
    pub(crate) fn parse(page: &[u8]) -> Option<ParsedPage> {
        let mut reader = Self::new();
        reader.write(page);
        reader.end()
    }
}

impl fmt::Debug for PageReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageReader").finish_non_exhaustive()
    }
}

impl ParsedPage {
    /// The assets of the page at this address.
    pub(crate) fn resolve_at(&self, location: PageLocation<'_>) -> PageAssets {
        let base = match &self.base {
            Some(base) => {
                local_url(base, location.host).and_then(|base| resolve(location.path, base))
            }
            None => Some(location.path.to_owned()),
        };
        let mut assets = PageAssets {
            inline_scripts: self.inline_scripts.iter().copied().collect(),
            ..PageAssets::default()
        };
        // With a base on another host no relative URL is on this one.
        let Some(base) = base else {
            return assets;
        };
        for (url, integrity) in &self.files {
            let Some(url) = local_url(url, location.host) else {
                continue;
            };
            let Some(path) = resolve(&base, url) else {
                continue;
            };
            let path = path.into_boxed_str();
            let url = url.split('#').next().unwrap_or_default();
            if let Some((_, query)) = url.split_once('?') {
                assets.queries.insert((path.clone(), query.into()));
            }
            let mut hashes: Vec<&str> = integrity.split_ascii_whitespace().collect();
            hashes.sort_unstable();
            let integrity = hashes.join(" ").into();
            assets.files.insert(AssetFile { path, integrity });
        }
        assets
    }

    fn start_script(&mut self, script: &Element<'_, '_>) {
        self.script = None;
        if script.has_attribute("src") {
            self.add_file(script, "src");
        } else if is_executed(script) {
            self.script = Some(Sha256::new());
        }
    }

    fn end_script(&mut self) {
        if let Some(script) = self.script.take() {
            self.inline_scripts.push(Digest::from_hasher(script));
        }
    }

    fn add_file(&mut self, element: &Element<'_, '_>, url: &str) {
        if let Some(url) = element.get_attribute(url) {
            let integrity = element.get_attribute("integrity").unwrap_or_default();
            self.files.push((url, integrity));
        }
    }
}

/// True for an inline script that is run, and for an import map. Others are data, which may be made for each request.
fn is_executed(script: &Element<'_, '_>) -> bool {
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

/// True for a link that loads a script or a style sheet.
fn is_asset(link: &Element<'_, '_>) -> bool {
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

/// The URL without scheme and host, if the host is this one; the URL as it is, if it has none; `None` otherwise.
fn local_url<'a>(url: &'a str, host: Option<&str>) -> Option<&'a str> {
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
    let is_local = host.is_some_and(|host| authority.eq_ignore_ascii_case(host));
    is_local.then_some(if rest.starts_with('/') { rest } else { "/" })
}

fn lock(page: &Mutex<ParsedPage>) -> std::sync::MutexGuard<'_, ParsedPage> {
    page.lock().unwrap_or_else(PoisonError::into_inner)
}

// For the current tag, which may have an image in a data URL, and the open elements. Text is not buffered.
const MAX_PARSER_MEMORY: usize = 16 * 1024 * 1024;
