//! A planner that always says the same.

use std::net::SocketAddr;

use clb_proto::planner::v1::planner_service_server::{PlannerService, PlannerServiceServer};
use clb_proto::planner::v1::{
    Cluster, ListClustersRequest, ListClustersResponse, ListServicesRequest, ListServicesResponse, Service,
    ServiceState,
};
use clb_tls::{PeerIdentity, Security, Trust, identify};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

struct FakePlanner {
    trust: Trust,
}

impl FakePlanner {
    fn admit<T>(&self, request: &Request<T>) -> Result<(), Status> {
        match self.trust {
            Trust::LoopbackMetadata => Ok(()),
            Trust::Certificate => identify(request, self.trust)?.require(&PeerIdentity::Operator),
        }
    }
}

#[tonic::async_trait]
impl PlannerService for FakePlanner {
    async fn list_clusters(
        &self,
        request: Request<ListClustersRequest>,
    ) -> Result<Response<ListClustersResponse>, Status> {
        self.admit(&request)?;
        let clusters = vec![
            Cluster {
                id: "c1".to_owned(),
                connected: true,
                committed: true,
                staleness: Some(prost_types::Duration {
                    seconds: 1,
                    nanos: 500_000_000,
                }),
                services: 2,
                nodes: 3,
                frozen: String::new(),
            },
            Cluster {
                id: "c2".to_owned(),
                frozen: "no watcher is connected".to_owned(),
                ..Cluster::default()
            },
        ];
        Ok(Response::new(ListClustersResponse { clusters }))
    }

    async fn list_services(
        &self,
        request: Request<ListServicesRequest>,
    ) -> Result<Response<ListServicesResponse>, Status> {
        self.admit(&request)?;
        let service = |cluster: &str, name: &str, state: ServiceState| Service {
            cluster_id: cluster.to_owned(),
            namespace: "shop".to_owned(),
            name: name.to_owned(),
            state: state.into(),
            ..Service::default()
        };
        let all = [
            Service {
                load_balancer_id: "lb-1".to_owned(),
                address: "47.0.0.1".to_owned(),
                listeners: 2,
                backends: 6,
                ..service("c1", "web", ServiceState::Converged)
            },
            Service {
                message: "quota of listeners".to_owned(),
                ..service("c2", "api", ServiceState::Failed)
            },
            service("c1", "moved", ServiceState::HandedOver),
        ];
        let wanted = request.into_inner().cluster_id;
        let known = wanted.is_empty() || ["c1", "c2"].contains(&wanted.as_str());
        if !known {
            return Err(Status::not_found(format!("cluster {wanted} is not known")));
        }
        let services = all
            .into_iter()
            .filter(|service| wanted.is_empty() || service.cluster_id == wanted)
            .collect();
        Ok(Response::new(ListServicesResponse { services }))
    }
}

/// Serves until the test's runtime ends.
pub(crate) async fn serve(security: &Security) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let planner = FakePlanner {
        trust: security.trust(),
    };
    let served = security
        .server(address)
        .unwrap()
        .add_service(PlannerServiceServer::new(planner))
        .serve_with_incoming(TcpListenerStream::new(listener));
    tokio::spawn(served);
    address
}
