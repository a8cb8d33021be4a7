//! Desired against observed: the operations that make a Service's part of its CLB what the Service asks for.
//! [`crate::step()`] calls [`plan()`] for a Service that is to have a CLB and [`deletion::plan_deletion`] for one that is cleaned up.
//!
//! Pure and deterministic: equal inputs give equal operations in equal order. What does not carry our mark is not touched, except
//! where an annotation names it; operations that take something away are only planned from a fresh snapshot and say how long they
//! are good.

mod backends;
mod comparison;
pub mod deletion;
mod domain_extensions;
mod draft;
mod forwarding;
mod instance;
mod kept_groups;
mod listener_quota;
mod listeners;
mod marked;
mod payment;
mod quotas;
mod reasons;
mod replacement;
mod rollout;
mod room;
mod source_ranges;
mod tags;
mod vgroups;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use clb_model::cloud::{InternetChargeType, ListenerKey, LoadBalancer};
use clb_model::cluster::{Node, Service};
use clb_model::operation::{Operation, OperationId, Priority};
use clb_model::{LoadBalancerId, VServerGroupId, events};

use crate::annotations::Row;
use crate::desired::{Desired, Followed, Source, VServerGroupIdentity};
use crate::problem::Notice;
use crate::settings::ClusterSettings;

pub(crate) use listeners::checks_on;
pub use quotas::Attachments;
pub(crate) use tags::other_tags;
pub(crate) use vgroups::observed_group;

/// How long an operation that takes something away is good after its batch has arrived; what it was planned from may no longer be
/// true later. The planner renews it in time.
pub const GOOD_FOR: Duration = Duration::from_secs(60);

/// The event's reason where backends are not as the Service would have them.
const SKIP_BACKENDS: &str = events::reason::SKIP_SYNC_BACKENDS;

/// What a plan reads besides the desired and the observed state.
#[derive(Debug, Clone, Copy)]
pub struct PlanContext<'a> {
    /// The cluster's settings.
    pub cluster: &'a ClusterSettings,
    /// The Service, for its marks and for the words of the reasons.
    pub service: &'a Service,
    /// All Nodes of the cluster, by name.
    pub nodes: &'a BTreeMap<String, Node>,
    /// In how many groups each instance is, over all CLBs of the cluster.
    pub attachments: &'a Attachments,
    /// Backends that the cloud could not use a short time ago, and is not asked to yet.
    pub left_out: &'a [LeftOutKey],
    /// The Internet charge type that the CLB was told and that it shows only at midnight.
    pub coming_charge_type: Option<InternetChargeType>,
    /// Whether an access control list of the Service's may be left in the cloud though no listener of its CLB uses one.
    pub may_have_access_list: bool,
    /// Whether the snapshot is committed and fresh. Otherwise nothing is taken away.
    pub fresh: bool,
}

impl PlanContext<'_> {
    /// An annotation's name for people: as the Service has it.
    fn name_of(&self, row: &Row) -> String {
        row.name_in(&self.service.annotations)
    }
}

/// Names a backend that is not to be added for now, in whatever group: its server and its port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeftOutKey {
    /// The instance's id or the address.
    pub server: String,
    /// The port.
    pub port: u16,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Each after those that it depends on.
    pub operations: Vec<Operation>,
    /// To be said once each.
    pub notices: Vec<Notice>,
    /// Backends that quotas leave out.
    pub shortages: Vec<Shortage>,
    /// What stands in the way of a part; the rest is planned all the same.
    pub obstacles: Vec<Obstacle>,
    /// What would have been taken away had the snapshot been fresh, in words.
    pub withheld: Vec<String>,
    /// Wanted groups with what is in force in their place: another group, or none where the quota leaves out its listeners.
    pub replaced_groups: BTreeMap<VServerGroupIdentity, Option<VServerGroupIdentity>>,
    /// Whether traffic is lost until the operations are done: backends that are gone are still attached.
    pub urgent: bool,
    /// Whether an instance is in as many groups as it may be. The room that another Service leaves is not seen by this one.
    pub waits_for_room: bool,
}

/// Backends that a quota leaves out of groups. It is another one when the quota or the groups are others, not when the backends are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    /// The quota, and which groups lack backends by it.
    pub message: String,
    /// Which backends.
    pub backends: String,
}

/// Something that a person must change before a part of the Service can work.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Obstacle {
    /// The condition's reason, see [`crate::conditions`].
    pub reason: &'static str,
    /// What is in the way and what to do about it.
    pub message: String,
    /// The listener that cannot be made, where it is about one.
    pub listener: Option<ListenerKey>,
}

/// Plans everything for a Service that is to have a CLB. `observed` is none when the CLB is to be created; `replaces` is then a CLB of
/// the Service that is known to be gone.
#[must_use]
pub fn plan(
    context: PlanContext<'_>,
    desired: &Desired,
    observed: Option<&LoadBalancer>,
    replaces: Option<LoadBalancerId>,
) -> Plan {
    let mut draft = draft::Draft::new(context.fresh).confirming(!desired.gated_pods.is_empty());
    let creation = match observed {
        Some(load_balancer) => {
            instance::plan_changes(&mut draft, context, desired, load_balancer);
            None
        }
        None => Some(instance::plan_creation(&mut draft, desired, replaces)),
    };
    let mut in_force = kept_groups::in_force(
        &mut draft,
        context,
        &desired.vgroups,
        &desired.listeners,
        observed,
    );
    let crowded = listener_quota::crowded(context, &in_force.listeners, observed);
    crowded.leave_out_groups(&mut draft, &mut in_force, observed);
    let mut groups = vgroups::Groups::new(context, &in_force.vgroups, observed);
    groups.plan_backends(&mut draft, creation);
    groups.say_starved(&mut draft, &in_force.listeners);
    if manages_listeners(&desired.source) {
        let Some(admission) = source_ranges::plan(&mut draft, context, desired, observed, creation) else {
            return draft.finish();
        };
        let listeners = admission.applied(in_force.listeners, observed);
        let wanted = listeners::Wanted {
            source: &desired.source,
            listeners: &listeners,
            filled: admission.filled(),
            crowded: &crowded,
        };
        listeners::plan(&mut draft, context, wanted, observed, &mut groups, creation);
        source_ranges::plan_removal(&mut draft, &admission, observed);
    } else if let Some(load_balancer) = observed {
        groups.say_what_no_listener_uses(&mut draft, &load_balancer.id);
    }
    groups.plan_removals(&mut draft);
    draft.finish()
}

/// Plans only the backends of groups that are there already, for a Service whose annotations have mistakes: it keeps working as it
/// was, and its backends are still followed.
#[must_use]
pub fn plan_backends_only(context: PlanContext<'_>, followed: &Followed, observed: &LoadBalancer) -> Plan {
    let mut draft = draft::Draft::new(context.fresh).confirming(!followed.gated_pods.is_empty());
    let in_force = kept_groups::in_force(&mut draft, context, &followed.vgroups, &[], Some(observed));
    let mut groups = vgroups::Groups::existing_only(context, &in_force.vgroups, observed);
    groups.plan_backends(&mut draft, None);
    draft.finish()
}

fn manages_listeners(source: &Source) -> bool {
    match source {
        Source::Own => true,
        Source::Reused {
            override_listeners, ..
        } => *override_listeners,
    }
}

impl Plan {
    /// Whether nothing is to be done and nothing is in the way.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.operations.is_empty() && self.obstacles.is_empty() && self.withheld.is_empty()
    }

    /// The operations of the next batch with their priority. Where backends that are gone are still attached, only the changes of
    /// backends go first, so that they neither wait behind settings nor give settings the reserve kept for them. `held_back` and what
    /// depends on them are left out.
    #[must_use]
    pub fn next_batch(&self, held_back: &BTreeSet<OperationId>) -> Option<(Vec<Operation>, Priority)> {
        let operations = draft::without(&self.operations, held_back);
        if operations.is_empty() {
            return None;
        }
        let of_backends = draft::independent_backend_changes(&operations);
        if self.urgent && !of_backends.is_empty() {
            return Some((of_backends, Priority::Urgent));
        }
        let priority = if of_backends.len() == operations.len() {
            Priority::Backends
        } else {
            Priority::Normal
        };
        Some((operations, priority))
    }
}

/// How a group is called for people.
pub(crate) fn group_name(identity: &VServerGroupIdentity) -> String {
    match identity {
        VServerGroupIdentity::Own(name) => format!("vServer group {name}"),
        VServerGroupIdentity::Reused(id) => format!("vServer group {id}"),
    }
}

/// The same for one that is observed.
fn observed_group_name(id: &VServerGroupId, name: &str) -> String {
    format!("vServer group {name} ({id})")
}
