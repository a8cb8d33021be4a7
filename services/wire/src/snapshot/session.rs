//! The greeting and the heartbeat of the snapshot stream.

use std::ops::RangeInclusive;
use std::time::Duration;

use clb_model::version::Tenure;
use clb_proto::snapshot::v1;

use crate::WireError;
use crate::field::{Reader, duration_to_proto};

const HELLO: Reader = Reader("Hello");
const RESUME_POINT: Reader = Reader("ResumePoint");
const HEARTBEAT: Reader = Reader("Heartbeat");

/// Who speaks, and from where the stream goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// UID of the cluster's kube-system namespace.
    pub cluster_uid: String,
    /// Name of the watcher instance, for logs.
    pub instance: String,
    /// The watcher's epoch.
    pub epoch: Tenure,
    /// Protocols that the watcher speaks.
    pub protocols: RangeInclusive<u32>,
    /// Where it stopped, if the planner has heard it before.
    pub resume: Option<ResumePoint>,
}

/// A place in a watcher's stream of deltas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResumePoint {
    /// The epoch that the sequence belongs to.
    pub epoch: Tenure,
    /// The last sequence that was acknowledged.
    pub sequence: u64,
}

/// For the watcher.
#[must_use]
pub fn epoch_to_proto(epoch: Tenure) -> v1::Epoch {
    v1::Epoch {
        lease_created_ms: epoch.lease_created_ms,
        acquisitions: epoch.acquisitions,
    }
}

/// For the planner. Every epoch is valid.
#[must_use]
pub fn epoch_from_proto(message: v1::Epoch) -> Tenure {
    Tenure {
        lease_created_ms: message.lease_created_ms,
        acquisitions: message.acquisitions,
    }
}

/// For the watcher.
#[must_use]
pub fn hello_to_proto(hello: &Hello) -> v1::Hello {
    v1::Hello {
        cluster_uid: hello.cluster_uid.clone(),
        instance: hello.instance.clone(),
        epoch: Some(epoch_to_proto(hello.epoch)),
        protocol_min: *hello.protocols.start(),
        protocol_max: *hello.protocols.end(),
        resume: hello.resume.map(|point| v1::ResumePoint {
            epoch: Some(epoch_to_proto(point.epoch)),
            sequence: point.sequence,
        }),
    }
}

/// For the planner.
///
/// # Errors
/// A Hello without an epoch, a resume point without one, a range of protocols that is empty.
pub fn hello_from_proto(message: v1::Hello) -> Result<Hello, WireError> {
    if message.protocol_min > message.protocol_max {
        return Err(HELLO.invalid("protocol_min", message.protocol_min, "at most protocol_max"));
    }
    let resume = match message.resume {
        None => None,
        Some(point) => Some(ResumePoint {
            epoch: epoch_from_proto(RESUME_POINT.required("epoch", point.epoch, "the sequence's epoch")?),
            sequence: point.sequence,
        }),
    };
    Ok(Hello {
        cluster_uid: message.cluster_uid,
        instance: message.instance,
        epoch: epoch_from_proto(HELLO.required("epoch", message.epoch, "the watcher's epoch")?),
        protocols: message.protocol_min..=message.protocol_max,
        resume,
    })
}

/// For the watcher: the age of its stalest watch and the last sequence sent.
#[must_use]
pub fn heartbeat_to_proto(stalest_watch: Duration, sequence: u64) -> v1::Heartbeat {
    v1::Heartbeat {
        stalest_watch: Some(duration_to_proto(stalest_watch)),
        sequence,
    }
}

/// For the planner: the age of the watcher's stalest watch and the last sequence that it sent.
///
/// # Errors
/// A heartbeat without an age or with a negative one.
pub fn heartbeat_from_proto(message: v1::Heartbeat) -> Result<(Duration, u64), WireError> {
    Ok((
        HEARTBEAT.duration("stalest_watch", message.stalest_watch)?,
        message.sequence,
    ))
}
