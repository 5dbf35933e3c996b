//! The form of an asset that suits a client.

use http::HeaderMap;

use crate::http::accept_encoding::Accepted;
use crate::http::coding::Coding;
use crate::release::Asset;
use crate::release::Representation;

/// The form of an asset in which to send it to whoever sent `headers`, and its coding.
pub(crate) fn form_of<'a>(
    asset: &'a Asset,
    headers: &HeaderMap,
) -> (&'a Representation, Option<Coding>) {
    let plain = (asset.plain(), None);
    if !asset.is_encoded() {
        return plain;
    }
    let forms = Coding::PRECOMPRESSED.into_iter().filter_map(|coding| {
        let form = (asset.encoded(coding)?, Some(coding));
        Some((coding.token(), form))
    });
    Accepted::by(headers).choose(forms).unwrap_or(plain)
}
