//! A Service that names another of the user's CLBs before it ever had an address, as one that got no listener on the first: it moves, and
//! leaves nothing behind.
//!
//! The other CLB is looked at first, so that a mistake changes nothing. Then a condition remembers it, which turns the mirror back to the
//! first ([`crate::find::interest`]), and what the Service has there goes. Last the label names the other, where the Service begins anew.

use clb_model::LoadBalancerId;
use clb_model::cloud::LoadBalancer;
use clb_model::cluster::Service;
use clb_model::directive::Severity;

use super::pass::Pass;
use super::said::FAILED;
use super::status::remember;
use super::{State, Step};
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
    if let Some(left) = left {
        let message = format!("the Service leaves CLB {} for CLB {to}", left.id);
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
        if !plan.operations.is_empty() || !plan.withheld.is_empty() {
            pass.give(&plan, Some(&left.id));
            let message = failures
                .first()
                .map_or(message, |failure| failure.message.clone());
            return pass.end(State::Converging, message);
        }
    }
    remember(&mut pass, to);
    forget(&mut pass);
    pass.end(
        State::Observing,
        format!("nothing is left; the Service begins on CLB {to}"),
    )
}

/// The Service moves nowhere.
pub(super) fn forget(pass: &mut Pass<'_>) {
    pass.conditions
        .correct(MOVING, false, reason::SETTLED, "the Service stays on its CLB");
}
