//! `Directive` and `DirectiveResult`.

use clb_model::cluster::PodRef;
use clb_model::directive::{
    Directive, DirectiveOutcome, DirectiveResult, Event, FinalizerAction, Severity, Writes,
};
use clb_model::version::Tenure;
use clb_model::{ServiceKey, ServiceUid};
use clb_proto::snapshot::v1;

use super::status::{condition_from_proto, condition_to_proto, ingress_from_proto, ingress_to_proto};
use crate::WireError;
use crate::field::{Reader, non_empty};

const DIRECTIVE: Reader = Reader("Directive");
const POD_REFERENCE: Reader = Reader("PodReference");
const DIRECTIVE_RESULT: Reader = Reader("DirectiveResult");

/// For the planner. The trace context is its own: pass what `traceparent` and `tracestate` should be, or None.
#[must_use]
pub fn directive_to_proto(directive: &Directive, trace: Option<v1::TraceContext>) -> v1::Directive {
    let writes = &directive.writes;
    let trace = trace.unwrap_or_default();
    v1::Directive {
        id: directive.id,
        namespace: directive.service.namespace.clone(),
        name: directive.service.name.clone(),
        uid: directive.uid.to_string(),
        fencing_lease_created_ms: directive.fencing.lease_created_ms,
        fencing_acquisitions: directive.fencing.acquisitions,
        finalizer: match writes.finalizer {
            FinalizerAction::Keep => v1::FinalizerAction::Unspecified,
            FinalizerAction::Present => v1::FinalizerAction::Present,
            FinalizerAction::Absent => v1::FinalizerAction::Absent,
        }
        .into(),
        ingress: writes.ingress.as_ref().map(|ingress| v1::IngressList {
            ingress: ingress.iter().map(ingress_to_proto).collect(),
        }),
        labels: writes
            .labels
            .iter()
            .map(|(name, value)| (name.clone(), value.clone().unwrap_or_default()))
            .collect(),
        conditions: writes.conditions.iter().map(condition_to_proto).collect(),
        events: writes
            .events
            .iter()
            .map(|event| v1::Event {
                warning: event.severity == Severity::Warning,
                reason: event.reason.to_string(),
                message: event.message.clone(),
            })
            .collect(),
        readiness_gates: writes
            .readiness_gates
            .iter()
            .map(|pod| v1::PodReference {
                name: pod.name.clone(),
                uid: pod.uid.clone(),
            })
            .collect(),
        traceparent: trace.traceparent,
        tracestate: trace.tracestate,
    }
}

/// For the watcher. Its trace context stays in the message: read it before.
///
/// # Errors
/// A name or a UID that is none, an action that this watcher does not know.
pub fn directive_from_proto(message: v1::Directive) -> Result<Directive, WireError> {
    for (field, text) in [("namespace", &message.namespace), ("name", &message.name)] {
        if text.is_empty() {
            return Err(DIRECTIVE.invalid(field, text, "not empty"));
        }
    }
    let finalizer = match v1::FinalizerAction::try_from(message.finalizer) {
        Ok(v1::FinalizerAction::Unspecified) => FinalizerAction::Keep,
        Ok(v1::FinalizerAction::Present) => FinalizerAction::Present,
        Ok(v1::FinalizerAction::Absent) => FinalizerAction::Absent,
        Err(_) => {
            return Err(DIRECTIVE.invalid("finalizer", message.finalizer, "a known FinalizerAction"));
        }
    };
    Ok(Directive {
        id: message.id,
        service: ServiceKey::new(message.namespace, message.name),
        uid: DIRECTIVE.text::<ServiceUid>("uid", &message.uid)?,
        fencing: Tenure {
            lease_created_ms: message.fencing_lease_created_ms,
            acquisitions: message.fencing_acquisitions,
        },
        writes: Writes {
            finalizer,
            ingress: message
                .ingress
                .map(|list| {
                    list.ingress
                        .into_iter()
                        .map(ingress_from_proto)
                        .collect::<Result<_, _>>()
                })
                .transpose()?,
            labels: message
                .labels
                .into_iter()
                .map(|(name, value)| (name, non_empty(value)))
                .collect(),
            conditions: message
                .conditions
                .into_iter()
                .map(condition_from_proto)
                .collect::<Result<_, _>>()?,
            readiness_gates: message
                .readiness_gates
                .into_iter()
                .map(pod_from_proto)
                .collect::<Result<_, _>>()?,
            events: message
                .events
                .into_iter()
                .map(|event| Event {
                    severity: if event.warning {
                        Severity::Warning
                    } else {
                        Severity::Normal
                    },
                    reason: event.reason.into(),
                    message: event.message,
                })
                .collect(),
        },
    })
}

/// Without a UID another pod of the same name would be told that it is registered.
fn pod_from_proto(message: v1::PodReference) -> Result<PodRef, WireError> {
    for (field, text) in [("name", &message.name), ("uid", &message.uid)] {
        if text.is_empty() {
            return Err(POD_REFERENCE.invalid(field, text, "not empty"));
        }
    }
    Ok(PodRef {
        name: message.name,
        uid: message.uid,
    })
}

/// For the watcher.
#[must_use]
pub fn directive_result_to_proto(result: &DirectiveResult) -> v1::DirectiveResult {
    let (outcome, message) = match &result.outcome {
        DirectiveOutcome::Done => (v1::DirectiveOutcome::Done, String::new()),
        DirectiveOutcome::Gone => (v1::DirectiveOutcome::Gone, String::new()),
        DirectiveOutcome::Failed { reason } => (v1::DirectiveOutcome::Failed, reason.clone()),
        DirectiveOutcome::Fenced => (v1::DirectiveOutcome::Fenced, String::new()),
    };
    v1::DirectiveResult {
        id: result.id,
        uid: result.uid.to_string(),
        outcome: outcome.into(),
        message,
    }
}

/// For the planner.
///
/// # Errors
/// A UID that is none, an outcome that this planner does not know.
pub fn directive_result_from_proto(message: v1::DirectiveResult) -> Result<DirectiveResult, WireError> {
    let outcome = match v1::DirectiveOutcome::try_from(message.outcome) {
        Ok(v1::DirectiveOutcome::Done) => DirectiveOutcome::Done,
        Ok(v1::DirectiveOutcome::Gone) => DirectiveOutcome::Gone,
        Ok(v1::DirectiveOutcome::Failed) => DirectiveOutcome::Failed {
            reason: message.message,
        },
        Ok(v1::DirectiveOutcome::Fenced) => DirectiveOutcome::Fenced,
        Ok(v1::DirectiveOutcome::Unspecified) | Err(_) => {
            return Err(DIRECTIVE_RESULT.invalid("outcome", message.outcome, "a known DirectiveOutcome"));
        }
    };
    Ok(DirectiveResult {
        id: message.id,
        uid: DIRECTIVE_RESULT.text::<ServiceUid>("uid", &message.uid)?,
        outcome,
    })
}
