//! The pass for a Service that is deleted or no longer of type LoadBalancer: what it has in the cloud goes, then our finalizer.

use clb_model::cluster::{ConditionStatus, Service, ServiceType};
use clb_model::directive::{FinalizerAction, Severity};
use clb_model::events;
use clb_model::marks::{HASH_LABEL, LOAD_BALANCER_ID_LABEL};

use super::doubts::doubt_search;
use super::pass::Pass;
use super::{Observation, State, Step, StepInputs};
use crate::annotations::instance::PRESERVE;
use crate::conditions::{self, ACCEPTED, FORMER, PROGRAMMED, Subject, reason};
use crate::find::{FindError, annotation, find_for_clean_up};
use crate::plan::Plan;
use crate::plan::deletion::{plan_deletion, plan_last_look, plan_list_deletion};

/// With any value, even `"false"`, the CLB stays.
const PRESERVE_SUFFIX: &str = PRESERVE.suffix;
/// The event's reason where a clean-up does not get on.
const FAILED: &str = events::reason::CLEAN_LOAD_BALANCER_FAILED;

/// Former CLBs that a condition remembers.
const MOST_FORMER: usize = 16;

pub(super) fn clean_up(inputs: StepInputs<'_>) -> Step {
    let mut pass = Pass::new(inputs);
    let service = inputs.service;
    let Observation::Known(observed) = inputs.observed else {
        return pass.end(State::Observing, "waiting for the state of the cloud");
    };
    if !inputs.fresh {
        return pass.end(
            State::Cleaning,
            "the cluster's state is not up to date: nothing is removed until it is",
        );
    }
    let found = match find_for_clean_up(service, &inputs.cluster.id, observed) {
        Ok(found) => found,
        Err(error) => return failed(pass, &error),
    };
    pass.notifications.look_at(Subject::Failure);
    let preserve = annotation(&service.annotations, PRESERVE_SUFFIX).is_some_and(|value| !value.is_empty());
    let Some(found) = found else {
        return without_load_balancer(pass, preserve);
    };
    pass.memory.load_balancer = found.own_id();
    pass.memory.unseen_since_ms = None;
    let plan = plan_deletion(pass.plan_context(&[]), found, preserve);
    for failure in inputs.memory.failures.iter().filter(|failure| failure.warn) {
        pass.notifications.say(
            Subject::Failure,
            Severity::Warning,
            FAILED,
            &failure.message,
            failure
                .request_id
                .as_ref()
                .map(|id| format!("request id {id}"))
                .as_deref(),
        );
    }
    for notice in &plan.notices {
        pass.notifications
            .say(Subject::Failure, Severity::Warning, FAILED, &notice.message, None);
    }
    let is_over = plan.operations.is_empty();
    if preserve && (!is_over || pass.memory.nothing_left) {
        pass.event(
            Severity::Warning,
            super::PRESERVED,
            format!(
                "CLB {} stays with all that is on it: annotation {} has a value",
                found.load_balancer.id,
                PRESERVE.name_in(&service.annotations)
            ),
        );
    }
    if is_over {
        return finished(pass, preserve);
    }
    pass.memory.keep_refusals_of(&plan);
    pass.give(&plan, Some(&found.load_balancer.id));
    let (reason, what) = if service.deleting {
        (events::reason::DELETE_TIMESTAMP_CHANGED, "the Service is deleted")
    } else {
        (
            events::reason::TYPE_CHANGED,
            "the Service is no longer of type LoadBalancer",
        )
    };
    let becomes = if preserve {
        "its CLB stays, and is no longer this controller's"
    } else {
        "what it has in the cloud goes"
    };
    let message = format!("{what}: {becomes}");
    pass.notifications
        .say(Subject::Standing, Severity::Normal, reason, &message, None);
    let message = inputs.memory.failures.first().map_or_else(
        || "removing what the Service has in the cloud".to_owned(),
        |failure| failure.message.clone(),
    );
    pass.end(State::Cleaning, message)
}

/// The CLB is gone; its access control list, which could go only after it, may not be.
fn without_load_balancer(pass: Pass<'_>, preserve: bool) -> Step {
    if preserve || !pass.may_have_access_list() {
        return finished(pass, preserve);
    }
    let plan = plan_list_deletion(pass.plan_context(&[]));
    carry_out(
        pass,
        &plan,
        "removing the access control list for the source ranges",
    )
}

/// Gives what is left to do to the actuator, and tells what went wrong with it the last time.
fn carry_out(mut pass: Pass<'_>, plan: &Plan, doing: &str) -> Step {
    pass.memory.keep_refusals_of(plan);
    pass.give(plan, None);
    let failure = pass.memory.failures.first().cloned();
    if let Some(failure) = failure.as_ref().filter(|failure| failure.warn) {
        pass.notifications.say(
            Subject::Failure,
            Severity::Warning,
            FAILED,
            &failure.message,
            None,
        );
    }
    pass.end(
        State::Cleaning,
        failure.map_or_else(|| doing.to_owned(), |failure| failure.message),
    )
}

fn failed(mut pass: Pass<'_>, error: &FindError) -> Step {
    let message = error.to_string();
    pass.notifications.look_at(Subject::Failure);
    pass.notifications
        .say(Subject::Failure, Severity::Warning, FAILED, &message, None);
    doubt_search(&mut pass, error);
    pass.end(State::Failed, message)
}

/// Whether a creation was under way as far as the Service's condition remembers.
fn was_being_made(service: &Service) -> bool {
    let in_doubt = [
        reason::PROGRESSING,
        reason::BUSY,
        reason::THROTTLED,
        reason::EXPIRED,
        reason::CLOUD_FAULT,
    ];
    conditions::find(service, PROGRAMMED).is_some_and(|condition| {
        condition.status == ConditionStatus::False && in_doubt.contains(&condition.reason.as_str())
    })
}

/// Nothing is left in the cloud as far as the mirror shows. The finalizer goes once no earlier batch can make a CLB any more, of this
/// planner or of one before it: the CLB would have no owner.
fn finished(mut pass: Pass<'_>, preserve: bool) -> Step {
    let service = pass.inputs.service;
    if !pass.memory.nothing_left {
        let look = plan_last_look(pass.plan_context(&[]), was_being_made(service));
        return carry_out(pass, &look, "looking whether a CLB is being made for the Service");
    }
    pass.writes.finalizer = FinalizerAction::Absent;
    for label in [HASH_LABEL, LOAD_BALANCER_ID_LABEL] {
        if service.labels.contains_key(label) {
            pass.writes.labels.insert(label.to_owned(), None);
        }
    }
    if service.service_type != ServiceType::LoadBalancer && !service.deleting {
        if !service.ingress.is_empty() {
            pass.writes.ingress = Some(Vec::new());
        }
        let former = pass
            .memory
            .load_balancer
            .take()
            .or_else(|| pass.memory.gone.clone())
            .or_else(|| crate::find::labelled_id(service));
        let kept = former
            .as_ref()
            .filter(|id| preserve && pass.memory.gone.as_ref() != Some(*id));
        let left = match kept {
            Some(id) => format!(
                "CLB {id}, which it had, stays, because annotation {} has a value",
                PRESERVE.name_in(&service.annotations)
            ),
            None => "it has nothing in the cloud".to_owned(),
        };
        pass.conditions.correct(
            PROGRAMMED,
            false,
            reason::CLEANED_UP,
            format!("the Service is not of type LoadBalancer any more; {left}"),
        );
        if let Some(former) = former {
            let mut all = crate::find::former_ids(service);
            all.retain(|id| *id != former);
            all.insert(0, former);
            let all: Vec<String> = all.iter().take(MOST_FORMER).map(ToString::to_string).collect();
            pass.conditions.set(FORMER, true, reason::GONE, all.join(","));
        }
        // Nobody asks any more for what was wrong. Where it is asked for again, it is said again.
        for subject in [Subject::Problem, Subject::Notice] {
            pass.notifications.look_at(subject);
        }
        pass.conditions.correct(
            ACCEPTED,
            true,
            reason::VALID,
            "the Service is not of type LoadBalancer any more, so it has no mistakes",
        );
    }
    pass.event(
        Severity::Normal,
        events::reason::CLEAN_LOAD_BALANCER,
        "nothing of the Service is left in the cloud that is to go",
    );
    pass.memory = super::Memory {
        nothing_left: true,
        said: std::mem::take(&mut pass.memory.said),
        ..super::Memory::default()
    };
    pass.end(
        State::Cleaning,
        "nothing is left in the cloud that is to go; taking the finalizer off",
    )
}
