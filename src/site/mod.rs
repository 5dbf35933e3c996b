//! The site: a handle on the current release and the retained ones.

mod announcement;
mod checks;
mod history;
pub(crate) mod observer;
mod pending;
mod publish_time;
mod retention;
mod site;
mod state;
#[cfg(test)]
mod tests;
pub(crate) mod unix_millis;

pub(crate) use crate::site::announcement::Announcement;
pub(crate) use crate::site::announcement::AnnouncementData;
pub(crate) use crate::site::pending::ATTACH_AFTER;
pub(crate) use crate::site::pending::MAX_PENDING_AGE;
pub(crate) use crate::site::publish_time::PublishTime;
pub use crate::site::retention::DEFAULT_MEMORY_LIMIT;
pub use crate::site::retention::DEFAULT_RETAIN_RELEASES;
pub(crate) use crate::site::site::PublishOutcome;
pub use crate::site::site::Site;
pub(crate) use crate::site::state::State;
