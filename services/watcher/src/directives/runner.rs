//! Takes directives from the queue and has them carried out, several Services at a time.

use std::sync::Arc;

use clb_model::ServiceUid;
use clb_model::directive::{DirectiveOutcome, DirectiveResult};
use clb_telemetry::{SpanTraceExt as _, attributes};
use kube::Client;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, Span, info_span};

use super::apply::Applier;
use super::events::EventSender;
use super::queue::{DirectiveQueue, Waiting};
use crate::metrics::WatcherMetrics;

/// See the module.
pub(crate) struct Runner {
    cluster: String,
    queue: Arc<DirectiveQueue>,
    applier: Arc<Applier>,
    metrics: WatcherMetrics,
    slots: Arc<Semaphore>,
}

impl Runner {
    /// Carries out at most `concurrency` directives at a time.
    pub(crate) fn new(
        cluster: String,
        instance: &str,
        queue: Arc<DirectiveQueue>,
        client: Client,
        metrics: WatcherMetrics,
        concurrency: usize,
    ) -> Self {
        let applier = Applier {
            client,
            events: EventSender::new(instance),
            metrics: metrics.clone(),
        };
        Self {
            cluster,
            queue,
            applier: Arc::new(applier),
            metrics,
            slots: Arc::new(Semaphore::new(concurrency)),
        }
    }

    /// Works until `stop`, then finishes what has begun.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let begun = TaskTracker::new();
        loop {
            let next = async {
                // First the slot: what waits for one in the queue can still be joined with what comes.
                let slot = self.slots.clone().acquire_owned().await;
                (slot, self.queue.next().await)
            };
            let (slot, waiting) = tokio::select! {
                next = next => next,
                () = stop.cancelled() => break,
            };
            let applier = self.applier.clone();
            let queue = self.queue.clone();
            let metrics = self.metrics.clone();
            let span = self.span(&waiting);
            begun.spawn(
                async move {
                    let uid = waiting.directive.uid.clone();
                    let outcome = carry_out(&applier, &waiting).await;
                    metrics.directives.with_label_values(&[label(&outcome)]).inc();
                    queue.finished(&uid);
                    drop(slot);
                    report(&waiting, &uid, &outcome).await;
                }
                .instrument(span),
            );
        }
        begun.close();
        begun.wait().await;
    }

    fn span(&self, waiting: &Waiting) -> Span {
        let service = &waiting.directive.service;
        let span = info_span!(
            parent: None,
            "watcher.directive",
            clb.cluster = %self.cluster,
            clb.service = %attributes::service(&self.cluster, &service.namespace, &service.name),
            otel.status_code = tracing::field::Empty,
            otel.status_description = tracing::field::Empty,
        );
        span.set_remote_parent(&waiting.trace);
        for merged in &waiting.merged {
            span.link_to(merged);
        }
        span
    }
}

async fn carry_out(applier: &Applier, waiting: &Waiting) -> DirectiveOutcome {
    if waiting.fenced {
        return DirectiveOutcome::Fenced;
    }
    let outcome = applier.apply(&waiting.directive).await;
    if let DirectiveOutcome::Failed { reason } = &outcome {
        let span = Span::current();
        span.record("otel.status_code", "ERROR");
        span.record("otel.status_description", reason);
        tracing::warn!(service = %waiting.directive.service, reason, "directive failed");
    }
    outcome
}

async fn report(waiting: &Waiting, uid: &ServiceUid, outcome: &DirectiveOutcome) {
    for reply in &waiting.replies {
        let result = DirectiveResult {
            id: reply.id,
            uid: uid.clone(),
            outcome: outcome.clone(),
        };
        if reply.stream.send(result).await.is_err() {
            // On a new stream the planner directs anew.
            tracing::debug!(id = reply.id, "the stream that brought the directive has ended");
        }
    }
}

fn label(outcome: &DirectiveOutcome) -> &'static str {
    match outcome {
        DirectiveOutcome::Done => "done",
        DirectiveOutcome::Gone => "gone",
        DirectiveOutcome::Failed { .. } => "failed",
        DirectiveOutcome::Fenced => "fenced",
    }
}
