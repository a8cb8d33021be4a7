//! The vServer groups: created with their first backends, their backends followed, deleted once no listener uses them.

use std::collections::{BTreeMap, BTreeSet};

use clb_model::cloud::{Backend, ListenerKey, LoadBalancer, VServerGroup};
use clb_model::operation::{BackendChange, Change, OperationId, VServerGroupRef};
use clb_model::{LoadBalancerId, VServerGroupId, events};

use super::backends::{self, Difference, Part, Wanted};
use super::draft::{Draft, Proposal};
use super::marked::{is_our_backend, is_our_vgroup};
use super::rollout;
use super::room::Outgoing;
use super::{Obstacle, PlanContext, SKIP_BACKENDS, observed_group_name};
use crate::annotations::backend::VGROUP_PORT;
use crate::annotations::instance::FORCE_OVERRIDE;
use crate::conditions::reason;
use crate::desired::{DesiredListener, DesiredVServerGroup, VServerGroupIdentity};
use crate::problem::first_few;

/// How many listeners without a backend are named.
const LISTENERS_NAMED: usize = 10;

/// The groups of one CLB while its plan is made.
pub(super) struct Groups<'a> {
    context: PlanContext<'a>,
    load_balancer: Option<&'a LoadBalancer>,
    entries: BTreeMap<VServerGroupIdentity, Entry<'a>>,
    /// By group: the operations after which a listener no longer uses it.
    released: BTreeMap<VServerGroupId, Vec<OperationId>>,
    /// By group: how many listeners will still use it.
    uses: BTreeMap<VServerGroupId, usize>,
    /// Groups that a listener of ours keeps until the one that it is to have can take over.
    kept: BTreeSet<VServerGroupId>,
    /// Whether the groups that ports need are all known: only then others are on their way out.
    complete: bool,
}

struct Entry<'a> {
    wanted: Wanted,
    observed: Option<(&'a VServerGroupId, &'a VServerGroup)>,
    reference: Option<VServerGroupRef>,
    /// What a listener that is to use the group waits for.
    ready: Vec<OperationId>,
    /// The quota that leaves it without any backend though endpoints are ready.
    starved_by: Option<String>,
}

/// A group as a listener refers to it.
pub(super) struct GroupHandle {
    pub(super) reference: VServerGroupRef,
    pub(super) after: Vec<OperationId>,
    /// A listener that has another group may go over to it.
    pub(super) can_take_over: bool,
}

impl<'a> Groups<'a> {
    pub(super) fn new(
        context: PlanContext<'a>,
        desired: &[DesiredVServerGroup],
        load_balancer: Option<&'a LoadBalancer>,
    ) -> Self {
        let mut entries: BTreeMap<VServerGroupIdentity, Entry<'a>> = BTreeMap::new();
        for group in desired {
            entries
                .entry(group.identity.clone())
                .or_insert_with(|| Entry::find(load_balancer, &group.identity))
                .wanted
                .merge(group);
        }
        let mut uses = BTreeMap::new();
        for listener in load_balancer.iter().flat_map(|clb| clb.listeners.values()) {
            if let Some(id) = &listener.vgroup {
                *uses.entry(id.clone()).or_default() += 1;
            }
        }
        Self {
            context,
            load_balancer,
            entries,
            released: BTreeMap::new(),
            uses,
            kept: BTreeSet::new(),
            complete: true,
        }
    }

    /// Only the groups that are there.
    pub(super) fn existing_only(
        context: PlanContext<'a>,
        desired: &[DesiredVServerGroup],
        load_balancer: &'a LoadBalancer,
    ) -> Self {
        let mut entries: BTreeMap<VServerGroupIdentity, Entry<'a>> = BTreeMap::new();
        for group in desired {
            let found = Entry::find(Some(load_balancer), &group.identity);
            if found.observed.is_some() {
                entries
                    .entry(group.identity.clone())
                    .or_insert(found)
                    .wanted
                    .merge(group);
            }
        }
        Self {
            context,
            load_balancer: Some(load_balancer),
            entries,
            released: BTreeMap::new(),
            uses: BTreeMap::new(),
            kept: BTreeSet::new(),
            complete: false,
        }
    }

    /// The group for a listener; none when it is a user's that is not there.
    pub(super) fn handle(&self, identity: &VServerGroupIdentity) -> Option<GroupHandle> {
        let entry = self.entries.get(identity)?;
        Some(GroupHandle {
            reference: entry.reference.clone()?,
            after: entry.ready.clone(),
            can_take_over: entry.can_take_over(),
        })
    }

    /// A listener stops using the group by this operation; none when that was withheld.
    pub(super) fn release(&mut self, vgroup: &VServerGroupId, by: Option<OperationId>) {
        let Some(operation) = by else { return };
        self.released.entry(vgroup.clone()).or_default().push(operation);
        if let Some(uses) = self.uses.get_mut(vgroup) {
            *uses = uses.saturating_sub(1);
        }
    }

    /// A listener of ours stays with the group for now.
    pub(super) fn keep(&mut self, vgroup: &VServerGroupId) {
        self.kept.insert(vgroup.clone());
    }

    /// Says of the groups that are made on a user's CLB whose listeners are not ours to manage that the user has to make them the listeners'.
    pub(super) fn say_what_no_listener_uses(&self, draft: &mut Draft, load_balancer: &LoadBalancerId) {
        let made: Vec<&str> = self
            .entries
            .iter()
            .filter_map(|(identity, entry)| match (identity, entry.observed) {
                (VServerGroupIdentity::Own(name), None) => Some(name.as_str()),
                _ => None,
            })
            .collect();
        if !made.is_empty() {
            draft.notice(
                false,
                events::reason::NO_LISTENER_MANAGED,
                format!(
                    "CLB {load_balancer} is used without {}: \"true\", so its listeners are left to you. Let one of them send to vServer \
                     group {}, which is being made",
                    FORCE_OVERRIDE.name(),
                    made.join(", ")
                ),
            );
        }
    }

    /// Plans what comes, changes and goes in all groups that ports need.
    pub(super) fn plan_backends(&mut self, draft: &mut Draft, creation: Option<OperationId>) {
        let mut parts: Vec<Part<'_>> = Vec::new();
        let context = self.context;
        for (identity, entry) in &self.entries {
            match (identity, entry.observed) {
                (VServerGroupIdentity::Reused(id), None) => draft.obstacle(Obstacle {
                    reason: reason::VSERVER_GROUP_MISSING,
                    message: format!(
                        "vServer group {id}, which annotation {} names, is not on the CLB: create it there or name another",
                        context.name_of(&VGROUP_PORT)
                    ),
                    listener: None,
                }),
                (VServerGroupIdentity::Own(_), None) => parts.push(Part {
                    identity,
                    difference: Difference {
                        adds: entry
                            .wanted
                            .backends
                            .iter()
                            .filter(|backend| !backends::is_left_out(context, backend))
                            .cloned()
                            .collect(),
                        ..Difference::default()
                    },
                    observed: None,
                    must_not_be_empty: entry.wanted.must_not_be_empty,
                }),
                (_, Some((id, vgroup))) => parts.push(Part {
                    identity,
                    difference: backends::difference(context, &entry.wanted, vgroup),
                    observed: Some((id, vgroup)),
                    must_not_be_empty: entry.wanted.must_not_be_empty,
                }),
            }
        }
        let planned = rollout::plan(
            draft,
            context,
            self.load_balancer,
            &parts,
            &self.outgoing(),
            creation,
        );
        let identities: Vec<VServerGroupIdentity> = parts.iter().map(|part| part.identity.clone()).collect();
        for (identity, rollout) in identities.iter().zip(planned) {
            if let Some(entry) = self.entries.get_mut(identity) {
                entry.ready = rollout.ready;
                entry.starved_by = rollout.starved_by;
                if let Some(created) = rollout.created {
                    entry.reference = Some(VServerGroupRef::CreatedBy(created));
                }
            }
        }
    }

    /// Says of the listeners that a quota leaves without any backend that they answer nothing: of all of one quota in the same words.
    pub(super) fn say_starved(&self, draft: &mut Draft, listeners: &[DesiredListener]) {
        let mut starved: BTreeMap<&str, Vec<ListenerKey>> = BTreeMap::new();
        for listener in listeners {
            let identity = listener.vgroup.as_ref();
            let entry = identity.and_then(|identity| self.entries.get(identity));
            if let Some(quota) = entry.and_then(|entry| entry.starved_by.as_deref()) {
                starved.entry(quota).or_default().push(listener.key);
            }
        }
        for (quota, keys) in starved {
            let names = keys.iter().map(ListenerKey::to_string).collect();
            let message = format!(
                "{quota} leaves no backend to listener {}: remove a port or another Service from there, or raise the quota and the \
                 planner's setting for it",
                first_few(names, LISTENERS_NAMED, ", ")
            );
            for key in keys {
                draft.obstacle(Obstacle {
                    reason: reason::QUOTA_EXCEEDED,
                    message: message.clone(),
                    listener: Some(key),
                });
            }
        }
    }

    /// Groups on the CLB that no port needs, of whomever they are.
    fn unwanted(&self) -> Vec<(&'a VServerGroupId, &'a VServerGroup)> {
        let wanted: BTreeSet<&VServerGroupId> = self
            .entries
            .values()
            .filter_map(|entry| entry.observed.map(|(id, _)| id))
            .collect();
        self.load_balancer
            .into_iter()
            .flat_map(|clb| &clb.vgroups)
            .filter(|(id, _)| self.complete && !wanted.contains(id))
            .collect()
    }

    /// Those of them that are deleted in the end.
    fn outgoing(&self) -> Vec<Outgoing<'a>> {
        let context = self.context;
        self.unwanted()
            .into_iter()
            .filter(|(_, vgroup)| {
                is_our_vgroup(context, vgroup)
                    && vgroup
                        .backends
                        .iter()
                        .all(|backend| is_our_backend(context, backend))
            })
            .map(|(id, vgroup)| Outgoing { id, vgroup })
            .collect()
    }

    /// Deletes our groups that no port needs any more, after the listeners that used them; takes our backends out of groups that are
    /// not ours to delete.
    pub(super) fn plan_removals(&mut self, draft: &mut Draft) {
        for (id, vgroup) in self.unwanted() {
            if self.kept.contains(id) {
                continue;
            }
            let uses = self.uses.get(id).copied().unwrap_or_default();
            let released = self.released.get(id).cloned().unwrap_or_default();
            remove_group(draft, self.context, (id, vgroup), uses, released);
        }
    }
}

/// Plans that a group goes, or, where it is not ours or holds backends of others, that our backends leave it.
pub(super) fn remove_group(
    draft: &mut Draft,
    context: PlanContext<'_>,
    (id, vgroup): (&VServerGroupId, &VServerGroup),
    uses: usize,
    released: Vec<OperationId>,
) {
    let name = observed_group_name(id, &vgroup.name);
    let holds_others = vgroup
        .backends
        .iter()
        .any(|backend| !is_our_backend(context, backend));
    if is_our_vgroup(context, vgroup) && !holds_others {
        if uses > 0 {
            draft.notice(
                true,
                SKIP_BACKENDS,
                format!(
                    "{name} is needed by no port of the Service any more, but a listener that is not the Service's uses it: \
                     delete that listener, then the group goes"
                ),
            );
            return;
        }
        draft.add(
            Proposal::new(
                Change::DeleteVServerGroup { vgroup: id.clone() },
                format!("no port of the Service needs {name} any more"),
            )
            .based_on(vgroup.version)
            .after(released)
            .taking_away(),
        );
        return;
    }
    let reason = format!(
        "no port of the Service needs its backends in {name} any more; the group stays, it is not the Service's alone"
    );
    take_our_backends_out(draft, context, (id, vgroup), released, reason);
}

/// Plans that our backends leave a group that stays.
pub(super) fn take_our_backends_out(
    draft: &mut Draft,
    context: PlanContext<'_>,
    (id, vgroup): (&VServerGroupId, &VServerGroup),
    released: Vec<OperationId>,
    reason: String,
) {
    let ours: Vec<Backend> = vgroup
        .backends
        .iter()
        .filter(|backend| is_our_backend(context, backend))
        .cloned()
        .collect();
    if ours.is_empty() {
        return;
    }
    draft.add(
        Proposal::new(
            Change::ChangeBackends {
                vgroup: VServerGroupRef::Id(id.clone()),
                change: BackendChange::Remove,
                backends: ours,
            },
            reason,
        )
        .based_on(vgroup.version)
        .after(released)
        .taking_away(),
    );
}

impl<'a> Entry<'a> {
    /// A group that is not to be empty takes over only when the mirror shows a backend in it: the cloud may be able to use none.
    fn can_take_over(&self) -> bool {
        let has_backends = self
            .observed
            .is_some_and(|(_, vgroup)| !vgroup.backends.is_empty());
        has_backends || !self.wanted.must_not_be_empty
    }

    fn find(load_balancer: Option<&'a LoadBalancer>, identity: &VServerGroupIdentity) -> Self {
        let observed = load_balancer.and_then(|clb| observed_group(clb, identity));
        Self {
            wanted: Wanted::default(),
            observed,
            reference: observed.map(|(id, _)| VServerGroupRef::Id(id.clone())),
            ready: Vec::new(),
            starved_by: None,
        }
    }
}

/// The group as it is on the CLB.
pub(crate) fn observed_group<'a>(
    load_balancer: &'a LoadBalancer,
    identity: &VServerGroupIdentity,
) -> Option<(&'a VServerGroupId, &'a VServerGroup)> {
    match identity {
        VServerGroupIdentity::Reused(id) => load_balancer.vgroups.get_key_value(id),
        VServerGroupIdentity::Own(name) => own_group(load_balancer, name),
    }
}

/// The group of that name: where there are several, which a creation with unknown outcome can leave, the one that a listener uses.
fn own_group<'a>(
    load_balancer: &'a LoadBalancer,
    name: &str,
) -> Option<(&'a VServerGroupId, &'a VServerGroup)> {
    let in_use = |id: &VServerGroupId| {
        load_balancer
            .listeners
            .values()
            .any(|listener| listener.vgroup.as_ref() == Some(id))
    };
    load_balancer
        .vgroups
        .iter()
        .filter(|(_, vgroup)| vgroup.name == name)
        .min_by_key(|(id, _)| (!in_use(id), (*id).clone()))
}
