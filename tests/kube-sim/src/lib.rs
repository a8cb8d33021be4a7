//! A simulated Kubernetes API: Services, EndpointSlices, Nodes and what lives around them, over HTTP as kube-rs and kubectl
//! speak it.
//!
//! Tests and the sandbox start one with [`KubeSim::start`], hand [`KubeSim::kubeconfig`] to clients, and make objects with
//! [`KubeSim::cluster`] or through the API. Faults are ordered with [`KubeSim::faults`]. What it does is compared with a real
//! kube-apiserver by the conformance suite in `tests/`.
//!
//! ```
//! use kube_sim::{KubeSim, Options, resources::SERVICES};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sim = KubeSim::start(Options::default()).await?;
//! sim.cluster().create(&serde_json::json!({
//!     "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default"},
//!     "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
//! }))?;
//! let made = sim.cluster().get(&SERVICES, "default", "web");
//! assert!(made.is_some_and(|service| service["spec"]["ports"][0]["nodePort"].is_u64()));
//! sim.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod allocation;
mod cluster;
mod defaults;
mod discovery;
mod errors;
mod events;
mod faults;
mod managed_fields;
mod openapi;
mod patch;
mod protobuf;
mod registry;
pub mod resources;
mod schema;
mod server;
mod service_view;
mod sim;
mod storage;
mod table;
mod tls;
mod validation;

pub use cluster::Cluster;
pub use errors::{ApiError, Cause};
pub use faults::{Fault, FaultAction, Faults};
pub use sim::{KubeSim, Options, StartError};
pub use tls::TlsError;
pub use validation::{FieldError, FieldErrorKind};
