//! Tunnels: connections after both sides have switched protocols (RFC 9110, section 7.8).

use http::HeaderValue;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tokio_util::sync::CancellationToken;

/// The open tunnels of a proxy. `Clone` is cheap, and clones share the tunnels.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tunnels {
    closed: CancellationToken,
}

impl Tunnels {
    /// Spawns a task that copies bytes in both directions once both sides have switched, until both have ended, or the
    /// tunnels are closed.
    pub(crate) fn open(&self, client: OnUpgrade, upstream: OnUpgrade) {
        let closed = self.closed.clone();
        tokio::spawn(async move {
            let copying = async {
                let (client, upstream) = tokio::try_join!(client, upstream)?;
                let (mut client, mut upstream) = (TokioIo::new(client), TokioIo::new(upstream));
                copy_bidirectional(&mut client, &mut upstream).await?;
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
            };
            tokio::select! {
                copied = copying => if let Err(error) = copied {
                    tracing::debug!(%error, "upgraded connection failed");
                },
                () = closed.cancelled() => {}
            }
        });
    }

    /// Closes all tunnels, and those that are opened later.
    pub(crate) fn close(&self) {
        self.closed.cancel();
    }
}

/// True if the upstream switched to one of the requested protocols.
pub(crate) fn is_requested(requested: &HeaderValue, protocol: &HeaderValue) -> bool {
    let (Ok(requested), Ok(protocol)) = (requested.to_str(), protocol.to_str()) else {
        return false;
    };
    let mut requested = requested.split(',').map(str::trim);
    requested.any(|requested| requested.eq_ignore_ascii_case(protocol.trim()))
}
