//! The client: the scripts that pages load, their settings, and their messages.

pub(crate) mod messages;
pub(crate) mod script_tag;
pub(crate) mod script_tag_builder;
pub(crate) mod scripts;
pub(crate) mod settings;
