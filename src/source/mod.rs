//! A source notices that something may have changed, looks, and publishes.

mod alarm;
mod poll;
mod settle;
mod watch;
mod webhook;

pub use crate::source::poll::DEFAULT_EVERY;
pub use crate::source::poll::DEFAULT_LOOK_TIMEOUT;
pub use crate::source::poll::Fingerprint;
pub use crate::source::poll::JsonField;
pub use crate::source::poll::PollUpstream;
pub use crate::source::watch::DEFAULT_FILE_LIMIT;
pub use crate::source::watch::DEFAULT_INCOMPLETE_AFTER;
pub use crate::source::watch::DEFAULT_POLL;
pub use crate::source::watch::DEFAULT_QUIET;
pub use crate::source::watch::Events;
pub use crate::source::watch::WatchDirectory;
pub(crate) use crate::source::webhook::SIGNATURE;
pub use crate::source::webhook::Secret;
pub use crate::source::webhook::Webhook;
pub use crate::source::webhook::WebhookBody;
pub use crate::source::webhook::WebhookFuture;
pub use crate::source::webhook::WebhookLayer;
