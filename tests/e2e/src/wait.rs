//! Waiting for a condition: polled, with a deadline, never a sleep and then an assertion.

use std::time::Duration;

use anyhow::Result;
use anyhow::anyhow;
use tokio::time::Instant;
use tokio::time::sleep;
use tokio::time::timeout_at;

/// How long a condition may take to come true. News takes well under a second on a quiet machine; this is for
/// one that compiles something else at the same time.
pub const DEADLINE: Duration = Duration::from_secs(10);

// Often enough that a test is not slowed down by it, seldom enough to leave the processor to the browser.
const POLL: Duration = Duration::from_millis(50);

/// Looks again and again until `look` finds something, and returns that.
///
/// An error of `look` counts as "not yet": a page that is being left answers with errors.
///
/// # Errors
/// When [`DEADLINE`] has passed; the message names `what` and carries the last error of `look`.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let end = Instant::now() + DEADLINE;
    let mut last = None;
    while Instant::now() < end {
        match timeout_at(end, look()).await {
            Ok(Ok(Some(found))) => return Ok(found),
            Ok(Ok(None)) => last = None,
            Ok(Err(error)) => last = Some(error),
            Err(_) => last = Some(anyhow!("the last look did not come back")),
        }
        sleep(POLL).await;
    }
    let nothing = last.unwrap_or_else(|| anyhow!("it simply was not there"));
    Err(nothing.context(format!("waited {DEADLINE:?} for {what}")))
}
