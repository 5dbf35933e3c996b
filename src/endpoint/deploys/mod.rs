//! The webhook: a path on which a deploy is announced, by whoever knows the secret.

mod credentials;
mod handler;
mod outcome;
mod payload;
mod read_body;
mod refusal;
mod replay_guard;
mod secret;
mod service;

use std::sync::Arc;

use tower_layer::Layer;

use crate::endpoint::deploys::handler::DeployHandler;
pub(crate) use crate::endpoint::deploys::secret::SIGNATURE_HEADER;
pub use crate::endpoint::deploys::secret::Secret;
pub use crate::endpoint::deploys::service::Webhook;
pub use crate::endpoint::deploys::service::WebhookBody;
pub use crate::endpoint::deploys::service::WebhookFuture;
use crate::error::Error;
use crate::http::prefix::ReservedPrefix;
use crate::site::Site;

/// Takes announcements of deploys on `/__tidings/deploys`, and lists the last ones. `Clone` is cheap.
///
/// It goes round [`UpdateNotifierLayer`](crate::UpdateNotifierLayer), and lets everything else through untouched.
///
/// `POST` with the secret as a bearer token, or a body that is signed with it as GitHub signs (`X-Hub-Signature-256`),
/// has the sources of the site look now. The body is empty, or a JSON object: `notes`, `label` and `policy` go to the
/// release that is published next, or to the current one if the source was faster; what a release says of itself comes
/// first. With an `id` a release of that name is published, on a site whose files something else serves.
///
/// A signed body that says anything needs the `time`, in Unix seconds, within five minutes of the time here. No signature
/// is good twice. Of what GitHub itself sends nothing is read: it has the sources look.
///
/// `GET` with the bearer token lists the last fifty deploys.
///
/// ```
/// use tidings::{Secret, Site, StaticFiles, UpdateNotifierLayer, WebhookLayer};
/// use tower::ServiceBuilder;
///
/// let site = Site::new();
/// let secret = Secret::new("0b5c1f7a9d3e48a6b2c4d6e8f0a1b3c5")?;
/// let service = ServiceBuilder::new()
///     .layer(WebhookLayer::new(site.clone(), secret))
///     .layer(UpdateNotifierLayer::new(site.clone()))
///     .service(StaticFiles::new(site));
/// # let _ = service;
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct WebhookLayer {
    handler: Arc<DeployHandler>,
    prefix: Arc<ReservedPrefix>,
}

impl WebhookLayer {
    /// A webhook for this site, under `/__tidings`.
    pub fn new(site: Site, secret: Secret) -> Self {
        Self {
            handler: Arc::new(DeployHandler::new(site, secret)),
            prefix: Arc::default(),
        }
    }

    /// Where the reserved paths are: the same as
    /// [`UpdateNotifierLayer::prefix`](crate::UpdateNotifierLayer::prefix).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn prefix(mut self, prefix: &str) -> Result<Self, Error> {
        self.prefix = Arc::new(ReservedPrefix::parse(prefix)?);
        Ok(self)
    }
}

impl<S> Layer<S> for WebhookLayer {
    type Service = Webhook<S>;

    fn layer(&self, inner: S) -> Webhook<S> {
        Webhook::new(inner, Arc::clone(&self.handler), Arc::clone(&self.prefix))
    }
}
