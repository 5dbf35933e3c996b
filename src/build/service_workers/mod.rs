//! Lists of files that service workers keep, which have to agree with the pages that carry the script.

pub(crate) mod angular;
pub(crate) mod workbox;
