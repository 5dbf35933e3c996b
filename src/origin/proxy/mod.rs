//! The proxy: an origin whose responses come from upstreams.

mod attempt;
mod backend;
mod body;
mod connect;
mod dispatch;
mod exchange;
mod failure;
mod future;
mod health;
mod health_check;
mod host_header;
mod http2;
mod idle_timeout;
mod location;
#[expect(clippy::module_inception, reason = "the main type of a folder")]
mod proxy;
mod rejection;
mod request_body;
pub(crate) mod request_headers;
mod retry_queue;
mod settings;
mod shared;
mod stream;
mod tunnel;
mod upstream;
mod upstream_request;
mod upstream_service;

pub use crate::origin::proxy::future::ProxyFuture;
pub use crate::origin::proxy::host_header::HostHeader;
pub use crate::origin::proxy::proxy::Proxy;
pub use crate::origin::proxy::settings::DEFAULT_BODY_IDLE_TIMEOUT;
pub use crate::origin::proxy::settings::DEFAULT_CONNECT_TIMEOUT;
pub use crate::origin::proxy::settings::DEFAULT_FIRST_BYTE_TIMEOUT;
pub use crate::origin::proxy::settings::DEFAULT_POOL_IDLE_TIMEOUT;
pub use crate::origin::proxy::settings::DEFAULT_UPSTREAM_WAIT;
pub use crate::origin::proxy::upstream::Upstream;
pub use crate::origin::proxy::upstream_service::UpstreamService;
