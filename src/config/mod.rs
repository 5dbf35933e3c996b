//! The configuration: settings as plain data, and the plan of a server that is parsed from them.
//!
//! A [`PartialConfig`] has what one source gives. Merged, they resolve to a [`Config`], which has a value for everything;
//! a [`Plan`] is a `Config` that was found to make sense.

mod applicability;
mod defaults;
mod page_policy;
mod partial;
pub(crate) mod plan;
pub(crate) mod route;
mod setting;
mod settings;
#[cfg(test)]
mod tests;
mod units;
mod value;

pub use crate::config::page_policy::PagePolicy;
pub use crate::config::plan::Plan;
pub use crate::config::route::Route;
pub use crate::config::setting::FrontEnd;
pub use crate::config::setting::Group;
pub use crate::config::setting::OriginKind;
pub use crate::config::setting::Setting;
pub use crate::config::settings::Config;
pub use crate::config::settings::PartialConfig;
