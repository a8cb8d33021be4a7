//! The planner: the thin shell around its pure core ([`clb_planner_core`]). Watchers stream the state of their clusters to it, the
//! actuator's mirror streams what the cloud holds; for each Service that changed, the core says what is to be done, the actuator does it and
//! the watcher writes what is to be shown.
//!
//! Called by the binary `clb-planner` and, in their own process, by the sandbox and by tests: [`Planner::bind`], then [`Planner::run`].
//!
//! - [`settings`]: the configuration;
//! - `snapshot`: the watchers' streams; `directives`: what goes back to them;
//! - `cluster`: a task per cluster with its queue; `actuator`: the client's side of batches and mirror;
//! - `operator`: what `clbctl` asks; `run`: putting it together.

pub mod error;
pub mod settings;

mod actuator;
mod backoff;
mod cluster;
mod directives;
mod metrics;
mod operator;
mod run;
mod snapshot;

#[cfg(test)]
mod tests;

pub use error::PlannerError;
pub use run::{NAME, Planner};
pub use settings::PlannerSettings;
