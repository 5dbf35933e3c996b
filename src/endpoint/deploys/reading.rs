//! Reading: how a body from a stranger gets into memory, within bounds.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use bytes::Buf as _;
use http::HeaderMap;
use http::header;
use http_body::Body;
use http_body_util::BodyExt as _;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::endpoint::deploys::answer::Refusal;

/// Whose bodies are being read at the moment. `Clone` is cheap, and all clones count together.
///
/// There is no way to tell whose signature will turn out right before the body is there. So a newcomer is always let
/// in, and whoever has been at it the longest makes room: an honest body comes in one go, and who holds a place by
/// sending slowly keeps nobody out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Readers(Arc<Mutex<VecDeque<Place>>>);

/// The place of one body: gone from the list when it has to leave.
type Place = oneshot::Sender<Infallible>;

impl Readers {
    /// Reads a body to its end.
    pub(crate) async fn read<B>(&self, fields: &HeaderMap, body: B) -> Result<Vec<u8>, Refusal>
    where
        B: Body<Data: bytes::Buf>,
    {
        if announced(fields).max(body.size_hint().lower()) > MOST_BYTES as u64 {
            return Err(Refusal::TooLarge);
        }
        let mut left = self.enter();
        tokio::select! {
            biased;
            _ = &mut left => Err(Refusal::MadeRoom),
            read = timeout(LONGEST, collect(body)) => read.unwrap_or(Err(Refusal::TooSlow)),
        }
    }

    fn enter(&self) -> oneshot::Receiver<Infallible> {
        let (place, left) = oneshot::channel();
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        places.retain(|place| !place.is_closed());
        if places.len() == MOST_AT_ONCE {
            places.pop_front();
        }
        places.push_back(place);
        left
    }
}

/// The length that the head gives; 0 without.
fn announced(fields: &HeaderMap) -> u64 {
    let length = fields.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    length.unwrap_or(0)
}

async fn collect<B>(body: B) -> Result<Vec<u8>, Refusal>
where
    B: Body<Data: bytes::Buf>,
{
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(mut data) = frame.map_err(|_| Refusal::BrokenOff)?.into_data() else {
            continue;
        };
        if data.remaining() > MOST_BYTES - bytes.len() {
            return Err(Refusal::TooLarge);
        }
        while data.has_remaining() {
            let chunk = data.chunk();
            bytes.extend_from_slice(chunk);
            let length = chunk.len();
            data.advance(length);
        }
    }
    Ok(bytes)
}

// Our own announcements have a few kilobytes. What GitHub sends of a push has all its commits, and is rarely larger.
pub(crate) const MOST_BYTES: usize = 1024 * 1024;

// Together they take 16 MiB at most. Whoever deploys comes alone, or in a burst of as many jobs.
pub(crate) const MOST_AT_ONCE: usize = 16;

// Even a body of the largest size over a slow line.
const LONGEST: Duration = Duration::from_secs(10);
