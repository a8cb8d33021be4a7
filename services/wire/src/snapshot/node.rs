//! `Node`.

use clb_model::cluster::{Node, NodeReady};
use clb_proto::snapshot::v1;
use prost_types::Timestamp;

use crate::WireError;
use crate::field::Reader;

const NODE: Reader = Reader("Node");

/// For the watcher.
#[must_use]
pub fn node_to_proto(node: &Node) -> v1::Node {
    v1::Node {
        name: node.name.clone(),
        uid: node.uid.clone(),
        provider_id: node.provider_id.clone(),
        labels: node.labels.clone(),
        taints: node.taints.clone(),
        unschedulable: node.unschedulable,
        ready: node.ready.map(|condition| condition.ready),
        ready_since: node.ready.map(|condition| timestamp(condition.since_ms)),
        deleting: node.deleting,
    }
}

/// For the planner.
///
/// # Errors
/// A Node without a name or with a time before 1970.
pub fn node_from_proto(message: v1::Node) -> Result<Node, WireError> {
    if message.name.is_empty() {
        return Err(NODE.invalid("name", "", "not empty"));
    }
    let ready = match message.ready {
        Some(ready) => Some(NodeReady {
            ready,
            since_ms: message.ready_since.map_or(Ok(0), milliseconds)?,
        }),
        None => None,
    };
    Ok(Node {
        name: message.name,
        uid: message.uid,
        provider_id: message.provider_id,
        labels: message.labels,
        taints: message.taints,
        unschedulable: message.unschedulable,
        ready,
        deleting: message.deleting,
    })
}

fn timestamp(since_ms: u64) -> Timestamp {
    Timestamp {
        seconds: i64::try_from(since_ms / 1000).unwrap_or(i64::MAX),
        nanos: i32::try_from(since_ms % 1000 * 1_000_000).unwrap_or_default(),
    }
}

fn milliseconds(timestamp: Timestamp) -> Result<u64, WireError> {
    let invalid = || {
        NODE.invalid(
            "ready_since",
            format!("{} s {} ns", timestamp.seconds, timestamp.nanos),
            "a time since 1970",
        )
    };
    let seconds = u64::try_from(timestamp.seconds).map_err(|_| invalid())?;
    let nanos = u64::try_from(timestamp.nanos).map_err(|_| invalid())?;
    seconds
        .checked_mul(1000)
        .and_then(|ms| ms.checked_add(nanos / 1_000_000))
        .ok_or_else(invalid)
}
