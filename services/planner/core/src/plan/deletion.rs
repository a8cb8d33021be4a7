//! What goes when a Service goes or is no longer of type LoadBalancer.

use clb_model::VServerGroupId;
use clb_model::cloud::LoadBalancer;
use clb_model::marks::{CLUSTER_TAG, OWNER_TAG};
use clb_model::operation::{Change, LoadBalancerChange, OperationId};

use super::draft::{Draft, Proposal};
use super::forwarding::{self, Action};
use super::vgroups::remove_group;
use super::{Plan, PlanContext, marked, source_ranges};
use crate::find::{Found, Owner};

/// Plans what is left to do; nothing when the Service may go. `preserve` is `preserve-lb-on-delete` having a value.
#[must_use]
pub fn plan_deletion(context: PlanContext<'_>, found: Found<'_>, preserve: bool) -> Plan {
    let mut draft = Draft::new(context.fresh);
    match (found.owner, preserve) {
        (Owner::Service, true) => preserve_instance(&mut draft, found.load_balancer),
        (Owner::Service, false) => {
            let deleted = draft.add(
                Proposal::new(Change::DeleteLoadBalancer, going(context))
                    .based_on(found.load_balancer.version)
                    .taking_away(),
            );
            if has_list(context, found) {
                source_ranges::delete(&mut draft, deleted.into_iter().collect(), going(context));
            }
        }
        // A user's CLB has neither protections nor tags of ours, and everything else is to stay.
        (Owner::User, true) => {}
        (Owner::User, false) => {
            leave_reused(&mut draft, context, found.load_balancer);
            if has_list(context, found) {
                let after = draft.changes_of_listeners();
                source_ranges::delete(&mut draft, after, going(context));
            }
        }
    }
    draft.finish()
}

/// Plans that the access control list goes whose CLB is gone already.
#[must_use]
pub fn plan_list_deletion(context: PlanContext<'_>) -> Plan {
    let mut draft = Draft::new(context.fresh);
    source_ranges::delete(&mut draft, Vec::new(), going(context));
    draft.finish()
}

fn has_list(context: PlanContext<'_>, found: Found<'_>) -> bool {
    context.may_have_access_list || source_ranges::own_list(context, found.load_balancer).is_some()
}

fn going(context: PlanContext<'_>) -> String {
    if context.service.deleting {
        "the Service is deleted".to_owned()
    } else {
        "the Service is no longer of type LoadBalancer".to_owned()
    }
}

/// Both protections off, then our tags: the other way round a crash in between would leave a CLB that is found no more.
fn preserve_instance(draft: &mut Draft, load_balancer: &LoadBalancer) {
    let why = "annotation alibaba-cloud-loadbalancer-preserve-lb-on-delete leaves the CLB to its user";
    let mut protections = Vec::new();
    for (on, change) in [
        (
            load_balancer.delete_protection,
            LoadBalancerChange::DeleteProtection(false),
        ),
        (
            load_balancer.modification_protection,
            LoadBalancerChange::ModificationProtection(false),
        ),
    ] {
        if on {
            protections.extend(
                draft.add(
                    Proposal::new(Change::ChangeLoadBalancer(change), why)
                        .based_on(load_balancer.version)
                        .taking_away(),
                ),
            );
        }
    }
    let ours: Vec<String> = [CLUSTER_TAG, OWNER_TAG]
        .into_iter()
        .filter(|tag| load_balancer.tags.contains_key(*tag))
        .map(str::to_owned)
        .collect();
    if !ours.is_empty() {
        draft.add(
            Proposal::new(
                Change::ChangeLoadBalancer(LoadBalancerChange::RemoveTags(ours)),
                why,
            )
            .based_on(load_balancer.version)
            .after(protections)
            .taking_away(),
        );
    }
}

/// The listeners that carry our mark (there are none unless we override listeners), our groups, and our backends in groups of others.
fn leave_reused(draft: &mut Draft, context: PlanContext<'_>, load_balancer: &LoadBalancer) {
    let actions: Vec<Action<'_>> = load_balancer
        .listeners
        .iter()
        .filter(|(_, listener)| marked::is_our_listener(context, listener))
        .map(|(key, listener)| Action::delete(*key, listener))
        .collect();
    let mut released: Vec<(VServerGroupId, OperationId)> = Vec::new();
    let mut done: Vec<(usize, OperationId)> = Vec::new();
    for (index, before) in forwarding::order(&actions) {
        let Some(Action::Delete { key, listener }) = actions.get(index) else {
            continue;
        };
        let after = done
            .iter()
            .filter(|(other, _)| before.contains(other))
            .map(|(_, operation)| *operation);
        let operation = draft.add(
            Proposal::new(Change::DeleteListener { listener: *key }, going(context))
                .based_on(listener.version)
                .after(after.collect::<Vec<_>>())
                .taking_away(),
        );
        let Some(operation) = operation else { continue };
        done.push((index, operation));
        released.extend(listener.vgroup.clone().map(|vgroup| (vgroup, operation)));
    }
    for (id, vgroup) in &load_balancer.vgroups {
        let after: Vec<OperationId> = released
            .iter()
            .filter(|(of, _)| of == id)
            .map(|(_, operation)| *operation)
            .collect();
        let users = load_balancer
            .listeners
            .values()
            .filter(|listener| listener.vgroup.as_ref() == Some(id))
            .count();
        remove_group(
            draft,
            context,
            (id, vgroup),
            users.saturating_sub(after.len()),
            after,
        );
    }
}
