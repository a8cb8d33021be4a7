//! A Service goes, or is no longer of type LoadBalancer.

use clb_model::cluster::ServiceType;
use clb_model::directive::FinalizerAction;
use clb_model::marks::OWNER_TAG;
use clb_model::operation::{Change, CloudError, ErrorClass, Operation, OperationResult, Outcome};

use super::world::World;
use crate::conditions::{ACCEPTED, FORMER, PROGRAMMED};
use crate::desired::tests::lab::Lab;
use crate::step::{Memory, State, Step};

#[test]
fn the_finalizer_goes_after_the_clb() {
    let mut world = World::settled(Lab::tcp());
    world.lab.service.deleting = true;
    let first = world.pass();
    assert_eq!(first.writes.finalizer, FinalizerAction::Keep);
    assert!(
        matches!(first.batch.unwrap().operations[..], [ref only] if only.change == Change::DeleteLoadBalancer)
    );
    let second = world.pass();
    assert_eq!(second.writes.finalizer, FinalizerAction::Absent);
    assert_eq!(world.lab.service.labels.len(), 0);
    assert_eq!(world.count("CleanLoadBalancer"), 1);
    assert_eq!(world.count("DeleteTimestampChanged"), 1);
    assert_eq!(world.settle().state, State::None);
}

#[test]
fn the_status_of_a_service_that_is_going_is_left_alone() {
    let mut world = World::settled(Lab::tcp());
    world.lab.service.deleting = true;
    let ingress = world.lab.service.ingress.clone();
    world.settle();
    assert_eq!(world.lab.service.ingress, ingress);
}

#[test]
fn another_type_empties_the_status_and_a_later_clb_is_another() {
    let mut world = World::settled(Lab::tcp());
    let first = world.clb().id.clone();
    world.lab.service.service_type = ServiceType::ClusterIp;
    world.settle();
    assert!(world.cloud.load_balancers.is_empty() && !world.lab.service.finalizer);
    assert_eq!(world.lab.service.ingress, []);
    assert_eq!(world.count("TypeChanged"), 1);
    assert_eq!(world.condition(FORMER).as_deref(), Some("True Gone"));

    world.memory = Memory::default();
    world.forget();
    world.lab.service.service_type = ServiceType::LoadBalancer;
    world.settle();
    let Change::CreateLoadBalancer(new) = &world.batches[0].operations[0].change else {
        panic!("{:?}", world.batches);
    };
    assert_eq!(new.replaces.as_ref(), Some(&first));
}

#[test]
fn a_mistake_that_nobody_makes_any_more_is_told_again_when_it_comes_back() {
    let mut world = World::settled(Lab::tcp());
    world.lab = world.lab.clone().annotated("bandwidth", "none");
    world.settle();
    assert_eq!(world.count("SyncLoadBalancerFailed"), 1);
    assert_eq!(
        world.condition(ACCEPTED).as_deref(),
        Some("False InvalidAnnotations")
    );
    world.lab.service.service_type = ServiceType::ClusterIp;
    world.settle();
    assert_eq!(world.condition(ACCEPTED).as_deref(), Some("True Valid"));

    // As the planner remembers it, and as another that has only the Service's conditions does.
    for memory in [world.memory.clone(), Memory::default()] {
        let mut world = world.clone();
        world.memory = memory;
        world.forget();
        world.lab.service.service_type = ServiceType::LoadBalancer;
        world.settle();
        assert_eq!(world.count("SyncLoadBalancerFailed"), 1, "{:?}", world.said());
        assert_eq!(
            world.condition(ACCEPTED).as_deref(),
            Some("False InvalidAnnotations")
        );
    }
}

#[test]
fn of_a_preserved_clb_it_is_said_that_it_stays() {
    let mut world = World::settled(Lab::tcp().annotated("preserve-lb-on-delete", "true"));
    let id = world.clb().id.clone();
    world.lab.service.service_type = ServiceType::ClusterIp;
    world.settle();
    let said = world.said();
    assert!(
        said.iter().any(|text| text.starts_with("TypeChanged")
            && text.ends_with("its CLB stays, and is no longer this controller's")),
        "{said:?}"
    );
    let programmed = crate::conditions::find(&world.lab.service, PROGRAMMED).unwrap();
    assert_eq!(programmed.reason, "CleanedUp");
    assert!(
        programmed
            .message
            .contains(&format!("CLB {id}, which it had, stays")),
        "{programmed:?}"
    );
}

/// One look whether an earlier batch makes a CLB, and the finalizer goes.
#[track_caller]
fn goes_at_once(mut world: World) {
    world.lab.service.deleting = true;
    let first = world.pass();
    assert_eq!(
        (first.writes.finalizer, first.state),
        (FinalizerAction::Keep, State::Cleaning)
    );
    let changes: Vec<Change> = world
        .batches
        .iter()
        .flat_map(|batch| &batch.operations)
        .map(|operation| operation.change.clone())
        .collect();
    let look = Change::FindLoadBalancer {
        was_being_made: false,
    };
    assert_eq!(changes, [look]);
    assert_eq!(world.batches[0].load_balancer, None);
    let second = world.pass();
    assert_eq!(
        (second.writes.finalizer, second.batch),
        (FinalizerAction::Absent, None)
    );
    // Before the watcher has carried that out.
    world.lab.service.finalizer = true;
    let third = world.pass();
    assert_eq!(
        (third.writes.finalizer, third.batch),
        (FinalizerAction::Absent, None)
    );
}

#[test]
fn a_service_that_could_never_be_built_goes_at_once() {
    let mut world = World::new(Lab::tcp().annotated("scheduler", "nonsense"));
    world.settle();
    world.lab.service.finalizer = true;
    goes_at_once(world);

    // The cloud refused it.
    let mut world = World::new(Lab::tcp());
    world.pass();
    let step = world.look();
    let operations = step.batch.clone().unwrap().operations;
    world.take(&step);
    world.memory = world
        .memory
        .after_batch(&operations, &[refused(&operations[0], "request-1")]);
    let step = world.look();
    world.take(&step);
    world.memory = Memory::default();
    goes_at_once(world);
}

#[test]
fn a_clb_that_is_gone_holds_nothing_up() {
    let mut world = World::settled(Lab::tcp());
    world.cloud.load_balancers.clear();
    goes_at_once(world);
}

#[test]
fn several_marked_clbs_are_named_and_none_is_deleted() {
    let mut world = World::settled(Lab::tcp());
    let mut twin = world.clb().clone();
    twin.id = "lb-twin".parse().unwrap();
    let ids = [world.clb().id.to_string(), "lb-twin".to_owned()];
    world.cloud.load_balancers.insert(twin.id.clone(), twin);
    for deleting in [false, true] {
        world.lab.service.deleting = deleting;
        let step = world.pass();
        assert_eq!((step.state, step.batch), (State::Failed, None));
        assert!(ids.iter().all(|id| step.message.contains(id)), "{}", step.message);
    }
    assert_eq!(world.count("CleanLoadBalancerFailed"), 1);
    assert!(world.lab.service.finalizer);
}

#[test]
fn a_preserved_clb_keeps_everything_but_protections_and_tags() {
    let mut world = World::settled(Lab::tcp().annotated("preserve-lb-on-delete", "false"));
    let before = world.clb().clone();
    world.lab.service.deleting = true;
    world.settle();
    let after = world.clb();
    assert!(!after.delete_protection && !after.modification_protection && after.tags.is_empty());
    assert_eq!(
        (&after.name, &after.listeners, &after.vgroups),
        (&before.name, &before.listeners, &before.vgroups)
    );
    assert!(!world.lab.service.finalizer);
    assert!(world.count("PreservedOnDelete") > 0);
    let last = world.batches[0].operations.last().unwrap();
    assert!(matches!(
        &last.change,
        Change::ChangeLoadBalancer(clb_model::operation::LoadBalancerChange::RemoveTags(_))
    ));
    assert_eq!(
        last.after.len(),
        2,
        "a crash before the tags are off finds the CLB again"
    );
}

#[test]
fn a_preserved_clb_is_never_found_again_by_its_name() {
    let mut world = World::settled(Lab::tcp().annotated("preserve-lb-on-delete", "true"));
    let preserved = world.clb().id.clone();
    world.lab.service.service_type = ServiceType::ClusterIp;
    world.settle();
    world.lab.service.service_type = ServiceType::LoadBalancer;
    world.settle();
    assert_eq!(world.cloud.load_balancers.len(), 2);
    assert!(
        !world.cloud.load_balancers[&preserved]
            .tags
            .contains_key(OWNER_TAG)
    );
}

#[test]
fn each_pass_that_changes_something_says_that_the_clb_will_stay() {
    let mut world = World::new(Lab::tcp().annotated("preserve-lb-on-delete", "true"));
    world.settle();
    assert_eq!(world.count("PreservedOnDelete"), 1, "{:?}", world.said());
    world.lab.nodes.remove("n3");
    world.settle();
    assert_eq!(world.count("PreservedOnDelete"), 2);
    world.settle();
    assert_eq!(world.count("PreservedOnDelete"), 2);
}

fn refused(operation: &Operation, request_id: &str) -> OperationResult {
    OperationResult {
        operation: operation.id,
        outcome: Outcome::Rejected(CloudError {
            class: ErrorClass::Invalid,
            code: "OperationDenied".to_owned(),
            message: "not now".to_owned(),
            request_id: request_id.to_owned(),
        }),
        left_out: Vec::new(),
    }
}

#[test]
fn a_refused_deletion_is_said_once_and_the_finalizer_stays() {
    let mut world = World::settled(Lab::tcp());
    world.lab.service.deleting = true;
    for round in 0..3 {
        world.wait_out_refusals();
        let step = world.look();
        let batch = step.batch.clone().unwrap();
        assert_eq!(step.state, State::Cleaning);
        let refused = refused(&batch.operations[0], &format!("request-{round}"));
        world.events.extend(step.writes.events);
        world.memory = step.memory.after_batch(&batch.operations, &[refused]);
    }
    assert_eq!(world.count("CleanLoadBalancerFailed"), 1, "{:?}", world.said());
    // While it waits for the next try, nothing is taken for done.
    let step = world.pass();
    assert_eq!((step.batch, step.state), (None, State::Cleaning));
    assert!(world.lab.service.finalizer && step.wake_at_ms.is_some());
}

#[test]
fn a_service_of_the_same_name_made_anew_has_nothing_to_do_with_the_old_clb() {
    let mut world = World::settled(Lab::tcp());
    let old = world.clb().clone();
    world.lab = Lab::tcp();
    world.lab.service.uid = "11111111-2222-3333-4444-555555555555".parse().unwrap();
    world.memory = Memory::default();
    world.settle();
    assert_eq!(world.cloud.load_balancers.len(), 2);
    world.lab.service.deleting = true;
    world.settle();
    assert_eq!(*world.clb(), old);
}

#[test]
fn a_service_that_names_another_class_is_handed_over_untouched() {
    let mut world = World::settled(Lab::tcp());
    let before = world.cloud.clone();
    world
        .lab
        .service
        .annotations
        .insert(clb_model::marks::CLASS_ANNOTATION.to_owned(), "alb".to_owned());
    assert_eq!(world.settle().state, State::HandedOver);
    assert_eq!(world.cloud.load_balancers, before.load_balancers);
    assert!(world.lab.service.finalizer && world.batches.is_empty());
    assert_eq!(world.events.len(), 1, "{:?}", world.said());
    world.settle();
    assert_eq!(world.events.len(), 1);
}

#[test]
fn a_clb_that_its_deletion_did_not_find_is_looked_for() {
    let mut world = World::settled(Lab::tcp());
    world.lab.service.deleting = true;
    let step = world.look();
    world.take(&step);
    let operations = step.batch.unwrap().operations;
    let not_there = OperationResult {
        operation: operations[0].id,
        outcome: Outcome::Unchanged { found: None },
        left_out: Vec::new(),
    };
    world.memory = world.memory.after_batch(&operations, &[not_there]);
    world.cloud.load_balancers.clear();
    goes_at_once(world);
}

/// A Service for which a creation was given to the actuator, and which is then deleted. Of the planner that knew of it nothing is left.
fn deleted_while_it_is_made() -> World {
    let mut world = World::new(Lab::tcp());
    world.pass();
    let step = world.look();
    assert!(matches!(
        step.batch.unwrap().operations[0].change,
        Change::CreateLoadBalancer(_)
    ));
    world.write(&step.writes);
    world.memory = Memory::default();
    world.lab.service.deleting = true;
    world
}

/// The outcome of the look that the next pass gives to the actuator.
#[track_caller]
fn answered(world: &mut World, outcome: Outcome) -> Step {
    let step = world.look();
    world.take(&step);
    let operations = step.batch.clone().unwrap().operations;
    let look = Change::FindLoadBalancer { was_being_made: true };
    assert!(
        matches!(&operations[..], [only] if only.change == look),
        "{operations:?}"
    );
    assert_eq!(step.writes.finalizer, FinalizerAction::Keep);
    let result = OperationResult {
        operation: operations[0].id,
        outcome,
        left_out: Vec::new(),
    };
    world.memory = world.memory.after_batch(&operations, &[result]);
    step
}

#[test]
fn while_an_earlier_batch_may_make_a_clb_the_finalizer_stays() {
    let mut world = deleted_while_it_is_made();
    let retry_after = std::time::Duration::from_secs(2);
    answered(&mut world, Outcome::Busy { retry_after });
    let step = answered(&mut world, Outcome::Busy { retry_after });
    assert!(step.message.contains("waited for"), "{}", step.message);
    let reason = "no answer".to_owned();
    answered(&mut world, Outcome::Unknown { reason });
    answered(&mut world, Outcome::Superseded);
    assert_eq!(world.said(), Vec::<String>::new());
    answered(&mut world, Outcome::Unchanged { found: None });
    assert_eq!(world.pass().writes.finalizer, FinalizerAction::Absent);
}

#[test]
fn a_clb_that_an_earlier_batch_made_is_deleted_once_it_is_shown() {
    let mut world = deleted_while_it_is_made();
    let found = Some("lb-late".to_owned());
    // The mirror does not show it yet.
    answered(&mut world, Outcome::Unchanged { found: found.clone() });
    answered(&mut world, Outcome::Unchanged { found });
    world.cloud.load_balancers = World::settled(Lab::tcp()).cloud.load_balancers;
    world.settle();
    assert!(world.cloud.load_balancers.is_empty() && !world.lab.service.finalizer);
}

#[test]
fn that_nothing_was_left_counts_only_until_the_service_is_to_have_a_clb_again() {
    let mut world = World::settled(Lab::tcp());
    world.lab.service.service_type = ServiceType::ClusterIp;
    world.settle();
    world.lab.service.service_type = ServiceType::LoadBalancer;
    world.pass();
    // Nobody knows what became of the creation.
    world.pass_first(0);
    world.lab.service.deleting = true;
    answered(&mut world, Outcome::Superseded);
}

#[test]
fn a_users_clb_does_not_hide_one_that_is_being_made() {
    let mut world = deleted_while_it_is_made().with_users_clb("lb-user-1");
    world.lab = world.lab.clone().annotated("id", "lb-user-1");
    answered(
        &mut world,
        Outcome::Busy {
            retry_after: std::time::Duration::ZERO,
        },
    );
}

#[test]
fn a_class_that_the_service_has_given_up_does_not_keep_its_clb() {
    // Another instance of this controller, for a class, looked after it before.
    let mut world = World::settled(Lab::tcp());
    world.lab.service.conditions.push(clb_model::cluster::Condition {
        kind: clb_model::marks::CLASS_CONDITION.to_owned(),
        status: clb_model::cluster::ConditionStatus::True,
        reason: crate::conditions::reason::CLASS.to_owned(),
        message: "example.com/clb".to_owned(),
    });
    world.settle();
    assert_eq!(
        world.condition(clb_model::marks::CLASS_CONDITION).as_deref(),
        Some("False NoClass")
    );
    world.lab.service.service_type = ServiceType::ClusterIp;
    world.settle();
    assert!(world.cloud.load_balancers.is_empty() && !world.lab.service.finalizer);
}

#[test]
fn what_a_service_that_leaves_is_told_names_what_was_changed() {
    let class = |world: &mut World| {
        world.lab.service.load_balancer_class = Some("example.com/other".to_owned());
    };
    let annotation = |world: &mut World| {
        let name = clb_model::marks::CLASS_ANNOTATION.to_owned();
        world.lab.service.annotations.insert(name, "other".to_owned());
    };
    let tunnel = |world: &mut World| {
        world.lab = world.lab.clone().annotated("tunnel-type", "vpc");
    };
    type Case = (fn(&mut World), &'static str);
    let cases: [Case; 3] = [
        (class, "ServiceSpecChanged"),
        (annotation, "AnnotationChanged"),
        (tunnel, "AnnotationChanged"),
    ];
    for (change, reason) in cases {
        for configured in [None, Some("example.com/clb")] {
            let mut lab = Lab::tcp();
            lab.cluster.load_balancer_class = configured.map(str::to_owned);
            if let Some(class) = configured {
                let name = clb_model::marks::CLASS_ANNOTATION.to_owned();
                lab.service.annotations.insert(name, class.to_owned());
            }
            let mut world = World::settled(lab);
            change(&mut world);
            world.settle();
            assert_eq!(world.batches, []);
            assert!(world.lab.service.finalizer);
            assert_eq!(world.count(reason), 1, "{configured:?} {:?}", world.said());
            world.lab.service.deleting = true;
            world.settle();
            assert!(world.batches.is_empty() && world.lab.service.finalizer);
        }
    }
}
