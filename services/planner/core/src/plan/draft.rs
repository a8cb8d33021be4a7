//! Collects the operations of one plan: numbers them, and keeps back what takes something away when the snapshot is not fresh.

use std::collections::BTreeSet;

use clb_model::attribute::ListenerAttribute;
use clb_model::cloud::ListenerKey;
use clb_model::operation::{BackendChange, Change, Operation, OperationId, VServerGroupRef};
use clb_model::version::PartVersion;

use super::{GOOD_FOR, Obstacle, Plan, Shortage};
use crate::desired::VServerGroupIdentity;
use crate::problem::Notice;

/// An operation that a part of the plan asks for.
#[derive(Debug, Clone)]
pub(super) struct Proposal {
    change: Change,
    reason: String,
    after: BTreeSet<OperationId>,
    based_on: Option<PartVersion>,
    takes_away: bool,
}

impl Proposal {
    pub(super) fn new(change: Change, reason: impl Into<String>) -> Self {
        Self {
            change,
            reason: reason.into(),
            after: BTreeSet::new(),
            based_on: None,
            takes_away: false,
        }
    }

    /// Those must have succeeded before.
    pub(super) fn after(mut self, operations: impl IntoIterator<Item = OperationId>) -> Self {
        self.after.extend(operations);
        self
    }

    /// It was planned from that version of its part.
    pub(super) fn based_on(mut self, version: PartVersion) -> Self {
        self.based_on = Some(version);
        self
    }

    /// It removes, re-creates, deletes or sets a weight to 0.
    pub(super) fn taking_away(mut self) -> Self {
        self.takes_away = true;
        self
    }
}

/// The plan in the making.
#[derive(Debug)]
pub(super) struct Draft {
    fresh: bool,
    confirms: bool,
    plan: Plan,
}

impl Draft {
    pub(super) fn new(fresh: bool) -> Self {
        Self {
            fresh,
            confirms: false,
            plan: Plan::default(),
        }
    }

    /// Backends that come count only once the cloud shows them, because somebody is told of them: pods wait for their readiness gate.
    pub(super) fn confirming(mut self, confirms: bool) -> Self {
        self.confirms = confirms;
        self
    }

    /// Adds an operation. None when it would take something away and the snapshot is not fresh: what depends on it must then be left
    /// out as well.
    pub(super) fn add(&mut self, proposal: Proposal) -> Option<OperationId> {
        if proposal.takes_away && !self.fresh {
            self.plan.withheld.push(proposal.reason);
            return None;
        }
        Some(self.push(proposal))
    }

    /// Adds an operation that takes nothing away, which is always possible.
    pub(super) fn add_harmless(&mut self, proposal: Proposal) -> OperationId {
        debug_assert!(!proposal.takes_away, "{}", proposal.reason);
        self.push(proposal)
    }

    fn push(&mut self, proposal: Proposal) -> OperationId {
        let next = u32::try_from(self.plan.operations.len()).unwrap_or(u32::MAX);
        let id = OperationId(next.saturating_add(1));
        self.plan.operations.push(Operation {
            id,
            after: proposal.after.into_iter().collect(),
            based_on: proposal.based_on,
            good_for: proposal.takes_away.then_some(GOOD_FOR),
            reason: proposal.reason,
            confirm: self.confirms && adds_backends(&proposal.change),
            change: proposal.change,
        });
        id
    }

    /// The operations so far that change, replace or delete a listener.
    pub(super) fn changes_of_listeners(&self) -> Vec<OperationId> {
        let operations = self.plan.operations.iter();
        operations
            .filter(|operation| {
                matches!(
                    operation.change,
                    Change::ChangeListener { .. }
                        | Change::RecreateListener { .. }
                        | Change::DeleteListener { .. }
                )
            })
            .map(|operation| operation.id)
            .collect()
    }

    /// Whether an operation so far deletes or replaces a listener, or gives it another access control.
    pub(super) fn lets_go_of_list(&self, key: ListenerKey) -> bool {
        self.plan
            .operations
            .iter()
            .any(|operation| match &operation.change {
                Change::DeleteListener { listener } => *listener == key,
                Change::RecreateListener { old, new } => *old == key.protocol && new.key.port == key.port,
                Change::ChangeListener {
                    listener, attributes, ..
                } => *listener == key && attributes.get(ListenerAttribute::AclStatus).is_some(),
                _ => false,
            })
    }

    pub(super) fn notice(&mut self, warning: bool, reason: &'static str, message: String) {
        self.plan.notices.push(Notice {
            warning,
            reason,
            message,
        });
    }

    pub(super) fn shortage(&mut self, shortage: Shortage) {
        self.plan.shortages.push(shortage);
    }

    pub(super) fn obstacle(&mut self, obstacle: Obstacle) {
        self.plan.obstacles.push(obstacle);
    }

    /// Another group than the wanted one is in force, or none.
    pub(super) fn replace_group(&mut self, wanted: &VServerGroupIdentity, by: Option<&VServerGroupIdentity>) {
        self.plan.replaced_groups.insert(wanted.clone(), by.cloned());
    }

    /// Backends that are gone are still attached.
    pub(super) fn mark_urgent(&mut self) {
        self.plan.urgent = true;
    }

    /// Another Service must leave an instance first.
    pub(super) fn mark_waiting_for_room(&mut self) {
        self.plan.waits_for_room = true;
    }

    pub(super) fn finish(mut self) -> Plan {
        self.plan.notices.sort();
        self.plan.notices.dedup();
        self.plan.obstacles.sort();
        self.plan.obstacles.dedup();
        self.plan
    }
}

/// The changes of backends in groups that are there, and that depend on nothing but such changes.
pub(super) fn independent_backend_changes(operations: &[Operation]) -> Vec<Operation> {
    let mut chosen = BTreeSet::new();
    let mut result = Vec::new();
    for operation in operations {
        let in_existing_group = matches!(
            operation.change,
            Change::ChangeBackends {
                vgroup: VServerGroupRef::Id(_),
                ..
            }
        );
        if in_existing_group && operation.after.iter().all(|before| chosen.contains(before)) {
            chosen.insert(operation.id);
            result.push(operation.clone());
        }
    }
    result
}

/// The operations without some and without what depends on those.
pub(super) fn without(operations: &[Operation], left_out: &BTreeSet<OperationId>) -> Vec<Operation> {
    let mut missing = left_out.clone();
    let mut result = Vec::new();
    for operation in operations {
        if missing.contains(&operation.id) || operation.after.iter().any(|before| missing.contains(before)) {
            missing.insert(operation.id);
        } else {
            result.push(operation.clone());
        }
    }
    result
}

fn adds_backends(change: &Change) -> bool {
    match change {
        Change::CreateVServerGroup { backends, .. } => !backends.is_empty(),
        Change::ChangeBackends { change, .. } => *change == BackendChange::Add,
        _ => false,
    }
}
