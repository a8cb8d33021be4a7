//! The access control list that holds `spec.loadBalancerSourceRanges`: filled before a listener uses it (an empty one would let everyone
//! in), additions before removals, gone once no listener of the Service uses it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use clb_model::attribute::{AttributeValue, ListenerAttribute, ListenerAttributes};
use clb_model::cloud::{AccessList, IpVersion, Listener, ListenerKey, LoadBalancer};
use clb_model::events::reason::SKIP_SYNC_BACKENDS;
use clb_model::marks;
use clb_model::operation::{Change, OperationId};
use ipnet::IpNet;

use super::draft::{Draft, Proposal};
use super::{Obstacle, PlanContext};
use crate::conditions::reason;
use crate::desired::{Desired, DesiredListener};

/// Who may connect to the listeners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Admission {
    /// Whoever annotations and people let in.
    AsItIs,
    /// Those in the list, once it is filled.
    Listed {
        /// Its id, or its name while it is not there.
        list: String,
        /// What a listener that is to use it waits for.
        filled: Option<OperationId>,
    },
    /// Everyone again: the list goes.
    Everyone {
        /// Its id where it is known.
        list: Option<String>,
    },
}

/// The Service's own list on its CLB.
pub(super) fn own_list<'a>(
    context: PlanContext<'_>,
    load_balancer: &'a LoadBalancer,
) -> Option<(&'a String, &'a AccessList)> {
    let name = marks::access_list_name(&context.service.uid);
    let in_use = |id: &String| {
        let mut listeners = load_balancer.listeners.values();
        listeners.any(|listener| listener.attributes.text(ListenerAttribute::AclId) == Some(id))
    };
    load_balancer
        .access_lists
        .iter()
        .filter(|(_, list)| list.name == name)
        .min_by_key(|(id, _)| (!in_use(id), *id))
}

/// Plans the list's entries. `creation` is the operation that creates the CLB. None where no range can be in a list of the CLB: then no
/// listener may be planned, because nothing would guard it.
pub(super) fn plan(
    draft: &mut Draft,
    context: PlanContext<'_>,
    desired: &Desired,
    observed: Option<&LoadBalancer>,
    creation: Option<OperationId>,
) -> Option<Admission> {
    let present = observed.and_then(|clb| own_list(context, clb));
    if desired.source_ranges.is_empty() {
        // Where they are there but not honoured, nothing is opened.
        let lifted = context.service.source_ranges.is_empty();
        let list = present.map(|(id, _)| id.clone());
        let goes = lifted && (list.is_some() || context.may_have_access_list);
        return Some(if goes {
            Admission::Everyone { list }
        } else {
            Admission::AsItIs
        });
    }
    let ip_version = observed.map_or(desired.creation.ip_version, |clb| clb.ip_version);
    let wanted: BTreeSet<IpNet> = desired
        .source_ranges
        .iter()
        .filter(|range| is_of(**range, ip_version))
        .copied()
        .collect();
    if wanted.is_empty() {
        draft.obstacle(Obstacle {
            reason: reason::REUSE_REFUSED,
            message: format!(
                "spec.loadBalancerSourceRanges has no range of the CLB's family, {ip_version}: name at least one, or nobody is kept out"
            ),
            listener: None,
        });
        return None;
    }
    let filled = fill(draft, context, ip_version, &wanted, present, creation);
    Some(Admission::Listed {
        list: present.map_or_else(
            || marks::access_list_name(&context.service.uid),
            |(id, _)| id.clone(),
        ),
        filled,
    })
}

fn is_of(range: IpNet, ip_version: IpVersion) -> bool {
    match ip_version {
        IpVersion::V4 => matches!(range, IpNet::V4(_)),
        IpVersion::V6 => matches!(range, IpNet::V6(_)),
    }
}

/// Plans additions and removals; returns the last addition. Where the list has no room for all that comes, some of what goes does so
/// first, but never all: an empty list lets everyone in.
fn fill(
    draft: &mut Draft,
    context: PlanContext<'_>,
    ip_version: IpVersion,
    wanted: &BTreeSet<IpNet>,
    present: Option<(&String, &AccessList)>,
    creation: Option<OperationId>,
) -> Option<OperationId> {
    let none = BTreeSet::new();
    let entries = present.map_or(&none, |(_, list)| &list.entries);
    let mut missing: Vec<IpNet> = wanted.difference(entries).copied().collect();
    let mut surplus: Vec<IpNet> = entries.difference(wanted).copied().collect();
    if missing.is_empty() && surplus.is_empty() && present.is_some() {
        return None;
    }
    let quota = context.cluster.quotas.entries_per_access_list;
    let room = quota.saturating_sub(entries.len());
    let first_out = missing
        .len()
        .saturating_sub(room)
        .min(entries.len().saturating_sub(1))
        .min(surplus.len());
    let made_room = trim(draft, present, surplus.drain(..first_out).collect(), None);
    let freed = if made_room.is_some() { first_out } else { 0 };
    let late = missing.split_off(missing.len().min(room + freed));
    let mut filled = None;
    let mut add = |draft: &mut Draft, entries: Vec<IpNet>, after: Vec<OperationId>| {
        let reason = format!("spec.loadBalancerSourceRanges lets in {}", joined(&entries));
        filled = Some(draft.add_harmless(
            Proposal::new(Change::FillAccessList { ip_version, entries }, reason).after(after),
        ));
        filled
    };
    let mut last = None;
    if !missing.is_empty() || present.is_none() {
        last = add(draft, missing, creation.into_iter().chain(made_room).collect());
    }
    let trimmed = trim(draft, present, surplus, last);
    if !late.is_empty() && trimmed.is_some() {
        add(draft, late, trimmed.into_iter().collect());
    }
    filled
}

fn trim(
    draft: &mut Draft,
    present: Option<(&String, &AccessList)>,
    entries: Vec<IpNet>,
    after: Option<OperationId>,
) -> Option<OperationId> {
    let (id, list) = present.filter(|_| !entries.is_empty())?;
    let reason = format!(
        "spec.loadBalancerSourceRanges no longer lets in {}",
        joined(&entries)
    );
    let change = Change::TrimAccessList {
        access_list: id.clone(),
        entries,
    };
    draft.add(
        Proposal::new(change, reason)
            .based_on(list.version)
            .after(after)
            .taking_away(),
    )
}

/// At most a few, for people.
fn joined(entries: &[IpNet]) -> String {
    const NAMED: usize = 5;
    let mut words: Vec<String> = entries.iter().take(NAMED).map(ToString::to_string).collect();
    if entries.len() > NAMED {
        words.push(format!("{} more", entries.len() - NAMED));
    }
    words.join(", ")
}

/// Plans that the list goes, after everything that this plan does to listeners; not while one that must wait still uses it.
pub(super) fn plan_removal(draft: &mut Draft, admission: &Admission, observed: Option<&LoadBalancer>) {
    let Admission::Everyone { list } = admission else {
        return;
    };
    if observed.is_none_or(|clb| staying_users(draft, clb, list.as_ref()).is_empty()) {
        let after = draft.changes_of_listeners();
        delete(draft, after, "spec.loadBalancerSourceRanges is empty");
    }
}

/// The listeners that use the list and that no operation so far takes it from.
fn staying_users(draft: &Draft, load_balancer: &LoadBalancer, list: Option<&String>) -> Vec<ListenerKey> {
    let uses = |listener: &Listener| {
        list.is_some()
            && listener.attributes.text(ListenerAttribute::AclId) == list.map(String::as_str)
            && listener.attributes.get(ListenerAttribute::AclStatus) != Some(&AttributeValue::On(false))
    };
    load_balancer
        .listeners
        .iter()
        .filter(|(key, listener)| uses(listener) && !draft.lets_go_of_list(**key))
        .map(|(key, _)| *key)
        .collect()
}

/// Plans that the list goes with the Service, after everything that this plan does to the listeners of the user's CLB; says so where a
/// listener that stays uses it.
pub(super) fn leave(
    draft: &mut Draft,
    context: PlanContext<'_>,
    load_balancer: &LoadBalancer,
    reason: impl Into<String>,
) {
    let list = own_list(context, load_balancer).map(|(id, _)| id);
    let staying = staying_users(draft, load_balancer, list);
    if let (Some(id), false) = (list, staying.is_empty()) {
        let staying: Vec<String> = staying.iter().map(ToString::to_string).collect();
        draft.notice(
            true,
            SKIP_SYNC_BACKENDS,
            format!(
                "access control list {id} stays, because a listener of CLB {} that the Service does not manage uses it ({}): delete it \
                 when nobody needs it",
                load_balancer.id,
                staying.join(", ")
            ),
        );
        return;
    }
    let after = draft.changes_of_listeners();
    delete(draft, after, reason);
}

/// Plans that the list goes after these operations.
pub(super) fn delete(draft: &mut Draft, after: Vec<OperationId>, reason: impl Into<String>) {
    draft.add(
        Proposal::new(Change::DeleteAccessList, reason)
            .after(after)
            .taking_away(),
    );
}

impl Admission {
    /// What a listener that is to use the list waits for.
    pub(super) fn filled(&self) -> Option<OperationId> {
        match self {
            Self::Listed { filled, .. } => *filled,
            Self::AsItIs | Self::Everyone { .. } => None,
        }
    }

    /// The listeners with what the list means for them.
    pub(super) fn applied<'d>(
        &self,
        listeners: Cow<'d, [DesiredListener]>,
        observed: Option<&LoadBalancer>,
    ) -> Cow<'d, [DesiredListener]> {
        let mut listeners = listeners;
        match self {
            Self::AsItIs | Self::Everyone { list: None } => {}
            Self::Listed { list, .. } => {
                for listener in listeners.to_mut() {
                    // One that redirects has no list.
                    if listener.vgroup.is_some() {
                        restrict(&mut listener.named, list);
                        restrict(&mut listener.creation, list);
                    }
                }
            }
            Self::Everyone { list: Some(list) } => {
                let uses_it = |listener: &DesiredListener| {
                    observed
                        .and_then(|clb| clb.listeners.get(&listener.key))
                        .and_then(|there| there.attributes.text(ListenerAttribute::AclId))
                        == Some(list)
                };
                for index in 0..listeners.len() {
                    // An annotation that names another list takes its place in one step: in between nobody else gets in.
                    let is_replaced = |listener: &DesiredListener| {
                        listener.named.get(ListenerAttribute::AclStatus) == Some(&AttributeValue::On(true))
                    };
                    if listeners
                        .get(index)
                        .is_some_and(|listener| uses_it(listener) && !is_replaced(listener))
                        && let Some(listener) = listeners.to_mut().get_mut(index)
                    {
                        listener.named.set(ListenerAttribute::AclStatus, false);
                    }
                }
            }
        }
        listeners
    }
}

fn restrict(attributes: &mut ListenerAttributes, list: &str) {
    attributes.set(ListenerAttribute::AclStatus, true);
    attributes.set(ListenerAttribute::AclType, "white");
    attributes.set(ListenerAttribute::AclId, list);
}
