//! A planner for one cluster, with its neighbours in memory.

use std::sync::Arc;
use std::time::Duration;

use clb_model::version::Tenure;
use clb_proto::actuator::v1::actuator_service_server::ActuatorServiceServer;
use clb_proto::planner::v1 as operator;
use clb_proto::snapshot::v1::snapshot_service_server::SnapshotServiceServer;
use clb_settings::from_yaml;
use clb_telemetry::{Health, Kind, Metrics};
use clb_tls::Trust;
use hyper_util::rt::TokioIo;
use tokio::io::DuplexStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tonic::Status;
use tonic::transport::{Channel, Endpoint, Server};
use tower::service_fn;

use super::fake_actuator::{Execution, FakeActuator};
use super::fake_core;
use super::fake_watcher::{FakeWatcher, hello};
use crate::actuator::client;
use crate::actuator::mirror::MirrorStream;
use crate::actuator::reach::Reach;
use crate::cluster::ClusterHandle;
use crate::cluster::event::{Description, Event};
use crate::cluster::worker::{ClusterTask, Limits, Planning};
use crate::directives::Outbox;
use crate::metrics::PlannerMetrics;
use crate::settings::PlannerSettings;
use crate::snapshot::server::SnapshotServer;

/// The cluster that the planner is configured for.
pub(super) const CLUSTER: &str = "c-lab";

const PATIENCE: Duration = Duration::from_secs(600);

/// A running planner.
pub(super) struct Bench {
    /// The other side of batches and mirror.
    pub(super) actuator: FakeActuator,
    batches: mpsc::Receiver<Execution>,
    planner: Channel,
    handle: Arc<ClusterHandle>,
    /// Its checks.
    pub(super) health: Health,
    _stop: DropGuard,
}

impl Bench {
    /// Starts it with room for many batches.
    pub(super) fn start() -> Self {
        Self::with_room_for(256)
    }

    /// Starts it with room for so many batches.
    pub(super) fn with_room_for(batches_in_flight: usize) -> Self {
        Self::with(fake_core::step, batches_in_flight, "{}")
    }

    /// Starts it with the real core, and with these quotas.
    pub(super) fn with_quotas(quotas: &str) -> Self {
        Self::with(clb_planner_core::step, 256, quotas)
    }

    fn with(planning: Planning, batches_in_flight: usize, quotas: &str) -> Self {
        super::traces::recorder();
        let settings: PlannerSettings = from_yaml(&format!(
            "insecure: true\nclusters: [{{id: {CLUSTER}, region: cn-hangzhou, vpc_id: vpc-1, quotas: {quotas}}}]"
        ))
        .unwrap();
        let cluster = settings.clusters[0].to_core().unwrap();
        let metrics = Metrics::new("planner");
        let health = Health::new(&metrics).unwrap();
        let metrics = PlannerMetrics::register(&metrics).unwrap();
        let stop = CancellationToken::new();
        let fencing = Tenure {
            lease_created_ms: 1_700_000_000_000,
            acquisitions: 1,
        };

        let (actuator, batches) = FakeActuator::new();
        let client = client(in_memory(
            Server::builder().add_service(ActuatorServiceServer::new(actuator.clone())),
        ));
        let (handle, events) =
            ClusterHandle::new(cluster.id.clone(), Outbox::new(fencing), metrics.of(&cluster.id));
        let handle = Arc::new(handle);
        let task = ClusterTask::new(
            handle.clone(),
            planning,
            cluster,
            Limits {
                batches_in_flight,
                batch_deadline: Duration::from_secs(60),
                stale_after: Duration::from_secs(30),
                facts_ttl: Duration::from_secs(60),
                shutdown_grace: Duration::from_secs(5),
            },
            client.clone(),
            fencing,
            health.check("cluster", Kind::Informational),
        );
        let mirror = MirrorStream {
            client,
            cluster: handle.clone(),
            region: "cn-hangzhou".to_owned(),
            interests: task.interests(),
            reach: Reach::new(health.check("actuator", Kind::Informational), "memory"),
        };
        let snapshots = SnapshotServer::new(
            [handle.clone()],
            Trust::LoopbackMetadata,
            &health,
            TaskTracker::new(),
            stop.clone(),
        );
        tokio::spawn(mirror.run(stop.clone()));
        tokio::spawn(task.run(events, stop.clone()));
        let planner = in_memory(Server::builder().add_service(SnapshotServiceServer::new(snapshots)));
        Self {
            actuator,
            batches,
            planner,
            handle,
            health,
            _stop: stop.drop_guard(),
        }
    }

    /// A watcher that has been welcomed.
    pub(super) async fn watcher(&self) -> FakeWatcher {
        let mut watcher = self.open(CLUSTER, 1).await.unwrap();
        assert!(watcher.welcome().await.full_snapshot);
        watcher
    }

    /// A stream whose Hello has not been answered.
    pub(super) async fn open(&self, cluster: &str, epoch: u64) -> Result<FakeWatcher, Status> {
        FakeWatcher::open(self.planner.clone(), cluster, &hello(epoch)).await
    }

    /// To the planner.
    pub(super) fn channel(&self) -> Channel {
        self.planner.clone()
    }

    /// The next batch that the actuator is given.
    pub(super) async fn batch(&mut self) -> Execution {
        timeout(PATIENCE, self.batches.recv())
            .await
            .expect("no batch comes")
            .unwrap()
    }

    /// No batch comes for this long, on the paused clock.
    pub(super) async fn gives_no_batch_for(&mut self, time: Duration) {
        let given = timeout(time, self.batches.recv()).await;
        assert!(given.is_err(), "unexpected: {given:?}");
    }

    /// Tells the cluster's task, which hears it once the test waits for something.
    pub(super) async fn tell(&self, event: Event) {
        assert!(self.handle.tell(event).await);
    }

    /// Waits until the planner has nothing left to do at this moment.
    pub(super) async fn settle(&self) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    /// What operators see.
    pub(super) async fn describe(&self) -> Description {
        let (reply, answer) = oneshot::channel();
        self.tell(Event::Describe(reply)).await;
        answer.await.unwrap()
    }

    /// Waits until the planner has noticed that no watcher is connected.
    pub(super) async fn is_disconnected(&self) {
        let noticed = async {
            while self.describe().await.cluster.connected {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, noticed).await.expect("the stream never ends");
    }

    /// Waits until the only Service is in this state.
    pub(super) async fn reaches(&self, state: operator::ServiceState) {
        let reached = async {
            while self
                .describe()
                .await
                .services
                .first()
                .is_none_or(|service| service.state() != state)
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, reached)
            .await
            .expect("the state is never reached");
    }
}

/// Serves in memory and returns a channel to it.
fn in_memory(router: tonic::transport::server::Router) -> Channel {
    let (connections, accepted) = mpsc::channel::<std::io::Result<DuplexStream>>(16);
    tokio::spawn(router.serve_with_incoming(ReceiverStream::new(accepted)));
    Endpoint::from_static("http://in.memory").connect_with_connector_lazy(service_fn(move |_| {
        let connections = connections.clone();
        async move {
            let (ours, theirs) = tokio::io::duplex(64 * 1024);
            connections
                .send(Ok(theirs))
                .await
                .map_err(|_| std::io::Error::other("the server is gone"))?;
            Ok::<_, std::io::Error>(TokioIo::new(ours))
        }
    }))
}
