//! What a person with an open tab sees when a site is deployed.

mod front;
mod harness;
mod looks;
mod news;
mod notice;
mod ways;
mod workers;

/// What the notice says.
const NEWS: &str = "A new version is available";
