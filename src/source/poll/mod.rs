//! The source for an upstream: asks it what it shows, and publishes what all of it shows.

mod agree;
