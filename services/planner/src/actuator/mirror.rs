//! One cluster's Watch stream: interests out, CLBs in, for ever: a stream that breaks is opened again after a wait that grows.

use std::sync::Arc;
use std::time::Duration;

use clb_model::ClusterId;
use clb_proto::actuator::v1;
use clb_proto::actuator::v1::watch_request::Message;
use clb_wire::actuator::{MirrorUpdate, mirror_update_from_proto};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Streaming;

use super::interests::Interests;
use super::reach::Reach;
use super::{ActuatorClient, reason};
use crate::backoff::Backoff;
use crate::cluster::ClusterHandle;
use crate::cluster::event::{Event, Mirror};

/// Between two streams.
const RECONNECT: Backoff = Backoff {
    first: Duration::from_millis(200),
    most: Duration::from_secs(10),
};

/// How long the actuator may take to accept a stream.
const OPEN_DEADLINE: Duration = Duration::from_secs(10);

/// Requests that wait for the transport; interests wait where only the latest per Service is kept.
const REQUESTS: usize = 4;

/// The stream of one cluster.
#[derive(Debug)]
pub(crate) struct MirrorStream {
    pub(crate) client: ActuatorClient,
    pub(crate) cluster: Arc<ClusterHandle>,
    pub(crate) region: String,
    pub(crate) interests: Arc<Interests>,
    pub(crate) reach: Reach,
}

impl MirrorStream {
    /// Keeps the stream up until `stop`.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut failures = 0;
        loop {
            let ended = tokio::select! {
                ended = self.follow(&mut failures) => ended,
                () = stop.cancelled() => return,
            };
            self.cluster.metrics.set_actuator_connected(false);
            if !self.cluster.tell(Event::Mirror(Mirror::Closed)).await {
                return;
            }
            self.reach.failing(self.id(), ended);
            failures += 1;
            tokio::select! {
                () = tokio::time::sleep(RECONNECT.delay(failures)) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    fn id(&self) -> &ClusterId {
        self.cluster.id()
    }

    /// One stream, from its opening to its end. Returns why it ended.
    async fn follow(&mut self, failures: &mut u32) -> String {
        let (requests, outbound) = mpsc::channel(REQUESTS);
        let open = v1::WatchRequest {
            message: Some(Message::Open(v1::WatchOpen {
                cluster_id: self.id().to_string(),
                region: self.region.clone(),
            })),
        };
        if requests.try_send(open).is_err() {
            return "the stream's queue is gone".to_owned();
        }
        let opened = timeout(OPEN_DEADLINE, self.client.watch(ReceiverStream::new(outbound))).await;
        let mut updates = match opened {
            Ok(Ok(response)) => response.into_inner(),
            Ok(Err(status)) => return reason(&status),
            Err(_) => return format!("the actuator did not answer within {OPEN_DEADLINE:?}"),
        };
        self.interests.restart();
        if !self.cluster.tell(Event::Mirror(Mirror::Opened)).await {
            return "the cluster's task has ended".to_owned();
        }
        self.cluster.metrics.set_actuator_connected(true);
        tokio::select! {
            ended = self.send_interests(&requests) => ended,
            ended = self.receive(&mut updates, failures) => ended,
        }
    }

    async fn send_interests(&self, requests: &mpsc::Sender<v1::WatchRequest>) -> String {
        loop {
            let Ok(room) = requests.reserve().await else {
                return "the actuator no longer listens".to_owned();
            };
            match self.interests.take() {
                Some(interests) => room.send(v1::WatchRequest {
                    message: Some(Message::Interests(interests)),
                }),
                None => {
                    drop(room);
                    self.interests.changed().await;
                }
            }
        }
    }

    async fn receive(&self, updates: &mut Streaming<v1::WatchResponse>, failures: &mut u32) -> String {
        loop {
            let message = match updates.message().await {
                Ok(Some(message)) => message,
                Ok(None) => return "the actuator has ended the stream".to_owned(),
                Err(status) => return reason(&status),
            };
            let update = match mirror_update_from_proto(message) {
                Ok(update) => update,
                Err(error) => {
                    tracing::warn!(cluster = %self.id(), %error, "an update of the mirror cannot be read and is left out");
                    self.reach.failing(
                        self.id(),
                        format!("an update of the mirror cannot be read: {error}; is the actuator of another version?"),
                    );
                    continue;
                }
            };
            match &update {
                MirrorUpdate::Synced => {
                    *failures = 0;
                    self.reach.ok(self.id());
                }
                MirrorUpdate::Trouble { reason } => {
                    self.reach
                        .failing(self.id(), format!("the mirror lags: {reason}"));
                }
                MirrorUpdate::LoadBalancer(_)
                | MirrorUpdate::Gone(_)
                | MirrorUpdate::Resolved { .. }
                | MirrorUpdate::Looked(_) => {}
            }
            if !self.cluster.tell(Event::Mirror(Mirror::Update(update))).await {
                return "the cluster's task has ended".to_owned();
            }
        }
    }
}
