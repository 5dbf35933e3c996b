//! Reading request bodies into memory, within bounds.

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

use crate::endpoint::deploys::refusal::Refusal;

/// Limits how many bodies are read at once. `Clone` is cheap, and clones share the limit.
///
/// Whether a signature is valid is only known at the end of the body. So a new body is always read, and evicts the
/// oldest one: a legitimate body arrives at once, and slow senders block nobody.
#[derive(Debug, Clone, Default)]
pub(crate) struct BodyLimiter(Arc<Mutex<VecDeque<EvictOnDrop>>>);

/// Dropped to evict its body.
type EvictOnDrop = oneshot::Sender<Infallible>;

impl BodyLimiter {
    /// Reads a body to its end.
    pub(crate) async fn read_body<B>(
        &self,
        headers: &HeaderMap,
        body: B,
    ) -> Result<Vec<u8>, Refusal>
    where
        B: Body<Data: bytes::Buf>,
    {
        if content_length(headers).max(body.size_hint().lower()) > MAX_BODY_BYTES as u64 {
            return Err(TOO_LARGE);
        }
        let mut evicted = self.acquire();
        tokio::select! {
            biased;
            _ = &mut evicted => Err(Refusal::Evicted),
            read = timeout(MAX_DURATION, collect(body)) => read.unwrap_or(Err(Refusal::TooSlow)),
        }
    }

    fn acquire(&self) -> oneshot::Receiver<Infallible> {
        let (permit, evicted) = oneshot::channel();
        let mut permits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        permits.retain(|permit| !permit.is_closed());
        if permits.len() == MAX_CONCURRENT {
            permits.pop_front();
        }
        permits.push_back(permit);
        evicted
    }
}

/// The value of `Content-Length`; 0 without.
fn content_length(headers: &HeaderMap) -> u64 {
    let length = headers.get(header::CONTENT_LENGTH);
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
        let Ok(mut data) = frame.map_err(|_| Refusal::Incomplete)?.into_data() else {
            continue;
        };
        if data.remaining() > MAX_BODY_BYTES - bytes.len() {
            return Err(TOO_LARGE);
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

const TOO_LARGE: Refusal = Refusal::TooLarge {
    max_bytes: MAX_BODY_BYTES,
};

// Our own announcements have a few kilobytes. GitHub's of a push has all its commits, and is rarely larger.
const MAX_BODY_BYTES: usize = 1024 * 1024;

// Together they take 16 MiB at most. Deploys are announced one at a time, or in a burst of as many jobs.
const MAX_CONCURRENT: usize = 16;

// Enough for the largest body over a slow connection.
const MAX_DURATION: Duration = Duration::from_secs(10);
