//! What a service's start shows: precedence of the places, every mistake at once, secrets never shown.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

mod example;
mod files;
mod mistakes;
mod values;
