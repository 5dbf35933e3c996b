//! The tower layer.

use std::sync::Arc;

use tower_layer::Layer;

use crate::client::settings::ClientSettings;
use crate::csp::checker::CspChecker;
use crate::csp::mode::Csp;
use crate::endpoint::deploys::handler::DeployHandler;
use crate::endpoint::deploys::secret::Secret;
use crate::endpoint::reserved_paths::ReservedPaths;
use crate::endpoint::stream_limit::StreamLimit;
use crate::error::Error;
use crate::http::prefix::ReservedPrefix;
use crate::notify::page::PageContext;
use crate::notify::page_metrics::PageCounts;
use crate::notify::recoding::PageCoding;
use crate::notify::recoding::RecodingPolicy;
use crate::notify::service::UpdateNotifier;
use crate::site::Site;

/// A layer that adds update notifications for a [`Site`] to any service. `Clone` is cheap.
///
/// A layer that sets `Content-Security-Policy` belongs between this layer and the service: the policy of the response
/// decides how the script is inserted, also in pages of [`StaticFiles`](crate::StaticFiles). A policy that is set outside
/// of this layer is not seen; it has to allow scripts of the same host by `'self'`.
///
/// ```
/// use std::convert::Infallible;
///
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::{BodyExt, Full};
/// use tidings::{Release, Site, UpdateNotifierLayer};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let site = Site::new();
/// site.publish(Release::new("v1".parse()?, 1_700_000_000_000));
///
/// let app = ServiceBuilder::new()
///     .layer(UpdateNotifierLayer::new(site.clone()))
///     .service(service_fn(async |_request: Request<String>| {
///         let page = Response::builder().header("content-type", "text/html");
///         Ok::<_, Infallible>(page.body(Full::<Bytes>::from("<!doctype html><title>App</title>")).unwrap())
///     }));
///
/// let page = app.oneshot(Request::new(String::new())).await?;
/// let page = page.into_body().collect().await?.to_bytes();
/// assert!(page.starts_with(b"<!doctype html><script async src=\"/__tidings/client-"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct UpdateNotifierLayer {
    site: Site,
    prefix: Arc<ReservedPrefix>,
    /// Shared by all services: a router wraps each of its routes in the layer.
    stream_limit: StreamLimit,
    settings: Arc<ClientSettings>,
    webhook: Option<Arc<DeployHandler>>,
    page_context: PageContext,
}

impl UpdateNotifierLayer {
    /// Creates a layer for this site, with the reserved prefix `/__tidings` and at most [`DEFAULT_MAX_STREAMS`] event
    /// streams.
    pub fn new(site: Site) -> Self {
        Self {
            site,
            prefix: Arc::default(),
            stream_limit: StreamLimit::new(DEFAULT_MAX_STREAMS),
            settings: Arc::default(),
            webhook: None,
            page_context: PageContext::default(),
        }
    }

    /// Sets the reserved prefix, such as `/__tidings`.
    ///
    /// # Errors
    ///
    /// If the prefix does not begin with one slash, ends in one, or contains anything but letters, digits, `.`, `_`,
    /// `-` and single slashes.
    pub fn prefix(mut self, prefix: &str) -> Result<Self, Error> {
        self.prefix = Arc::new(ReservedPrefix::parse(prefix)?);
        Ok(self)
    }

    /// Sets the maximum number of open event streams. Further ones get a 503 with `Retry-After`.
    pub fn max_streams(mut self, streams: usize) -> Self {
        self.stream_limit = StreamLimit::new(streams);
        self
    }

    /// Sets what tabs do about a new release, and the style and messages of their notice.
    pub fn client(mut self, settings: ClientSettings) -> Self {
        self.settings = Arc::new(settings);
        self
    }

    /// Sets how pages are handled whose `Content-Security-Policy` does not allow the client script. It does not apply
    /// to a policy with a nonce or `'self'`, which allows it.
    pub fn csp(mut self, csp: Csp) -> Self {
        self.page_context.csp_checker = CspChecker::new(csp);
        self
    }

    /// Compresses pages, in the coding that the client prefers by its `Accept-Encoding`: zstd (with the feature
    /// `zstd`), br or gzip. Navigations are forwarded with `Accept-Encoding: identity`.
    ///
    /// By default a page is sent in the coding in which the inner service sends it, if the client accepts that: it is
    /// decoded for the insertion of the script, and encoded again. Pages that [`StaticFiles`](crate::StaticFiles) keeps
    /// compressed are sent compressed in either case.
    pub fn compress_pages(mut self) -> Self {
        self.page_context.recoding_policy = RecodingPolicy::new(PageCoding::Compressed);
        self
    }

    /// Lets clients with the secret announce deploys on `/__tidings/deploys`, and list them.
    ///
    /// `POST` with the secret as a bearer token, or with a body that is signed with it as GitHub signs
    /// (`X-Hub-Signature-256`), has the sources of the site check for a new release. The body is empty, or a JSON
    /// object: `notes`, `label` and `policy` are attached to the release that is published next, or to the current one
    /// if that was published just before; metadata of the release itself takes precedence. With an `id` a release of
    /// that name is published, on a site whose files something else serves.
    ///
    /// A signed body with any content needs the `time`, in Unix seconds, within five minutes of this machine's clock. A
    /// signature is accepted once. The content of GitHub's own webhooks is ignored: they only request the check.
    ///
    /// `GET` with the bearer token lists the latest fifty deploys.
    ///
    /// ```
    /// use tidings::{Secret, Site, StaticFiles, UpdateNotifierLayer};
    /// use tower::ServiceBuilder;
    ///
    /// let site = Site::new();
    /// let secret = Secret::new("0b5c1f7a9d3e48a6b2c4d6e8f0a1b3c5")?;
    /// let service = ServiceBuilder::new()
    ///     .layer(UpdateNotifierLayer::new(site.clone()).webhook(secret))
    ///     .service(StaticFiles::new(site));
    /// # let _ = service;
    /// # Ok::<(), tidings::Error>(())
    /// ```
    pub fn webhook(mut self, secret: Secret) -> Self {
        self.webhook = Some(Arc::new(DeployHandler::new(self.site.clone(), secret)));
        self
    }

    /// Returns the numbers of pages by outcome, for all services that this layer or a clone of it wraps.
    pub fn page_counts(&self) -> PageCounts {
        self.page_context.metrics.page_counts()
    }
}

impl<S> Layer<S> for UpdateNotifierLayer {
    type Service = UpdateNotifier<S>;

    fn layer(&self, inner: S) -> UpdateNotifier<S> {
        let reserved_paths = ReservedPaths::new(
            self.site.clone(),
            self.stream_limit.clone(),
            Arc::clone(&self.settings),
            self.webhook.clone(),
        );
        let (site, prefix) = (self.site.clone(), Arc::clone(&self.prefix));
        UpdateNotifier::new(
            inner,
            site,
            prefix,
            reserved_paths,
            self.page_context.clone(),
        )
    }
}

/// The maximum number of open event streams of a new [`UpdateNotifierLayer`].
pub const DEFAULT_MAX_STREAMS: usize = 20_000;
