//! What is around a service's own work, the same for each: the process with its telemetry and signals, and the ports of a service
//! that others call.
//!
//! - [`Process`]: called by the `main.rs` of `clb-watcher`, `clb-planner` and `clb-actuator`.
//! - [`Ports`]: opened and served by the planner and the actuator; the watcher is called by nobody, so it has an admin port only.

mod ports;
mod process;

pub use ports::{Grpc, Ports, PortsError, Serving};
pub use process::{Process, ProcessError, instance};
