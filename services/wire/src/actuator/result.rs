//! `OperationResult`.

use std::time::Duration;

use clb_model::operation::{CloudError, ErrorClass, LeftOutBackend, OperationId, OperationResult, Outcome};
use clb_proto::actuator::v1;

use super::backend::{backend_from_proto, backend_to_proto};
use crate::WireError;
use crate::field::{Reader, duration_to_proto, non_empty};

const OPERATION_RESULT: Reader = Reader("OperationResult");
const LEFT_OUT_BACKEND: Reader = Reader("LeftOutBackend");

/// For the actuator.
#[must_use]
pub fn operation_result_to_proto(result: &OperationResult) -> v1::OperationResult {
    let mut message = v1::OperationResult {
        operation_id: result.operation.0,
        left_out: result
            .left_out
            .iter()
            .map(|left_out| v1::LeftOutBackend {
                backend: Some(backend_to_proto(&left_out.backend)),
                reason: left_out.reason.clone(),
            })
            .collect(),
        ..v1::OperationResult::default()
    };
    let outcome = match &result.outcome {
        Outcome::Applied { created } => {
            message.created_id = created.clone().unwrap_or_default();
            v1::Outcome::Applied
        }
        Outcome::Unchanged { found } => {
            message.created_id = found.clone().unwrap_or_default();
            v1::Outcome::Unchanged
        }
        Outcome::Busy { retry_after } => {
            message.retry_after = Some(duration_to_proto(*retry_after));
            v1::Outcome::Busy
        }
        Outcome::Throttled { retry_after } => {
            message.retry_after = Some(duration_to_proto(*retry_after));
            v1::Outcome::Throttled
        }
        Outcome::Rejected(error) => {
            message.error = Some(error_to_proto(error));
            v1::Outcome::Rejected
        }
        Outcome::Skipped { by } => {
            message.message.clone_from(by);
            v1::Outcome::Skipped
        }
        Outcome::Superseded => v1::Outcome::Superseded,
        Outcome::Expired => v1::Outcome::Expired,
        Outcome::Unknown { reason } => {
            message.message.clone_from(reason);
            v1::Outcome::Unknown
        }
        Outcome::Stale { part } => {
            message.message.clone_from(part);
            v1::Outcome::Stale
        }
    };
    message.outcome = outcome.into();
    message
}

/// For the planner.
///
/// # Errors
/// An outcome that this planner does not know, a refusal without the cloud's error, a left-out backend that is none.
pub fn operation_result_from_proto(message: v1::OperationResult) -> Result<OperationResult, WireError> {
    let retry_after = |retry_after| -> Result<Duration, WireError> {
        OPERATION_RESULT.duration("retry_after", retry_after)
    };
    let outcome = match v1::Outcome::try_from(message.outcome) {
        Ok(v1::Outcome::Applied) => Outcome::Applied {
            created: non_empty(message.created_id),
        },
        Ok(v1::Outcome::Unchanged) => Outcome::Unchanged {
            found: non_empty(message.created_id),
        },
        Ok(v1::Outcome::Busy) => Outcome::Busy {
            retry_after: retry_after(message.retry_after)?,
        },
        Ok(v1::Outcome::Throttled) => Outcome::Throttled {
            retry_after: retry_after(message.retry_after)?,
        },
        Ok(v1::Outcome::Rejected) => Outcome::Rejected(error_from_proto(OPERATION_RESULT.required(
            "error",
            message.error,
            "the cloud's error",
        )?)),
        Ok(v1::Outcome::Skipped) => Outcome::Skipped { by: message.message },
        Ok(v1::Outcome::Superseded) => Outcome::Superseded,
        Ok(v1::Outcome::Expired) => Outcome::Expired,
        Ok(v1::Outcome::Unknown) => Outcome::Unknown {
            reason: message.message,
        },
        Ok(v1::Outcome::Stale) => Outcome::Stale {
            part: message.message,
        },
        Ok(v1::Outcome::Unspecified) | Err(_) => {
            return Err(OPERATION_RESULT.invalid("outcome", message.outcome, "a known Outcome"));
        }
    };
    let left_out = message
        .left_out
        .into_iter()
        .map(|left_out| {
            let backend = LEFT_OUT_BACKEND.required("backend", left_out.backend, "a backend")?;
            Ok(LeftOutBackend {
                backend: backend_from_proto(backend)?,
                reason: left_out.reason,
            })
        })
        .collect::<Result<_, WireError>>()?;
    Ok(OperationResult {
        operation: OperationId(message.operation_id),
        outcome,
        left_out,
    })
}

fn error_to_proto(error: &CloudError) -> v1::CloudError {
    v1::CloudError {
        class: match error.class {
            ErrorClass::Invalid => v1::ErrorClass::Invalid,
            ErrorClass::Quota => v1::ErrorClass::Quota,
            ErrorClass::Billing => v1::ErrorClass::Billing,
            ErrorClass::Gone => v1::ErrorClass::Gone,
            ErrorClass::Denied => v1::ErrorClass::Denied,
            ErrorClass::Transient => v1::ErrorClass::Transient,
        }
        .into(),
        code: error.code.clone(),
        message: error.message.clone(),
        request_id: error.request_id.clone(),
    }
}

fn error_from_proto(message: v1::CloudError) -> CloudError {
    CloudError {
        class: match v1::ErrorClass::try_from(message.class) {
            Ok(v1::ErrorClass::Invalid) => ErrorClass::Invalid,
            Ok(v1::ErrorClass::Quota) => ErrorClass::Quota,
            Ok(v1::ErrorClass::Billing) => ErrorClass::Billing,
            Ok(v1::ErrorClass::Gone) => ErrorClass::Gone,
            Ok(v1::ErrorClass::Denied) => ErrorClass::Denied,
            // A class of a newer actuator: trying again with backoff does no harm, giving up might.
            Ok(v1::ErrorClass::Transient | v1::ErrorClass::Unspecified) | Err(_) => ErrorClass::Transient,
        },
        code: message.code,
        message: message.message,
        request_id: message.request_id,
    }
}
