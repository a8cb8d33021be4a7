//! What the planner says of the clusters and Services, as an operator's client sees it.

use std::collections::BTreeMap;
use std::time::Duration;

use clb_proto::planner::v1::planner_service_client::PlannerServiceClient;
pub use clb_proto::planner::v1::{Cluster, Service, ServiceState};
use clb_proto::planner::v1::{ListClustersRequest, ListServicesRequest};
use tonic::transport::Channel;

/// Deadline of one call.
const CALL: Duration = Duration::from_secs(5);

/// Reads the planner.
#[derive(Debug, Clone)]
pub struct PlannerView {
    client: PlannerServiceClient<Channel>,
}

/// Names a Service among all clusters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceName {
    /// The cluster's id.
    pub cluster: String,
    /// `metadata.namespace`.
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
}

impl std::fmt::Display for ServiceName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}/{}", self.cluster, self.namespace, self.name)
    }
}

impl ServiceName {
    fn of(service: &Service) -> Self {
        Self {
            cluster: service.cluster_id.clone(),
            namespace: service.namespace.clone(),
            name: service.name.clone(),
        }
    }
}

impl PlannerView {
    /// Over a channel to the planner.
    #[must_use]
    pub fn new(channel: Channel) -> Self {
        Self {
            client: PlannerServiceClient::new(channel).max_decoding_message_size(64 << 20),
        }
    }

    /// All clusters.
    ///
    /// # Errors
    /// The planner's status.
    pub async fn clusters(&self) -> Result<Vec<Cluster>, tonic::Status> {
        let mut request = tonic::Request::new(ListClustersRequest {});
        request.set_timeout(CALL);
        Ok(self
            .client
            .clone()
            .list_clusters(request)
            .await?
            .into_inner()
            .clusters)
    }

    /// All Services of all clusters.
    ///
    /// # Errors
    /// The planner's status.
    pub async fn services(&self) -> Result<BTreeMap<ServiceName, Service>, tonic::Status> {
        let mut request = tonic::Request::new(ListServicesRequest {
            cluster_id: String::new(),
        });
        request.set_timeout(CALL);
        let services = self
            .client
            .clone()
            .list_services(request)
            .await?
            .into_inner()
            .services;
        Ok(services
            .into_iter()
            .map(|service| (ServiceName::of(&service), service))
            .collect())
    }
}

/// Whether the cloud and the Service's status are as it asks, and nothing more is to be written.
#[must_use]
pub fn converged(service: &Service) -> bool {
    service.state() == ServiceState::Converged && !service.address.is_empty() && !service.directing
}
