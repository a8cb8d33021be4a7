//! The planner as its binary runs it: real ports, certificates, admin pages, shutting down.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod running;
mod serving;
