//! The references of pages, scripts and style sheets to other files.

use lol_html::HtmlRewriter;
use lol_html::LocalHandlerTypes;
use lol_html::element;
use percent_encoding::percent_decode_str;

use crate::html::parser_settings::parser_settings;
use crate::http::media_type;
use crate::http::uri;

/// The paths of the files of the same host that the page at `path` needs: `script[src]` and
/// `link[rel=stylesheet|modulepreload|preload]`.
pub(crate) fn in_page(path: &str, html: &[u8]) -> Vec<String> {
    let mut base = None;
    let mut urls = Vec::new();
    parse(html, &mut base, &mut urls);
    let base = match base {
        Some(base) => match resolve(path, &base) {
            Some(base) => base,
            // The base is another host, and so is every relative URL.
            None => return Vec::new(),
        },
        None => path.to_owned(),
    };
    urls.iter().filter_map(|url| resolve(&base, url)).collect()
}

fn parse(html: &[u8], base: &mut Option<String>, urls: &mut Vec<String>) {
    let urls = std::cell::RefCell::new(urls);
    let settings = parser_settings::<LocalHandlerTypes>(MAX_PARSER_MEMORY)
        .append_element_content_handler(element!("base[href]", |element| {
            if base.is_none() {
                *base = element.get_attribute("href");
            }
            Ok(())
        }))
        .append_element_content_handler(element!("script[src]", |element| {
            urls.borrow_mut().extend(element.get_attribute("src"));
            Ok(())
        }))
        .append_element_content_handler(element!("link[rel][href]", |element| {
            let rel = element.get_attribute("rel").unwrap_or_default();
            let is = |wanted: &str| {
                let mut all = rel.split_ascii_whitespace();
                all.any(|rel| rel.eq_ignore_ascii_case(wanted))
            };
            let url = element.get_attribute("href");
            if is("stylesheet") || is("modulepreload") {
                urls.borrow_mut().extend(url);
            } else if is("preload") {
                // It may be no file, but a resource of a server: `/api/config`.
                urls.borrow_mut().extend(url.filter(|url| is_file(url)));
            }
            Ok(())
        }));
    let mut rewriter = HtmlRewriter::new(settings, |_: &[u8]| {});
    // Of a page that can't be parsed to its end, some references are missing; it is served nevertheless.
    if rewriter.write(html).is_ok() {
        drop(rewriter.end());
    }
}

fn is_file(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or("");
    path.rsplit('/')
        .next()
        .is_some_and(|name| name.contains('.'))
}

/// The path of `url` on a page at `base`, decoded. `None` for a URL on another host, and for one without a path.
pub(crate) fn resolve(base: &str, url: &str) -> Option<String> {
    // Braces are a placeholder that a server fills in: `{{ base_url }}custom.css`.
    let path = url.split(['?', '#']).next().unwrap_or("");
    if path.contains('{') {
        return None;
    }
    let path = uri::resolve(base, url)?.path;
    Some(percent_decode_str(&path).decode_utf8_lossy().into_owned())
}

/// The relative URLs of files that are whole strings in a script or style sheet, such as
/// `import("./About-C0gX_-9k.js")` or `url(/fonts/a.woff2)`.
pub(crate) fn in_text(text: &[u8]) -> impl Iterator<Item = &str> {
    let mut rest = text;
    let mut opened = false;
    let strings = std::iter::from_fn(move || {
        while !rest.is_empty() {
            let length = rest
                .iter()
                .position(|&b| !may_be_in_url(b))
                .unwrap_or(rest.len());
            let (string, after) = rest.split_at(length);
            let end = after.first().copied();
            rest = after.get(1..).unwrap_or_default();
            let is_whole = opened && end.is_some_and(ends_url);
            opened = end.is_some_and(opens_url);
            if is_whole && string.len() <= MAX_URL {
                return Some(string);
            }
        }
        None
    });
    strings.filter_map(|string| {
        let string = std::str::from_utf8(string).ok()?;
        let name = string.rsplit('/').next()?;
        let is_local =
            !string.contains("://") && !string.starts_with("//") && !string.starts_with("data:");
        (is_local && has_extension(name)).then_some(string)
    })
}

fn may_be_in_url(b: u8) -> bool {
    b.is_ascii_alphanumeric() || !b.is_ascii() || b"._-/@~+%:$[]".contains(&b)
}

fn opens_url(b: u8) -> bool {
    b"\"'`(".contains(&b)
}

fn ends_url(b: u8) -> bool {
    b"\"'`)\\?#".contains(&b)
}

/// True for a name with an extension of files that builds have; `a.b.c` and `M1.5L2.7Z` occur in scripts, too.
fn has_extension(name: &str) -> bool {
    let extension = media_type::extension(name).to_ascii_lowercase();
    name.len() <= MAX_NAME && EXTENSIONS.contains(&extension.as_str())
}

// For the current token and the open elements.
const MAX_PARSER_MEMORY: usize = 8 * 1024 * 1024;

// The folders and a name of 255 bytes.
const MAX_URL: usize = 1024;

// The limit of file systems.
const MAX_NAME: usize = 255;

const EXTENSIONS: [&str; 30] = [
    "js",
    "mjs",
    "cjs",
    "css",
    "json",
    "wasm",
    "woff2",
    "woff",
    "ttf",
    "otf",
    "eot",
    "svg",
    "png",
    "jpg",
    "jpeg",
    "webp",
    "avif",
    "gif",
    "ico",
    "mp4",
    "webm",
    "mov",
    "mp3",
    "m4a",
    "ogg",
    "opus",
    "wav",
    "pdf",
    "glb",
    "webmanifest",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_of_a_page_are_its_scripts_and_style_sheets() {
        let html = br#"<!doctype html><link rel="icon" href="/favicon.ico">
            <link rel="modulepreload" crossorigin href="/assets/vendor.js?x=1#y">
            <link rel="preload STYLESHEET" href=style.css>
            <script type=module src=../assets/my%20app.js></script>
            <script src="https://cdn.example/x.js"></script><script src=//cdn.example/y.js></script>
            <script src="data:text/javascript,1"></script><script src=""></script>
            <link rel=preload as=image href="/get_image?theme=dark"><script src="{{ base }}a.js"></script>
            <!-- <script src="/commented.js"></script> -->
            <script>"<script src='/string.js'>"</script>"#;
        assert_eq!(
            in_page("/docs/index.html", html),
            ["/assets/vendor.js", "/docs/style.css", "/assets/my app.js"]
        );
    }

    #[test]
    fn references_of_a_page_with_a_base_are_relative_to_it() {
        let html = br#"<base href="/app/"><script src="a.js"></script>"#;
        assert_eq!(in_page("/index.html", html), ["/app/a.js"]);
        let html = br#"<base href="https://cdn.example/"><script src="a.js"></script>"#;
        assert!(in_page("/index.html", html).is_empty());
    }

    #[test]
    fn references_of_a_script_are_its_strings() {
        let script = br#"d=["assets/About-x.js","assets/About-x.css"];import(`./Report-y.js`);
            e+".js";a.js;"a-1.js.map";"v1.2.3 x";import("./film-2.mp4");`${e}/z-1.js`;"https://cdn.example/q-1.js";'//cdn.example/r-1.js';"\"./s-1.mjs\"""#;
        let names: Vec<_> = in_text(script).collect();
        assert_eq!(
            names,
            [
                "assets/About-x.js",
                "assets/About-x.css",
                "./Report-y.js",
                "./film-2.mp4",
                "./s-1.mjs"
            ]
        );
        let style = b"a{src:url(/f/a-1.woff2)format('woff2'),url('b-2.woff')}@import\"c-3.css\";";
        let names: Vec<_> = in_text(style).collect();
        assert_eq!(names, ["/f/a-1.woff2", "b-2.woff", "c-3.css"]);
    }
}
