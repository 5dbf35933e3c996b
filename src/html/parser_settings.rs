//! The settings of the HTML parser that all uses have in common.

use lol_html::HandlerTypes;
use lol_html::MemorySettings;
use lol_html::Settings;

/// Settings for a parser that accepts pages that are not well-formed, and fails when it needs more than this memory.
pub(crate) fn parser_settings<'h, 's, H: HandlerTypes>(max_memory: usize) -> Settings<'h, 's, H> {
    Settings::new_for_handler_types()
        .with_strict(false)
        .with_memory_settings(MemorySettings::new().with_max_allowed_memory_usage(max_memory))
}
