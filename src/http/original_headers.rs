//! What a request said before it was changed for the sake of pages.

use http::Extensions;
use http::HeaderMap;
use http::HeaderName;
use http::Request;
use http::header;

/// The fields of a request that the layer changes where it goes to a page, as they came. Put into the extensions of
/// such a request for an origin that codes its pages and sends ranges of them itself, with the script in them.
#[derive(Debug, Clone)]
pub(crate) struct Unaltered(HeaderMap);

impl Unaltered {
    /// Keeps the fields as they are, before they are changed. What somebody before us has kept stays.
    pub(crate) fn keep<B>(request: &mut Request<B>) {
        if request.extensions().get::<Self>().is_some() {
            return;
        }
        let headers = request.headers();
        let mut kept = HeaderMap::new();
        for name in CHANGED {
            for value in headers.get_all(&name) {
                kept.append(name.clone(), value.clone());
            }
        }
        request.extensions_mut().insert(Self(kept));
    }

    /// Makes the fields of a request what they were.
    pub(crate) fn restore(extensions: &mut Extensions, headers: &mut HeaderMap) {
        let Some(Self(kept)) = extensions.remove::<Self>() else {
            return;
        };
        for name in CHANGED {
            headers.remove(name);
        }
        headers.extend(kept);
    }
}

const CHANGED: [HeaderName; 3] = [header::ACCEPT_ENCODING, header::RANGE, header::IF_RANGE];
