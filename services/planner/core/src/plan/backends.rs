//! What differs between the backends that a group should have and those that it has.

use std::collections::{BTreeMap, BTreeSet};

use clb_model::VServerGroupId;
use clb_model::cloud::{Backend, BackendKey, BackendTarget, VServerGroup};

use super::marked::is_our_backend;
use super::{LeftOutKey, PlanContext};
use crate::desired::{DesiredVServerGroup, VServerGroupIdentity};

/// What a group should have: the wishes of all ports that share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) backends: Vec<Backend>,
    if_present: Vec<Backend>,
    ignore_weight: bool,
    keeps_weights: bool,
    /// Without any backend it would cut off endpoints that are ready.
    pub(super) must_not_be_empty: bool,
}

impl Wanted {
    /// Takes in the wish of one port. Two ports of one number that want the same backend agree on the first.
    pub(super) fn merge(&mut self, group: &DesiredVServerGroup) {
        let known: BTreeSet<BackendKey<'_>> = self.backends.iter().map(Backend::key).collect();
        let new: Vec<Backend> = group
            .backends
            .iter()
            .filter(|backend| !known.contains(&backend.key()))
            .cloned()
            .collect();
        self.backends.extend(new);
        self.backends.sort_by(|a, b| a.key().cmp(&b.key()));
        self.if_present.extend(group.if_present.iter().cloned());
        self.ignore_weight |= group.ignore_weight;
        self.keeps_weights |= group.keeps_weights;
        self.must_not_be_empty |= group.ready_endpoints > 0 && !group.may_become_empty;
    }
}

/// One group that ports need.
pub(super) struct Part<'a> {
    pub(super) identity: &'a VServerGroupIdentity,
    pub(super) difference: Difference,
    /// None when it is to be created.
    pub(super) observed: Option<(&'a VServerGroupId, &'a VServerGroup)>,
    pub(super) must_not_be_empty: bool,
}

/// How a group that is there differs from what it should be.
#[derive(Debug, Clone, Default)]
pub(super) struct Difference {
    /// To be added.
    pub(super) adds: Vec<Backend>,
    /// To get another weight above 0, or our description; with the weight before.
    pub(super) sets: Vec<(Backend, u8)>,
    /// To get weight 0; with the weight before.
    pub(super) drains: Vec<(Backend, u8)>,
    /// To be removed.
    pub(super) removes: Vec<Backend>,
    /// How many of those that are there stay and are of use: those that are wanted, and those of the rest that keep a weight.
    pub(super) staying: usize,
    /// How many backends have a weight above 0 when all weights are as they should be, those that come apart.
    pub(super) serving: usize,
    /// Wanted ones that somebody else has put there: left as they are.
    pub(super) of_others: Vec<Backend>,
    /// Removals and drains that would leave the group without a backend of use though endpoints are ready.
    pub(super) held_back: Vec<Backend>,
}

/// Compares. Backends without our mark are never touched.
pub(super) fn difference(context: PlanContext<'_>, wanted: &Wanted, observed: &VServerGroup) -> Difference {
    let present: BTreeMap<BackendKey<'_>, &Backend> = observed
        .backends
        .iter()
        .map(|backend| (backend.key(), backend))
        .collect();
    let mut difference = Difference::default();
    let mut stays = BTreeSet::new();
    for backend in &wanted.backends {
        stays.insert(backend.key());
        match present.get(&backend.key()) {
            None if is_left_out(context, backend) => {}
            None => difference.adds.push(backend.clone()),
            Some(there) => {
                difference.staying += 1;
                difference.compare(context, wanted, backend, there);
            }
        }
    }
    // What is about to go is all that there is: as it must not be removed, it must not be drained.
    let is_all = wanted.must_not_be_empty && difference.staying == 0;
    for backend in &wanted.if_present {
        let Some(there) = present.get(&backend.key()) else {
            continue;
        };
        if !stays.insert(backend.key()) {
            continue;
        }
        let drains = backend.weight == 0 && there.weight > 0 && !wanted.ignore_weight;
        if is_all && drains && is_our_backend(context, there) {
            difference.staying += 1;
            difference.serving += 1;
            if difference.adds.is_empty() {
                difference.held_back.push((*there).clone());
            }
            continue;
        }
        let weight = difference.compare(context, wanted, backend, there);
        difference.staying += usize::from(weight > 0);
    }
    difference.removes = observed
        .backends
        .iter()
        .filter(|backend| is_our_backend(context, backend) && !stays.contains(&backend.key()))
        .filter(|backend| !is_left_out(context, backend))
        .cloned()
        .collect();
    difference.removes.sort_by(|a, b| a.key().cmp(&b.key()));
    let nothing_else = difference.staying == 0 && difference.adds.is_empty();
    if nothing_else && wanted.must_not_be_empty {
        difference.held_back.append(&mut difference.removes);
    }
    difference
}

impl Difference {
    /// Returns the weight that the backend will have.
    fn compare(
        &mut self,
        context: PlanContext<'_>,
        wanted: &Wanted,
        backend: &Backend,
        there: &Backend,
    ) -> u8 {
        if !is_our_backend(context, there) {
            self.of_others.push(there.clone());
            self.serving += usize::from(there.weight > 0);
            return there.weight;
        }
        let is_kept = wanted.keeps_weights && there.weight > 0 && backend.weight > 0;
        let weight = if wanted.ignore_weight || is_kept {
            there.weight
        } else {
            backend.weight
        };
        self.serving += usize::from(weight > 0);
        if weight == there.weight && backend.description == there.description {
            return weight;
        }
        if is_left_out(context, there) {
            return there.weight;
        }
        let changed = Backend {
            target: there.target.clone(),
            port: there.port,
            weight,
            description: backend.description.clone(),
        };
        if weight == 0 && there.weight > 0 {
            self.drains.push((changed, there.weight));
        } else {
            self.sets.push((changed, there.weight));
        }
        weight
    }
}

/// Whether the cloud could not use the backend a short time ago.
pub(super) fn is_left_out(context: PlanContext<'_>, backend: &Backend) -> bool {
    !context.left_out.is_empty() && context.left_out.contains(&LeftOutKey::of(backend))
}

impl LeftOutKey {
    /// The key of a backend.
    #[must_use]
    pub fn of(backend: &Backend) -> Self {
        let server = match &backend.target {
            BackendTarget::Instance(id) => id.clone(),
            BackendTarget::Interface { address, .. } => address.to_string(),
        };
        Self {
            server,
            port: backend.port,
        }
    }
}
