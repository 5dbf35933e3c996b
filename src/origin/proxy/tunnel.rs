//! Tunnels: what connections become when both sides have agreed to switch protocols.

use http::HeaderValue;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tokio_util::sync::CancellationToken;

/// What owns the open tunnels. `Clone` is cheap, and all clones are the same ones.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tunnels {
    closed: CancellationToken,
}

impl Tunnels {
    /// Passes bytes both ways once both sides have switched, until both have ended, or the tunnels are closed.
    pub(crate) fn open(&self, client: OnUpgrade, upstream: OnUpgrade) {
        let closed = self.closed.clone();
        tokio::spawn(async move {
            let passing = async {
                let (client, upstream) = tokio::try_join!(client, upstream)?;
                let (mut client, mut upstream) = (TokioIo::new(client), TokioIo::new(upstream));
                copy_bidirectional(&mut client, &mut upstream).await?;
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
            };
            tokio::select! {
                passed = passing => if let Err(error) = passed {
                    tracing::debug!(%error, "a tunnel broke");
                },
                () = closed.cancelled() => {}
            }
        });
    }

    /// Ends all, and those to come.
    pub(crate) fn close(&self) {
        self.closed.cancel();
    }
}

/// True if an upstream switched to one of the protocols that were asked for (RFC 9110, section 7.8).
pub(crate) fn is_agreed(asked: &HeaderValue, answered: Option<&HeaderValue>) -> bool {
    let (Ok(asked), Some(Ok(answered))) = (asked.to_str(), answered.map(HeaderValue::to_str))
    else {
        return false;
    };
    let mut asked = asked.split(',');
    asked.any(|protocol| protocol.trim().eq_ignore_ascii_case(answered.trim()))
}
