//! The pass for a Service that is to have a CLB.

use std::collections::BTreeSet;

use clb_model::cloud::LoadBalancer;
use clb_model::cluster::Service;
use clb_model::directive::{FinalizerAction, Severity};
use clb_model::events;
use clb_model::marks::CLASS_CONDITION;

use super::contested_tags;
use super::doubts::{doubt_obstacles, doubt_refusal, doubt_search};
use super::kept::{former, has_our_listeners, in_force};
use super::moving;
use super::pass::Pass;
use super::readiness_gates::registered;
use super::said::{FAILED, say_failures, say_families, say_names, say_notices, say_preserved};
use super::status::{remember, serves, write_status};
use super::unseen::is_awaited;
use super::unusable::missing_backends;
use super::{Observation, State, Step, StepInputs};
use crate::annotations::instance::ADDRESS;
use crate::conditions::{self, ACCEPTED, ADOPTED, PROGRAMMED, Subject, reason};
use crate::desired::{self, Desired, Wish, backends_despite_problems, desired};
use crate::facts::{CloudFacts, Question};
use crate::find::{FindError, Found, Owner, annotated_id, find, find_in_use, moving_to};
use crate::plan::{self, Plan, plan_backends_only};
use crate::problem::Problem;
use crate::reuse::{self, Refusal};

/// How long a CLB with running listeners may be shown as inactive before that is a fault.
const INACTIVE_LIMIT_MS: u64 = 10 * 60_000;
/// The event's reason where the CLB itself does not work.
const UNAVAILABLE: &str = events::reason::UNAVAILABLE_LOAD_BALANCER;

/// After how long it is looked again whether an address that something else has is free, milliseconds. Each look is two reads of the cloud.
const HELD_ADDRESS_AGAIN_MS: u64 = 20_000;

pub(super) fn ours(inputs: StepInputs<'_>) -> Step {
    let known = facts_in_use(inputs);
    let without_adoption = to_be_made(inputs).then(|| not_adopted(inputs.service)).flatten();
    let inputs = StepInputs {
        facts: known.as_ref().unwrap_or(inputs.facts),
        service: without_adoption.as_ref().unwrap_or(inputs.service),
        ..inputs
    };
    let mut pass = Pass::new(inputs);
    if without_adoption.is_some() {
        let message =
            "the CLB that another controller made is gone; the one in its place is this controller's";
        pass.conditions.set(ADOPTED, false, reason::MADE_HERE, message);
    }
    pass.notifications.look_at(Subject::Standing);
    if let Some(class) = &inputs.service.load_balancer_class {
        pass.conditions.set(CLASS_CONDITION, true, reason::CLASS, class);
    } else {
        let message = "the Service names no load balancer class";
        pass.conditions
            .correct(CLASS_CONDITION, false, reason::NO_CLASS, message);
    }
    match desired(inputs_for(inputs, inputs.service)) {
        // What the Service's CLB uses may be asked about now, and nobody is told of an answer that does not come.
        Wish::Questions(questions) if may_not_be_all(inputs) => {
            pass.questions = questions;
            pass.end(State::Observing, "waiting for the state of the cloud")
        }
        Wish::Questions(questions) => ask(pass, questions),
        Wish::Problems(_) | Wish::Desired(_) if may_not_be_all(inputs) => {
            pass.end(State::Observing, "waiting for the state of the cloud")
        }
        Wish::Problems(problems) => mistaken(pass, inputs.service, problems),
        Wish::Desired(_) if refusal(inputs).is_some() => mistaken(pass, inputs.service, Vec::new()),
        Wish::Desired(desired) => wanted(pass, &desired),
    }
}

/// What annotations name is asked about first. A person is told where there is no answer, as without the permission to ask; a Service
/// that worked before keeps working.
fn ask(mut pass: Pass<'_>, questions: BTreeSet<Question>) -> Step {
    let unanswered: Vec<(String, &String)> = questions
        .iter()
        .filter_map(|question| {
            let because = pass.inputs.facts.unanswered_because.get(question)?;
            Some((question.to_string(), because))
        })
        .collect();
    let Some((_, because)) = unanswered.first() else {
        pass.questions = questions;
        return pass.end(State::Observing, "asking the cloud about what annotations name");
    };
    let asked: Vec<&str> = unanswered.iter().map(|(asked, _)| asked.as_str()).collect();
    let message = format!(
        "the cloud cannot be asked about {}: nothing is changed until it can",
        asked.join(", ")
    );
    pass.notifications.look_at(Subject::Failure);
    pass.notifications.say(
        Subject::Failure,
        Severity::Warning,
        FAILED,
        &message,
        Some(because),
    );
    pass.conditions
        .set(PROGRAMMED, false, reason::CLOUD_FAULT, message.clone());
    pass.questions = questions;
    let service = pass.inputs.service;
    follow_backends(&mut pass, service);
    pass.end(State::Failed, message)
}

/// Whether the mirror, which has not answered yet, may show mistakes (the user's CLB is not there) or that one is none (what the
/// Service's CLB uses already stays in use).
fn may_not_be_all(inputs: StepInputs<'_>) -> bool {
    let service = inputs.service;
    matches!(inputs.observed, Observation::Pending)
        && (service.finalizer || !service.ingress.is_empty() || annotated_id(service).is_some())
}

/// What is wrong with the user's CLB or groups that annotations name, once the mirror has shown it.
fn refusal(inputs: StepInputs<'_>) -> Option<Refusal> {
    let Observation::Known(observed) = inputs.observed else {
        return None;
    };
    if moving_to(inputs.service).is_some() {
        // The CLB that the annotation names was looked at before; now the mirror shows the one that is left.
        return None;
    }
    reuse::refusal(inputs.service, &inputs.cluster.id, observed)
}

/// Whether the Service is to get a CLB and has none.
fn to_be_made(inputs: StepInputs<'_>) -> bool {
    let Observation::Known(observed) = inputs.observed else {
        return false;
    };
    matches!(find(inputs.service, &inputs.cluster.id, observed), Ok(None))
}

/// A Service whose CLB another controller had made, as one whose CLB is still to be made; none where nobody had.
fn not_adopted(service: &Service) -> Option<Service> {
    conditions::message_of(service, ADOPTED)?;
    let mut service = service.clone();
    service.conditions.retain(|condition| condition.kind != ADOPTED);
    Some(service)
}

/// The facts with what the Service's own CLB shows to be there, where there is one; none where one is to be made.
fn facts_in_use(inputs: StepInputs<'_>) -> Option<CloudFacts> {
    let Observation::Known(observed) = inputs.observed else {
        return may_not_be_all(inputs).then(|| inputs.facts.with_address_given());
    };
    match find(inputs.service, &inputs.cluster.id, observed) {
        Ok(Some(found)) if moving::leaves_for_its_own(inputs, found) => None,
        Ok(found) => Some(inputs.facts.with_observed(found?.load_balancer)),
        Err(_) => Some(inputs.facts.with_address_given()),
    }
}

fn inputs_for<'a>(inputs: StepInputs<'a>, service: &'a Service) -> desired::Inputs<'a> {
    desired::Inputs {
        cluster: inputs.cluster,
        service,
        nodes: inputs.nodes,
        facts: inputs.facts,
        now_ms: inputs.now_ms,
    }
}

/// A Service with mistakes, those in what annotations name among them: all are told, and the cloud stays as it is; the backends of one
/// that worked before are followed.
fn mistaken(mut pass: Pass<'_>, service: &Service, mut problems: Vec<Problem>) -> Step {
    let inputs = pass.inputs;
    let refusal = refusal(inputs);
    problems.extend(
        refusal
            .iter()
            .flat_map(|refusal| refusal.problems.iter().cloned()),
    );
    problems.sort();
    let listed: Vec<String> = problems.iter().map(Problem::to_string).collect();
    let message = listed.join("; ");
    pass.notifications.look_at(Subject::Problem);
    pass.notifications
        .say(Subject::Problem, Severity::Warning, FAILED, &message, None);
    say_names(&mut pass);
    pass.conditions
        .set(ACCEPTED, false, reason::INVALID_ANNOTATIONS, message.clone());
    if let Some(refusal) = refusal {
        pass.conditions
            .set(PROGRAMMED, false, refusal.reason, message.clone());
        doubt_refusal(&mut pass, inputs.service);
    }
    follow_backends(&mut pass, service);
    if problems
        .iter()
        .any(|problem| is_about_a_held_address(inputs.facts, problem))
    {
        pass.wake_at(Some(inputs.now_ms.saturating_add(HELD_ADDRESS_AGAIN_MS)));
    }
    pass.end(State::Failed, message)
}

/// Whether a mistake passes without a change of the Service, once what has the address gives it back.
fn is_about_a_held_address(facts: &CloudFacts, problem: &Problem) -> bool {
    let mut addresses = facts.static_addresses.iter();
    ADDRESS.names().contains(&problem.place)
        && addresses.any(|(known, holder)| holder.is_some() && known.address.to_string() == problem.value)
}

/// Follows the backends of a Service that worked before, and changes nothing else.
fn follow_backends(pass: &mut Pass<'_>, service: &Service) {
    let inputs = pass.inputs;
    let Observation::Known(observed) = inputs.observed else {
        return;
    };
    let worked = service.finalizer && !service.ingress.is_empty();
    let found = if worked {
        find_in_use(inputs.service, &inputs.cluster.id, observed)
    } else {
        None
    };
    let Some(found) = found else { return };
    let facts = inputs.facts.with_observed(found.load_balancer);
    let known = StepInputs {
        facts: &facts,
        ..inputs
    };
    let followed = backends_despite_problems(inputs_for(known, service), found.load_balancer);
    let (left_out, retry_at) =
        pass.memory
            .schedule_left_out(&followed.vgroups, Some(found.load_balancer), inputs.now_ms);
    let plan = plan_backends_only(pass.plan_context(&left_out), &followed, found.load_balancer);
    pass.writes.readiness_gates = registered(&followed.gated_pods, &plan, found.load_balancer);
    pass.wake_at(retry_at);
    pass.wake_at(followed.wake_at_ms);
    pass.give(&plan, Some(&found.load_balancer.id));
}

/// A Service without mistakes.
fn wanted(mut pass: Pass<'_>, desired: &Desired) -> Step {
    let inputs = pass.inputs;
    let service = inputs.service;
    pass.notifications.look_at(Subject::Problem);
    pass.wake_at(desired.wake_at_ms);
    if !service.finalizer {
        pass.writes.finalizer = FinalizerAction::Present;
        if service.ingress.is_empty() {
            pass.conditions.set(ACCEPTED, true, reason::VALID, VALID);
            pass.conditions
                .set(PROGRAMMED, false, reason::PROGRESSING, "the CLB is being made");
        }
        return pass.end(State::Observing, "waiting for the finalizer");
    }
    pass.conditions.correct(ACCEPTED, true, reason::VALID, VALID);
    let Observation::Known(observed) = inputs.observed else {
        return pass.end(State::Observing, "waiting for the state of the cloud");
    };
    if let Some(target) = moving_to(service) {
        return moving::go_on(pass, &target, observed);
    }
    moving::forget(&mut pass);
    match find(service, &inputs.cluster.id, observed) {
        Err(error) => not_found(pass, &error),
        Ok(None) => create(pass, desired),
        Ok(Some(found)) if let Some(from) = moving::left_for(service, found) => {
            moving::begin(pass, &from, &found.load_balancer.id)
        }
        Ok(Some(found)) if moving::leaves_for_its_own(inputs, found) => {
            moving::leave_for_its_own(pass, found.load_balancer)
        }
        Ok(Some(found)) => match in_force(inputs, desired, found) {
            None => follow(pass, desired, found, None),
            Some((kept, notice)) => match desired::desired(inputs_for(inputs, &kept)) {
                Wish::Desired(desired) => follow(pass, &desired, found, Some(&notice)),
                Wish::Problems(problems) => mistaken(pass, &kept, problems),
                Wish::Questions(questions) => ask(pass, questions),
            },
        },
    }
}

/// The message of Accepted where it is True.
const VALID: &str = "the Service has no mistakes";
/// The message of Programmed where it is True.
const AS_ASKED: &str = "the CLB is as the Service asks";

fn not_found(mut pass: Pass<'_>, error: &FindError) -> Step {
    let message = error.to_string();
    let reason = match error {
        FindError::Ambiguous { .. } | FindError::OtherCluster { .. } => reason::LOAD_BALANCER_AMBIGUOUS,
        FindError::Gone { .. } => reason::LOAD_BALANCER_GONE,
        FindError::NoSuchLoadBalancer { .. }
        | FindError::NotReusable { .. }
        | FindError::OtherAddress { .. } => reason::REUSE_REFUSED,
    };
    pass.notifications.look_at(Subject::Failure);
    pass.notifications
        .say(Subject::Failure, Severity::Warning, FAILED, &message, None);
    pass.conditions.set(PROGRAMMED, false, reason, message.clone());
    doubt_search(&mut pass, error);
    pass.end(State::Failed, message)
}

/// There is no CLB yet.
fn create(mut pass: Pass<'_>, desired: &Desired) -> Step {
    let inputs = pass.inputs;
    if let Some(created) = pass.memory.load_balancer.clone() {
        if is_awaited(&mut pass) {
            return pass.end(
                State::Observing,
                format!("CLB {created} was made; waiting until the cloud shows it"),
            );
        }
        pass.memory.gone = Some(created);
        pass.memory.load_balancer = None;
    }
    let replaces = former(inputs.service).or_else(|| pass.memory.gone.clone());
    let (left_out, retry_at) = pass
        .memory
        .schedule_left_out(&desired.vgroups, None, inputs.now_ms);
    pass.wake_at(retry_at);
    let plan = plan::plan(pass.plan_context(&left_out), desired, None, replaces);
    say_notices(&mut pass, desired, &plan);
    say_families(&mut pass, desired.creation.ip_version);
    pass.remember_access_list(desired);
    pass.remember_fields(desired);
    let problem = say_failures(&mut pass, &plan);
    if desired.preserve_on_delete {
        say_preserved(&mut pass, None, true);
    }
    pass.give(&plan, None);
    if problem.is_none() {
        pass.conditions
            .set(PROGRAMMED, false, reason::PROGRESSING, "the CLB is being made");
    }
    pass.end(
        State::Converging,
        problem.unwrap_or_else(|| "making the CLB".to_owned()),
    )
}

/// The CLB is there: makes it what the Service asks for, or says that it is.
fn follow(mut pass: Pass<'_>, desired: &Desired, found: Found<'_>, cannot_change: Option<&str>) -> Step {
    let inputs = pass.inputs;
    let load_balancer = found.load_balancer;
    pass.memory.load_balancer = found.own_id();
    pass.memory.unseen_since_ms = None;
    if found.owner == Owner::User {
        // Before anything of ours is on it: by this it is known again though no address is ever shown.
        remember(&mut pass, &load_balancer.id);
    }
    pass.memory.forget_old_charge_type(inputs.now_ms);
    if load_balancer.status == "locked" {
        pass.writes.readiness_gates = registered(&desired.gated_pods, &Plan::default(), load_balancer);
        pass.doubtful.insert(load_balancer.id.clone());
        return locked(pass, load_balancer);
    }
    let (left_out, retry_at) =
        pass.memory
            .schedule_left_out(&desired.vgroups, Some(load_balancer), inputs.now_ms);
    pass.wake_at(retry_at);
    let desired = &*contested_tags::settle(&mut pass, desired, load_balancer);
    let mut plan = plan::plan(pass.plan_context(&left_out), desired, Some(load_balancer), None);
    let missing = missing_backends(&pass.memory, desired, &plan, load_balancer);
    plan.obstacles.extend(missing);
    doubt_obstacles(&mut pass, &plan, &load_balancer.id);
    pass.writes.readiness_gates = registered(&desired.gated_pods, &plan, load_balancer);
    if let Some(message) = cannot_change {
        pass.notifications.say(
            Subject::Notice,
            Severity::Warning,
            events::reason::ANNOTATION_CHANGED,
            message,
            None,
        );
    }
    say_notices(&mut pass, desired, &plan);
    say_families(&mut pass, load_balancer.ip_version);
    pass.remember_access_list(desired);
    pass.remember_fields(desired);
    if plan.operations.is_empty() {
        pass.memory.failures.clear();
    }
    let problem = say_failures(&mut pass, &plan);
    if desired.preserve_on_delete {
        let changes = !plan.operations.is_empty() && inputs.memory.failures.is_empty();
        say_preserved(&mut pass, Some(&load_balancer.id), changes);
    }
    let converging = pass.give(&plan, Some(&load_balancer.id));
    // Nobody is sent to an address at which nothing of the Service listens.
    let has_begun = !inputs.service.ingress.is_empty() || has_our_listeners(inputs, load_balancer);
    let can_be_told = problem.is_some() && has_begun;
    let is_awaited = inputs.service.ingress.is_empty();
    if !converging || can_be_told || (is_awaited && serves(desired, &plan, load_balancer)) {
        write_status(&mut pass, desired, &plan, load_balancer);
    }
    if let Some(problem) = problem {
        let state = if converging {
            State::Converging
        } else {
            State::Failed
        };
        return pass.end(state, problem);
    }
    if converging {
        return pass.end(State::Converging, withheld(&plan).unwrap_or_default());
    }
    if let Some(message) = withheld(&plan) {
        return pass.end(State::Converging, message);
    }
    if let Some(message) = stopped(&mut pass, load_balancer) {
        pass.doubtful.insert(load_balancer.id.clone());
        return unavailable(pass, message);
    }
    pass.forget_fields(desired, load_balancer);
    converged(pass)
}

fn converged(mut pass: Pass<'_>) -> Step {
    if pass.memory.changed {
        pass.event(
            Severity::Normal,
            events::reason::ENSURED_LOAD_BALANCER,
            "the CLB is as the Service asks",
        );
    }
    // A Service that was right from the start gets no condition: taking over from another controller writes nothing.
    if pass.memory.changed || pass.writes.ingress.is_some() {
        pass.conditions.set(ACCEPTED, true, reason::VALID, VALID);
        pass.conditions
            .set(PROGRAMMED, true, reason::PROGRAMMED, AS_ASKED);
    } else {
        pass.conditions
            .correct(PROGRAMMED, true, reason::PROGRAMMED, AS_ASKED);
    }
    pass.memory.changed = false;
    pass.end(State::Converged, "")
}

/// What is not done because the snapshot may be out of date.
fn withheld(plan: &Plan) -> Option<String> {
    let first = plan.withheld.first()?;
    Some(format!(
        "the cluster's state is not up to date: nothing is removed until it is ({} removals wait; the first because {first})",
        plan.withheld.len()
    ))
}

fn locked(pass: Pass<'_>, load_balancer: &LoadBalancer) -> Step {
    unavailable(
        pass,
        format!(
            "CLB {} is locked, as a rule because a bill is overdue: nothing on it can be changed until it is unlocked",
            load_balancer.id
        ),
    )
}

/// A CLB without listeners is inactive by itself, and is shown so for a while after it got its first; one that stays so was stopped.
fn stopped(pass: &mut Pass<'_>, load_balancer: &LoadBalancer) -> Option<String> {
    let has_running = load_balancer.listeners.values().any(|listener| listener.running);
    if load_balancer.status != "inactive" || !has_running {
        pass.memory.inactive_since_ms = None;
        return None;
    }
    let now_ms = pass.inputs.now_ms;
    let until = pass
        .memory
        .inactive_since_ms
        .get_or_insert(now_ms)
        .saturating_add(INACTIVE_LIMIT_MS);
    if now_ms < until {
        pass.wake_at(Some(until));
        return None;
    }
    Some(format!(
        "CLB {} is stopped though it has running listeners: start it in the console",
        load_balancer.id
    ))
}

fn unavailable(mut pass: Pass<'_>, message: String) -> Step {
    pass.notifications.look_at(Subject::Failure);
    pass.notifications
        .say(Subject::Failure, Severity::Warning, UNAVAILABLE, &message, None);
    pass.conditions.set(
        PROGRAMMED,
        false,
        reason::LOAD_BALANCER_UNAVAILABLE,
        message.clone(),
    );
    pass.end(State::Failed, message)
}
