//! Keeps a stream to the planner open: opens it, and after its end waits and opens it again, for ever.

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use clb_model::ClusterId;
use clb_proto::snapshot::v1::snapshot_service_client::SnapshotServiceClient;
use clb_telemetry::Check;
use clb_tls::{PeerIdentity, present};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Request;
use tonic::transport::Channel;

use super::ledger::Ledger;
use super::session::{Session, SessionError};
use crate::directives::DirectiveQueue;
use crate::epoch::Epoch;
use crate::freshness::ApiHealth;
use crate::metrics::WatcherMetrics;
use crate::pending::Feed;
use crate::stores::Stores;

/// Connecting, the handshake and the opening of the stream.
const OPEN_DEADLINE: Duration = Duration::from_secs(10);

/// Messages that may wait for HTTP/2's flow control.
const REQUESTS: usize = 8;

/// A stream that lived this long was a good one: the next attempt does not wait longer for the failures before it.
const GOOD_STREAM: Duration = Duration::from_secs(30);

/// What the settings say about the stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StreamTiming {
    /// Time between heartbeats.
    pub(crate) heartbeat: Duration,
    /// Most bytes of objects in one message.
    pub(crate) chunk_bytes: usize,
}

/// Everything that a stream needs.
pub(crate) struct Link {
    /// To the planner; connects when it is used.
    pub(crate) channel: Channel,
    /// Who we are, for a planner without certificates.
    pub(crate) cluster: ClusterId,
    /// UID of the namespace kube-system.
    pub(crate) cluster_uid: String,
    /// Name of this process, for the planner's logs.
    pub(crate) instance: String,
    /// Orders the watchers of this cluster.
    pub(crate) epoch: Epoch,
    /// What is sent.
    pub(crate) stores: Arc<Stores>,
    /// What has changed in it.
    pub(crate) feed: Arc<Feed>,
    /// Where directives go.
    pub(crate) directives: Arc<DirectiveQueue>,
    /// How fresh the watches are.
    pub(crate) api_health: Arc<ApiHealth>,
    /// The check `planner`.
    pub(crate) check: Check,
    /// Metrics.
    pub(crate) metrics: WatcherMetrics,
    /// Settings.
    pub(crate) timing: StreamTiming,
    /// Ends it all.
    pub(crate) stop: CancellationToken,
}

impl Link {
    /// Streams until `stop`.
    pub(crate) async fn run(&self) {
        let mut delays = reconnect_delays();
        let mut ledger = Ledger::default();
        while !self.stop.is_cancelled() {
            let begun = Instant::now();
            let ended = self.stream(&mut ledger).await;
            if ledger.acknowledged().is_none() {
                // The next stream begins with a full snapshot, so nothing needs to be collected for it.
                self.feed.end();
            }
            self.metrics.stream_connected.set(0);
            match ended {
                Ok(()) => return,
                Err(error) => {
                    self.metrics.stream_ends.with_label_values(&[error.label()]).inc();
                    self.check.failing(&error.to_string());
                }
            }
            if begun.elapsed() > GOOD_STREAM {
                delays = reconnect_delays();
            }
            tokio::select! {
                () = tokio::time::sleep(delays.next().unwrap_or(LONGEST_DELAY)) => {}
                () = self.stop.cancelled() => {}
            }
        }
    }

    async fn stream(&self, ledger: &mut Ledger) -> Result<(), SessionError> {
        let (up, requests) = mpsc::channel(REQUESTS);
        let mut request = Request::new(ReceiverStream::new(requests));
        present(
            &PeerIdentity::Watcher(self.cluster.clone()),
            request.metadata_mut(),
        );
        if up.send(Session::hello(self, ledger)).await.is_err() {
            return Err(SessionError::Ended);
        }
        let mut client = SnapshotServiceClient::new(self.channel.clone());
        let opening = timeout(OPEN_DEADLINE, client.sync(request));
        let response = tokio::select! {
            opened = opening => opened.map_err(|_| SessionError::Silent("taken the stream", OPEN_DEADLINE))??,
            () = self.stop.cancelled() => return Ok(()),
        };
        let mut down = response.into_inner();
        Session::new(self, ledger).run(up, &mut down).await
    }

    /// The planner has taken us.
    pub(super) fn connected(&self) {
        self.check.ok();
        self.metrics.stream_connected.set(1);
        tracing::info!("stream to the planner is open");
    }
}

const LONGEST_DELAY: Duration = Duration::from_secs(10);

fn reconnect_delays() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(LONGEST_DELAY)
        .with_jitter()
        .without_max_times()
        .build()
}
