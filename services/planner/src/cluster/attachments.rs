//! In how many vServer groups each instance is: over all CLBs of the cluster, and with what batches under way are about to add, so that
//! Services that are planned at one moment do not take the same room twice. What no plan of a single Service can see.
//!
//! Kept by the cluster's view of the mirror.

use std::collections::{BTreeMap, BTreeSet};

use clb_model::cloud::{Backend, BackendTarget, LoadBalancer};
use clb_model::operation::{BackendChange, Change, Operation, VServerGroupRef};
use clb_model::{ServiceUid, VServerGroupId};
use clb_planner_core::plan::Attachments;

/// The count of one cluster.
#[derive(Debug, Default)]
pub(crate) struct AttachmentLedger {
    counts: Attachments,
    reserved: BTreeMap<ServiceUid, Reservation>,
}

/// What a Service's batch adds and the mirror does not show yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Reservation(BTreeSet<(Group, String)>);

/// A group by its id, or by its name while it has none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Id(VServerGroupId),
    Name(String),
}

impl AttachmentLedger {
    /// For the plans.
    pub(crate) fn counts(&self) -> &Attachments {
        &self.counts
    }

    /// Nothing is shown any more; what is under way stays so.
    pub(crate) fn hide_all(&mut self) {
        self.counts = Attachments::NONE;
        for (_, instance) in self.reserved.values().flat_map(|reservation| &reservation.0) {
            self.counts.attach(instance);
        }
    }

    /// A CLB has come into view; what it shows of the batches of these Services is no longer only reserved.
    pub(crate) fn show<'a>(
        &mut self,
        load_balancer: &LoadBalancer,
        concerned: impl IntoIterator<Item = &'a ServiceUid>,
    ) {
        self.counts.add(load_balancer);
        for uid in concerned {
            let Some(reservation) = self.reserved.get_mut(uid) else {
                continue;
            };
            let counts = &mut self.counts;
            reservation.0.retain(|(group, instance)| {
                let shown = is_shown(load_balancer, group, instance);
                if shown {
                    counts.detach(instance);
                }
                !shown
            });
        }
    }

    /// A CLB has left the view.
    pub(crate) fn hide(&mut self, load_balancer: &LoadBalancer) {
        self.counts.remove(load_balancer);
    }

    /// A batch of the Service is given away, and takes the place of one before it.
    pub(crate) fn reserve(&mut self, uid: &ServiceUid, operations: &[Operation]) {
        let additions = operations
            .iter()
            .flat_map(|operation| additions(operation, operations));
        self.put(uid, additions.collect());
    }

    /// The Service is to be planned, its batch came to nothing, or it is of no interest any more. What was reserved for it.
    pub(crate) fn release(&mut self, uid: &ServiceUid) -> Reservation {
        let reservation = self.reserved.remove(uid).unwrap_or_default();
        for (_, instance) in &reservation.0 {
            self.counts.detach(instance);
        }
        reservation
    }

    /// Planning came to nothing new: the batch under way is still to do what it was given for.
    pub(crate) fn restore(&mut self, uid: &ServiceUid, reservation: Reservation) {
        self.put(uid, reservation.0);
    }

    fn put(&mut self, uid: &ServiceUid, entries: BTreeSet<(Group, String)>) {
        self.release(uid);
        for (_, instance) in &entries {
            self.counts.attach(instance);
        }
        if !entries.is_empty() {
            self.reserved.insert(uid.clone(), Reservation(entries));
        }
    }
}

/// Which instances one of the operations adds to which group.
fn additions(operation: &Operation, all: &[Operation]) -> Vec<(Group, String)> {
    let (group, backends) = match &operation.change {
        Change::CreateVServerGroup { name, backends } => (Group::Name(name.clone()), backends),
        Change::ChangeBackends {
            vgroup,
            change: BackendChange::Add,
            backends,
        } => match group(vgroup, all) {
            Some(group) => (group, backends),
            None => return Vec::new(),
        },
        _ => return Vec::new(),
    };
    let instances = backends.iter().filter_map(instance);
    instances.map(|id| (group.clone(), id.to_owned())).collect()
}

fn group(reference: &VServerGroupRef, all: &[Operation]) -> Option<Group> {
    let creator = match reference {
        VServerGroupRef::Id(id) => return Some(Group::Id(id.clone())),
        VServerGroupRef::CreatedBy(creator) => creator,
    };
    let creation = all.iter().find(|operation| operation.id == *creator)?;
    match &creation.change {
        Change::CreateVServerGroup { name, .. } => Some(Group::Name(name.clone())),
        _ => None,
    }
}

fn instance(backend: &Backend) -> Option<&str> {
    match &backend.target {
        BackendTarget::Instance(id) => Some(id),
        BackendTarget::Interface { .. } => None,
    }
}

fn is_shown(load_balancer: &LoadBalancer, group: &Group, wanted: &str) -> bool {
    load_balancer.vgroups.iter().any(|(id, shown)| {
        let is_meant = match group {
            Group::Id(meant) => meant == id,
            Group::Name(name) => *name == shown.name,
        };
        is_meant
            && shown
                .backends
                .iter()
                .any(|backend| instance(backend) == Some(wanted))
    })
}

#[cfg(test)]
mod tests {
    use clb_model::cloud::VServerGroup;
    use clb_model::operation::OperationId;
    use clb_model::version::PartVersion;

    use super::*;
    use crate::tests::load_balancer;

    fn uid(text: &str) -> ServiceUid {
        ServiceUid::new(text).unwrap()
    }

    fn backend(id: &str) -> Backend {
        Backend {
            target: BackendTarget::Instance(id.to_owned()),
            port: 30080,
            weight: 100,
            description: String::new(),
        }
    }

    fn operation(id: u32, change: Change) -> Operation {
        Operation {
            id: OperationId(id),
            after: Vec::new(),
            based_on: None,
            good_for: None,
            reason: String::new(),
            confirm: false,
            change,
        }
    }

    /// A group that is made with one instance and gets another afterwards.
    fn creation(first: &str, second: &str) -> Vec<Operation> {
        let create = Change::CreateVServerGroup {
            name: "k8s/30080/web".to_owned(),
            backends: vec![backend(first)],
        };
        let add = Change::ChangeBackends {
            vgroup: VServerGroupRef::CreatedBy(OperationId(1)),
            change: BackendChange::Add,
            backends: vec![backend(second)],
        };
        vec![operation(1, create), operation(2, add)]
    }

    fn shown(instances: &[&str]) -> LoadBalancer {
        let mut shown = load_balancer("lb-1", "web", "web");
        let group = VServerGroup {
            version: PartVersion::default(),
            name: "k8s/30080/web".to_owned(),
            backends: instances.iter().map(|id| backend(id)).collect(),
        };
        shown.vgroups.insert("rsp-1".parse().unwrap(), group);
        shown
    }

    fn counts(ledger: &AttachmentLedger) -> [usize; 3] {
        ["i-1", "i-2", "i-3"].map(|id| ledger.counts().of(id))
    }

    #[test]
    fn what_is_under_way_counts_once_whether_shown_or_not() {
        let mut ledger = AttachmentLedger::default();
        ledger.reserve(&uid("web"), &creation("i-1", "i-2"));
        assert_eq!(counts(&ledger), [1, 1, 0]);
        let first = shown(&["i-1"]);
        ledger.show(&first, [&uid("web")]);
        assert_eq!(counts(&ledger), [1, 1, 0]);
        ledger.hide(&first);
        ledger.show(&shown(&["i-1", "i-2"]), [&uid("web")]);
        assert_eq!(counts(&ledger), [1, 1, 0]);
        assert_eq!(ledger.release(&uid("web")), Reservation::default());
        assert_eq!(counts(&ledger), [1, 1, 0]);
    }

    #[test]
    fn what_never_came_no_longer_counts_once_the_service_is_planned_again() {
        let mut ledger = AttachmentLedger::default();
        ledger.reserve(&uid("web"), &creation("i-1", "i-2"));
        let own = ledger.release(&uid("web"));
        assert_eq!(counts(&ledger), [0, 0, 0]);
        ledger.restore(&uid("web"), own);
        ledger.hide_all();
        assert_eq!(counts(&ledger), [1, 1, 0]);
        ledger.reserve(&uid("web"), &creation("i-2", "i-3"));
        assert_eq!(counts(&ledger), [0, 1, 1]);
    }
}
