//! What is said, when, and how often; what failures of batches lead to.

use std::time::Duration;

use clb_model::cluster::Condition;
use clb_model::operation::{Change, CloudError, ErrorClass, Operation, OperationResult, Outcome};

use super::world::World;
use crate::conditions::{self, ACCEPTED, NOTIFIED, PROGRAMMED};
use crate::desired::tests::lab::{Lab, node, tcp_port};
use crate::facts::{CloudFacts, Question};
use crate::step::{Memory, State};

/// One pass whose batch comes to these outcomes instead of being carried out.
fn pass_with(world: &mut World, outcome: impl Fn(&Operation) -> Outcome) -> crate::step::Step {
    world.wait_out_refusals();
    let step = world.look();
    let batch = step.batch.clone().unwrap();
    let results: Vec<OperationResult> = batch
        .operations
        .iter()
        .map(|operation| OperationResult {
            operation: operation.id,
            outcome: outcome(operation),
            left_out: Vec::new(),
        })
        .collect();
    world.take(&step);
    world.memory = world.memory.after_batch(&batch.operations, &results);
    step
}

fn rejected(class: ErrorClass, request: &str) -> Outcome {
    Outcome::Rejected(CloudError {
        class,
        code: "Some.Code".to_owned(),
        message: "the cloud's words".to_owned(),
        request_id: request.to_owned(),
    })
}

/// A misspelt name may be the mistake: it is said beside what is missing, and not again when that is mended.
#[test]
fn an_unknown_name_is_said_though_there_are_mistakes() {
    let https = Lab::tcp().annotated("protocol-port", "https:80");
    let mut world = World::new(https.annotated("cert-idd", "cert-a"));
    world.settle();
    assert_eq!(world.events.len(), 2, "{:?}", world.said());
    let unknown = world
        .said()
        .into_iter()
        .find(|said| said.starts_with("UnknownAnnotation"));
    assert!(unknown.is_some_and(|said| said.contains("loadbalancer-cert-id?")));
    world.lab = world.lab.clone().annotated("cert-id", "cert-a");
    world.settle();
    assert_eq!(world.count("UnknownAnnotation"), 1, "{:?}", world.said());
}

#[test]
fn all_mistakes_are_said_in_one_event_once() {
    let mut world = World::new(
        Lab::tcp()
            .annotated("scheduler", "nonsense")
            .annotated("bandwidth", "-7"),
    );
    let last = world.settle();
    assert_eq!((last.state, world.batches.len()), (State::Failed, 0));
    assert_eq!(world.events.len(), 1, "{:?}", world.said());
    let said = &world.said()[0];
    assert!(
        said.starts_with("SyncLoadBalancerFailed") && said.contains("nonsense") && said.contains("-7"),
        "{said}"
    );
    assert_eq!(
        world.condition(ACCEPTED).as_deref(),
        Some("False InvalidAnnotations")
    );
    assert!(!world.lab.service.finalizer, "nothing was built");
}

#[test]
fn an_empty_value_that_is_missed_is_said_in_one_event() {
    let lab = Lab::with_ports(vec![tcp_port(443)]).annotated("protocol-port", "https:443");
    let mut world = World::new(lab.annotated("cert-id", ""));
    world.settle();
    let said = world.said();
    assert!(
        said.len() == 1 && said[0].contains("cert-id is missing"),
        "{said:?}"
    );
}

#[test]
fn mistakes_are_said_with_those_that_only_the_mirror_shows() {
    let lab = Lab::tcp()
        .annotated("scheduler", "nonsense")
        .annotated("id", "lb-nowhere");
    let mut world = World::new(lab);
    for _ in 0..2 {
        // After a start of the planner the mirror answers later.
        let early = world.look_too_early();
        assert!(early.writes.is_empty(), "{:?}", early.writes);
        world.take(&early);
        world.settle();
        assert_eq!(world.events.len(), 1, "{:?}", world.said());
        world.memory = Memory::default();
    }
    let said = &world.said()[0];
    assert!(said.contains("nonsense") && said.contains("lb-nowhere"), "{said}");
}

#[test]
fn a_question_that_the_cloud_does_not_answer_is_said_once() {
    let mut world = World::new(Lab::https());
    world.lab.facts = CloudFacts::default();
    let asked = world.look();
    assert!(asked.writes.is_empty() && asked.questions.len() == 1, "{asked:?}");
    for request in ["1", "2"] {
        // As the planner's shell does after the first failures; the text differs each time.
        let because = format!("Forbidden, request {request}");
        let certificate = Question::Certificate("cert-a".to_owned());
        world.lab.facts.unanswered_because = [(certificate, because)].into();
        let step = world.pass();
        assert_eq!((step.state, step.questions.len()), (State::Failed, 1));
    }
    let said = world.said();
    assert!(
        said.len() == 1 && said[0].contains("server certificate cert-a") && said[0].contains("Forbidden"),
        "{said:?}"
    );
    assert_eq!(world.condition(PROGRAMMED).as_deref(), Some("False CloudFault"));
    world.lab.facts = Lab::https().facts;
    world.settle();
    assert_eq!(world.condition(PROGRAMMED).as_deref(), Some("True Programmed"));
}

#[test]
fn a_mistake_is_said_at_once_where_the_mirror_has_nothing_to_add() {
    let early = World::new(Lab::tcp().annotated("scheduler", "nonsense")).look_too_early();
    assert_eq!(
        (early.state, early.writes.events.len()),
        (State::Failed, 1),
        "{early:?}"
    );
}

#[test]
fn a_mistake_that_comes_back_is_said_again() {
    let mut world = World::settled(Lab::tcp());
    for _ in 0..2 {
        world.lab = world.lab.clone().annotated("scheduler", "nonsense");
        world.settle();
        world.settle();
        assert_eq!(
            world.condition(ACCEPTED).as_deref(),
            Some("False InvalidAnnotations")
        );
        world.lab.service.annotations.clear();
        world.settle();
        assert_eq!(world.condition(ACCEPTED).as_deref(), Some("True Valid"));
    }
    assert_eq!(world.count("SyncLoadBalancerFailed"), 2, "{:?}", world.said());
}

#[test]
fn another_mistake_is_another_event() {
    let mut world = World::new(Lab::tcp().annotated("scheduler", "nonsense"));
    world.settle();
    world.lab = world.lab.clone().annotated("scheduler", "other-nonsense");
    world.settle();
    assert_eq!(world.count("SyncLoadBalancerFailed"), 2);
}

#[test]
fn a_restarted_planner_does_not_repeat_what_the_condition_remembers() {
    let mut world = World::new(Lab::tcp().annotated("scheduler", "nonsense"));
    world.settle();
    world.memory = Memory::default();
    world.settle();
    assert_eq!(world.count("SyncLoadBalancerFailed"), 1);
    assert!(world.condition(NOTIFIED).is_some());
}

#[test]
fn an_event_is_not_repeated_while_the_condition_is_under_way() {
    let mut world = World::new(Lab::tcp().annotated("scheduler", "nonsense"));
    let before = world.lab.service.clone();
    world.pass();
    world.lab.service = before;
    let step = world.pass();
    assert_eq!(step.writes.events, []);
    assert!(!step.writes.conditions.is_empty(), "it is written again");
}

#[test]
fn a_service_with_mistakes_keeps_working_and_its_backends_are_followed() {
    let mut world = World::settled(Lab::tcp());
    world.lab = world
        .lab
        .clone()
        .annotated("scheduler", "nonsense")
        .annotated("name", "other-name");
    world.lab.nodes.remove("n3");
    world
        .lab
        .nodes
        .insert("n7".to_owned(), node("n7", "cn-hangzhou-k"));
    let last = world.settle();
    assert_eq!(last.state, State::Failed);
    let changes: Vec<&Change> = world
        .batches
        .iter()
        .flat_map(|batch| &batch.operations)
        .map(|o| &o.change)
        .collect();
    assert!(
        changes
            .iter()
            .all(|change| matches!(change, Change::ChangeBackends { .. })),
        "{changes:?}"
    );
    assert_eq!(changes.len(), 2);
}

#[test]
fn a_refusal_is_said_once_with_its_request_id() {
    let mut world = World::new(Lab::tcp());
    world.pass();
    for round in 0..3 {
        pass_with(&mut world, |operation| match operation.change {
            Change::CreateLoadBalancer(_) => rejected(ErrorClass::Quota, &format!("request-{round}")),
            _ => Outcome::Skipped { by: "1".to_owned() },
        });
    }
    world.wait_out_refusals();
    let step = world.pass();
    assert_eq!(world.count("SyncLoadBalancerFailed"), 1, "{:?}", world.said());
    assert!(
        world
            .said()
            .iter()
            .any(|text| text.contains("request-0") && text.contains("Some.Code"))
    );
    assert_eq!(
        world.condition(PROGRAMMED).as_deref(),
        Some("False QuotaExceeded")
    );
    assert!(step.message.contains("creating the CLB"), "{}", step.message);
    world.settle();
    assert_eq!(world.condition(PROGRAMMED).as_deref(), Some("True Programmed"));
}

#[test]
fn each_class_of_error_has_its_reason_and_says_whether_to_try_again() {
    let operation = {
        let mut world = World::new(Lab::tcp());
        world.pass();
        world.look().batch.unwrap().operations[0].clone()
    };
    let cases = [
        (rejected(ErrorClass::Invalid, ""), Some(("Rejected", false, true))),
        (
            rejected(ErrorClass::Quota, ""),
            Some(("QuotaExceeded", false, true)),
        ),
        (
            rejected(ErrorClass::Billing, ""),
            Some(("BillingProblem", false, true)),
        ),
        (
            rejected(ErrorClass::Denied, ""),
            Some(("CredentialsRefused", false, true)),
        ),
        (rejected(ErrorClass::Gone, ""), Some(("Rejected", true, true))),
        (
            rejected(ErrorClass::Transient, ""),
            Some(("CloudFault", true, false)),
        ),
        (
            Outcome::Busy {
                retry_after: Duration::ZERO,
            },
            Some(("Busy", true, false)),
        ),
        (
            Outcome::Throttled {
                retry_after: Duration::ZERO,
            },
            Some(("Throttled", true, false)),
        ),
        (Outcome::Expired, Some(("Expired", true, false))),
        (
            Outcome::Unknown {
                reason: "reset".to_owned(),
            },
            Some(("CloudFault", true, false)),
        ),
        (Outcome::Superseded, None),
        (
            Outcome::Stale {
                part: "instance".to_owned(),
            },
            None,
        ),
        (Outcome::Skipped { by: "1".to_owned() }, None),
        (Outcome::Applied { created: None }, None),
    ];
    for (outcome, expected) in cases {
        let result = OperationResult {
            operation: operation.id,
            outcome: outcome.clone(),
            left_out: Vec::new(),
        };
        let memory = Memory::default().after_batch(std::slice::from_ref(&operation), &[result]);
        let failure = memory
            .failures
            .first()
            .map(|failure| (failure.reason, failure.retry, failure.warn));
        assert_eq!(failure, expected, "{outcome:?}");
    }
}

#[test]
fn a_failed_listener_is_told_per_port_while_the_others_work() {
    let ports = vec![
        crate::desired::tests::lab::tcp_port(80),
        crate::desired::tests::lab::tcp_port(443),
    ];
    let mut world = World::settled(Lab::with_ports(ports));
    world.clb_mut().listeners.remove(&"tcp:443".parse().unwrap());
    pass_with(&mut world, |_| rejected(ErrorClass::Invalid, "request-1"));
    let step = world.look();
    let ingress = step.writes.ingress.unwrap();
    let errors: Vec<Option<&str>> = ingress[0]
        .ports
        .iter()
        .map(|port| port.error.as_deref())
        .collect();
    assert_eq!(errors, [None, Some("service.k8s.alibaba/Rejected")]);
}

#[test]
fn what_was_refused_waits_longer_and_longer_while_the_rest_goes_on() {
    let mut world = World::settled(Lab::tcp());
    world.lab = world.lab.clone().annotated("name", "refused");
    let mut waits = Vec::new();
    for _ in 0..3 {
        let step = world.look();
        let batch = step.batch.clone().unwrap();
        let results = [OperationResult {
            operation: batch.operations[0].id,
            outcome: rejected(ErrorClass::Invalid, "request-1"),
            left_out: Vec::new(),
        }];
        world.take(&step);
        world.memory = world.memory.after_batch(&batch.operations, &results);
        // Endpoints come and go meanwhile.
        world.forget();
        let name = format!("n7{}", waits.len());
        world.lab.nodes.insert(name.clone(), node(&name, "cn-hangzhou-k"));
        let last = world.settle();
        let sent: Vec<&Change> = world
            .batches
            .iter()
            .flat_map(|batch| &batch.operations)
            .map(|one| &one.change)
            .collect();
        assert!(matches!(sent[..], [Change::ChangeBackends { .. }]), "{sent:?}");
        assert_eq!(last.state, State::Failed);
        assert_eq!(world.condition(PROGRAMMED).as_deref(), Some("False Rejected"));
        waits.push(last.wake_at_ms.unwrap() - world.now_ms);
        world.now_ms = last.wake_at_ms.unwrap();
    }
    assert_eq!(waits, [5_000, 10_000, 20_000]);
    // What is no longer asked for is no longer in the way.
    world.lab.service.annotations.clear();
    assert_eq!(world.settle().state, State::Converged);
    assert!(world.memory.refusals.is_empty());
}

#[test]
fn a_locked_clb_is_said_and_left_alone() {
    let mut world = World::settled(Lab::tcp());
    world.clb_mut().status = "locked".to_owned();
    world.lab.nodes.remove("n3");
    let last = world.settle();
    assert_eq!((last.state, world.batches.len()), (State::Failed, 0));
    assert_eq!(world.count("UnAvailableLoadBalancer"), 1);
    assert_eq!(
        world.condition(PROGRAMMED).as_deref(),
        Some("False LoadBalancerUnavailable")
    );
}

#[test]
fn a_stopped_clb_is_said_when_it_stays_so() {
    let mut world = World::settled(Lab::tcp());
    world.clb_mut().status = "inactive".to_owned();
    let step = world.settle();
    assert_eq!(
        step.state,
        State::Converged,
        "the cloud may only be slow to show it"
    );
    world.now_ms = step.wake_at_ms.unwrap();
    assert_eq!(world.settle().state, State::Failed);
    assert_eq!(world.count("UnAvailableLoadBalancer"), 1);
}

#[test]
fn the_table_names_every_condition_and_reason_that_is_written() {
    let mut world = World::new(Lab::tcp().annotated("name", "a").annotated("spec", "nonsense"));
    world.settle();
    let mut written: Vec<Condition> = world.lab.service.conditions.clone();
    world.lab = Lab::tcp();
    world.settle();
    written.extend(world.lab.service.conditions.iter().cloned());
    for condition in written {
        let row = conditions::TABLE.iter().find(|row| row.kind == condition.kind);
        let reasons = row.map(|row| row.reasons).unwrap_or_default();
        assert!(reasons.contains(&condition.reason.as_str()), "{condition:?}");
    }
}
