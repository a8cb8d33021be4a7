//! Attachments that are there but not shown yet. While the mirror fills, after a start of the planner or the actuator, the counts are too
//! low, and a plan made from them would take room that there is not.

use std::time::Duration;

use clb_model::cloud::{Backend, BackendTarget};
use clb_model::operation::{BackendChange, Change};
use clb_planner_core::step::PlannedBatch;
use tokio::time::Instant;

use super::worker::ClusterTask;

/// How long a mirror that fills is waited for. After that the cloud refuses what is too much, which costs a call and an event.
const FILLING: Duration = Duration::from_secs(60);

/// How soon it is looked again.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl ClusterTask {
    /// In how many groups an instance may be besides those that are shown: one for each port of a Service that has a CLB which is not.
    pub(super) fn unseen_attachments(&self, now: Instant) -> usize {
        if self.view.is_complete() || now.duration_since(self.view_begun) >= FILLING {
            return 0;
        }
        let hidden = self
            .state
            .services()
            .filter(|(uid, known)| !known.service.ingress.is_empty() && self.view.candidates(uid).is_none());
        hidden.map(|(_, known)| known.service.ports.len()).sum()
    }
}

/// The largest number of groups in which one instance would be, of those that the batch adds to groups, given how many it is in.
pub(super) fn most_attachments(batch: &PlannedBatch, attached: impl Fn(&str) -> usize) -> usize {
    let added = batch
        .operations
        .iter()
        .flat_map(|operation| match &operation.change {
            Change::CreateVServerGroup { backends, .. }
            | Change::ChangeBackends {
                change: BackendChange::Add,
                backends,
                ..
            } => backends.as_slice(),
            _ => &[],
        });
    let instances: Vec<&str> = added.filter_map(instance).collect();
    let after = |id: &&str| attached(id) + instances.iter().filter(|other| *other == id).count();
    instances.iter().map(after).max().unwrap_or_default()
}

fn instance(backend: &Backend) -> Option<&str> {
    match &backend.target {
        BackendTarget::Instance(id) => Some(id),
        BackendTarget::Interface { .. } => None,
    }
}
