//! `Batch` and `Operation`.

use clb_model::operation::{Batch, Operation, OperationId, Priority};
use clb_model::version::{PlanNumber, Tenure};
use clb_model::{ClusterId, ServiceKey, ServiceUid};
use clb_proto::actuator::v1;

use super::backend::{version_from_proto, version_to_proto};
use super::change::{change_from_proto, change_to_proto};
use crate::WireError;
use crate::field::{Reader, duration_to_proto};

const BATCH: Reader = Reader("Batch");
const OPERATION: Reader = Reader("Operation");

/// For the planner.
#[must_use]
pub fn batch_to_proto(batch: &Batch) -> v1::Batch {
    v1::Batch {
        cluster_id: batch.cluster.to_string(),
        region: batch.region.clone(),
        service_uid: batch.service.to_string(),
        service_key: batch.service_key.to_string(),
        plan: Some(v1::PlanNumber {
            lease_created_ms: batch.plan.fencing.lease_created_ms,
            acquisitions: batch.plan.fencing.acquisitions,
            counter: batch.plan.counter,
        }),
        load_balancer_id: batch
            .load_balancer
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        operations: batch.operations.iter().map(operation_to_proto).collect(),
        priority: match batch.priority {
            Priority::Normal => v1::Priority::Normal,
            Priority::Backends => v1::Priority::Backends,
            Priority::Urgent => v1::Priority::Urgent,
        }
        .into(),
        deadline: Some(duration_to_proto(batch.deadline)),
    }
}

/// For the actuator.
///
/// # Errors
/// A value that is none of its kind, a change or an attribute that this actuator does not know. Whether the operations
/// make sense together (ids, dependencies) is checked by the actuator.
pub fn batch_from_proto(message: v1::Batch) -> Result<Batch, WireError> {
    let plan = BATCH.required("plan", message.plan, "the plan's number")?;
    let service_key = message
        .service_key
        .split_once('/')
        .map(|(namespace, name)| ServiceKey::new(namespace, name))
        .ok_or_else(|| BATCH.invalid("service_key", &message.service_key, "namespace/name"))?;
    if message.region.is_empty() {
        return Err(BATCH.invalid("region", "", "the id of a region"));
    }
    let priority = match v1::Priority::try_from(message.priority) {
        Ok(v1::Priority::Unspecified | v1::Priority::Normal) => Priority::Normal,
        Ok(v1::Priority::Backends) => Priority::Backends,
        Ok(v1::Priority::Urgent) => Priority::Urgent,
        Err(_) => return Err(BATCH.invalid("priority", message.priority, "a known Priority")),
    };
    Ok(Batch {
        cluster: BATCH.text::<ClusterId>("cluster_id", &message.cluster_id)?,
        region: message.region,
        service: BATCH.text::<ServiceUid>("service_uid", &message.service_uid)?,
        service_key,
        plan: PlanNumber {
            fencing: Tenure {
                lease_created_ms: plan.lease_created_ms,
                acquisitions: plan.acquisitions,
            },
            counter: plan.counter,
        },
        load_balancer: BATCH.optional_text("load_balancer_id", &message.load_balancer_id)?,
        operations: message
            .operations
            .into_iter()
            .map(operation_from_proto)
            .collect::<Result<_, _>>()?,
        priority,
        deadline: BATCH.duration("deadline", message.deadline)?,
    })
}

/// For the planner.
#[must_use]
pub fn operation_to_proto(operation: &Operation) -> v1::Operation {
    v1::Operation {
        id: operation.id.0,
        after: operation.after.iter().map(|id| id.0).collect(),
        based_on: operation.based_on.map(version_to_proto),
        good_for: operation.good_for.map(duration_to_proto),
        reason: operation.reason.clone(),
        confirm: operation.confirm,
        change: Some(change_to_proto(&operation.change)),
    }
}

/// For the actuator.
///
/// # Errors
/// As [`batch_from_proto`].
pub fn operation_from_proto(message: v1::Operation) -> Result<Operation, WireError> {
    let change = OPERATION.required("change", message.change, "a change that this actuator knows")?;
    Ok(Operation {
        id: OperationId(message.id),
        after: message.after.into_iter().map(OperationId).collect(),
        based_on: message.based_on.map(version_from_proto),
        good_for: message
            .good_for
            .map(|good_for| OPERATION.duration("good_for", Some(good_for)))
            .transpose()?,
        reason: message.reason,
        confirm: message.confirm,
        change: change_from_proto(change)?,
    })
}
