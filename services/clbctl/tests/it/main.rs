//! The binary `clbctl` as a person runs it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod command;
mod explain;
mod fake_planner;
mod lint;
mod planner;
