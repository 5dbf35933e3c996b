//! Polls for a condition with a deadline, in place of a sleep and an assertion.

use std::time::Duration;

use anyhow::Result;
use anyhow::anyhow;
use tokio::time::Instant;
use tokio::time::sleep;
use tokio::time::timeout_at;

/// How long a condition may take to become true. An update takes well under a second on an idle machine; this is
/// for one that compiles something else at the same time.
pub const DEADLINE: Duration = Duration::from_secs(10);

// Short enough not to slow a test down, long enough to leave the processor to the browser.
const POLL: Duration = Duration::from_millis(50);

/// Polls `condition` until it returns a value, and returns that.
///
/// An error of `condition` counts as "not yet": commands fail while a page is unloaded.
///
/// # Errors
/// When [`DEADLINE`] has passed; the message contains `what` and the last error of `condition`.
pub async fn wait_until<T>(
    what: &str,
    mut condition: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let end = Instant::now() + DEADLINE;
    let mut last = None;
    while Instant::now() < end {
        match timeout_at(end, condition()).await {
            Ok(Ok(Some(found))) => return Ok(found),
            Ok(Ok(None)) => last = None,
            Ok(Err(error)) => last = Some(error),
            Err(_) => last = Some(anyhow!("the last poll did not return")),
        }
        sleep(POLL).await;
    }
    let nothing = last.unwrap_or_else(|| anyhow!("the condition never became true"));
    Err(nothing.context(format!("waited {DEADLINE:?} for {what}")))
}
