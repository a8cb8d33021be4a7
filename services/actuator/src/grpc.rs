//! The gRPC service for planners: batches in, results and the mirror's changes out.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use clb_model::{LoadBalancerId, ServiceUid};
use clb_proto::actuator::v1;
use clb_proto::actuator::v1::actuator_service_server::ActuatorService;
use clb_proto::actuator::v1::watch_request::Message;
use clb_tls::{PeerIdentity, Trust};
use clb_wire::WireError;
use clb_wire::actuator::{
    batch_from_proto, facts_to_proto, inspect_query_from_proto, interest_from_proto, mirror_update_to_proto,
    operation_result_to_proto,
};
use futures::{Stream, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::{Request, Response, Status, Streaming};

use crate::executor::{Executor, NotAllowed, Refused};
use crate::inspect;
use crate::mirror::ViewHandle;

/// Messages that may wait in a stream for the network; what waits longer stays in the mirror's outbox, each thing once.
const STREAM_BUFFER: usize = 16;
/// How long a planner that opens a watch may take to say for which cluster.
const FIRST_MESSAGE: Duration = Duration::from_secs(10);

/// The service.
pub(crate) struct Service {
    executor: Arc<Executor>,
    trust: Trust,
    /// Ends the Watch streams.
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Service {
    pub(crate) fn new(
        executor: Arc<Executor>,
        trust: Trust,
        stop: CancellationToken,
        tasks: TaskTracker,
    ) -> Self {
        Self {
            executor,
            trust,
            stop,
            tasks,
        }
    }

    fn only_planners<T>(&self, request: &Request<T>) -> Result<(), Status> {
        match clb_tls::identify(request, self.trust)? {
            PeerIdentity::Planner => Ok(()),
            other => Err(Status::permission_denied(format!(
                "only the planner may call the actuator, not {}",
                other.uri()
            ))),
        }
    }
}

type BoxStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl ActuatorService for Service {
    type WatchStream = BoxStream<v1::WatchResponse>;
    type ExecuteStream = BoxStream<v1::ExecuteResponse>;

    async fn watch(
        &self,
        request: Request<Streaming<v1::WatchRequest>>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        self.only_planners(&request)?;
        let mut requests = request.into_inner();
        let first = tokio::select! {
            first = timeout(FIRST_MESSAGE, requests.message()) => first
                .map_err(|_| Status::deadline_exceeded("the first message of a watch did not come in time"))??,
            () = self.stop.cancelled() => return Err(shutting_down()),
        };
        let open = match first.and_then(|request| request.message) {
            Some(Message::Open(open)) => open,
            _ => {
                return Err(Status::invalid_argument(
                    "the first message of a watch has to be open",
                ));
            }
        };
        let region = self
            .executor
            .region(&open.cluster_id, &open.region)
            .map_err(not_allowed)?;
        tracing::info!(
            cluster = open.cluster_id,
            region = open.region,
            "a planner watches"
        );
        let view = region.mirror.open_view(&open.cluster_id);
        let (updates, receiver) = mpsc::channel(STREAM_BUFFER);
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            let failed = tokio::select! {
                failed = serve_view(&view, &mut requests, &updates) => failed,
                () = stop.cancelled() => Some(shutting_down()),
            };
            if let Some(status) = failed {
                // A reader that is gone needs no reason, and one that does not read must not hold up the end.
                drop(updates.try_send(Err(status)));
            }
            tracing::info!(cluster = open.cluster_id, "a planner's watch has ended");
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn execute(
        &self,
        request: Request<v1::ExecuteRequest>,
    ) -> Result<Response<Self::ExecuteStream>, Status> {
        self.only_planners(&request)?;
        if self.stop.is_cancelled() {
            return Err(shutting_down());
        }
        let batch = request
            .into_inner()
            .batch
            .ok_or_else(|| Status::invalid_argument("batch is missing"))?;
        let batch = batch_from_proto(batch).map_err(|error| invalid(&error))?;
        let results = self.executor.submit(batch).map_err(|refused| match refused {
            Refused::NotAllowed(error) => not_allowed(error),
            Refused::NotNewer(error) => Status::failed_precondition(error.to_string()),
            Refused::TooMany(_) => Status::resource_exhausted(refused.to_string()),
        })?;
        let responses = ReceiverStream::new(results).map(|result| {
            Ok(v1::ExecuteResponse {
                result: Some(operation_result_to_proto(&result)),
            })
        });
        Ok(Response::new(Box::pin(responses)))
    }

    async fn inspect(
        &self,
        request: Request<v1::InspectRequest>,
    ) -> Result<Response<v1::InspectResponse>, Status> {
        self.only_planners(&request)?;
        let query = inspect_query_from_proto(request.into_inner()).map_err(|error| invalid(&error))?;
        let region = self
            .executor
            .region(query.cluster.as_str(), &query.region)
            .map_err(not_allowed)?;
        let facts = inspect::inspect(&region.cloud, &query).await;
        if let Some(reason) = facts.unanswered.values().next()
            && !query.in_part
        {
            return Err(Status::unavailable(reason));
        }
        Ok(Response::new(facts_to_proto(&facts)))
    }
}

/// Takes interests and sends updates until either side ends. A status where it ends for a reason.
async fn serve_view(
    view: &ViewHandle,
    requests: &mut Streaming<v1::WatchRequest>,
    updates: &mpsc::Sender<Result<v1::WatchResponse, Status>>,
) -> Option<Status> {
    let receive = async {
        loop {
            match requests.message().await {
                Ok(Some(request)) => {
                    if let Err(status) = take_interests(view, request) {
                        return Some(status);
                    }
                }
                Ok(None) => return None,
                Err(status) => {
                    tracing::debug!(%status, "a planner's watch broke");
                    return None;
                }
            }
        }
    };
    let send = async {
        loop {
            let update = view.next().await;
            if updates.send(Ok(mirror_update_to_proto(&update))).await.is_err() {
                return None;
            }
        }
    };
    tokio::select! {
        ended = receive => ended,
        ended = send => ended,
    }
}

fn take_interests(view: &ViewHandle, request: v1::WatchRequest) -> Result<(), Status> {
    let Some(Message::Interests(interests)) = request.message else {
        return Err(Status::invalid_argument(
            "after the first message a watch takes interests only",
        ));
    };
    let upserts = interests
        .upserts
        .into_iter()
        .map(interest_from_proto)
        .collect::<Result<_, _>>()
        .map_err(|error| invalid(&error))?;
    let removals = interests
        .removals
        .into_iter()
        .map(ServiceUid::new)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Status::invalid_argument(format!("removals: {error}")))?;
    view.change_interests(upserts, &removals);
    let look_again = interests
        .look_again
        .into_iter()
        .map(LoadBalancerId::new)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Status::invalid_argument(format!("look_again: {error}")))?;
    if !look_again.is_empty() {
        view.look_again(look_again);
    }
    Ok(())
}

fn shutting_down() -> Status {
    Status::unavailable("the actuator is shutting down")
}

fn invalid(error: &WireError) -> Status {
    Status::invalid_argument(error.to_string())
}

#[expect(clippy::needless_pass_by_value, reason = "used as a function of map_err")]
fn not_allowed(error: NotAllowed) -> Status {
    Status::permission_denied(error.to_string())
}
