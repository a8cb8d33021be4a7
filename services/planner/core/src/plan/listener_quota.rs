//! Which new listeners a CLB has no room for. The others and their groups are made.

use std::borrow::Cow;
use std::collections::BTreeSet;

use clb_model::cloud::{Listener, ListenerKey, LoadBalancer};

use super::PlanContext;
use super::draft::Draft;
use super::kept_groups::InForce;
use super::marked::is_our_listener;
use crate::desired::{DesiredListener, DesiredVServerGroup, VServerGroupIdentity};

/// The wanted listeners that cannot be made now.
#[derive(Debug, Default)]
pub(super) struct Crowded {
    /// Others make room for them, so they come in the next plan.
    pub(super) later: BTreeSet<ListenerKey>,
    /// The quota leaves them out.
    pub(super) left_out: BTreeSet<ListenerKey>,
}

/// The listener that is in a wanted one's place: of the same key, or of another protocol on the same port.
pub(super) fn on_same_port(
    load_balancer: &LoadBalancer,
    wanted: ListenerKey,
) -> Option<(ListenerKey, &Listener)> {
    let listeners = &load_balancer.listeners;
    if let Some(listener) = listeners.get(&wanted) {
        return Some((wanted, listener));
    }
    listeners
        .iter()
        .find(|(key, _)| key.port == wanted.port && key.protocol.transport() == wanted.protocol.transport())
        .map(|(key, listener)| (*key, listener))
}

/// The last of the new listeners where the CLB has no room for all.
pub(super) fn crowded(
    context: PlanContext<'_>,
    wanted: &[DesiredListener],
    observed: Option<&LoadBalancer>,
) -> Crowded {
    let quota = context.cluster.quotas.listeners_per_load_balancer;
    let present = observed.map_or(0, |clb| clb.listeners.len());
    let in_place = |wanted: &DesiredListener| {
        let (key, _) = on_same_port(observed?, wanted.key)?;
        Some(key)
    };
    let taken: BTreeSet<ListenerKey> = wanted.iter().filter_map(in_place).collect();
    let going = observed
        .iter()
        .flat_map(|clb| &clb.listeners)
        .filter(|(key, listener)| !taken.contains(*key) && is_our_listener(context, listener));
    let going = if context.fresh { going.count() } else { 0 };
    let mut room = quota.saturating_sub(present);
    let mut room_to_come = quota
        .saturating_sub(present.saturating_sub(going))
        .saturating_sub(room);
    let mut crowded = Crowded::default();
    for new in wanted.iter().filter(|wanted| in_place(wanted).is_none()) {
        if room > 0 {
            room -= 1;
        } else if room_to_come > 0 {
            room_to_come -= 1;
            crowded.later.insert(new.key);
        } else {
            crowded.left_out.insert(new.key);
        }
    }
    crowded
}

impl Crowded {
    /// Takes out groups that would be made for no other listener than those that are left out.
    pub(super) fn leave_out_groups(
        &self,
        draft: &mut Draft,
        in_force: &mut InForce<'_>,
        observed: Option<&LoadBalancer>,
    ) {
        if self.left_out.is_empty() {
            return;
        }
        let serves = |identity: &VServerGroupIdentity, left_out: bool| {
            let mut listeners = in_force.listeners.iter();
            listeners.any(|listener| {
                listener.vgroup.as_ref() == Some(identity)
                    && self.left_out.contains(&listener.key) == left_out
            })
        };
        let is_needless = |identity: &VServerGroupIdentity| {
            serves(identity, true)
                && !serves(identity, false)
                && observed.is_none_or(|clb| super::observed_group(clb, identity).is_none())
        };
        let groups = in_force.vgroups.iter().cloned();
        let (needless, kept): (Vec<DesiredVServerGroup>, Vec<_>) =
            groups.partition(|group| is_needless(&group.identity));
        for group in &needless {
            draft.replace_group(&group.identity, None);
        }
        if !needless.is_empty() {
            in_force.vgroups = Cow::Owned(kept);
        }
    }
}
