//! tidings stands in front of a static site or single-page app: it serves the site, knows when a new build has
//! really been deployed, and tells every open tab, with no change to the site's code.
//!
//! The `tidings` program is this library with arguments. A library user puts [`UpdateNotifierLayer`] round any
//! tower service, or serves a directory with [`StaticFiles`]:
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
//! # The ideas
//!
//! | word | what it is |
//! |---|---|
//! | *release* | one immutable version of the site: a table of paths, with an id made of the content that visitors can reach ([`Release`]) |
//! | *reachable* | a page, or a file whose name occurs in a page, or in a script or style sheet that is itself reachable |
//! | *site* | the handle on the current release and the retained ones ([`Site`]) |
//! | *publish* | make a release current, in one step ([`Site::publish`]) |
//! | *retained* | an older release whose hashed files stay servable, for tabs that still run it |
//! | *source* | a task that notices that something may have changed, looks, and publishes ([`WatchDirectory`], [`PollUpstream`]) |
//! | *settle* | waiting until a burst of changes is over and the build is complete |
//! | *upstream* | a server that the pages come from, where it is not us |
//! | *fingerprint* | by what the builds of an upstream are told apart ([`Fingerprint`]) |
//! | *stamp* | the release that a page says it is of |
//! | *origin* | where responses come from: [`StaticFiles`], a [`Proxy`], or any tower service |
//! | *inject* | putting the client script into a page |
//! | *client* | the script in the page; what it shows is the *notice*; what it holds is the *event stream* |
//! | *webhook* | a path on which whoever has the secret announces a deploy ([`UpdateNotifierLayer::webhook`]; the other end is [`Announcement`]) |
//! | *policy* | what a tab does about a release ([`Policy`]); with the rest of its manners and looks in [`ClientSettings`] |
//!
//! # The walk of a request
//!
//! ```text
//! server     accept → hyper → one task a connection
//! routes     below the path of a route? its proxy answers
//! service    under /__tidings/? the endpoint answers. Else note the current release, then call the origin
//!  origin    StaticFiles: one read of the Site → (release, entry) → conditional → range → encoding
//!            → bytes that are ready since the release was published
//!            or Proxy: what is for one connection is taken off, what tells of the client put on → an upstream that is
//!            well → another if it can't be reached, or a moment's wait → its answer, as it streams
//! service    a page, and not seen to by the origin? Its body becomes an InjectBody with the id of that release,
//!            between a Decode and an Encode that are only there if it comes in a coding, or is to go out in one
//! server     hyper writes; backpressure is the body's own polling
//! ```
//!
//! Pages of [`StaticFiles`] get the script, and everything its compressed forms, once a release: a page is answered
//! like any file, from memory, with a strong entity tag.
//!
//! # The walk of a deploy
//!
//! ```text
//! source::alarm      an event: "look again". Watches the directory, its parent, and every symbolic link on the way;
//!                    a slow poll stands behind it
//! source::settle     the same tree in two looks, some time apart? → read
//! build::snapshot    walk, read, hash, walk again: a file that changed while it was read, a missing index → check again
//!                    later. Unchanged files are shared with the known releases
//! build::reachability  follow the names from the pages through scripts and style sheets: the id, and the missing
//!                    references → wait, and log for which
//! build::prepared    the script is inserted into the pages, text is compressed
//! source::webhook    somebody announces a deploy: the sources look at once. What is said of it goes with the release that
//!                    comes, or with the current one if that came first
//! site.publish       one step; the same id → the table is replaced, in silence
//! events             every stream wakes, reads the *current* release, and writes it
//! client             its own id is among `previous`, or the other was built later → the page fetched anew carries that id
//!                    → it concerns this page → what the policy says: a notice, or a reload when nothing is lost by it
//! ```
//!
//! Where something else serves the site, its upstreams are asked instead of a directory being watched:
//!
//! ```text
//! source::poll          at an interval, on a hint, when somebody wants it: all upstreams at once, as a navigation would
//! release::fingerprint  what its pages load and run, without what changes by itself
//! poll::agree           shown by all upstreams, or by one twice in a row; what was current before, for a minute alone
//! site.publish          as above
//! site::traffic         a page that passes shows as much as one that was asked for: it spares a look, or brings it
//!                       forward, and is stamped with the release that it is of itself
//! ```
//!
//! # The client
//!
//! Plain modules in `src/client/js/src/`, bundled and minified into the four scripts of `src/client/js/min/`:
//!
//! ```text
//! client   core ── ordering · recovery · failed-elements · routes     every page
//!            └── channel ── stream                                   one event stream a browser, or polls
//! worker                     └── the same in a shared worker         plain http, where there are no Web Locks
//! update   relevance · reload · unsaved · tab-state · notice         loaded when there is another release
//! bundle   client and update in one                                  where a policy names scripts by their hash
//! ```
//!
//! # The modules
//!
//! An arrow reads "is used by"; modules beside each other don't know each other. Only the program knows arguments,
//! signals, standard output and where logs go. `fuzz`, what holds for any bytes, uses all of them, and is there for tests.
//!
//! ```text
//!              ┌───────────────────────────────────────────────────────────┐
//!              │ release   id · asset · tree · snapshot · reach · hashed · │  what
//!              │           fingerprint                                     │
//!              └─────────────────────────────┬─────────────────────────────┘
//!                                   site · traffic                            current and retained
//!                                            │
//!         inject   eligible · csp · place · rewriter · body · coding · validator · snippet · stamp
//!                ┌───────────────────────────┼──────────────────────────┐
//!      events · settings                 origin                     source
//!       server-sent events,    files · conditional · range ·     watch · settle ·
//!      manners of the client   encoding · fallback · proxy ·    alarm · poll · webhook
//!                                        routes
//!                └──────────┬────────────────┼──────────────┬───────────┘
//!                        endpoint            │           announce             /__tidings/…, and who calls its webhook
//!                           └── service ── layer                              the middleware
//!                                            │
//!                                         server ── config ── main            the program
//! ```
//!
//! # What never happens
//!
//! 1. No response mixes two releases, and no page is served whose files are not servable.
//! 2. Nothing is decided from the path or kind of a file-system event: it says "look again", and no more.
//! 3. Equal reachable content never has two ids, whatever the machine, the process, or what came before; and nobody
//!    is told of a release that equals theirs, or of a file that no page leads to.
//! 4. A page never carries the id of a newer release than the one it was cut from.
//! 5. No subscriber falls behind a queue: it is told state, not history, the current release first on every connect.
//!    A reconnect is not an update.
//! 6. Injection never turns a response into an error and never buffers a whole page; what it can't handle passes byte
//!    for byte, counted. (A page that comes in a coding and is corrupt in it breaks off: it was an error before.)
//! 7. What was published never goes away before something complete replaces it: a deleted, half-copied or unreadable
//!    directory changes nothing for visitors.
//! 8. The library binds no port that it was not given, reads no environment, prints nothing, and installs no signal
//!    handler.
//! 9. No page goes out in a coding that the client does not take, and no two codings of one share an entity tag.
//! 10. No module uses one above it (`tests/it/architecture.rs`).

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
pub use crate::app::router::RoutedFuture;
pub use crate::app::router::Routes;
pub use crate::app::serving::BoundServer;
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
pub use crate::notify::page_metrics::Counts;
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
