//! A small pure model of the cloud: carries out operations as the actuator and the cloud would, and fails the test where one is wrong.

mod access_lists;
mod listeners;
mod load_balancers;

use std::collections::{BTreeMap, BTreeSet};

use clb_model::cloud::{
    AccessList, Backend, BackendTarget, DomainExtension, ListenerKey, ListenerProtocol, LoadBalancer,
    VServerGroup,
};
use clb_model::marks::OWNER_TAG;
use clb_model::operation::{
    BackendChange, Change, LeftOutBackend, LoadBalancerChange, Operation, OperationId, OperationResult,
    Outcome, VServerGroupRef,
};
use clb_model::version::PartVersion;
use clb_model::{LoadBalancerId, VServerGroupId};

use crate::plan::LeftOutKey;
use crate::step::PlannedBatch;
pub(crate) use listeners::cloud_defaults;
use listeners::{change_listener, create_listener, delete_listener};
use load_balancers::{change_load_balancer, check_families, new_load_balancer};

/// What is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cloud {
    pub(crate) load_balancers: BTreeMap<LoadBalancerId, LoadBalancer>,
    counter: u64,
    /// Groups that were without a backend at some time though they had one before, and were not deleted in the same batch.
    pub(crate) emptied: BTreeSet<String>,
    /// Listeners that went from a group with backends to one without.
    pub(crate) cut_off: BTreeSet<ListenerKey>,
    /// Servers that cannot be backends.
    pub(crate) unusable: BTreeSet<String>,
    /// Access control lists by id.
    pub(crate) access_lists: BTreeMap<String, AccessList>,
    /// The owner tag of the Service whose batches are carried out.
    pub(crate) owner: String,
    /// The name of the list of the Service whose batches are carried out.
    pub(crate) list_name: String,
}

impl Cloud {
    /// Carries out a batch, in its order.
    #[track_caller]
    pub(crate) fn apply(&mut self, batch: &PlannedBatch) -> Vec<OperationResult> {
        self.apply_first(batch, usize::MAX)
    }

    /// Carries out only the first operations; nobody knows what became of the others.
    #[track_caller]
    pub(crate) fn apply_first(&mut self, batch: &PlannedBatch, count: usize) -> Vec<OperationResult> {
        let before = self.clone();
        let mut target = batch.load_balancer.clone();
        let mut created: BTreeMap<OperationId, String> = BTreeMap::new();
        let mut done = BTreeSet::new();
        let mut results = Vec::new();
        for (index, operation) in batch.operations.iter().enumerate() {
            if index >= count {
                results.push(OperationResult {
                    operation: operation.id,
                    outcome: Outcome::Unknown {
                        reason: "the actuator was killed".to_owned(),
                    },
                    left_out: Vec::new(),
                });
                continue;
            }
            assert!(
                operation.after.iter().all(|id| done.contains(id)),
                "comes before what it depends on: {operation:?}"
            );
            assert!(!operation.reason.is_empty(), "{operation:?}");
            assert!(
                !matches!(&operation.change, Change::ChangeBackends { backends, .. } if backends.is_empty()),
                "an empty change: {operation:?}"
            );
            check_fence(
                operation,
                target.as_ref().and_then(|id| before.load_balancers.get(id)),
            );
            if let Change::FindLoadBalancer { .. } = operation.change {
                results.push(self.look(operation));
                continue;
            }
            let served = self.served(&target);
            let usable = self.with_list_id(self.without_unusable(operation));
            let id = self.apply_one(&usable, &mut target, &created);
            let serves = self.served(&target);
            self.cut_off.extend(
                served
                    .iter()
                    .filter(|(key, had)| **had && serves.get(key) == Some(&false))
                    .map(|(key, _)| *key),
            );
            if let Some(id) = &id {
                created.insert(operation.id, id.clone());
            }
            done.insert(operation.id);
            results.push(OperationResult {
                operation: operation.id,
                outcome: Outcome::Applied { created: id },
                left_out: left_out(operation, &usable),
            });
        }
        results
    }

    /// What the search for the Service's CLB finds.
    fn look(&self, operation: &Operation) -> OperationResult {
        let is_owned = |clb: &&LoadBalancer| clb.tags.get(OWNER_TAG) == Some(&self.owner);
        let found = self.load_balancers.values().find(is_owned);
        OperationResult {
            operation: operation.id,
            outcome: Outcome::Unchanged {
                found: found.map(|clb| clb.id.to_string()),
            },
            left_out: Vec::new(),
        }
    }

    /// Whether each listener's group has backends.
    fn served(&self, target: &Option<LoadBalancerId>) -> BTreeMap<ListenerKey, bool> {
        let clb = target.as_ref().and_then(|id| self.load_balancers.get(id));
        clb.into_iter()
            .flat_map(|clb| {
                clb.listeners.iter().map(|(key, listener)| {
                    let group = listener.vgroup.as_ref().and_then(|id| clb.vgroups.get(id));
                    (*key, group.is_some_and(|group| !group.backends.is_empty()))
                })
            })
            .collect()
    }

    fn without_unusable(&self, operation: &Operation) -> Operation {
        let mut operation = operation.clone();
        if let Some(backends) = added(&mut operation.change) {
            backends.retain(|backend| !self.unusable.contains(&LeftOutKey::of(backend).server));
        }
        operation
    }

    fn next(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    fn apply_one(
        &mut self,
        operation: &Operation,
        target: &mut Option<LoadBalancerId>,
        created: &BTreeMap<OperationId, String>,
    ) -> Option<String> {
        let number = self.next();
        let version = PartVersion { term: 1, number };
        if let Change::CreateLoadBalancer(new) = &operation.change {
            assert!(target.is_none(), "a second CLB");
            let id = LoadBalancerId::new(format!("lb-{number}")).unwrap();
            self.load_balancers
                .insert(id.clone(), new_load_balancer(&id, new, version));
            *target = Some(id.clone());
            return Some(id.to_string());
        }
        if let Some(created) = self.apply_to_list(operation, target.as_ref(), version) {
            return created;
        }
        let id = target.clone().unwrap();
        if operation.change == Change::DeleteLoadBalancer {
            assert!(self.load_balancers.remove(&id).is_some());
            return None;
        }
        let clb = self.load_balancers.get_mut(&id).unwrap();
        if let Some(backends) = added(&mut operation.change.clone()) {
            check_families(clb, backends);
        }
        match &operation.change {
            Change::CreateLoadBalancer(_) | Change::DeleteLoadBalancer => {}
            Change::ChangeLoadBalancer(change) => {
                change_load_balancer(clb, change);
                clb.version = version;
            }
            Change::CreateVServerGroup { name, backends } => {
                let id = VServerGroupId::new(format!("rsp-{number}")).unwrap();
                let group = VServerGroup {
                    version,
                    name: name.clone(),
                    backends: backends.iter().map(resolved).collect(),
                };
                clb.vgroups.insert(id.clone(), group);
                return Some(id.to_string());
            }
            Change::DeleteVServerGroup { vgroup } => {
                assert!(!is_used(clb, vgroup), "a listener still uses {vgroup}");
                let group = clb.vgroups.remove(vgroup).unwrap();
                self.emptied.remove(&group.name);
            }
            Change::ChangeBackends {
                vgroup,
                change,
                backends,
            } => {
                let group = clb.vgroups.get_mut(&group_id(vgroup, created)).unwrap();
                let had_backends = !group.backends.is_empty();
                change_backends(group, *change, backends);
                group.version = version;
                if had_backends && group.backends.is_empty() {
                    self.emptied.insert(group.name.clone());
                }
            }
            Change::CreateListener(new) => create_listener(clb, new, created, version),
            Change::ChangeListener {
                listener,
                vgroup,
                attributes,
            } => {
                let group = vgroup.as_ref().map(|vgroup| group_id(vgroup, created));
                assert!(group.iter().all(|group| clb.vgroups.contains_key(group)));
                change_listener(clb.listeners.get_mut(listener).unwrap(), group, attributes);
                clb.listeners.get_mut(listener).unwrap().version = version;
            }
            Change::StartListener { listener } => {
                let listener = clb.listeners.get_mut(listener).unwrap();
                assert!(!listener.running, "it runs already");
                listener.running = true;
                listener.version = version;
            }
            Change::DeleteListener { listener } => delete_listener(clb, *listener),
            Change::RecreateListener { old, new } => {
                let old = ListenerKey {
                    protocol: *old,
                    ..new.key
                };
                delete_listener(clb, old);
                create_listener(clb, new, created, version);
            }
            Change::ChangeDomainExtension {
                port,
                domain,
                certificate_id,
            } => {
                let key = ListenerKey {
                    port: *port,
                    protocol: ListenerProtocol::Https,
                };
                let listener = clb.listeners.get_mut(&key).unwrap();
                listener.version = version;
                match certificate_id {
                    None => assert!(listener.domain_extensions.remove(domain).is_some()),
                    Some(certificate) => {
                        let extension = DomainExtension {
                            id: format!("de-{number}"),
                            certificate_id: certificate.clone(),
                        };
                        listener.domain_extensions.insert(domain.clone(), extension);
                    }
                }
            }
            Change::FillAccessList { .. }
            | Change::TrimAccessList { .. }
            | Change::DeleteAccessList
            | Change::FindLoadBalancer { .. } => {}
        }
        None
    }
}

/// The backends that an operation adds.
fn added(change: &mut Change) -> Option<&mut Vec<Backend>> {
    match change {
        Change::CreateVServerGroup { backends, .. }
        | Change::ChangeBackends {
            change: BackendChange::Add,
            backends,
            ..
        } => Some(backends),
        _ => None,
    }
}

fn left_out(asked: &Operation, usable: &Operation) -> Vec<LeftOutBackend> {
    let (mut asked, mut usable) = (asked.change.clone(), usable.change.clone());
    let (Some(asked), Some(usable)) = (added(&mut asked), added(&mut usable)) else {
        return Vec::new();
    };
    asked
        .iter()
        .filter(|backend| !usable.contains(backend))
        .map(|backend| LeftOutBackend {
            backend: backend.clone(),
            reason: "there is no such server".to_owned(),
        })
        .collect()
}

/// An operation names the version that it was planned from, and how long it is good when it takes something away.
fn check_fence(operation: &Operation, before: Option<&LoadBalancer>) {
    let takes_away = match &operation.change {
        Change::DeleteLoadBalancer
        | Change::DeleteVServerGroup { .. }
        | Change::DeleteListener { .. }
        | Change::RecreateListener { .. }
        | Change::TrimAccessList { .. }
        | Change::DeleteAccessList
        | Change::ChangeLoadBalancer(LoadBalancerChange::RemoveTags(_))
        | Change::ChangeDomainExtension {
            certificate_id: None, ..
        } => true,
        Change::ChangeBackends {
            vgroup,
            change,
            backends,
        } => {
            let group = match vgroup {
                VServerGroupRef::Id(id) => before.and_then(|clb| clb.vgroups.get(id)),
                VServerGroupRef::CreatedBy(_) => None,
            };
            let present = group.into_iter().flat_map(|group| &group.backends);
            let weighs: BTreeMap<_, _> = present.map(|one| (one.key(), one.weight)).collect();
            let drains =
                |one: &Backend| one.weight == 0 && weighs.get(&one.key()).is_some_and(|weight| *weight > 0);
            *change == BackendChange::Remove || (*change == BackendChange::Set && backends.iter().any(drains))
        }
        _ => false,
    };
    if takes_away {
        assert_eq!(operation.good_for, Some(crate::plan::GOOD_FOR), "{operation:?}");
    }
    let version = before.and_then(|clb| match &operation.change {
        Change::ChangeLoadBalancer(_) | Change::DeleteLoadBalancer => Some(clb.version),
        Change::DeleteVServerGroup { vgroup }
        | Change::ChangeBackends {
            vgroup: VServerGroupRef::Id(vgroup),
            ..
        } => clb.vgroups.get(vgroup).map(|group| group.version),
        Change::TrimAccessList { access_list, .. } => {
            clb.access_lists.get(access_list).map(|list| list.version)
        }
        Change::ChangeListener { listener, .. }
        | Change::StartListener { listener }
        | Change::DeleteListener { listener } => clb.listeners.get(listener).map(|listener| listener.version),
        Change::RecreateListener { old, new } => clb
            .listeners
            .get(&ListenerKey {
                protocol: *old,
                ..new.key
            })
            .map(|listener| listener.version),
        _ => operation.based_on,
    });
    assert_eq!(operation.based_on, version, "{operation:?}");
}

fn change_backends(group: &mut VServerGroup, change: BackendChange, backends: &[Backend]) {
    for backend in backends {
        let position = group
            .backends
            .iter()
            .position(|there| there.key() == backend.key());
        match (change, position) {
            (BackendChange::Add, None) => group.backends.push(resolved(backend)),
            (BackendChange::Remove, Some(position)) => {
                group.backends.remove(position);
            }
            (BackendChange::Set, Some(position)) => {
                let there = &mut group.backends[position];
                assert!(
                    there.weight != backend.weight || there.description != backend.description,
                    "nothing to set on {backend:?}"
                );
                there.weight = backend.weight;
                there.description.clone_from(&backend.description);
            }
            (BackendChange::Add, Some(_)) => panic!("{backend:?} is there already"),
            (_, None) => panic!("{backend:?} is not there"),
        }
    }
}

/// The cloud knows the ENI of an address.
fn resolved(backend: &Backend) -> Backend {
    let mut backend = backend.clone();
    if let BackendTarget::Interface { address, eni, .. } = &mut backend.target {
        eni.get_or_insert_with(|| format!("eni-of-{address}"));
    }
    backend
}

fn group_id(vgroup: &VServerGroupRef, created: &BTreeMap<OperationId, String>) -> VServerGroupId {
    match vgroup {
        VServerGroupRef::Id(id) => id.clone(),
        VServerGroupRef::CreatedBy(operation) => VServerGroupId::new(created[operation].clone()).unwrap(),
    }
}

fn is_used(clb: &LoadBalancer, vgroup: &VServerGroupId) -> bool {
    clb.listeners
        .values()
        .any(|listener| listener.vgroup.as_ref() == Some(vgroup))
}
