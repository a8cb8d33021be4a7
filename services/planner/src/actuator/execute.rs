//! Giving one batch to the actuator and collecting its results.

use std::time::Duration;

use clb_model::operation::{Batch, Operation, OperationResult, Outcome};
use clb_proto::actuator::v1;
use clb_wire::actuator::{batch_to_proto, operation_result_from_proto};
use tokio::time::timeout;
use tonic::Code;

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
            Err(status) => return Err((certainly_refused(status.code()), reason(&status))),
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

/// Codes with which the actuator, not the transport, says no before it does anything.
fn certainly_refused(code: Code) -> bool {
    matches!(
        code,
        Code::InvalidArgument
            | Code::NotFound
            | Code::PermissionDenied
            | Code::Unauthenticated
            | Code::FailedPrecondition
            | Code::ResourceExhausted
            | Code::Unimplemented
    )
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
