//! A Service that names another of the user's CLBs, or none any more, before it ever had an address, as one that got no listener on the
//! first: it moves, and leaves nothing behind.
//!
//! Where it names none, it gets a CLB of its own once nothing of it is left on the user's. Where it names another, that CLB is looked at
//! first, so that a mistake changes nothing. Then a condition remembers it, which turns the mirror back to the first
//! ([`crate::find::interest`]), and what the Service has there goes. Last the label names the other, where the Service begins anew.

use clb_model::LoadBalancerId;
use clb_model::cloud::LoadBalancer;
use clb_model::cluster::Service;
use clb_model::directive::Severity;
use clb_model::marks::{LOAD_BALANCER_ID_LABEL, vgroup_mark};

use super::kept::has_our_listeners;
use super::pass::Pass;
use super::said::FAILED;
use super::status::remember;
use super::{State, Step, StepInputs};
use crate::conditions::{MOVING, PROGRAMMED, Subject, reason};
use crate::find::{Found, Owner, annotated_id, by_id, is_users, labelled_id};
use crate::plan::deletion::plan_leaving;

/// The CLB that a Service leaves for the one that was found.
pub(super) fn left_for(service: &Service, found: Found<'_>) -> Option<LoadBalancerId> {
    let id = &found.load_balancer.id;
    let moves = found.owner == Owner::User
        && service.ingress.is_empty()
        && annotated_id(service).as_ref() == Some(id);
    labelled_id(service).filter(|from| moves && from != id)
}

/// Remembers that the Service moves.
pub(super) fn begin(mut pass: Pass<'_>, from: &LoadBalancerId, to: &LoadBalancerId) -> Step {
    let message = format!("the Service leaves CLB {from} for CLB {to}");
    pass.conditions.set(MOVING, true, reason::LEAVING, to.to_string());
    pass.conditions
        .set(PROGRAMMED, false, reason::PROGRESSING, message.clone());
    pass.end(State::Observing, message)
}

/// Takes off the CLB that the Service leaves what it has there; then the other takes its place.
pub(super) fn go_on(mut pass: Pass<'_>, to: &LoadBalancerId, observed: &[&LoadBalancer]) -> Step {
    let from = labelled_id(pass.inputs.service);
    let left = from
        .and_then(|id| by_id(&id, observed))
        .filter(|clb| is_users(clb));
    if let Some(left) = left
        && let Some(message) = leave(&mut pass, left, &format!("CLB {to}"))
    {
        return pass.end(State::Converging, message);
    }
    remember(&mut pass, to);
    forget(&mut pass);
    pass.end(
        State::Observing,
        format!("nothing is left; the Service begins on CLB {to}"),
    )
}

/// Whether the Service leaves the user's CLB that was found for one of its own: it has neither an address nor a listener there, nor does
/// a listener of the user's send to a group of it.
pub(super) fn leaves_for_its_own(inputs: StepInputs<'_>, found: Found<'_>) -> bool {
    let service = inputs.service;
    found.owner == Owner::User
        && service.ingress.is_empty()
        && annotated_id(service).is_none()
        && !has_our_listeners(inputs, found.load_balancer)
        && !is_listened_to(inputs, found.load_balancer)
}

fn is_listened_to(inputs: StepInputs<'_>, load_balancer: &LoadBalancer) -> bool {
    let used = load_balancer
        .listeners
        .values()
        .filter_map(|listener| listener.vgroup.as_ref());
    let mut backends = used
        .filter_map(|id| load_balancer.vgroups.get(id))
        .flat_map(|group| &group.backends);
    backends.any(|backend| {
        // k8s/<port>/…: the port is a number or the name of a target port.
        let port = backend.description.split('/').nth(1).unwrap_or_default();
        backend.description == vgroup_mark(port, &inputs.service.key, &inputs.cluster.id)
    })
}

/// Takes off the user's CLB what the Service has there; then the label forgets it, and the Service begins anew.
pub(super) fn leave_for_its_own(mut pass: Pass<'_>, left: &LoadBalancer) -> Step {
    if let Some(message) = leave(&mut pass, left, "one of its own") {
        return pass.end(State::Converging, message);
    }
    pass.writes.labels.insert(LOAD_BALANCER_ID_LABEL.to_owned(), None);
    pass.end(
        State::Observing,
        "nothing is left; the Service gets a CLB of its own",
    )
}

/// Takes off a CLB what the Service has there, to go to another; what is to be said while that goes on, none when nothing is left.
fn leave(pass: &mut Pass<'_>, left: &LoadBalancer, to: &str) -> Option<String> {
    let plan = plan_leaving(pass.plan_context(&[]), left);
    pass.notifications.look_at(Subject::Failure);
    let failures = pass.memory.failures.clone();
    for failure in failures.iter().filter(|failure| failure.warn) {
        pass.notifications.say(
            Subject::Failure,
            Severity::Warning,
            FAILED,
            &failure.message,
            None,
        );
    }
    pass.memory.keep_refusals_of(&plan);
    if plan.operations.is_empty() && plan.withheld.is_empty() {
        return None;
    }
    pass.give(&plan, Some(&left.id));
    let message = || format!("the Service leaves CLB {} for {to}", left.id);
    Some(
        failures
            .first()
            .map_or_else(message, |failure| failure.message.clone()),
    )
}

/// The Service moves nowhere.
pub(super) fn forget(pass: &mut Pass<'_>) {
    pass.conditions
        .correct(MOVING, false, reason::SETTLED, "the Service stays on its CLB");
}
