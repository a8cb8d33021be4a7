//! Which Nodes may be backends: `compatibility.md`, "Backends".

use clb_model::cluster::Node;

use super::listeners::is_on;
use crate::annotations::backend::BackendAnnotations;

/// Put on Nodes that the cluster autoscaler is about to remove.
const LEAVING_TAINT: &str = "ToBeDeletedByClusterAutoscaler";
/// What the provider id of a Node outside the cloud begins with.
const HYBRID_PROVIDER: &str = "ack-hybrid://";
/// The label of a Node that stands for elastic container instances.
const VIRTUAL_NODE: (&str, &str) = ("type", "virtual-kubelet");

/// Whether a Node may be a backend, its readiness apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Eligibility {
    /// It may.
    Eligible,
    /// It may not, because of what it is.
    Excluded,
    /// It may no more: it is about to go.
    Leaving,
    /// The user's annotations leave it out.
    LeftOutByUser,
}

/// Whether the Node's pods are backends themselves, in every mode.
pub(super) fn is_virtual(node: &Node) -> bool {
    node.labels.get(VIRTUAL_NODE.0).map(String::as_str) == Some(VIRTUAL_NODE.1)
}

/// Whether the Node may be a backend, its readiness apart.
pub(super) fn eligibility(node: &Node, annotations: &BackendAnnotations) -> Eligibility {
    let excluded = is_virtual(node) || node.is_excluded() || node.provider_id.starts_with(HYBRID_PROVIDER);
    if excluded {
        return Eligibility::Excluded;
    }
    let cordoned_out = node.unschedulable && is_on(annotations.remove_unscheduled.as_ref());
    let unlabelled = annotations
        .backend_label
        .as_ref()
        .is_some_and(|wanted| !wanted.value.match_all(&node.labels));
    let leaving = node.deleting || node.taints.iter().any(|taint| taint == LEAVING_TAINT);
    match (cordoned_out || unlabelled, leaving) {
        (true, _) => Eligibility::LeftOutByUser,
        (false, true) => Eligibility::Leaving,
        (false, false) => Eligibility::Eligible,
    }
}

/// What a Node's readiness means under Cluster policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readiness {
    /// It takes traffic.
    Ready,
    /// It is not Ready, but not for long enough: it stays where it is attached until then (milliseconds since
    /// 1970).
    InGrace(u64),
    /// It takes none.
    NotReady,
}

/// A Node's readiness; `grace_ms` counts from the condition's last change.
pub(super) fn readiness(node: &Node, grace_ms: u64, now_ms: u64) -> Readiness {
    match node.ready {
        Some(condition) if condition.ready => Readiness::Ready,
        Some(condition) => {
            let until = condition.since_ms.saturating_add(grace_ms);
            if now_ms < until {
                Readiness::InGrace(until)
            } else {
                Readiness::NotReady
            }
        }
        None => Readiness::NotReady,
    }
}
