//! What goes when a Service goes or is no longer of type LoadBalancer.

use std::collections::BTreeMap;

use clb_model::cloud::{ListenerKey, LoadBalancer};
use clb_model::cluster::{Service, ServiceType};
use clb_model::events::reason::SKIP_SYNC_BACKENDS;
use clb_model::marks::{CLUSTER_TAG, OWNER_TAG};
use clb_model::operation::{Change, LoadBalancerChange, OperationId};

use super::draft::{Draft, Proposal};
use super::forwarding::{self, Action};
use super::vgroups::{remove_group, take_our_backends_out};
use super::{Plan, PlanContext, marked, source_ranges};
use crate::annotations::instance::{FORCE_OVERRIDE, LOAD_BALANCER_ID, PRESERVE};
use crate::find::{Found, Owner, annotated_id, annotation};

/// With the value `true` the listeners of the Service's ports are the Service's.
const FORCE_OVERRIDE_SUFFIX: &str = FORCE_OVERRIDE.suffix;

/// Plans what is left to do; nothing when the Service may go. `preserve` is `preserve-lb-on-delete` having a value.
#[must_use]
pub fn plan_deletion(context: PlanContext<'_>, found: Found<'_>, preserve: bool) -> Plan {
    let mut draft = Draft::new(context.fresh);
    match (found.owner, preserve) {
        (Owner::Service, true) => preserve_instance(&mut draft, context, found.load_balancer),
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
            let overrides = overrides_listeners(context.service);
            leave_reused(&mut draft, context, found.load_balancer, overrides);
            if has_list(context, found) {
                source_ranges::leave(&mut draft, context, found.load_balancer, going(context));
            }
        }
    }
    draft.finish()
}

/// Plans that a Service which never got as far as an address leaves a user's CLB for another or its own.
#[must_use]
pub(crate) fn plan_leaving(context: PlanContext<'_>, load_balancer: &LoadBalancer) -> Plan {
    let mut draft = Draft::new(context.fresh);
    leave_reused(&mut draft, context, load_balancer, true);
    draft.finish()
}

/// Plans that the access control list goes whose CLB is gone already.
#[must_use]
pub fn plan_list_deletion(context: PlanContext<'_>) -> Plan {
    let mut draft = Draft::new(context.fresh);
    source_ranges::delete(&mut draft, Vec::new(), going(context));
    draft.finish()
}

/// Plans the last look for a CLB: an earlier batch may have made one that is not shown yet, or be about to. This one takes its place.
/// `was_being_made` is for an actuator that knows of no earlier batch.
#[must_use]
pub fn plan_last_look(context: PlanContext<'_>, was_being_made: bool) -> Plan {
    let mut draft = Draft::new(context.fresh);
    let look = Change::FindLoadBalancer { was_being_made };
    draft.add(Proposal::new(look, going(context)));
    draft.finish()
}

fn has_list(context: PlanContext<'_>, found: Found<'_>) -> bool {
    context.may_have_access_list || source_ranges::own_list(context, found.load_balancer).is_some()
}

fn going(context: PlanContext<'_>) -> String {
    let service = context.service;
    if service.deleting {
        "the Service is deleted".to_owned()
    } else if service.service_type == ServiceType::LoadBalancer {
        let another = if annotated_id(service).is_some() {
            "names another CLB"
        } else {
            "names it no more"
        };
        format!("annotation {} {another}", context.name_of(&LOAD_BALANCER_ID))
    } else {
        "the Service is no longer of type LoadBalancer".to_owned()
    }
}

/// Both protections off, then our tags: the other way round a crash in between would leave a CLB that is found no more.
fn preserve_instance(draft: &mut Draft, context: PlanContext<'_>, load_balancer: &LoadBalancer) {
    let why = format!(
        "annotation {} leaves the CLB to its user",
        context.name_of(&PRESERVE)
    );
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
                    Proposal::new(Change::ChangeLoadBalancer(change), why.as_str())
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

/// Whether the Service's listeners on a user's CLB are its own. Without the annotation that names the CLB nothing can be overridden any
/// more, and what was stays the Service's. With a value that is a mistake what was in force before stays in force: the marks tell.
fn overrides_listeners(service: &Service) -> bool {
    let says_no = matches!(
        annotation(&service.annotations, FORCE_OVERRIDE_SUFFIX),
        None | Some("false")
    );
    annotated_id(service).is_none() || !says_no
}

/// The listeners that carry our mark, where the Service manages listeners; our groups; and our backends in groups of others and in those
/// that a listener which stays sends to.
fn leave_reused(draft: &mut Draft, context: PlanContext<'_>, load_balancer: &LoadBalancer, overrides: bool) {
    let actions: Vec<Action<'_>> = load_balancer
        .listeners
        .iter()
        .filter(|(_, listener)| overrides && marked::is_our_listener(context, listener))
        .map(|(key, listener)| Action::delete(*key, listener))
        .collect();
    let mut deleted: BTreeMap<ListenerKey, OperationId> = BTreeMap::new();
    let mut done: Vec<(usize, OperationId)> = Vec::new();
    for (index, before) in forwarding::order(&actions) {
        let Some(Action::Delete { key, listener, .. }) = actions.get(index) else {
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
        deleted.insert(*key, operation);
    }
    for (id, vgroup) in &load_balancer.vgroups {
        let users = || {
            let listeners = load_balancer.listeners.iter();
            listeners
                .filter(|(_, listener)| listener.vgroup.as_ref() == Some(id))
                .map(|(key, _)| key)
        };
        let after: Vec<OperationId> = users().filter_map(|key| deleted.get(key)).copied().collect();
        let staying: Vec<String> = users()
            .filter(|key| !deleted.contains_key(key))
            .map(ToString::to_string)
            .collect();
        if staying.is_empty() || !marked::is_our_vgroup(context, vgroup) {
            remove_group(draft, context, (id, vgroup), 0, after);
            continue;
        }
        draft.notice(
            true,
            SKIP_SYNC_BACKENDS,
            format!(
                "vServer group {} of CLB {} stays without the Service's backends, because a listener that the Service does not manage \
                 sends to it ({}): delete both when nobody needs them",
                vgroup.name,
                load_balancer.id,
                staying.join(", ")
            ),
        );
        take_our_backends_out(draft, context, (id, vgroup), after, going(context));
    }
}
