//! The headers that the notifier changes in a request for a page, as the client sent them.

use http::HeaderMap;
use http::HeaderName;
use http::Request;
use http::header;

use crate::http::context::RequestContext;

/// Saves the headers before they are changed. What an outer layer has saved stays.
pub(crate) fn save<B>(request: &mut Request<B>) {
    if RequestContext::get(request.extensions())
        .is_some_and(|context| context.original_headers.is_some())
    {
        return;
    }
    let headers = request.headers();
    let mut saved = HeaderMap::new();
    for name in CHANGED {
        for value in headers.get_all(&name) {
            saved.append(name.clone(), value.clone());
        }
    }
    RequestContext::get_mut(request.extensions_mut()).original_headers = Some(saved);
}

/// Restores the saved headers, for an origin that has its own codings and ranges of pages with the script.
pub(crate) fn restore<B>(request: &mut Request<B>) {
    if RequestContext::get(request.extensions()).is_none() {
        return;
    }
    let context = RequestContext::get_mut(request.extensions_mut());
    let Some(saved) = context.original_headers.take() else {
        return;
    };
    let headers = request.headers_mut();
    for name in CHANGED {
        headers.remove(name);
    }
    headers.extend(saved);
}

const CHANGED: [HeaderName; 3] = [header::ACCEPT_ENCODING, header::RANGE, header::IF_RANGE];
