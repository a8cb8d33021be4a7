//! The gRPC service for operators, read-only: clbctl and the sandbox's state page call it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use clb_model::ClusterId;
use clb_proto::planner::v1;
use clb_proto::planner::v1::planner_service_server::PlannerService;
use clb_tls::{PeerIdentity, Trust, identify};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tonic::{Request, Response, Status};

use crate::cluster::ClusterHandle;
use crate::cluster::event::{Description, Event};

/// A cluster's task answers between two passes.
const DEADLINE: Duration = Duration::from_secs(10);

/// Answers from what the clusters' tasks hold.
#[derive(Debug)]
pub(crate) struct OperatorServer {
    clusters: BTreeMap<ClusterId, Arc<ClusterHandle>>,
    trust: Trust,
}

impl OperatorServer {
    /// For these clusters.
    pub(crate) fn new(clusters: impl IntoIterator<Item = Arc<ClusterHandle>>, trust: Trust) -> Self {
        Self {
            clusters: clusters
                .into_iter()
                .map(|cluster| (cluster.id().clone(), cluster))
                .collect(),
            trust,
        }
    }

    /// Services have no business here; without TLS everyone on this host is an operator.
    fn admit<T>(&self, request: &Request<T>) -> Result<(), Status> {
        match self.trust {
            Trust::LoopbackMetadata => Ok(()),
            Trust::Certificate => identify(request, self.trust)?.require(&PeerIdentity::Operator),
        }
    }

    async fn describe(cluster: &ClusterHandle) -> Result<Description, Status> {
        let (reply, answer) = oneshot::channel();
        let asked = async {
            if !cluster.tell(Event::Describe(reply)).await {
                return None;
            }
            answer.await.ok()
        };
        match timeout(DEADLINE, asked).await {
            Ok(Some(description)) => Ok(description),
            Ok(None) => Err(Status::unavailable("the planner is shutting down")),
            Err(_) => Err(Status::deadline_exceeded(format!(
                "cluster {} did not answer",
                cluster.id()
            ))),
        }
    }
}

#[tonic::async_trait]
impl PlannerService for OperatorServer {
    async fn list_clusters(
        &self,
        request: Request<v1::ListClustersRequest>,
    ) -> Result<Response<v1::ListClustersResponse>, Status> {
        self.admit(&request)?;
        let mut clusters = Vec::with_capacity(self.clusters.len());
        for cluster in self.clusters.values() {
            clusters.push(Self::describe(cluster).await?.cluster);
        }
        Ok(Response::new(v1::ListClustersResponse { clusters }))
    }

    async fn list_services(
        &self,
        request: Request<v1::ListServicesRequest>,
    ) -> Result<Response<v1::ListServicesResponse>, Status> {
        self.admit(&request)?;
        let wanted = request.into_inner().cluster_id;
        let mut services = Vec::new();
        let mut found = wanted.is_empty();
        for (id, cluster) in &self.clusters {
            if wanted.is_empty() || id.as_str() == wanted {
                found = true;
                services.extend(Self::describe(cluster).await?.services);
            }
        }
        if !found {
            return Err(Status::not_found(format!(
                "cluster {wanted} is not among the planner's clusters"
            )));
        }
        Ok(Response::new(v1::ListServicesResponse { services }))
    }
}
