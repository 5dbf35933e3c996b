//! Media types by file name.

use http::HeaderMap;
use http::HeaderValue;
use http::header;

/// What a file is, as far as serving it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A page: gets the script, and leads to other files.
    Page,
    /// A script, which may name other files.
    Script,
    /// A style sheet, which may name other files.
    Style,
    /// A source map: nobody who visits the site loads it.
    SourceMap,
    /// Anything else.
    Other,
}

pub(crate) fn kind(path: &str) -> Kind {
    match extension(path).to_ascii_lowercase().as_str() {
        "html" | "htm" => Kind::Page,
        "js" | "mjs" | "cjs" => Kind::Script,
        "css" => Kind::Style,
        "map" => Kind::SourceMap,
        _ => Kind::Other,
    }
}

/// The `Content-Type` of the file at `path`.
///
/// Text says `charset=utf-8` only where the bytes are UTF-8 (`utf8`): a wrong charset in the header would
/// overrule a right one in the file.
pub(crate) fn content_type(path: &str, utf8: bool) -> HeaderValue {
    let essence = essence(path);
    if utf8 && takes_charset(&essence) {
        let text = format!("{essence}; charset=utf-8");
        return HeaderValue::from_str(&text).unwrap_or(FALLBACK);
    }
    HeaderValue::from_str(&essence).unwrap_or(FALLBACK)
}

/// True if compression pays: text, and the binary types that carry no compression of their own.
pub(crate) fn is_compressible(path: &str) -> bool {
    let essence = essence(path);
    takes_charset(&essence)
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

/// True for HTML in an ASCII-compatible charset.
pub(crate) fn is_html(headers: &HeaderMap) -> bool {
    let mut fields = headers.get_all(header::CONTENT_TYPE).iter();
    let value = fields.next().and_then(|value| value.to_str().ok());
    // Of two, who knows which one counts.
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

/// The labels of the Encoding standard whose encodings have other bytes for ASCII, or have states.
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

pub(crate) fn extension(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => extension,
        _ => "",
    }
}

fn essence(path: &str) -> String {
    let extension = extension(path).to_ascii_lowercase();
    // What the table of the crate lacks, or has by another meaning (.ts is MPEG there) or an old name.
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
        _ => return guessed(path),
    };
    known.to_owned()
}

fn guessed(path: &str) -> String {
    mime_guess::from_path(path)
        .first_raw()
        .unwrap_or("application/octet-stream")
        .to_owned()
}

/// JSON takes none: it is UTF-8 by definition (RFC 8259, section 8.1).
fn takes_charset(essence: &str) -> bool {
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
    fn the_traps_of_mime_tables_are_mended() {
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
    fn bytes_that_are_not_utf_8_get_no_charset() {
        assert_eq!(content_type("/a.html", false), "text/html");
    }

    #[test]
    fn what_is_compressed_already_is_not_compressed() {
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
