//! Carries out batches of operations against the cloud, within its limits, and shows planners what the cloud holds.
//!
//! The only holder of cloud credentials. [`run`] is called by `main.rs` and by the sandbox; planners call the gRPC service.

mod cloud;
mod limits;
mod metrics;
mod mirror;
mod settings;

pub use settings::{ActuatorSettings, ClusterSettings, EndpointSettings, LimitSettings, NetworkSetting};
