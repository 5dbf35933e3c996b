//! Serves a static site or single-page app, or proxies to the server that does; detects when a new build has really
//! been deployed, and notifies every open tab, with no change to the site's code.
//!
//! The `tidings` program is this library with arguments. In another program, [`UpdateNotifierLayer`] is put around any
//! tower service, or [`StaticFiles`] serves a directory:
//!
//! ```no_run
//! use tidings::{Server, Site, StaticFiles, UpdateNotifierLayer, WatchDirectory};
//! use tower::ServiceBuilder;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let site = Site::new();
//! tokio::spawn(WatchDirectory::new("dist").run(site.clone()));
//! let service = ServiceBuilder::new()
//!     .layer(UpdateNotifierLayer::new(site.clone()))
//!     .service(StaticFiles::new(site));
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! Server::new(listener).run(service, std::future::pending()).await;
//! # Ok(())
//! # }
//! ```
//!
//! # Terms
//!
//! | term | meaning |
//! |---|---|
//! | *release* | one immutable version of the site: a table of paths, with an id made of the content that visitors can reach ([`Release`]) |
//! | *reachable* | a page, or a file whose name occurs in a page, or in a script or style sheet that is reachable itself |
//! | *hashed file* | a file whose name has a hash of its content, so that it never changes |
//! | *site* | the handle on the current release and the retained ones ([`Site`]) |
//! | *publish* | make a release current, in one step ([`Site::publish`]) |
//! | *retained release* | an older release whose hashed files stay servable, for tabs that still run it |
//! | *source* | a task that publishes the releases it finds ([`WatchDirectory`], [`PollUpstream`]) |
//! | *debounce* | the wait until a burst of changes is over |
//! | *upstream* | a server that pages come from ([`Upstream`]) |
//! | *fingerprint* | what distinguishes the builds of an upstream ([`Fingerprint`]) |
//! | *origin* | where responses come from: [`StaticFiles`], a [`Proxy`], or any tower service |
//! | *client* | the script in the page; it shows the *notice*, and holds the *event stream* |
//! | *policy* | what a tab does about a new release ([`Policy`]), a part of the [`ClientSettings`] |
//! | *deploy* | a publish by whatever cause, and its record in the history |
//! | *webhook* | a path to announce deploys to, with a secret ([`UpdateNotifierLayer::webhook`]; its client is [`Announcement`]) |
//! | *reserved prefix* | the start of the paths that are answered by the middleware, [`DEFAULT_PREFIX`] |
//!
//! # Parts
//!
//! - Middleware: [`UpdateNotifierLayer`], around any service whose responses have a body of any kind; what goes out is
//!   a [`Body`].
//! - Releases from a directory: [`WatchDirectory`]; from upstreams: [`PollUpstream`]; from your own code:
//!   [`Release::new`] and [`Site::publish`].
//! - Origins: [`StaticFiles`] and [`Proxy`]; [`Routes`] combines them.
//! - The whole server: a [`Config`] is parsed into a [`Plan`], which is bound and run as a [`BoundServer`]; [`Server`]
//!   alone runs any service on a listener, and [`Shutdown`] ends event streams, tunnels and the server in order.
//!
//! The library binds no port that it was not given, reads no environment, prints nothing, and installs no signal
//! handler. `ARCHITECTURE.md` in the repository is the map of its files, with the walks of a request, a deploy and a
//! poll through them, and the invariants.

mod announce;
mod app;
mod build;
mod client;
mod config;
mod csp;
mod digest;
mod endpoint;
mod error;
#[cfg(any(fuzzing, test))]
pub mod fuzz;
mod html;
mod http;
mod notify;
mod origin;
mod release;
mod server;
mod site;
mod source;

pub use crate::announce::announcement::Announcement;
pub use crate::announce::response::AnnounceResponse;
pub use crate::app::bound_server::BoundServer;
pub use crate::app::lifecycle::Shutdown;
pub use crate::app::router::RoutedFuture;
pub use crate::app::router::Routes;
pub use crate::client::frames::Frames;
pub use crate::client::notice_style::NoticeStyle;
pub use crate::client::position::Position;
pub use crate::client::settings::ClientSettings;
pub use crate::client::settings::DEFAULT_COOLDOWN;
pub use crate::client::settings::DEFAULT_COUNTDOWN;
pub use crate::client::settings::DEFAULT_IDLE_AFTER;
pub use crate::client::settings::DEFAULT_NAVIGATE_WAIT;
pub use crate::client::settings::DEFAULT_SNOOZE;
pub use crate::config::Config;
pub use crate::config::FrontEnd;
pub use crate::config::Group;
pub use crate::config::OriginKind;
pub use crate::config::PagePolicy;
pub use crate::config::PartialConfig;
pub use crate::config::Plan;
pub use crate::config::Route;
pub use crate::config::Setting;
pub use crate::csp::mode::Csp;
pub use crate::endpoint::deploys::secret::Secret;
pub use crate::error::Error;
pub use crate::error::Key;
pub use crate::http::body::Body;
pub use crate::http::coding::Coding;
pub use crate::http::context::ConnectInfo;
pub use crate::http::prefix::DEFAULT_PREFIX;
pub use crate::notify::layer::DEFAULT_MAX_STREAMS;
pub use crate::notify::layer::UpdateNotifierLayer;
pub use crate::notify::page_metrics::PageCounts;
pub use crate::notify::service::ResponseFuture;
pub use crate::notify::service::UpdateNotifier;
pub use crate::origin::DEFAULT_BODY_IDLE_TIMEOUT;
pub use crate::origin::DEFAULT_CONNECT_TIMEOUT;
pub use crate::origin::DEFAULT_FIRST_BYTE_TIMEOUT;
pub use crate::origin::DEFAULT_POOL_IDLE_TIMEOUT;
pub use crate::origin::DEFAULT_UPSTREAM_WAIT;
pub use crate::origin::HostHeader;
pub use crate::origin::Proxy;
pub use crate::origin::ProxyFuture;
pub use crate::origin::Upstream;
pub use crate::origin::UpstreamService;
pub use crate::origin::files::fallback::Fallback;
pub use crate::origin::files::reply::FilesFuture;
pub use crate::origin::files::static_files::StaticFiles;
pub use crate::release::Asset;
pub use crate::release::Content;
pub use crate::release::Entry;
pub use crate::release::Manifest;
pub use crate::release::OpenFile;
pub use crate::release::Policy;
pub use crate::release::Release;
pub use crate::release::ReleaseId;
pub use crate::release::Representation;
pub use crate::server::DEFAULT_DRAIN;
pub use crate::server::DEFAULT_HEAD_TIMEOUT;
pub use crate::server::Server;
pub use crate::site::DEFAULT_MEMORY_LIMIT;
pub use crate::site::DEFAULT_RETAIN_RELEASES;
pub use crate::site::Site;
pub use crate::source::Fingerprint;
pub use crate::source::JsonField;
pub use crate::source::directory::fs_events::WatchMode;
pub use crate::source::directory::watch_directory::DEFAULT_DEBOUNCE;
pub use crate::source::directory::watch_directory::DEFAULT_INCOMPLETE_AFTER;
pub use crate::source::directory::watch_directory::DEFAULT_MAX_MEMORY_FILE;
pub use crate::source::directory::watch_directory::DEFAULT_RESCAN_INTERVAL;
pub use crate::source::directory::watch_directory::WatchDirectory;
pub use crate::source::upstream::poll_upstream::DEFAULT_POLL_INTERVAL;
pub use crate::source::upstream::poll_upstream::DEFAULT_POLL_TIMEOUT;
pub use crate::source::upstream::poll_upstream::PollUpstream;
