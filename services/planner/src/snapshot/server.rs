//! The gRPC service that watchers call: who calls, and for which cluster.

use std::collections::BTreeMap;
use std::sync::Arc;

use clb_model::ClusterId;
use clb_proto::snapshot::v1;
use clb_proto::snapshot::v1::snapshot_service_server::SnapshotService;
use clb_telemetry::{Health, Kind};
use clb_tls::{Trust, identify};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::{Request, Response, Status, Streaming};

use super::gate::Gate;
use super::session::Session;
use super::strangers::Strangers;
use crate::cluster::ClusterHandle;

/// Responses that wait for the transport; everything else waits where only the latest of it is kept.
const RESPONSES: usize = 32;

/// A cluster with what its streams share.
#[derive(Debug)]
struct Served {
    cluster: Arc<ClusterHandle>,
    gate: Arc<Gate>,
    strangers: Strangers,
}

/// Serves the snapshot streams of all clusters.
#[derive(Debug)]
pub(crate) struct SnapshotServer {
    clusters: BTreeMap<ClusterId, Served>,
    trust: Trust,
    sessions: TaskTracker,
    stop: CancellationToken,
}

impl SnapshotServer {
    /// For these clusters. Sessions run in `sessions` and end with `stop`; watchers of other clusters show in `health`.
    pub(crate) fn new(
        clusters: impl IntoIterator<Item = Arc<ClusterHandle>>,
        trust: Trust,
        health: &Health,
        sessions: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        Self {
            clusters: clusters
                .into_iter()
                .map(|cluster| {
                    let check = health.check(format!("cluster/{}/uid", cluster.id()), Kind::Informational);
                    let served = Served {
                        cluster: cluster.clone(),
                        gate: Arc::default(),
                        strangers: Strangers::new(check),
                    };
                    (cluster.id().clone(), served)
                })
                .collect(),
            trust,
            sessions,
            stop,
        }
    }
}

#[tonic::async_trait]
impl SnapshotService for SnapshotServer {
    type SyncStream = ReceiverStream<Result<v1::SyncResponse, Status>>;

    async fn sync(
        &self,
        request: Request<Streaming<v1::SyncRequest>>,
    ) -> Result<Response<Self::SyncStream>, Status> {
        let id = identify(&request, self.trust)?.require_watcher()?;
        let Some(served) = self.clusters.get(&id) else {
            tracing::warn!(cluster = %id, "a watcher of a cluster that is not configured was refused");
            return Err(Status::not_found(format!(
                "cluster {id} is not among the planner's clusters: add it to the planner's configuration"
            )));
        };
        let (responses, stream) = mpsc::channel(RESPONSES);
        let session = Session {
            cluster: served.cluster.clone(),
            gate: served.gate.clone(),
            strangers: served.strangers.clone(),
            tasks: self.sessions.clone(),
            responses,
            stop: self.stop.clone(),
        };
        self.sessions.spawn(session.serve(request.into_inner()));
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}
