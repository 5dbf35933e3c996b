//! An origin is where responses come from.

mod answer;
pub(crate) mod encoding;
mod fallback;
mod file_body;
mod files;
pub(crate) mod proxy;
mod reply;
mod routes;
mod waiting;

pub use crate::http::forwarded::HostField;
pub use crate::origin::fallback::Fallback;
pub use crate::origin::file_body::FileBody;
pub use crate::origin::files::StaticFiles;
pub use crate::origin::proxy::DEFAULT_CONNECT_TIMEOUT;
pub use crate::origin::proxy::DEFAULT_FIRST_BYTE_TIMEOUT;
pub use crate::origin::proxy::DEFAULT_HOLD;
pub use crate::origin::proxy::DEFAULT_IDLE_TIMEOUT;
pub use crate::origin::proxy::DEFAULT_POOL_IDLE;
pub use crate::origin::proxy::OneUpstream;
pub use crate::origin::proxy::Proxy;
pub use crate::origin::proxy::ProxyBody;
pub use crate::origin::proxy::ProxyFuture;
pub use crate::origin::proxy::Upstream;
pub(crate) use crate::origin::proxy::tls;
pub use crate::origin::reply::FilesFuture;
pub use crate::origin::routes::Route;
pub use crate::origin::routes::RoutedFuture;
pub use crate::origin::routes::Routes;
