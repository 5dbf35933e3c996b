//! Media types of files by name, and of responses.

use http::HeaderMap;
use http::HeaderValue;
use http::header;

/// The kinds of files that are treated differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A page: gets the client script and refers to other files.
    Page,
    /// A script, which may refer to other files.
    Script,
    /// A style sheet, which may refer to other files.
    Style,
    /// A source map, loaded only by developer tools.
    SourceMap,
    /// Anything else.
    Other,
}

/// Returns the kind of the file at `path`, by its extension.
pub(crate) fn kind(path: &str) -> Kind {
    match extension(path).to_ascii_lowercase().as_str() {
        "html" | "htm" => Kind::Page,
        "js" | "mjs" | "cjs" => Kind::Script,
        "css" => Kind::Style,
        "map" => Kind::SourceMap,
        _ => Kind::Other,
    }
}

/// Returns the `Content-Type` of the file at `path`.
///
/// Text gets `charset=utf-8` only if the content is UTF-8 (`utf8`): a wrong charset in the header would take precedence
/// over a correct one in the file.
pub(crate) fn content_type(path: &str, utf8: bool) -> HeaderValue {
    let essence = essence(path);
    if utf8 && has_charset(&essence) {
        let text = format!("{essence}; charset=utf-8");
        return HeaderValue::from_str(&text).unwrap_or(FALLBACK);
    }
    HeaderValue::from_str(&essence).unwrap_or(FALLBACK)
}

/// Returns true if the file at `path` is worth compressing: text, and binary types without compression of their own.
pub(crate) fn is_compressible(path: &str) -> bool {
    let essence = essence(path);
    has_charset(&essence)
        || essence == "application/json"
        || essence.ends_with("+json")
        || essence.ends_with("+xml")
        || matches!(
            essence.as_str(),
            "application/wasm"
                | "application/vnd.ms-fontobject"
                | "font/ttf"
                | "font/otf"
                | "image/bmp"
                | "image/x-icon"
                | "application/x-ndjson"
        )
}

/// Returns true if the headers describe HTML in an ASCII-compatible charset.
pub(crate) fn is_html(headers: &HeaderMap) -> bool {
    let mut fields = headers.get_all(header::CONTENT_TYPE).iter();
    let value = fields.next().and_then(|value| value.to_str().ok());
    // With two fields it is undefined which one applies.
    let (Some(value), None) = (value, fields.next()) else {
        return false;
    };
    let mut parts = value.split(';');
    let essence = parts.next().unwrap_or("").trim();
    let charset = parts.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        is_charset.then(|| value.trim().trim_matches('"').to_ascii_lowercase())
    });
    essence.eq_ignore_ascii_case("text/html")
        && charset.is_none_or(|charset| is_ascii_compatible(&charset))
}

/// Returns false for the labels of the Encoding standard whose encodings are stateful or encode ASCII differently.
fn is_ascii_compatible(charset: &str) -> bool {
    !charset.starts_with("utf-16")
        && !charset.starts_with("utf-32")
        && !charset.starts_with("utf-7")
        && !charset.starts_with("iso-2022")
        && !matches!(
            charset,
            "csiso2022jp"
                | "csiso2022kr"
                | "csunicode"
                | "hz-gb-2312"
                | "iso-10646-ucs-2"
                | "replacement"
                | "ucs-2"
                | "unicode"
                | "unicodefeff"
                | "unicodefffe"
        )
}

/// Returns the file name extension without its dot; empty if there is none.
pub(crate) fn extension(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => extension,
        _ => "",
    }
}

fn essence(path: &str) -> String {
    let extension = extension(path).to_ascii_lowercase();
    // Types that `mime_guess` lacks, has under an outdated name, or takes for something else (.ts is MPEG there).
    let known = match extension.as_str() {
        "js" | "mjs" | "cjs" => "text/javascript",
        "map" | "importmap" => "application/json",
        "json5" => "application/json5",
        "webmanifest" => "application/manifest+json",
        "ts" | "tsx" | "mts" | "cts" | "jsx" | "vue" | "svelte" | "scss" | "less" | "astro" => {
            "text/plain"
        }
        "md" | "markdown" => "text/markdown",
        "wasm" => "application/wasm",
        "avif" => "image/avif",
        "jxl" => "image/jxl",
        "ico" => "image/x-icon",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "otf" => "font/otf",
        "glb" => "model/gltf-binary",
        "gltf" => "model/gltf+json",
        "geojson" => "application/geo+json",
        "xml" => "application/xml",
        "rss" => "application/rss+xml",
        "atom" => "application/atom+xml",
        "gz" => "application/gzip",
        "ndjson" | "jsonl" => "application/x-ndjson",
        "m3u8" => "application/vnd.apple.mpegurl",
        "mp4" => "video/mp4",
        "m4a" => "audio/mp4",
        "opus" => "audio/ogg",
        "" | "br" | "zst" => "application/octet-stream",
        _ => return guess_essence(path),
    };
    known.to_owned()
}

fn guess_essence(path: &str) -> String {
    mime_guess::from_path(path)
        .first_raw()
        .unwrap_or("application/octet-stream")
        .to_owned()
}

/// Returns true for types with a `charset` parameter. JSON has none: it is UTF-8 by definition (RFC 8259, section 8.1).
fn has_charset(essence: &str) -> bool {
    essence.starts_with("text/")
        || matches!(
            essence,
            "application/xml"
                | "application/rss+xml"
                | "application/atom+xml"
                | "application/xhtml+xml"
                | "image/svg+xml"
        )
}

const FALLBACK: HeaderValue = HeaderValue::from_static("application/octet-stream");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_type_known_extension_returns_registered_type() {
        for (path, expected) in [
            ("/a.js", "text/javascript; charset=utf-8"),
            ("/a.mjs", "text/javascript; charset=utf-8"),
            ("/a.cjs", "text/javascript; charset=utf-8"),
            ("/a.css", "text/css; charset=utf-8"),
            ("/a.HTML", "text/html; charset=utf-8"),
            ("/a.js.map", "application/json"),
            ("/a.ts", "text/plain; charset=utf-8"),
            ("/a.svg", "image/svg+xml; charset=utf-8"),
            ("/site.webmanifest", "application/manifest+json"),
            ("/a.wasm", "application/wasm"),
            ("/a.woff2", "font/woff2"),
            ("/a.avif", "image/avif"),
            ("/a.png", "image/png"),
            ("/a.unheard-of", "application/octet-stream"),
            ("/LICENSE", "application/octet-stream"),
            ("/.well-known/x", "application/octet-stream"),
        ] {
            assert_eq!(content_type(path, true), expected, "{path}");
        }
    }

    #[test]
    fn content_type_not_utf8_has_no_charset() {
        assert_eq!(content_type("/a.html", false), "text/html");
    }

    #[test]
    fn is_compressible_compressed_format_returns_false() {
        for path in [
            "/a.png", "/a.woff2", "/a.jpg", "/a.mp4", "/a.zip", "/a.js.gz",
        ] {
            assert!(!is_compressible(path), "{path}");
        }
        for path in ["/a.js", "/a.svg", "/a.json", "/a.ttf", "/a.wasm", "/a.txt"] {
            assert!(is_compressible(path), "{path}");
        }
    }
}
