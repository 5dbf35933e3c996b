//! Selecting the variant of an asset by `Accept-Encoding`.

use http::HeaderMap;

use crate::http::accept_encoding::AcceptEncoding;
use crate::http::coding::Coding;
use crate::release::asset::Asset;
use crate::release::representation::Representation;

/// The variant of an asset that suits the `Accept-Encoding` of a request best, and its coding.
pub(crate) fn select_variant<'a>(
    asset: &'a Asset,
    headers: &HeaderMap,
) -> (&'a Representation, Option<Coding>) {
    let plain = (asset.plain(), None);
    if !asset.is_encoded() {
        return plain;
    }
    let variants = Coding::PRECOMPRESSED.into_iter().filter_map(|coding| {
        let variant = (asset.encoded(coding)?, Some(coding));
        Some((coding.token(), variant))
    });
    AcceptEncoding::from_headers(headers)
        .choose(variants)
        .unwrap_or(plain)
}
