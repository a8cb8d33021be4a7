//! Runs the project's binaries as processes: what they log, what their admin port shows, how they end.
//!
//! Used by the tests of the binaries, in the crate of each and in the sandbox's, and by the benchmark.

mod admin;
mod binary;
mod installation;
mod process;
mod service;

pub use binary::{Finished, binary_beside, finish};
pub use installation::{CLUSTER, Installation, Services};
pub use process::Process;
pub use service::{ends_after_readiness, help_names, refuses, refuses_file};
