//! Giving one batch to the actuator and collecting its results.

use std::error::Error as _;
use std::time::Duration;

use clb_model::operation::{Batch, Operation, OperationResult, Outcome};
use clb_proto::actuator::v1;
use clb_wire::actuator::{batch_to_proto, operation_result_from_proto};
use tokio::time::timeout;
use tonic::{Code, Status};

use super::{ActuatorClient, reason};

/// What a batch has beyond its own deadline for its last results to arrive.
const RESULT_GRACE: Duration = Duration::from_secs(15);

/// How a batch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Execution {
    /// With a result for each operation; those that nobody knows of are [`Outcome::Unknown`].
    Results(Vec<OperationResult>),
    /// The actuator did not take it: nothing was done.
    NotTaken(String),
}

/// Gives the batch to the actuator and waits for its end.
pub(crate) async fn execute(mut client: ActuatorClient, batch: &Batch) -> Execution {
    let request = v1::ExecuteRequest {
        batch: Some(batch_to_proto(batch)),
    };
    let mut results = Vec::with_capacity(batch.operations.len());
    let run = async {
        let mut stream = match client.execute(request).await {
            Ok(response) => response.into_inner(),
            Err(status) => return Err((certainly_refused(&status), reason(&status))),
        };
        loop {
            match stream.message().await {
                Ok(Some(response)) => match response.result.map(operation_result_from_proto) {
                    Some(Ok(result)) => results.push(result),
                    Some(Err(error)) => tracing::warn!(%error, "a result cannot be read"),
                    None => tracing::warn!("a response without a result"),
                },
                Ok(None) => return Ok(()),
                Err(status) => return Err((false, reason(&status))),
            }
        }
    };
    let limit = batch.deadline + RESULT_GRACE;
    let why = match timeout(limit, run).await {
        Ok(Ok(())) => "the actuator gave no result".to_owned(),
        Ok(Err((true, why))) => return Execution::NotTaken(why),
        Ok(Err((false, why))) => why,
        Err(_) => format!("no end within {limit:?}"),
    };
    fill_up(&batch.operations, &mut results, &why);
    Execution::Results(results)
}

/// Whether the actuator said no before it did anything. A status with a cause was made on this side of the transport, where a stream that
/// is reset has some of the same codes: then the batch may be running.
fn certainly_refused(status: &Status) -> bool {
    let is_refusal = matches!(
        status.code(),
        Code::InvalidArgument
            | Code::NotFound
            | Code::PermissionDenied
            | Code::Unauthenticated
            | Code::FailedPrecondition
            | Code::ResourceExhausted
            | Code::Unimplemented
    );
    is_refusal && status.source().is_none()
}

/// What became of an operation without a result, nobody knows.
fn fill_up(operations: &[Operation], results: &mut Vec<OperationResult>, why: &str) {
    for operation in operations {
        if !results.iter().any(|result| result.operation == operation.id) {
            results.push(OperationResult {
                operation: operation.id,
                outcome: Outcome::Unknown {
                    reason: why.to_owned(),
                },
                left_out: Vec::new(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn only_the_actuators_own_refusal_is_certain() {
        let refused = Status::resource_exhausted("batches are running already");
        assert!(certainly_refused(&refused));
        let mut reset = Status::resource_exhausted("h2 protocol error: enhance your calm");
        reset.set_source(Arc::new(std::io::Error::other("stream reset")));
        assert!(!certainly_refused(&reset));
        assert!(!certainly_refused(&Status::unavailable("shutting down")));
    }
}
