//! Putting the planner together: ports, clusters' tasks, gRPC services, and taking it apart again.
//!
//! Called by `main.rs`, by the sandbox and by tests, which run it in their own process.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clb_model::version::Tenure;
use clb_proto::planner::v1::planner_service_server::PlannerServiceServer;
use clb_proto::snapshot::v1::snapshot_service_server::SnapshotServiceServer;
use clb_runtime::{Grpc, Ports};
use clb_telemetry::{Health, Kind, Metrics};
use clb_tls::Security;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::service::Routes;

use crate::actuator::mirror::MirrorStream;
use crate::actuator::reach::Reach;
use crate::actuator::{ActuatorClient, client};
use crate::cluster::ClusterHandle;
use crate::cluster::event::Event;
use crate::cluster::pass::now_ms;
use crate::cluster::worker::{ClusterTask, Limits};
use crate::directives::Outbox;
use crate::error::PlannerError;
use crate::metrics::PlannerMetrics;
use crate::operator::OperatorServer;
use crate::settings::PlannerSettings;
use crate::snapshot::server::SnapshotServer;

/// What the planner is called in traces and logs.
pub const NAME: &str = "clb-planner";

/// A chunk of a snapshot has 1 MiB at most, but one Service with very many endpoints may be larger.
const LARGEST_MESSAGE: usize = 16 * 1024 * 1024;

/// How long connections may take to end once their streams have ended.
const LAST_CONNECTIONS: Duration = Duration::from_secs(5);

/// A planner whose ports are open and that does not serve yet.
#[derive(Debug)]
pub struct Planner {
    settings: PlannerSettings,
    security: Security,
    metrics: PlannerMetrics,
    health: Health,
    ports: Ports,
}

impl Planner {
    /// Opens the ports; port 0 takes a free one.
    ///
    /// # Errors
    /// A port that cannot be opened, a metric that is there already.
    pub async fn bind(
        settings: PlannerSettings,
        security: Security,
        metrics: Metrics,
        health: Health,
    ) -> Result<Self, PlannerError> {
        let planner_metrics = PlannerMetrics::register(&metrics)?;
        let ports = Ports::bind(settings.listen, settings.admin.listen, health.clone(), metrics).await?;
        Ok(Self {
            settings,
            security,
            metrics: planner_metrics,
            health,
            ports,
        })
    }

    /// Where the gRPC services are.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.ports.address()
    }

    /// Where `/livez`, `/readyz` and `/metrics` are.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.ports.admin_address()
    }

    /// Serves until `stop`; then ends the watchers' streams, waits briefly for batches under way, and closes the ports. Turn readiness off
    /// before (see [`clb_telemetry::Signals::shut_down`]).
    ///
    /// # Errors
    /// A port that breaks, TLS that cannot be set up.
    pub async fn run(self, stop: CancellationToken) -> Result<(), PlannerError> {
        let ending = stop.child_token();
        // Whichever way this ends, so do all tasks.
        let _ends_all = ending.clone().drop_guard();
        let tasks = TaskTracker::new();
        let endpoint = self.security.endpoint(&self.settings.actuator)?;
        let parts = Clusters {
            settings: &self.settings,
            metrics: &self.metrics,
            health: &self.health,
            client: client(endpoint.connect_lazy()),
        };
        let clusters = parts.start(&tasks, &ending);
        let snapshots = SnapshotServer::new(
            clusters.iter().cloned(),
            self.security.trust(),
            &self.health,
            tasks.clone(),
            ending.clone(),
        );
        let operators = OperatorServer::new(clusters, self.security.trust());
        let (address, admin) = (self.address(), self.admin_address());
        let grpc = Grpc {
            name: NAME,
            security: &self.security,
            streams: None,
            routes: Routes::new(
                SnapshotServiceServer::new(snapshots)
                    .max_decoding_message_size(LARGEST_MESSAGE)
                    .max_encoding_message_size(LARGEST_MESSAGE),
            )
            .add_service(PlannerServiceServer::new(operators)),
        };
        let mut serving = self.ports.serve(grpc, ending.clone())?;
        tracing::info!(%address, %admin, "the planner is serving");

        tokio::select! {
            () = serving.ended() => {}
            () = stop.cancelled() => {}
        }
        ending.cancel();
        tasks.close();
        tasks.wait().await;
        if timeout(LAST_CONNECTIONS, serving.ended()).await.is_err() {
            tracing::debug!("a caller did not let go and is cut off");
        }
        Ok(serving.close().await?)
    }
}

/// What the tasks of the clusters are made from.
struct Clusters<'p> {
    settings: &'p PlannerSettings,
    metrics: &'p PlannerMetrics,
    health: &'p Health,
    client: ActuatorClient,
}

impl Clusters<'_> {
    /// Starts a task and a mirror stream for each cluster.
    fn start(&self, tasks: &TaskTracker, stop: &CancellationToken) -> Vec<Arc<ClusterHandle>> {
        // Until planners share clusters by Leases, the newest process is the one that counts.
        let fencing = Tenure {
            lease_created_ms: now_ms(),
            acquisitions: 1,
        };
        let reach = Reach::new(
            self.health.check("actuator", Kind::Informational),
            self.settings.actuator.to_string(),
        );
        self.settings
            .clusters
            .iter()
            .filter_map(crate::settings::ClusterEntry::to_core)
            .map(|cluster| {
                let region = cluster.region.clone();
                let check = self
                    .health
                    .check(format!("cluster/{}", cluster.id), Kind::Informational);
                let (handle, events): (_, mpsc::Receiver<Event>) = ClusterHandle::new(
                    cluster.id.clone(),
                    Outbox::new(fencing),
                    self.metrics.of(&cluster.id),
                );
                let handle = Arc::new(handle);
                let task = ClusterTask::new(
                    handle.clone(),
                    clb_planner_core::step,
                    cluster,
                    self.limits(),
                    self.client.clone(),
                    fencing,
                    check,
                );
                let mirror = MirrorStream {
                    client: self.client.clone(),
                    cluster: handle.clone(),
                    region,
                    interests: task.interests(),
                    reach: reach.clone(),
                };
                tasks.spawn(mirror.run(stop.clone()));
                tasks.spawn(task.run(events, stop.clone()));
                handle
            })
            .collect()
    }

    fn limits(&self) -> Limits {
        Limits {
            batches_in_flight: self.settings.batches_in_flight,
            batch_deadline: self.settings.batch_deadline,
            stale_after: self.settings.stale_after,
            facts_ttl: self.settings.facts_ttl,
            shutdown_grace: self.settings.shutdown_grace,
        }
    }
}
