//! The client: the scripts that pages load, their settings, and their messages.

pub(crate) mod frames;
pub(crate) mod messages;
pub(crate) mod notice_style;
pub(crate) mod position;
pub(crate) mod script_tag;
pub(crate) mod script_tag_builder;
pub(crate) mod scripts;
pub(crate) mod settings;
