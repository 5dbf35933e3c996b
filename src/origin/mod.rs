//! An origin is where responses come from.

mod answer;
pub(crate) mod conditional;
pub(crate) mod encoding;
mod fallback;
mod file_body;
mod files;
mod path;
mod range;
mod reply;
mod waiting;

pub use crate::origin::fallback::Fallback;
pub use crate::origin::file_body::FileBody;
pub use crate::origin::files::StaticFiles;
pub use crate::origin::reply::FilesFuture;
