//! Carries out batches of operations against the cloud, within its limits, and shows planners what the cloud holds.
//!
//! The only holder of cloud credentials. Knows no Kubernetes. Called by the binary `clb-actuator` and, in their own process, by the
//! sandbox and by tests: [`Actuator::bind`], then [`Actuator::run`].
//!
//! - [`settings`]: the configuration;
//! - `limits`: the account's request limits; `cloud`: the client behind them;
//! - `mirror`: what the cloud holds; `enis`: which network interface has an address;
//! - `executor`: batches; `grpc` and `inspect`: the planner's side; `run`: putting it together.

pub mod error;
pub mod settings;

mod cloud;
mod enis;
mod executor;
mod grpc;
mod inspect;
mod limits;
mod metrics;
mod mirror;
mod run;
#[cfg(test)]
mod sample;

pub use error::ActuatorError;
pub use run::{Actuator, NAME};
pub use settings::ActuatorSettings;
