//! Carries out one directive: reads the Service, writes what differs, in the order finalizer and labels, status,
//! readiness gates of pods, events, finalizer off. An event that cannot be sent holds up nothing.

use std::time::Duration;

use clb_model::directive::{Directive, DirectiveOutcome, Event, FinalizerAction, Severity};
use clb_model::events::reason;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::Value;
use tokio::time::{Instant, timeout};
use tracing::{Instrument as _, info_span};

use super::events::EventSender;
use super::patch;
use crate::api_error::{describe, is_another, is_conflict, is_not_found};
use crate::metrics::WatcherMetrics;
use crate::slim::Service;

/// No single call to the API server takes longer.
const CALL_DEADLINE: Duration = Duration::from_secs(10);

/// Somebody else who writes the same Service all the time gets this many chances to be in between.
const ATTEMPTS: u32 = 5;

/// Wait before a Service is read again that has just been changed by somebody else.
const AFTER_CONFLICT: Duration = Duration::from_millis(20);

/// A step of a directive. What people alert on when it fails is the event's reason, as Alibaba's controller names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Read,
    AddFinalizer,
    Labels,
    Status,
    ReadinessGate,
    Event,
    RemoveFinalizer,
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Read => "read_service",
            Self::AddFinalizer => "add_finalizer",
            Self::Labels => "write_labels",
            Self::Status => "write_status",
            Self::ReadinessGate => "set_readiness_gate",
            Self::Event => "send_event",
            Self::RemoveFinalizer => "remove_finalizer",
        }
    }

    fn failure_reason(self) -> Option<&'static str> {
        match self {
            Self::AddFinalizer => Some(reason::FAILED_ADD_FINALIZER),
            Self::Status => Some(reason::FAILED_UPDATE_STATUS),
            Self::ReadinessGate => Some(reason::FAILED_UPDATE_READINESS_GATE),
            Self::RemoveFinalizer => Some(reason::FAILED_REMOVE_FINALIZER),
            Self::Read | Self::Labels | Self::Event => None,
        }
    }
}

/// Why a pass over a Service ended early.
pub(super) enum Stop {
    /// The Service is gone or another one.
    Gone,
    /// It changed in between.
    Conflict,
    /// A step failed.
    Failed(Step, String),
}

/// Carries out directives against one API server.
pub(super) struct Applier {
    /// The client.
    pub(super) client: Client,
    /// For events.
    pub(super) events: EventSender,
    /// For the time of each call.
    pub(super) metrics: WatcherMetrics,
}

impl Applier {
    /// Carries out a directive whose fencing token is good.
    pub(super) async fn apply(&self, directive: &Directive) -> DirectiveOutcome {
        let services: Api<Service> = Api::namespaced(self.client.clone(), &directive.service.namespace);
        let pass = Pass {
            applier: self,
            services: &services,
            directive,
        };
        let mut events_sent = 0;
        for _ in 0..ATTEMPTS {
            match pass.run(&mut events_sent).await {
                Ok(()) => return DirectiveOutcome::Done,
                Err(Stop::Gone) => return DirectiveOutcome::Gone,
                Err(Stop::Conflict) => tokio::time::sleep(AFTER_CONFLICT).await,
                Err(Stop::Failed(step, reason)) => {
                    pass.report_failure(step, &reason).await;
                    return DirectiveOutcome::Failed {
                        reason: format!("{}: {reason}", step.name()),
                    };
                }
            }
        }
        DirectiveOutcome::Failed {
            reason: format!("the Service was changed by somebody else {ATTEMPTS} times while it was written"),
        }
    }

    /// One call, with a deadline, a span and a measured time.
    pub(super) async fn call<T>(
        &self,
        step: Step,
        call: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, Stop> {
        let span = info_span!(
            "watcher.kubernetes_call",
            otel.name = step.name(),
            otel.kind = "client",
            otel.status_code = tracing::field::Empty
        );
        let begun = Instant::now();
        let result = timeout(CALL_DEADLINE, call).instrument(span.clone()).await;
        let (outcome, result) = match result {
            Ok(Ok(value)) => ("done", Ok(value)),
            Ok(Err(error)) if is_not_found(&error) || is_another(&error) => ("gone", Err(Stop::Gone)),
            Ok(Err(error)) if is_conflict(&error) => ("conflict", Err(Stop::Conflict)),
            Ok(Err(error)) => ("failed", Err(Stop::Failed(step, describe(&error)))),
            Err(_) => (
                "failed",
                Err(Stop::Failed(
                    step,
                    format!("no answer within {} s", CALL_DEADLINE.as_secs()),
                )),
            ),
        };
        if outcome == "failed" {
            span.record("otel.status_code", "ERROR");
        }
        self.metrics
            .api_write_seconds
            .with_label_values(&[step.name(), outcome])
            .observe(begun.elapsed().as_secs_f64());
        result
    }
}

struct Pass<'a> {
    applier: &'a Applier,
    services: &'a Api<Service>,
    directive: &'a Directive,
}

impl Pass<'_> {
    /// `events_sent` counts over all passes of a directive, so that a conflict sends none twice.
    async fn run(&self, events_sent: &mut usize) -> Result<(), Stop> {
        let writes = &self.directive.writes;
        let mut live = self.read().await?;
        if writes.finalizer == FinalizerAction::Present
            && live.metadata.deletion_timestamp.is_some()
            && !patch::has_finalizer(&live)
        {
            // The API takes no new finalizer on an object that is being deleted.
            return Err(Stop::Failed(
                Step::AddFinalizer,
                "the Service is being deleted, so no finalizer can be added".to_owned(),
            ));
        }
        if let Some(patch) = patch::first(&live, writes) {
            let step = match writes.finalizer {
                FinalizerAction::Present if !patch::has_finalizer(&live) => Step::AddFinalizer,
                _ => Step::Labels,
            };
            live = self.write(step, patch).await?;
        }
        if let Some(patch) = patch::status(&live, writes, Timestamp::now()) {
            live = self.write(Step::Status, patch).await?;
        }
        self.applier.set_gates(self.directive).await?;
        self.send_events(&live, events_sent).await;
        if let Some(patch) = patch::last(&live, writes) {
            self.write(Step::RemoveFinalizer, patch).await?;
        }
        Ok(())
    }

    /// No failure ends the pass: in a namespace that is being deleted every event is refused, and the finalizer has to come off all
    /// the same.
    async fn send_events(&self, live: &Service, events_sent: &mut usize) {
        let events = &self.directive.writes.events;
        let end = Instant::now() + CALL_DEADLINE;
        let mut lost: Vec<String> = Vec::new();
        for event in events.iter().skip(*events_sent) {
            if Instant::now() >= end {
                lost.push(format!("the events before it took {} s", CALL_DEADLINE.as_secs()));
                continue;
            }
            let sending = self.applier.events.send(&self.applier.client, live, event);
            match self.applier.call(Step::Event, sending).await {
                Ok(()) => {}
                // The namespace or the event, which says nothing about the Service.
                Err(Stop::Gone) => lost.push("what it is written to is gone".to_owned()),
                Err(Stop::Conflict) => {
                    lost.push("it was written by somebody else at the same time".to_owned())
                }
                Err(Stop::Failed(_, reason)) => lost.push(reason),
            }
        }
        *events_sent = events.len();
        if let Some(first) = lost.first() {
            tracing::warn!(
                service = %self.directive.service,
                count = lost.len(),
                reason = first,
                "events could not be sent"
            );
            self.applier.metrics.events_lost.inc_by(lost.len() as u64);
        }
    }

    async fn read(&self) -> Result<Service, Stop> {
        let name = &self.directive.service.name;
        let live = self.applier.call(Step::Read, self.services.get(name)).await?;
        if live.metadata.uid.as_deref() == Some(self.directive.uid.as_str()) {
            Ok(live)
        } else {
            Err(Stop::Gone)
        }
    }

    async fn write(&self, step: Step, patch: Value) -> Result<Service, Stop> {
        let name = &self.directive.service.name;
        let parameters = PatchParams::default();
        let patch = Patch::Merge(patch);
        if step == Step::Status {
            self.applier
                .call(step, self.services.patch_status(name, &parameters, &patch))
                .await
        } else {
            self.applier
                .call(step, self.services.patch(name, &parameters, &patch))
                .await
        }
    }

    async fn report_failure(&self, step: Step, reason: &str) {
        let Some(event_reason) = step.failure_reason() else {
            return;
        };
        let Ok(live) = self.read().await else { return };
        let event = Event {
            severity: Severity::Warning,
            reason: event_reason.into(),
            message: reason.to_owned(),
        };
        let sending = self.applier.events.send(&self.applier.client, &live, &event);
        if let Err(Stop::Failed(_, reason)) = self.applier.call(Step::Event, sending).await {
            tracing::debug!(
                event_reason,
                reason,
                "the event about the failure could not be sent"
            );
        }
    }
}
