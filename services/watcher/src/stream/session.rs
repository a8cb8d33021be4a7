//! One stream to the planner, from Hello to its end.

use std::collections::VecDeque;
use std::time::Duration;

use clb_model::directive::DirectiveResult;
use clb_proto::snapshot::v1;
use clb_proto::snapshot::v1::sync_request::Message as Up;
use clb_proto::snapshot::v1::sync_response::Message as Down;
use clb_telemetry::TraceContext;
use clb_wire::snapshot::{
    Hello, ResumePoint, directive_from_proto, directive_result_to_proto, heartbeat_to_proto, hello_to_proto,
};
use prost::Message as _;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tonic::{Status, Streaming};
use tracing::Span;

use super::delta;
use super::ledger::Ledger;
use super::link::Link;
use super::snapshot::{Part, SnapshotCursor};
use crate::pending::Urgency;

/// The one version of the protocol that there is.
pub(super) const PROTOCOL: u32 = 1;

/// The planner has this long to answer Hello.
const WELCOME_DEADLINE: Duration = Duration::from_secs(10);

/// The planner only takes what we send into its memory, so that this much silence means that it is stuck.
const ACKNOWLEDGE_DEADLINE: Duration = Duration::from_secs(30);

/// Results of directives are taken over into the outbox up to here; further ones wait where they are made.
const OUTBOX: usize = 64;

/// Results of directives that may wait for the stream.
const RESULTS: usize = 64;

/// Why a stream has ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    /// The planner could not be reached or refused us.
    #[error("the planner answers {:?}: {}", .0.code(), .0.message())]
    Refused(#[from] Status),
    /// It ended the stream without a word.
    #[error("the planner has ended the stream")]
    Ended,
    /// It said nothing where it had to.
    #[error("the planner has not {0} within {1:?}")]
    Silent(&'static str, Duration),
    /// It broke the protocol.
    #[error("the planner has broken the protocol: {0}")]
    Protocol(String),
}

impl SessionError {
    /// For the metric.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Ended => "ended",
            Self::Silent(..) => "silent",
            Self::Protocol(_) => "protocol",
        }
    }
}

/// Sent and not acknowledged yet.
#[derive(Debug, Clone, Copy)]
struct Outstanding {
    sequence: u64,
    since: Instant,
}

/// See the module.
pub(super) struct Session<'l> {
    link: &'l Link,
    ledger: &'l mut Ledger,
    outbox: VecDeque<Up>,
    snapshot: Option<SnapshotCursor>,
    outstanding: Option<Outstanding>,
    results: (mpsc::Sender<DirectiveResult>, mpsc::Receiver<DirectiveResult>),
}

impl<'l> Session<'l> {
    /// Not begun. The ledger is that of the stream before.
    pub(super) fn new(link: &'l Link, ledger: &'l mut Ledger) -> Self {
        Self {
            link,
            ledger,
            outbox: VecDeque::new(),
            snapshot: None,
            outstanding: None,
            results: mpsc::channel(RESULTS),
        }
    }

    /// What a stream begins with.
    pub(super) fn hello(link: &Link, ledger: &Ledger) -> v1::SyncRequest {
        let hello = Hello {
            cluster_uid: link.cluster_uid.clone(),
            instance: link.instance.clone(),
            epoch: link.epoch.tenure(),
            protocols: PROTOCOL..=PROTOCOL,
            resume: ledger.acknowledged().map(|sequence| ResumePoint {
                epoch: link.epoch.tenure(),
                sequence,
            }),
        };
        request(Up::Hello(hello_to_proto(&hello)))
    }

    /// Speaks until the stream breaks, or until the watcher stops (then `Ok`). `up` is the request stream, with Hello already on it.
    pub(super) async fn run(
        &mut self,
        up: mpsc::Sender<v1::SyncRequest>,
        down: &mut Streaming<v1::SyncResponse>,
    ) -> Result<(), SessionError> {
        let welcome = timeout(WELCOME_DEADLINE, down.message())
            .await
            .map_err(|_| SessionError::Silent("answered Hello", WELCOME_DEADLINE))??;
        let welcome = check_welcome(welcome)?;
        self.link.connected();
        match self.ledger.acknowledged() {
            Some(acknowledged) if !welcome.full_snapshot && welcome.sequence == acknowledged => self.resume(),
            // Whatever the planner would do without: there is nothing to go on from.
            _ => self.begin_snapshot(),
        }

        let mut heartbeat = interval(self.link.timing.heartbeat);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.continue_snapshot();
            let live = self.snapshot.is_none() && self.outstanding.is_none();
            tokio::select! {
                () = self.link.stop.cancelled() => break,
                permit = up.reserve(), if !self.outbox.is_empty() => {
                    // The receiver goes only with the stream, whose error comes from the other direction.
                    let Ok(permit) = permit else { return self.how_it_ended(down).await };
                    if let Some(message) = self.outbox.pop_front() {
                        permit.send(request(message));
                    }
                }
                message = down.message() => match message? {
                    Some(v1::SyncResponse { message: Some(message) }) => self.hear(message)?,
                    // A message of a newer planner.
                    Some(v1::SyncResponse { message: None }) => {}
                    None => return Err(SessionError::Ended),
                },
                Some(result) = self.results.1.recv(), if self.outbox.len() < OUTBOX => {
                    self.outbox.push_back(Up::DirectiveResult(directive_result_to_proto(&result)));
                }
                _ = heartbeat.tick() => self.push_heartbeat(),
                () = self.link.feed.wait_due(), if live => self.push_delta(),
                () = acknowledge_deadline(self.outstanding) => {
                    return Err(SessionError::Silent("acknowledged the last message", ACKNOWLEDGE_DEADLINE));
                }
            }
        }
        drop(up);
        drain(down).await;
        Ok(())
    }

    async fn how_it_ended(&self, down: &mut Streaming<v1::SyncResponse>) -> Result<(), SessionError> {
        match timeout(WELCOME_DEADLINE, down.message()).await {
            Ok(Err(status)) => Err(status.into()),
            Ok(Ok(_)) | Err(_) => Err(SessionError::Ended),
        }
    }

    fn hear(&mut self, message: Down) -> Result<(), SessionError> {
        match message {
            Down::Welcome(_) => return Err(SessionError::Protocol("a second Welcome".to_owned())),
            Down::Acknowledge(acknowledge) => self.acknowledged(acknowledge.sequence),
            Down::Resync(resync) => {
                tracing::warn!(reason = resync.reason, "the planner asks for a full snapshot");
                self.begin_snapshot();
            }
            Down::Directive(message) => {
                let trace = TraceContext::new(message.traceparent.as_str(), message.tracestate.as_str());
                // A directive that cannot be read can have no result either: its identity may be what is wrong.
                match directive_from_proto(message) {
                    Ok(directive) => self
                        .link
                        .directives
                        .push(directive, trace, self.results.0.clone()),
                    Err(error) => return Err(SessionError::Protocol(error.to_string())),
                }
            }
        }
        Ok(())
    }

    fn acknowledged(&mut self, sequence: u64) {
        if let Some(outstanding) = self
            .outstanding
            .filter(|outstanding| outstanding.sequence <= sequence)
        {
            self.link
                .metrics
                .acknowledge_seconds
                .observe(outstanding.since.elapsed().as_secs_f64());
            self.outstanding = None;
            self.ledger.acknowledge();
        }
    }

    /// Goes on from where the stream before stopped.
    fn resume(&mut self) {
        let lost = self.ledger.roll_back();
        tracing::info!(
            sequence = self.ledger.sequence(),
            sent_again = lost.len(),
            "the stream goes on"
        );
        for key in lost {
            // Its trace went with the message that was lost.
            self.link.feed.mark(key, Urgency::Endpoints, Span::none);
        }
    }

    fn begin_snapshot(&mut self) {
        // What waits to be sent up to now is part of the snapshot, and a half-sent one is forgotten by the planner.
        self.outbox
            .retain(|message| matches!(message, Up::DirectiveResult(_)));
        self.outstanding = None;
        self.link.feed.begin();
        let sequence = self.ledger.begin_snapshot();
        self.outbox.push_back(Up::Begin(v1::SnapshotBegin { sequence }));
        self.snapshot = Some(SnapshotCursor::new(&self.link.stores));
    }

    /// Makes the next part only when the one before is on its way.
    fn continue_snapshot(&mut self) {
        let Some(cursor) = &mut self.snapshot else { return };
        if !self.outbox.is_empty() {
            return;
        }
        match cursor.next_part(&self.link.stores, self.ledger, self.link.timing.chunk_bytes) {
            Part::Chunk(chunk) => {
                self.link.metrics.sent_bytes.inc_by(chunk.encoded_len() as u64);
                self.outbox.push_back(Up::Chunk(chunk));
            }
            Part::Commit(commit) => {
                tracing::info!(
                    objects = commit.count,
                    sequence = self.ledger.sequence(),
                    "full snapshot sent"
                );
                self.link.metrics.snapshots.inc();
                self.outbox.push_back(Up::Commit(commit));
                self.snapshot = None;
                self.wait_for_acknowledgement();
            }
        }
    }

    fn push_delta(&mut self) {
        let due = self.link.feed.take_due();
        let (made, left) = delta::make(due, &self.link.stores, self.ledger, self.link.timing.chunk_bytes);
        if !left.is_empty() {
            self.link.feed.put_back(left);
        }
        let Some(made) = made else { return };
        let metrics = &self.link.metrics;
        metrics.deltas.inc();
        metrics.sent_bytes.inc_by(made.encoded_len() as u64);
        metrics
            .delta_objects
            .with_label_values(&["upsert"])
            .inc_by(made.upserts.len() as u64);
        metrics
            .delta_objects
            .with_label_values(&["deletion"])
            .inc_by(made.deletions.len() as u64);
        tracing::debug!(
            sequence = made.sequence,
            upserts = made.upserts.len(),
            deletions = made.deletions.len(),
            "delta sent"
        );
        self.outbox.push_back(Up::Delta(made));
        self.wait_for_acknowledgement();
    }

    fn wait_for_acknowledgement(&mut self) {
        self.outstanding = Some(Outstanding {
            sequence: self.ledger.sequence(),
            since: Instant::now(),
        });
    }

    fn push_heartbeat(&mut self) {
        // One that still waits says the same.
        if !self
            .outbox
            .iter()
            .any(|message| matches!(message, Up::Heartbeat(_)))
        {
            let stalest = self.link.api_health.stalest();
            self.outbox
                .push_back(Up::Heartbeat(heartbeat_to_proto(stalest, self.ledger.sequence())));
        }
    }
}

fn request(message: Up) -> v1::SyncRequest {
    v1::SyncRequest {
        message: Some(message),
    }
}

fn check_welcome(response: Option<v1::SyncResponse>) -> Result<v1::Welcome, SessionError> {
    match response.ok_or(SessionError::Ended)?.message {
        Some(Down::Welcome(welcome)) if welcome.protocol == PROTOCOL => Ok(welcome),
        Some(Down::Welcome(welcome)) => Err(SessionError::Protocol(format!(
            "it wants protocol {}, this watcher speaks {PROTOCOL}",
            welcome.protocol
        ))),
        _ => Err(SessionError::Protocol(
            "the first message is no Welcome".to_owned(),
        )),
    }
}

async fn acknowledge_deadline(outstanding: Option<Outstanding>) {
    match outstanding {
        Some(outstanding) => sleep_until(outstanding.since + ACKNOWLEDGE_DEADLINE).await,
        None => std::future::pending().await,
    }
}

/// After our side of the stream has ended, lets the planner end its own.
async fn drain(down: &mut Streaming<v1::SyncResponse>) {
    const LAST_WORDS: Duration = Duration::from_secs(2);
    let rest = async { while let Ok(Some(_)) = down.message().await {} };
    if timeout(LAST_WORDS, rest).await.is_err() {
        tracing::debug!("the planner has not ended the stream in time");
    }
}
