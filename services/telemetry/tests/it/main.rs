//! What a service's telemetry shows from outside: log lines, what a collector receives, the admin port.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod admin;
mod health;
mod logs;
mod propagation;
mod shutdown;
mod support;
mod traces;
