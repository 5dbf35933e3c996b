//! An origin is where responses come from.

pub(crate) mod files;
pub(crate) mod proxy;
pub(crate) mod retry_page;

pub use crate::origin::proxy::DEFAULT_BODY_IDLE_TIMEOUT;
pub use crate::origin::proxy::DEFAULT_CONNECT_TIMEOUT;
pub use crate::origin::proxy::DEFAULT_FIRST_BYTE_TIMEOUT;
pub use crate::origin::proxy::DEFAULT_POOL_IDLE_TIMEOUT;
pub use crate::origin::proxy::DEFAULT_UPSTREAM_WAIT;
pub use crate::origin::proxy::HostHeader;
pub use crate::origin::proxy::Proxy;
pub use crate::origin::proxy::ProxyFuture;
pub use crate::origin::proxy::Upstream;
pub use crate::origin::proxy::UpstreamService;
