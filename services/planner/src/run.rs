//! Putting the planner together: ports, clusters' tasks, gRPC services, and taking it apart again.
//!
//! Called by `main.rs`, by the sandbox and by tests, which run it in their own process.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clb_model::version::Tenure;
use clb_proto::planner::v1::planner_service_server::PlannerServiceServer;
use clb_proto::snapshot::v1::snapshot_service_server::SnapshotServiceServer;
use clb_telemetry::grpc::GrpcTraceLayer;
use clb_telemetry::health::mirror_to_grpc;
use clb_telemetry::{AdminServer, Health, Kind, Metrics};
use clb_tls::Security;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::transport::server::TcpIncoming;

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
    listener: TcpListener,
    address: SocketAddr,
    admin: AdminServer,
    admin_address: SocketAddr,
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
        let listener = TcpListener::bind(settings.listen)
            .await
            .map_err(|source| PlannerError::Bind {
                address: settings.listen,
                source,
            })?;
        let planner_metrics = PlannerMetrics::register(&metrics)?;
        let admin = AdminServer::bind(settings.admin.listen, health.clone(), metrics).await?;
        let local = |source| PlannerError::Bind {
            address: settings.listen,
            source,
        };
        let address = listener.local_addr().map_err(local)?;
        let admin_address = admin.local_addr().map_err(local)?;
        Ok(Self {
            settings,
            security,
            metrics: planner_metrics,
            health,
            listener,
            address,
            admin,
            admin_address,
        })
    }

    /// Where the gRPC services are.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where `/livez`, `/readyz` and `/metrics` are.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_address
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
        let serving = self.health.check("grpc", Kind::Gate);
        let (reporter, grpc_health) = tonic_health::server::health_reporter();
        let admin_stop = CancellationToken::new();
        let _ends_admin = admin_stop.clone().drop_guard();
        let admin = tokio::spawn(self.admin.serve(admin_stop.clone()));
        let mirrored = tokio::spawn(mirror_to_grpc(self.health.clone(), reporter));
        let _ends_mirroring = AbortOnDrop(mirrored);

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
            tasks.clone(),
            ending.clone(),
        );
        let operators = OperatorServer::new(clusters, self.security.trust());
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(clb_proto::DESCRIPTORS)
            .build_v1()?;
        let incoming = TcpIncoming::from(self.listener).with_nodelay(Some(true));
        let server = self
            .security
            .server(self.settings.listen)?
            .layer(GrpcTraceLayer::new(NAME))
            .add_service(
                SnapshotServiceServer::new(snapshots)
                    .max_decoding_message_size(LARGEST_MESSAGE)
                    .max_encoding_message_size(LARGEST_MESSAGE),
            )
            .add_service(PlannerServiceServer::new(operators))
            .add_service(grpc_health)
            .add_service(reflection)
            .serve_with_incoming_shutdown(incoming, ending.clone().cancelled_owned());
        serving.ok();
        tracing::info!(address = %self.address, admin = %self.admin_address, "the planner is serving");

        let mut server = std::pin::pin!(server);
        let mut ended = tokio::select! {
            ended = &mut server => Some(ended),
            () = stop.cancelled() => None,
        };
        ending.cancel();
        tasks.close();
        tasks.wait().await;
        if ended.is_none() {
            // A caller that does not let go is cut off.
            ended = timeout(LAST_CONNECTIONS, &mut server).await.ok();
        }
        admin_stop.cancel();
        ended.transpose()?;
        admin.await??;
        Ok(())
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

/// Ends a task that has nothing to finish.
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
