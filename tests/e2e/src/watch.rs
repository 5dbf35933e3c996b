//! The script that records events in every document of a site. The site serves it, so that it works in every engine.

use anyhow::Result;

use crate::build::Build;

/// The script's tag, first in the page's head in [`Build::v1`] and [`Build::v2`].
pub const WATCH_TAG: &str = r#"<script src="/watch.js"></script>"#;

/// Adds the script to a build. As a file of its own: a policy that allows scripts of the site allows it.
pub(crate) fn with_watch(build: &Build) -> Result<Build> {
    build.with_file("watch.js", WATCH)?.with_page(|page| {
        // Synchronous, and before every script of the page, so that no event is missed.
        page.replacen("<head>", &format!("<head>{WATCH_TAG}"), 1)
    })
}

// The detail of an event contains functions, which are not serialised.
pub(crate) const WATCH: &str = "
    if (!window.seen) {
        window.seen = { updates: [], withdrawals: [], violations: [], returns: [], errors: [] };
        // The name of a tab outlives its documents, and needs no storage.
        window.name = Number(window.name) + 1;
        addEventListener('tidings:update', (event) =>
            seen.updates.push(JSON.parse(JSON.stringify(event.detail ?? null))));
        addEventListener('tidings:withdraw', () => seen.withdrawals.push(true));
        document.addEventListener('securitypolicyviolation', (event) =>
            seen.violations.push(`${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`));
        addEventListener('error', (event) =>
            event.message && seen.errors.push(`${event.message}: ${event.filename}`));
        addEventListener('unhandledrejection', (event) => seen.errors.push(`${event.reason}`));
        addEventListener('pageshow', (event) => event.persisted && seen.returns.push(true));
    }
";
