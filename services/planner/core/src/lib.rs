//! The planner's pure core: from what Kubernetes says and what the cloud holds to what is to be done. The planner's shell calls
//! [`step()`] for one Service at a time; `clbctl` reads the table of [`annotations`].
//!
//! - [`annotations`]: the table of all annotations, and reading them with every mistake found at once;
//! - [`desired`]: a Service, the cluster's Nodes and settings → the CLB it should have, or its problems;
//! - [`mod@find`], [`reuse`]: which CLB is the Service's, and whether one of the user's may be;
//! - [`plan`]: desired against observed → operations with dependencies, each with its reason in words;
//! - [`step()`]: the whole pass for one Service: operations for the actuator, writes for the watcher.
//!
//! Same input, same output, same order. No I/O, no async, no clock and no randomness: "now" is an input.

pub mod annotations;
pub mod conditions;
pub mod desired;
pub mod facts;
pub mod find;
pub mod plan;
pub mod problem;
pub mod reuse;
pub mod settings;
pub mod step;

pub use step::step;
