//! The handler of the webhook: accepts announcements, and lists the latest deploys.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::SystemTime;

use bytes::Buf;
use http::HeaderMap;
use http::Method;
use http::Request;
use http::Response;
use http::StatusCode;
use tokio::time::Instant;

use crate::endpoint::deploys::credentials::Credentials;
use crate::endpoint::deploys::credentials::Unauthorized;
use crate::endpoint::deploys::outcome::Outcome;
use crate::endpoint::deploys::payload::Payload;
use crate::endpoint::deploys::read_body::BodyLimiter;
use crate::endpoint::deploys::refusal::Refusal;
use crate::endpoint::deploys::replay_guard::Rejection;
use crate::endpoint::deploys::replay_guard::ReplayGuard;
use crate::endpoint::deploys::secret::Secret;
use crate::endpoint::deploys::secret::SignatureCode;
use crate::endpoint::response;
use crate::http::body::Body;
use crate::release::ReleaseMetadata;
use crate::site::PublishOutcome;
use crate::site::PublishTime;
use crate::site::Site;

/// Handles requests to the webhook.
#[derive(Debug)]
pub(crate) struct DeployHandler {
    site: Site,
    secret: Secret,
    /// Apart from the other one, or clients without the secret could evict those that have shown it.
    authorized_bodies: BodyLimiter,
    unverified_bodies: BodyLimiter,
    replay_guard: Mutex<ReplayGuard>,
}

impl DeployHandler {
    pub(crate) fn new(site: Site, secret: Secret) -> Self {
        Self {
            site,
            secret,
            authorized_bodies: BodyLimiter::default(),
            unverified_bodies: BodyLimiter::default(),
            replay_guard: Mutex::default(),
        }
    }

    /// Responds to a request: `POST` announces a deploy, `GET` lists the latest ones.
    pub(crate) async fn handle<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data: Buf>,
    {
        let (head, body) = request.into_parts();
        let response = match head.method {
            Method::POST => self.announce(&head.headers, body).await,
            _ => self.list(&head.headers),
        };
        response.unwrap_or_else(|refusal| {
            // Any client can cause it, at any rate.
            tracing::debug!(reason = %refusal, "announcement refused");
            refusal.into_response()
        })
    }

    fn list(&self, headers: &HeaderMap) -> Result<Response<Body>, Refusal> {
        match Credentials::from_headers(headers, &self.secret)? {
            Credentials::Bearer => {
                let deploys = self.site.state().deploys().json();
                Ok(response::json_line(StatusCode::OK, &deploys))
            }
            // There is no body that could be signed.
            Credentials::Signature(_) => Err(Refusal::Unauthorized),
        }
    }

    async fn announce<B>(&self, headers: &HeaderMap, body: B) -> Result<Response<Body>, Refusal>
    where
        B: http_body::Body<Data: Buf>,
    {
        let credentials = Credentials::from_headers(headers, &self.secret)?;
        let (limiter, signature) = match &credentials {
            Credentials::Bearer => (&self.authorized_bodies, None),
            Credentials::Signature(code) => (&self.unverified_bodies, Some(code)),
        };
        let body = limiter.read_body(headers, body).await?;
        if signature.is_some_and(|code| !self.secret.verifies(&body, code)) {
            return Err(Refusal::Unauthorized);
        }
        // GitHub's own webhooks are about something else, and have fields of the same names.
        let payload = match headers.get("x-github-event") {
            Some(event) if event == "ping" => {
                tracing::debug!("github ping received");
                // Not admitted by the replay guard: it does nothing, so it may be repeated and does not count.
                return Ok(Outcome::Ping.into_response(&ReleaseMetadata::default(), &[]));
            }
            Some(_) => Payload::default(),
            None => Payload::parse(&body).map_err(Refusal::InvalidPayload)?,
        };
        if signature.is_some() {
            check_time(&payload)?;
        }
        self.admit(signature)?;
        self.apply(payload)
    }

    fn admit(&self, signature: Option<&SignatureCode>) -> Result<(), Refusal> {
        let guard = self.replay_guard.lock();
        let mut guard = guard.unwrap_or_else(PoisonError::into_inner);
        guard.admit(signature, Instant::now())?;
        Ok(())
    }

    fn apply(&self, payload: Payload) -> Result<Response<Body>, Refusal> {
        let time = PublishTime::now();
        let Payload {
            id,
            metadata,
            truncated_fields,
            ..
        } = payload;
        let label = metadata.label.as_deref();
        let Some(id) = id else {
            tracing::info!(label, "deploy announced, checking for a new release");
            let current = self.site.current().map(|current| current.id().clone());
            let outcome = Outcome::CheckRequested { current };
            let response = outcome.into_response(&metadata, &truncated_fields);
            self.site.set_pending_metadata(metadata, time.monotonic);
            self.site.request_check();
            return Ok(response);
        };
        let published = self.site.publish_named(&id, metadata.clone(), time);
        if published == PublishOutcome::HasFiles {
            return Err(Refusal::HasFiles);
        }
        tracing::info!(release = %id, label, outcome = ?published, "deploy announced by id");
        let outcome = match published {
            PublishOutcome::IsCurrent => Outcome::AlreadyCurrent(id),
            _ => Outcome::Published(id),
        };
        Ok(outcome.into_response(&metadata, &truncated_fields))
    }
}

impl From<Unauthorized> for Refusal {
    fn from(Unauthorized: Unauthorized) -> Self {
        Self::Unauthorized
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Replayed => Self::Replayed,
            Rejection::RateLimited(wait) => Self::RateLimited(wait),
        }
    }
}

/// A signed payload must have the current time in it, unless it only requests a check.
fn check_time(payload: &Payload) -> Result<(), Refusal> {
    if let Some((skew, is_ahead)) = payload.clock_skew(SystemTime::now()) {
        return Err(Refusal::ClockSkew { skew, is_ahead });
    }
    if payload.time.is_none() && payload.has_content() {
        return Err(Refusal::MissingTimestamp);
    }
    Ok(())
}
