//! Certificates as they are loaded, and connections as they are made.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod handshake;
mod material;
mod support;
