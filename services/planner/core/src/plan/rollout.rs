//! In which order the backends of all groups come and go: add before remove; where a quota leaves no room, remove first, then add the
//! rest, half of what serves at a time. A group that has ready endpoints is never without a backend in between: where nothing of what
//! is there stays, what goes waits until the mirror shows what has come, because the cloud may be able to use none of it.

use clb_model::cloud::{Backend, LoadBalancer};
use clb_model::operation::{BackendChange, Change, OperationId, VServerGroupRef};

use super::backends::Part;
use super::draft::{Draft, Proposal};
use super::quotas::{Allotment, Leaving};
use super::reasons::{BackendWords, list};
use super::room::{Outgoing, make_room, share_out};
use super::{PlanContext, SKIP_BACKENDS, group_name};
use crate::desired::VServerGroupIdentity;

/// What was planned for one group.
#[derive(Debug, Default)]
pub(super) struct Rollout {
    /// The operation that creates it.
    pub(super) created: Option<OperationId>,
    /// What a listener that is to use it waits for.
    pub(super) ready: Vec<OperationId>,
    /// Backends come before anything goes.
    adds_first: bool,
    /// These stay for now: they serve until others have come.
    keeps: Vec<Backend>,
    /// The quota that leaves the group without any backend.
    pub(super) starved_by: Option<String>,
}

/// Plans all groups; the result is in the order of `parts`.
pub(super) fn plan(
    draft: &mut Draft,
    context: PlanContext<'_>,
    load_balancer: Option<&LoadBalancer>,
    parts: &[Part<'_>],
    outgoing: &[Outgoing<'_>],
    creation: Option<OperationId>,
) -> Vec<Rollout> {
    if parts.iter().all(Part::is_settled) {
        return parts.iter().map(|_| Rollout::default()).collect();
    }
    let words = BackendWords::new(context);
    let adds = share_out(draft, context, &words, load_balancer, parts, outgoing);
    let mut rollouts: Vec<Rollout> = Vec::new();
    for (part, adds) in parts.iter().zip(&adds) {
        part.say_what_stays(draft, &words);
        let mut rollout = part.plan_additions(draft, &words, &adds.now, creation);
        if part.must_not_be_empty && part.is_empty() && adds.now.is_empty() && adds.after_removals.is_empty()
        {
            rollout.starved_by = adds.limited_by.clone();
        }
        rollouts.push(rollout);
    }
    let mut removals = Vec::new();
    let mut freed = Leaving::default();
    for ((part, rollout), of_part) in parts.iter().zip(&mut rollouts).zip(&adds) {
        part.plan_drains(draft, &words, rollout);
        let waits = !of_part.after_removals.is_empty();
        if let Some((operation, leaving)) = part.plan_removal(draft, &words, rollout, waits) {
            removals.push(operation);
            freed.add(&leaving);
        }
    }
    // A group that has backends can take over: the room comes when the outgoing ones are deleted.
    let waiting: Vec<(Allotment, &Backend)> = parts
        .iter()
        .zip(&adds)
        .filter(|(part, _)| part.is_empty())
        .flat_map(|(_, adds)| &adds.after_removals)
        .map(|(allotment, backend)| (*allotment, backend))
        .collect();
    make_room(draft, outgoing, &waiting, &mut freed, &mut removals);
    for ((part, rollout), adds) in parts.iter().zip(&mut rollouts).zip(&adds) {
        let fitting: Vec<Backend> = adds
            .after_removals
            .iter()
            .filter(|(allotment, backend)| freed.take(*allotment, backend))
            .map(|(_, backend)| backend.clone())
            .collect();
        part.plan_late_additions(draft, &words, rollout, fitting, &removals);
    }
    rollouts
}

impl Part<'_> {
    fn is_empty(&self) -> bool {
        self.observed.is_none_or(|(_, vgroup)| vgroup.backends.is_empty())
    }

    fn is_settled(&self) -> bool {
        let difference = &self.difference;
        self.observed.is_some()
            && difference.adds.is_empty()
            && difference.sets.is_empty()
            && difference.drains.is_empty()
            && difference.removes.is_empty()
            && difference.of_others.is_empty()
            && difference.held_back.is_empty()
    }

    fn say_what_stays(&self, draft: &mut Draft, words: &BackendWords<'_>) {
        let name = group_name(self.identity);
        if !self.difference.of_others.is_empty() {
            let names = list(
                self.difference
                    .of_others
                    .iter()
                    .map(|backend| words.name(backend)),
            );
            draft.notice(
                true,
                SKIP_BACKENDS,
                format!("{names} in {name} was put there by somebody else and is left as it is"),
            );
        }
        if !self.difference.held_back.is_empty() {
            draft.notice(
                true,
                SKIP_BACKENDS,
                format!(
                    "no backend of {name} is eligible though endpoints of the Service are ready: the {} that are there stay, so \
                     that it does not become empty",
                    self.difference.held_back.len()
                ),
            );
        }
    }

    fn change(
        &self,
        change: BackendChange,
        backends: Vec<Backend>,
        reason: String,
        rollout: Option<&Rollout>,
    ) -> Option<Proposal> {
        let (vgroup, version) = match (self.observed, rollout.and_then(|rollout| rollout.created)) {
            (Some((id, vgroup)), _) => (VServerGroupRef::Id(id.clone()), Some(vgroup.version)),
            (None, Some(created)) => (VServerGroupRef::CreatedBy(created), None),
            (None, None) => return None,
        };
        let proposal = Proposal::new(
            Change::ChangeBackends {
                vgroup,
                change,
                backends,
            },
            reason,
        );
        Some(match version {
            Some(version) => proposal.based_on(version),
            None => proposal,
        })
    }

    fn plan_additions(
        &self,
        draft: &mut Draft,
        words: &BackendWords<'_>,
        now: &[Backend],
        creation: Option<OperationId>,
    ) -> Rollout {
        let mut rollout = Rollout::default();
        if self.observed.is_none() {
            let VServerGroupIdentity::Own(name) = self.identity else {
                return rollout;
            };
            let mut reason = "a port of the Service needs this group".to_owned();
            if !now.is_empty() {
                reason = format!("{reason}; {}", words.coming(now));
            }
            let created = draft.add_harmless(
                Proposal::new(
                    Change::CreateVServerGroup {
                        name: name.clone(),
                        backends: now.to_vec(),
                    },
                    reason,
                )
                .after(creation),
            );
            rollout.created = Some(created);
            rollout.ready.push(created);
            return rollout;
        }
        if !now.is_empty()
            && let Some(proposal) = self.change(BackendChange::Add, now.to_vec(), words.coming(now), None)
        {
            draft.add_harmless(proposal);
            rollout.adds_first = true;
        }
        let sets = &self.difference.sets;
        if !sets.is_empty() {
            let backends = sets.iter().map(|(backend, _)| backend.clone()).collect();
            if let Some(proposal) = self.change(BackendChange::Set, backends, words.weighing(sets), None) {
                draft.add_harmless(proposal);
            }
        }
        rollout
    }

    /// Weight 0 takes the traffic away; where nothing else is in the group it waits for what comes.
    fn plan_drains(&self, draft: &mut Draft, words: &BackendWords<'_>, rollout: &Rollout) {
        let drains = &self.difference.drains;
        let nothing_serves = self.difference.serving == 0;
        if drains.is_empty() || (nothing_serves && rollout.adds_first && self.must_not_be_empty) {
            return;
        }
        let backends: Vec<Backend> = drains.iter().map(|(backend, _)| backend.clone()).collect();
        if let Some(proposal) = self.change(BackendChange::Set, backends, words.weighing(drains), None) {
            draft.add(proposal.taking_away());
        }
    }

    /// The removal, with what it removes. `waits` says that backends can come only once others have gone.
    fn plan_removal(
        &self,
        draft: &mut Draft,
        words: &BackendWords<'_>,
        rollout: &mut Rollout,
        waits: bool,
    ) -> Option<(OperationId, Vec<Backend>)> {
        let mut removes = self.difference.removes.clone();
        if removes.iter().any(|backend| words.is_gone(backend)) {
            draft.mark_urgent();
        }
        let staying = self.difference.staying;
        if self.must_not_be_empty {
            if staying == 0 && rollout.adds_first {
                return None;
            }
            // What is gone serves nobody. Of the others half stay while something waits for their room, and one where nothing else is there.
            removes.sort_by_key(|backend| !words.is_gone(backend));
            let serving = removes.iter().filter(|backend| !words.is_gone(backend)).count();
            let half = (staying + serving).div_ceil(2).saturating_sub(staying);
            let least = usize::from(staying == 0).max(if waits { half } else { 0 });
            rollout.keeps = removes.split_off(removes.len().saturating_sub(least));
        }
        if removes.is_empty() {
            return None;
        }
        let leaving = removes.clone();
        let reason = words.going(&removes);
        let proposal = self.change(BackendChange::Remove, removes, reason, None)?;
        // It does not depend on what comes: a quota that refuses an addition must not stop removals.
        let operation = draft.add(proposal.taking_away())?;
        Some((operation, leaving))
    }

    fn plan_late_additions(
        &self,
        draft: &mut Draft,
        words: &BackendWords<'_>,
        rollout: &mut Rollout,
        fitting: Vec<Backend>,
        removals: &[OperationId],
    ) {
        if fitting.is_empty() {
            if !rollout.keeps.is_empty() {
                draft.notice(
                    true,
                    SKIP_BACKENDS,
                    format!(
                        "{} stays in {} although it is no longer wanted: the quota of backends leaves no room for another, and \
                         the group must not become empty",
                        list(rollout.keeps.iter().map(|kept| words.name(kept))),
                        group_name(self.identity)
                    ),
                );
            }
            return;
        }
        let reason = format!(
            "{}; there was no room before the removals",
            words.coming(&fitting)
        );
        if let Some(proposal) = self.change(BackendChange::Add, fitting, reason, Some(rollout)) {
            let after = removals.iter().copied().chain(rollout.created);
            let added = draft.add_harmless(proposal.after(after));
            rollout.ready.push(added);
        }
    }
}
