//! The desk: takes announcements, and hands out the list of deploys.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use bytes::Buf;
use bytes::Bytes;
use http::HeaderMap;
use http::Method;
use http::Request;
use http::Response;
use http_body::Body;
use http_body_util::Full;
use tokio::time::Instant;

use crate::endpoint::deploys::answer::Outcome;
use crate::endpoint::deploys::answer::Refusal;
use crate::endpoint::deploys::answer::list;
use crate::endpoint::deploys::ledger::Ledger;
use crate::endpoint::deploys::ledger::Objection;
use crate::endpoint::deploys::message::Message;
use crate::endpoint::deploys::proof::Proof;
use crate::endpoint::deploys::reading::Readers;
use crate::endpoint::deploys::secret::Code;
use crate::endpoint::deploys::secret::Secret;
use crate::release::ReleaseMetadata;
use crate::site::PublishOutcome;
use crate::site::Site;

/// What answers on the path of the webhook.
#[derive(Debug)]
pub(crate) struct Desk {
    site: Site,
    secret: Secret,
    /// Apart, or else strangers could keep out those who have shown the secret.
    known: Readers,
    strangers: Readers,
    ledger: Mutex<Ledger>,
}

impl Desk {
    pub(crate) fn new(site: Site, secret: Secret) -> Self {
        Self {
            site,
            secret,
            known: Readers::default(),
            strangers: Readers::default(),
            ledger: Mutex::default(),
        }
    }

    /// Answers a request, whatever it is.
    pub(crate) async fn answer<B>(&self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body<Data: Buf>,
    {
        let (head, body) = request.into_parts();
        let answer = match head.method {
            Method::GET | Method::HEAD => self.list(&head.headers),
            Method::POST => self.take(&head.headers, body).await,
            _ => Err(Refusal::Method),
        };
        answer.unwrap_or_else(|refusal| {
            // Anybody can cause it, and as often as they like.
            tracing::debug!(%refusal, "refused an announcement");
            refusal.answer()
        })
    }

    fn list(&self, fields: &HeaderMap) -> Result<Response<Full<Bytes>>, Refusal> {
        match Proof::of(fields, &self.secret) {
            Some(Proof::Bearer) => Ok(list(&self.site.state().deploys().json())),
            // There is nothing that a signature could be of.
            _ => Err(Refusal::NoProof),
        }
    }

    async fn take<B>(&self, fields: &HeaderMap, body: B) -> Result<Response<Full<Bytes>>, Refusal>
    where
        B: Body<Data: Buf>,
    {
        let proof = Proof::of(fields, &self.secret).ok_or(Refusal::NoProof)?;
        let (readers, signature) = match &proof {
            Proof::Bearer => (&self.known, None),
            Proof::Signature(code) => (&self.strangers, Some(code)),
        };
        let body = readers.read(fields, body).await?;
        if signature.is_some_and(|code| !self.secret.signed(&body, code)) {
            return Err(Refusal::NoProof);
        }
        // What GitHub sends is about something else, and has fields of the same names.
        let event = fields.get("x-github-event");
        let message = match event {
            Some(event) if event == "ping" => {
                tracing::debug!("GitHub tries the webhook");
                // Not entered: it does nothing, so it may come twice and is none of those that are counted.
                return Ok(Outcome::Pong.answer(&ReleaseMetadata::default(), &[]));
            }
            Some(_) => Message::default(),
            None => Message::parse(&body).map_err(Refusal::Wrong)?,
        };
        if let Some(code) = signature {
            judge_time(&message)?;
            self.enter(Some(code))?;
        } else {
            self.enter(None)?;
        }
        self.act(message)
    }

    fn enter(&self, signature: Option<&Code>) -> Result<(), Refusal> {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let entered = ledger.enter(signature, Instant::now());
        entered.map_err(|objection| match objection {
            Objection::Seen => Refusal::Seen,
            Objection::TooMany(wait) => Refusal::TooMany(wait),
        })
    }

    fn act(&self, message: Message) -> Result<Response<Full<Bytes>>, Refusal> {
        let now = Instant::now().into_std();
        let Message {
            id, about, cuts, ..
        } = message;
        let label = about.label.as_deref();
        let Some(id) = id else {
            tracing::info!(label, "told of a deploy: looking");
            let current = self.site.current().map(|current| current.id().clone());
            let answer = Outcome::Look { current }.answer(&about, &cuts);
            self.site.set_pending_metadata(about, now);
            self.site.request_check();
            return Ok(answer);
        };
        let built = SystemTime::now().duration_since(UNIX_EPOCH);
        let built = built.map_or(0, |built| u64::try_from(built.as_millis()).unwrap_or(0));
        let naming = self.site.publish_named(&id, about.clone(), built, now);
        if naming == PublishOutcome::HasFiles {
            return Err(Refusal::HasFiles);
        }
        tracing::info!(release = %id, label, ?naming, "told of a deploy by name");
        let outcome = match naming {
            PublishOutcome::IsCurrent => Outcome::IsCurrent(id),
            _ => Outcome::Publish(id),
        };
        Ok(outcome.answer(&about, &cuts))
    }
}

/// What is signed must have been signed now, unless all it says is that there may be news.
fn judge_time(message: &Message) -> Result<(), Refusal> {
    if let Some((skew, is_ahead)) = message.skew(SystemTime::now()) {
        return Err(Refusal::Clock(skew, is_ahead));
    }
    if message.time.is_none() && message.has_content() {
        return Err(Refusal::Timeless);
    }
    Ok(())
}
