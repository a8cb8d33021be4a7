//! The conversation with one watcher: greeting, snapshot, deltas, heartbeats and results in; acknowledgements, requests for a full
//! snapshot and directives out.
//!
//! Started by [`super::server`] for each stream, ends with it. Reading never waits for writing: what is to be said is kept here in its
//! latest form until the stream takes it, so a slow watcher costs no memory.

use std::sync::Arc;
use std::time::Duration;

use clb_proto::snapshot::v1;
use clb_proto::snapshot::v1::sync_request::Message as Request;
use clb_proto::snapshot::v1::sync_response::Message as Response;
use clb_wire::snapshot::{
    directive_result_from_proto, directive_to_proto, heartbeat_from_proto, hello_from_proto,
};
use futures::{Stream, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Status;

use super::gate::{Admission, Gate, Refused};
use super::staging::{Ledger, Lost, Staging};
use super::strangers::Strangers;
use crate::backoff::Backoff;
use crate::cluster::ClusterHandle;
use crate::cluster::event::{Event, Said};
use crate::directives::Next;

/// The protocols that this planner speaks.
const PROTOCOLS: std::ops::RangeInclusive<u32> = 1..=1;

/// How long a watcher may take to say Hello.
const GREETING_DEADLINE: Duration = Duration::from_secs(10);

/// Between requests for a full snapshot, when one after the other comes to nothing.
const RESYNC: Backoff = Backoff {
    first: Duration::from_millis(200),
    most: Duration::from_secs(30),
};

/// Where a response goes.
pub(crate) type Responses = mpsc::Sender<Result<v1::SyncResponse, Status>>;

/// One stream of a watcher whose cluster is known.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) cluster: Arc<ClusterHandle>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) strangers: Strangers,
    /// Where what outlives the stream runs.
    pub(crate) tasks: TaskTracker,
    pub(crate) responses: Responses,
    /// The planner shuts down.
    pub(crate) stop: CancellationToken,
}

/// How far the watcher has told.
enum Place {
    /// A full snapshot is needed; deltas that were on their way are not looked at.
    Waiting,
    /// A full snapshot is on its way.
    Staging(Box<Staging>),
    /// Deltas go on from here.
    Following(Ledger),
}

/// What is to be said next, in this order.
#[derive(Default)]
struct Unsaid {
    welcome: Option<v1::Welcome>,
    resync: Option<String>,
    resync_not_before: Option<Instant>,
    acknowledge: Option<u64>,
}

struct Conversation {
    cluster: Arc<ClusterHandle>,
    stream: u64,
    epoch: clb_model::version::Tenure,
    place: Place,
    unsaid: Unsaid,
    resyncs: u32,
}

impl Session {
    /// Serves the stream until it ends, another takes over or the planner stops.
    pub(crate) async fn serve<S>(self, requests: S)
    where
        S: Stream<Item = Result<v1::SyncRequest, Status>> + Send,
    {
        let mut requests = std::pin::pin!(requests);
        let ending = match self.converse(&mut requests).await {
            Ok(()) => return,
            Err(ending) => ending,
        };
        tracing::info!(
            cluster = %self.cluster.id(), code = ?ending.code(), reason = ending.message(), "the watcher's stream ends"
        );
        // A watcher that does not read sees the stream end without the reason.
        if let Err(error) = self.responses.try_send(Err(ending)) {
            tracing::debug!(%error, "the reason did not reach the watcher");
        }
    }

    /// That two clusters share an id is a mistake of a person's; an older epoch is a watcher that learns of it by this.
    fn refuse(&self, refused: &Refused) -> Status {
        if let Refused::OtherCluster { .. } = refused {
            self.strangers.refused(refused, &self.tasks, &self.stop);
        }
        Status::failed_precondition(refused.to_string())
    }

    async fn converse<S>(&self, requests: &mut std::pin::Pin<&mut S>) -> Result<(), Status>
    where
        S: Stream<Item = Result<v1::SyncRequest, Status>> + Send,
    {
        let hello = tokio::select! {
            first = timeout(GREETING_DEADLINE, requests.next()) => greeting(first)?,
            () = self.stop.cancelled() => return Err(Status::unavailable("the planner is shutting down")),
        };
        let hello = hello_from_proto(hello).map_err(|error| Status::invalid_argument(error.to_string()))?;
        let protocol = agreed_protocol(&hello.protocols)?;
        let Admission {
            stream,
            replaced,
            ledger,
        } = self.gate.admit(&hello).map_err(|refused| self.refuse(&refused))?;
        let resumed = ledger.is_some();
        tracing::info!(
            cluster = %self.cluster.id(), cluster_uid = hello.cluster_uid, instance = hello.instance,
            epoch = ?hello.epoch, stream, resumed, "a watcher has connected"
        );
        let mut conversation = Conversation {
            cluster: self.cluster.clone(),
            stream,
            epoch: hello.epoch,
            unsaid: Unsaid {
                welcome: Some(v1::Welcome {
                    protocol,
                    full_snapshot: !resumed,
                    sequence: ledger.as_ref().map_or(0, Ledger::sequence),
                }),
                ..Unsaid::default()
            },
            place: ledger.map_or(Place::Waiting, Place::Following),
            resyncs: 0,
        };
        self.cluster.outbox.attach(stream);
        conversation.tell(Said::Connected { resumed }).await?;
        let ended = tokio::select! {
            ended = conversation.run(requests, &self.responses) => ended,
            () = replaced.cancelled() => Err(Status::aborted("another watcher of the cluster has connected")),
            () = self.stop.cancelled() => Err(Status::unavailable("the planner is shutting down")),
        };
        let ledger = match conversation.place {
            Place::Following(ledger) => Some(ledger),
            Place::Waiting | Place::Staging(_) => None,
        };
        self.gate.leave(stream, ledger);
        self.cluster
            .tell(Event::Watcher {
                stream,
                said: Said::Disconnected,
            })
            .await;
        ended
    }
}

fn greeting(
    first: Result<Option<Result<v1::SyncRequest, Status>>, tokio::time::error::Elapsed>,
) -> Result<v1::Hello, Status> {
    match first {
        Err(_) => Err(Status::deadline_exceeded("no Hello came")),
        Ok(None) => Err(Status::invalid_argument("the stream ended before a Hello")),
        Ok(Some(Err(status))) => Err(status),
        Ok(Some(Ok(request))) => match request.message {
            Some(Request::Hello(hello)) => Ok(hello),
            _ => Err(Status::invalid_argument(
                "the first message of a stream must be a Hello",
            )),
        },
    }
}

fn agreed_protocol(offered: &std::ops::RangeInclusive<u32>) -> Result<u32, Status> {
    let newest = *offered.end().min(PROTOCOLS.end());
    if newest < *offered.start() || newest < *PROTOCOLS.start() {
        return Err(Status::failed_precondition(format!(
            "the watcher speaks protocols {} to {}, the planner {} to {}: upgrade the older of the two",
            offered.start(),
            offered.end(),
            PROTOCOLS.start(),
            PROTOCOLS.end()
        )));
    }
    Ok(newest)
}

impl Conversation {
    async fn run<S>(
        &mut self,
        requests: &mut std::pin::Pin<&mut S>,
        responses: &Responses,
    ) -> Result<(), Status>
    where
        S: Stream<Item = Result<v1::SyncRequest, Status>> + Send,
    {
        let cluster = self.cluster.clone();
        loop {
            // Made before the outbox is looked at, so that no change in between is missed.
            let mut changed = std::pin::pin!(cluster.outbox.changed());
            changed.as_mut().enable();
            let wait = loop {
                // Room first, then the message: what is taken from the outbox is as new as can be.
                let Ok(room) = responses.try_reserve() else {
                    break Wait::Room;
                };
                match self.next_response(Instant::now())? {
                    Ok(response) => room.send(Ok(v1::SyncResponse {
                        message: Some(response),
                    })),
                    Err(until) => break Wait::Until(until),
                }
            };
            let request = tokio::select! {
                request = requests.next() => request,
                () = changed, if wait != Wait::Room => continue,
                () = until(wait) => continue,
                // The room is given back at once and taken again above.
                room = responses.reserve(), if wait == Wait::Room => {
                    drop(room.map_err(|_| Status::cancelled("the watcher no longer listens"))?);
                    continue;
                }
            };
            match request {
                None => return Ok(()),
                Some(Err(status)) => return Err(status),
                Some(Ok(request)) => self.hear(request).await?,
            }
        }
    }

    /// What to say next, or until when there is nothing to say.
    fn next_response(&mut self, now: Instant) -> Result<Result<Response, Option<Instant>>, Status> {
        if let Some(welcome) = self.unsaid.welcome.take() {
            return Ok(Ok(Response::Welcome(welcome)));
        }
        let resync_due = self.unsaid.resync_not_before.is_none_or(|due| due <= now);
        if resync_due && let Some(reason) = self.unsaid.resync.take() {
            return Ok(Ok(Response::Resync(v1::ResyncRequest { reason })));
        }
        if let Some(sequence) = self.unsaid.acknowledge.take() {
            return Ok(Ok(Response::Acknowledge(v1::Acknowledge { sequence })));
        }
        match self.cluster.outbox.take(self.stream, now) {
            Next::Send(directive, trace) => {
                self.cluster.metrics.directives_sent();
                let trace = (!trace.is_empty()).then_some(v1::TraceContext {
                    traceparent: trace.traceparent,
                    tracestate: trace.tracestate,
                });
                Ok(Ok(Response::Directive(directive_to_proto(&directive, trace))))
            }
            Next::Wait(due) => {
                let resync = self.unsaid.resync.as_ref().and(self.unsaid.resync_not_before);
                Ok(Err(due.into_iter().chain(resync).min()))
            }
            Next::Replaced => Err(Status::aborted("another watcher of the cluster has connected")),
        }
    }

    async fn hear(&mut self, request: v1::SyncRequest) -> Result<(), Status> {
        match request.message {
            Some(Request::Hello(_)) => {
                return Err(Status::invalid_argument("a stream has one Hello"));
            }
            Some(Request::Begin(begin)) => {
                self.place = Place::Staging(Box::new(Staging::begin(self.epoch, begin.sequence)));
            }
            Some(Request::Chunk(chunk)) => {
                let added = match &mut self.place {
                    Place::Staging(staging) => staging.add(chunk),
                    Place::Waiting => Ok(()),
                    Place::Following(_) => Err(Lost::NotBegun),
                };
                if let Err(lost) = added {
                    self.lose(&lost).await?;
                }
            }
            Some(Request::Commit(commit)) => self.commit(&commit).await?,
            Some(Request::Delta(delta)) => self.delta(delta).await?,
            Some(Request::Heartbeat(heartbeat)) => {
                let (stalest_watch, _) = heartbeat_from_proto(heartbeat)
                    .map_err(|error| Status::invalid_argument(error.to_string()))?;
                self.tell(Said::Heartbeat { stalest_watch }).await?;
            }
            Some(Request::DirectiveResult(result)) => {
                let result = directive_result_from_proto(result)
                    .map_err(|error| Status::invalid_argument(error.to_string()))?;
                self.tell(Said::Result(result)).await?;
            }
            None => tracing::debug!("a message of a newer watcher is left out"),
        }
        Ok(())
    }

    async fn commit(&mut self, commit: &v1::SnapshotCommit) -> Result<(), Status> {
        let staging = match std::mem::replace(&mut self.place, Place::Waiting) {
            Place::Staging(staging) => staging,
            // The rest of a snapshot that was given up.
            Place::Waiting => return Ok(()),
            Place::Following(_) => return self.lose(&Lost::NotBegun).await,
        };
        match staging.commit(commit) {
            Err(lost) => self.lose(&lost).await,
            Ok(committed) => {
                tracing::info!(
                    cluster = %self.cluster.id(), services = committed.services.len(), nodes = committed.nodes.len(),
                    sequence = committed.ledger.sequence(), "a full snapshot has been committed"
                );
                self.resyncs = 0;
                let sequence = committed.ledger.sequence();
                self.tell(Said::Snapshot {
                    services: committed.services,
                    nodes: committed.nodes,
                })
                .await?;
                self.place = Place::Following(committed.ledger);
                self.unsaid.acknowledge = Some(sequence);
                Ok(())
            }
        }
    }

    async fn delta(&mut self, delta: v1::Delta) -> Result<(), Status> {
        // Taken out while it changes: a session that ends in between leaves no half-told ledger behind.
        let mut ledger = match std::mem::replace(&mut self.place, Place::Waiting) {
            Place::Following(ledger) => ledger,
            // It was on its way when a full snapshot was asked for.
            Place::Waiting => return Ok(()),
            Place::Staging(_) => {
                let lost = Lost::AmidSnapshot {
                    sequence: delta.sequence,
                };
                return self.lose(&lost).await;
            }
        };
        match ledger.apply(delta) {
            Err(lost) => self.lose(&lost).await,
            Ok(changes) => {
                self.tell(Said::Changed(changes)).await?;
                self.unsaid.acknowledge = Some(ledger.sequence());
                self.place = Place::Following(ledger);
                Ok(())
            }
        }
    }

    async fn lose(&mut self, lost: &Lost) -> Result<(), Status> {
        self.place = Place::Waiting;
        tracing::warn!(cluster = %self.cluster.id(), reason = %lost, "asking the watcher for a full snapshot");
        self.cluster.metrics.resync();
        self.unsaid.resync = Some(lost.to_string());
        self.unsaid.resync_not_before =
            (self.resyncs > 0).then(|| Instant::now() + RESYNC.delay(self.resyncs));
        self.resyncs = self.resyncs.saturating_add(1);
        self.tell(Said::Lost).await
    }

    async fn tell(&self, said: Said) -> Result<(), Status> {
        let stream = self.stream;
        if self.cluster.tell(Event::Watcher { stream, said }).await {
            Ok(())
        } else {
            Err(Status::unavailable("the planner is shutting down"))
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// The watcher reads more slowly than we write.
    Room,
    /// There is nothing to say until then.
    Until(Option<Instant>),
}

async fn until(wait: Wait) {
    match wait {
        Wait::Until(Some(due)) => sleep_until(due).await,
        Wait::Until(None) | Wait::Room => std::future::pending().await,
    }
}
