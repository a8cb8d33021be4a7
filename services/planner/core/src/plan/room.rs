//! The room that quotas leave on a CLB, and that groups on their way out make: which backends come now, which after others have gone, and
//! which are left out.

use std::collections::BTreeSet;

use clb_model::VServerGroupId;
use clb_model::cloud::{Backend, LoadBalancer, VServerGroup};
use clb_model::operation::{BackendChange, Change, OperationId, VServerGroupRef};

use super::backends::Part;
use super::draft::{Draft, Proposal};
use super::quotas::{self, Allotment, Leaving, Room};
use super::reasons::{BackendWords, list};
use super::{PlanContext, Shortage, group_name};
use crate::problem::first_few;

/// How many groups an event names before it only counts.
const GROUPS_NAMED: usize = 5;

/// A group of ours that goes once no listener uses it. Until then its backends take room that those of its successor may need.
pub(super) struct Outgoing<'a> {
    pub(super) id: &'a VServerGroupId,
    pub(super) vgroup: &'a VServerGroup,
}

impl Outgoing<'_> {
    /// Half of the backends at most: the others serve until a listener sends to the successor, and go with the group.
    fn spare(&self) -> &[Backend] {
        let backends = &self.vgroup.backends;
        backends.get(backends.len().div_ceil(2)..).unwrap_or_default()
    }
}

/// Takes backends out of groups that are on their way out, as far as those that wait need the room.
pub(super) fn make_room(
    draft: &mut Draft,
    outgoing: &[Outgoing<'_>],
    waiting: &[(Allotment, &Backend)],
    freed: &mut Leaving,
    removals: &mut Vec<OperationId>,
) {
    let mut left = freed.clone();
    let mut unmet: Vec<(Allotment, &Backend)> = waiting.to_vec();
    unmet.retain(|(allotment, backend)| !left.take(*allotment, backend));
    for group in outgoing {
        let mut backends = Vec::new();
        for spare in group.spare() {
            let same_instance = |(allotment, backend): &(Allotment, &Backend)| {
                *allotment == Allotment::AfterLeaving && backend.target == spare.target
            };
            let any = |(allotment, _): &(Allotment, &Backend)| *allotment == Allotment::AfterRemovals;
            let met = unmet
                .iter()
                .position(same_instance)
                .or_else(|| unmet.iter().position(any));
            if let Some(met) = met {
                unmet.remove(met);
                backends.push(spare.clone());
            }
        }
        if backends.is_empty() {
            continue;
        }
        let leaving = backends.clone();
        let operation = draft.add(
            Proposal::new(
                Change::ChangeBackends {
                    vgroup: VServerGroupRef::Id(group.id.clone()),
                    change: BackendChange::Remove,
                    backends,
                },
                "the group is replaced by another, whose backends a quota leaves no room for beside these",
            )
            .based_on(group.vgroup.version)
            .taking_away(),
        );
        if let Some(operation) = operation {
            removals.push(operation);
            freed.add(&leaving);
        }
    }
}

/// The backends of one group that are to be added, by when there is room.
#[derive(Debug, Default)]
pub(super) struct Adds {
    pub(super) now: Vec<Backend>,
    pub(super) after_removals: Vec<(Allotment, Backend)>,
    /// The quota that leaves some out.
    pub(super) limited_by: Option<String>,
}

pub(super) fn share_out(
    draft: &mut Draft,
    context: PlanContext<'_>,
    words: &BackendWords<'_>,
    load_balancer: Option<&LoadBalancer>,
    parts: &[Part<'_>],
    outgoing: &[Outgoing<'_>],
) -> Vec<Adds> {
    let attached = load_balancer
        .iter()
        .flat_map(|clb| clb.vgroups.values())
        .map(|vgroup| vgroup.backends.len())
        .sum();
    let mut removed = Leaving::default();
    if context.fresh {
        removed.add(parts.iter().flat_map(|part| &part.difference.removes));
        removed.add(outgoing.iter().flat_map(|group| group.spare()));
    }
    let candidates: Vec<(usize, &Backend)> = parts
        .iter()
        .enumerate()
        .flat_map(|(index, part)| part.difference.adds.iter().map(move |backend| (index, backend)))
        .collect();
    let room = Room {
        attached,
        staying: staying(context, parts),
        removed,
    };
    let allotments = quotas::allot(context, &candidates, &room);
    let mut adds: Vec<Adds> = parts.iter().map(|_| Adds::default()).collect();
    let mut left_out: Vec<(usize, Allotment, &Backend)> = Vec::new();
    for ((index, backend), allotment) in candidates.into_iter().zip(allotments) {
        let Some(of_part) = adds.get_mut(index) else {
            continue;
        };
        match allotment {
            Allotment::Now => of_part.now.push(backend.clone()),
            Allotment::AfterRemovals | Allotment::AfterLeaving => {
                of_part.after_removals.push((allotment, backend.clone()))
            }
            Allotment::LoadBalancerFull | Allotment::InstanceFull => {
                left_out.push((index, allotment, backend))
            }
        }
    }
    if left_out.iter().any(|(_, why, _)| *why == Allotment::InstanceFull) {
        draft.mark_waiting_for_room();
    }
    let quotas = &context.cluster.quotas;
    for (kind, quota) in [
        (
            Allotment::LoadBalancerFull,
            format!(
                "the quota of {} backends per CLB",
                quotas.backends_per_load_balancer
            ),
        ),
        (
            Allotment::InstanceFull,
            format!(
                "the quota of {} vServer groups per instance",
                quotas.attachments_per_instance
            ),
        ),
    ] {
        let of_kind: Vec<(usize, &Backend)> = left_out
            .iter()
            .filter(|(_, why, _)| *why == kind)
            .map(|(index, _, backend)| (*index, *backend))
            .collect();
        for (index, _) in &of_kind {
            if let Some(of_part) = adds.get_mut(*index) {
                of_part.limited_by = Some(quota.clone());
            }
        }
        if !of_kind.is_empty() {
            draft.shortage(shortage(&quota, parts, words, &of_kind));
        }
    }
    adds
}

/// What there is to say of backends that a quota leaves out, given with the numbers of their groups.
fn shortage(
    quota: &str,
    parts: &[Part<'_>],
    words: &BackendWords<'_>,
    left_out: &[(usize, &Backend)],
) -> Shortage {
    let concerned: BTreeSet<usize> = left_out.iter().map(|(index, _)| *index).collect();
    let groups = concerned.iter().filter_map(|index| parts.get(*index));
    let groups = groups.map(|part| group_name(part.identity)).collect();
    let mut names: Vec<String> = Vec::new();
    for (_, backend) in left_out {
        let name = words.name(backend);
        // The same node may be left out of several groups.
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Shortage {
        message: format!(
            "{quota} leaves backends out of {}",
            first_few(groups, GROUPS_NAMED, ", ")
        ),
        backends: format!("{} backends: {}", left_out.len(), list(names.into_iter())),
    }
}

/// The backends that stay in the groups, with the groups' numbers.
fn staying<'p>(context: PlanContext<'_>, parts: &'p [Part<'_>]) -> Vec<(usize, &'p Backend)> {
    let mut staying = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let there = part.observed.iter().flat_map(|(_, vgroup)| &vgroup.backends);
        let stays = there.filter(|backend| !(context.fresh && part.difference.removes.contains(backend)));
        staying.extend(stays.map(|backend| (index, backend)));
    }
    staying
}
