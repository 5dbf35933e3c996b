//! Lists of service workers, which have to match the pages with the script.

pub(crate) mod angular;
pub(crate) mod workbox;
