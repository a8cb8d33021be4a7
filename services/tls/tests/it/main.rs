//! Certificates as they are loaded, and connections as they are made.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

mod handshake;
mod material;
mod support;
