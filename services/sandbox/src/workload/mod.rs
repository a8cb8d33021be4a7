//! What a real cluster would do around a Service: Nodes with ECS instances, pods with ENIs, and the EndpointSlices that the
//! EndpointSlice controller makes of them. Works through the Kubernetes API only, so that it serves a simulated and a real one.

mod controller;
mod layout;
mod nodes;
mod pods;
mod slices;

pub use controller::Workload;
pub use layout::Layout;
pub use nodes::{LabNode, make_nodes};
pub use pods::{LabPod, PodNetwork, PodPhase};

/// The interfaces that pods get in the cloud.
pub trait Interfaces: Send + Sync + 'static {
    /// An ENI of this id now has this address.
    fn attach(&self, eni: &str, address: std::net::IpAddr);
}

/// A request to the Kubernetes API that failed.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {source}")]
pub struct WorkloadError {
    /// What was to be done.
    pub what: String,
    /// Why it could not be.
    #[source]
    pub source: Box<kube::Error>,
}

pub(crate) trait During<T> {
    fn during(self, what: impl FnOnce() -> String) -> Result<T, WorkloadError>;
}

impl<T> During<T> for Result<T, kube::Error> {
    fn during(self, what: impl FnOnce() -> String) -> Result<T, WorkloadError> {
        self.map_err(|source| WorkloadError {
            what: what(),
            source: Box::new(source),
        })
    }
}
