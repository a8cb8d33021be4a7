//! Backends that the cloud cannot use, or does not let go.

use clb_model::cloud::Backend;
use clb_model::operation::{BackendChange, Change, LeftOutBackend, OperationResult, Outcome};

use super::world::World;
use crate::conditions::{NOTIFIED, PROGRAMMED};
use crate::desired::tests::lab::{Lab, pod, tcp_port};
use crate::plan::LeftOutKey;
use crate::step::State;

/// A pass whose first operation changes backends, of which the cloud refuses the first.
fn refuse_first_backend(world: &mut World) -> BackendChange {
    let step = world.look();
    let batch = step.batch.clone().unwrap();
    let Change::ChangeBackends { backends, change, .. } = &batch.operations[0].change else {
        panic!("{batch:?}");
    };
    let result = OperationResult {
        operation: batch.operations[0].id,
        outcome: Outcome::Unchanged { found: None },
        left_out: vec![LeftOutBackend {
            backend: backends[0].clone(),
            reason: "no ENI has this address".to_owned(),
        }],
    };
    world.take(&step);
    world.memory = world.memory.after_batch(&batch.operations, &[result]);
    *change
}

#[test]
fn a_backend_that_cannot_be_used_is_named_and_tried_again_later_and_later() {
    let mut world = World::settled(Lab::tcp().annotated("backend-type", "eni"));
    world.lab.service.endpoints[0]
        .endpoints
        .push(pod("10.0.7.7", "n1"));
    let mut waits = Vec::new();
    for _ in 0..3 {
        refuse_first_backend(&mut world);
        let last = world.settle();
        assert_eq!(last.state, State::Converged);
        let at = last.wake_at_ms.unwrap();
        waits.push(at - world.now_ms);
        world.now_ms = at;
    }
    assert_eq!(waits, [15_000, 30_000, 60_000]);
    assert_eq!(world.count("SkipSyncBackends"), 1, "{:?}", world.said());
    assert!(
        world
            .said()
            .iter()
            .any(|text| text.contains("10.0.7.7:80") && text.contains("no ENI"))
    );
    // Then the cloud knows it.
    world.settle();
    let group = world.clb().vgroups.values().next().unwrap();
    assert_eq!(group.backends.len(), 6);
    assert!(world.memory.left_out.is_empty());
}

#[test]
fn an_address_that_could_not_be_used_is_tried_at_once_when_another_pod_gets_it() {
    let mut world = World::settled(Lab::tcp().annotated("backend-type", "eni"));
    let without = world.lab.service.endpoints.clone();
    let pod = pod("10.0.7.7", "n1");
    world.lab.service.endpoints[0].endpoints.push(pod.clone());
    assert_eq!(refuse_first_backend(&mut world), BackendChange::Add);
    assert!(world.settle().wake_at_ms.is_some());

    world.lab.service.endpoints = without;
    assert_eq!(world.settle().wake_at_ms, None, "nobody wants it any more");
    world.lab.service.endpoints[0].endpoints.push(pod);
    world.settle();
    let group = world.clb().vgroups.values().next().unwrap();
    assert_eq!(group.backends.len(), 6);
}

#[test]
fn a_backend_that_cannot_be_changed_or_removed_is_tried_again_later_and_not_at_once() {
    let changes: [fn(&mut World); 2] = [
        |world| world.lab.service.endpoints[0].endpoints.truncate(1),
        |world| world.lab = world.lab.clone().annotated("default-weight", "5"),
    ];
    for (change, expected) in changes
        .into_iter()
        .zip([BackendChange::Remove, BackendChange::Set])
    {
        let mut world = World::settled(Lab::tcp().annotated("backend-type", "eni"));
        change(&mut world);
        assert_eq!(refuse_first_backend(&mut world), expected);
        let last = world.settle();
        assert_eq!(last.state, State::Converged);
        world.forget();
        world.settle();
        assert_eq!(world.batches, [], "it waits");
        world.now_ms = last.wake_at_ms.unwrap();
        world.settle();
        assert_eq!(world.batches.len(), 1);
        assert!(world.memory.left_out.is_empty());
    }
}

/// A pass with a batch that only changes backends, of which the cloud refuses those, each with a reason that names it.
fn refuse(world: &mut World, is_refused: impl Fn(&Backend) -> bool) {
    let step = world.look();
    let batch = step.batch.clone().unwrap();
    let results: Vec<OperationResult> = batch
        .operations
        .iter()
        .map(|operation| {
            let Change::ChangeBackends { backends, .. } = &operation.change else {
                panic!("{operation:?}");
            };
            let refused = backends.iter().filter(|backend| is_refused(backend));
            let left_out = refused.map(|backend| LeftOutBackend {
                backend: backend.clone(),
                reason: format!("no ENI has {}.", LeftOutKey::of(backend).server),
            });
            OperationResult {
                operation: operation.id,
                outcome: Outcome::Unchanged { found: None },
                left_out: left_out.collect(),
            }
        })
        .collect();
    world.take(&step);
    world.memory = world.memory.after_batch(&batch.operations, &results);
}

fn with_pods(world: &mut World, count: u8) {
    let pods = (1..=count).map(|number| pod(&format!("10.0.7.{number}"), "n1"));
    world.lab.service.endpoints[0].endpoints.extend(pods);
}

/// How many hashes the Service's condition remembers.
fn remembered(world: &World) -> usize {
    crate::conditions::find(&world.lab.service, NOTIFIED)
        .map_or(0, |condition| condition.message.split(',').count())
}

/// One event tells of all that have one cause, and not again for each that recovers; who joins them is named.
#[test]
fn many_that_cannot_be_used_are_told_together() {
    let mut world = World::settled(Lab::tcp().annotated("backend-type", "eni"));
    with_pods(&mut world, 30);
    refuse(&mut world, |_| true);
    world.settle();
    let said = world.said();
    assert_eq!(world.count("SkipSyncBackends"), 1, "{said:?}");
    let text = said
        .iter()
        .find(|text| text.contains("SkipSyncBackends"))
        .unwrap();
    assert!(
        text.contains("no ENI has …") && text.contains("10.0.7.1:80, ") && text.contains(" and 20 more"),
        "{text}"
    );
    assert_eq!(remembered(&world), 1);
    let endpoints = &mut world.lab.service.endpoints[0].endpoints;
    endpoints.truncate(endpoints.len() - 3);
    world.settle();
    assert_eq!(world.count("SkipSyncBackends"), 1, "{:?}", world.said());

    world.forget();
    world.lab.service.endpoints[0]
        .endpoints
        .push(pod("10.0.7.200", "n1"));
    refuse(&mut world, |_| true);
    world.settle();
    let said = world.said();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("(10.0.7.200:80, 10.0.7.1:80, "), "{said:?}");
    assert_eq!(remembered(&world), 1);
}

#[test]
fn a_group_whose_backends_are_all_refused_is_not_as_the_service_asks() {
    let mut lab = Lab::with_ports(vec![tcp_port(80), tcp_port(81)]).annotated("backend-type", "eni");
    let pods = std::mem::take(&mut lab.service.endpoints[0].endpoints);
    let mut world = World::settled(lab);
    with_pods(&mut world, 60);
    refuse(&mut world, |backend| {
        LeftOutKey::of(backend).server.starts_with("10.0.7.")
    });
    let last = world.settle();
    assert_eq!(last.state, State::Failed);
    assert_eq!(
        world.condition(PROGRAMMED).as_deref(),
        Some("False BackendsMissing")
    );
    assert_eq!(world.count("SkipSyncBackends"), 1, "{:?}", world.said());
    assert_eq!(world.count("SyncLoadBalancerFailed"), 1, "{:?}", world.said());
    assert_eq!(remembered(&world), 2);
    let errors = |world: &World| -> Vec<Option<String>> {
        let ports = world.lab.service.ingress[0].ports.iter();
        ports.map(|port| port.error.clone()).collect()
    };
    let missing = Some("service.k8s.alibaba/BackendsMissing".to_owned());
    assert_eq!(errors(&world), [missing.clone(), missing]);

    // Trying again says nothing new.
    world.forget();
    world.now_ms = last.wake_at_ms.unwrap();
    refuse(&mut world, |_| true);
    world.settle();
    assert_eq!(world.said(), [""; 0]);
    assert_eq!(
        world.condition(PROGRAMMED).as_deref(),
        Some("False BackendsMissing")
    );

    world.lab.service.endpoints[0].endpoints.extend(pods);
    world.settle();
    assert_eq!(world.condition(PROGRAMMED).as_deref(), Some("True Programmed"));
    assert_eq!(errors(&world), []);
}

/// The address of a new Service is shown all the same: its listeners are there.
#[test]
fn a_new_service_without_a_backend_that_can_be_used_says_so_and_has_its_address() {
    let mut lab = Lab::tcp().annotated("backend-type", "eni");
    lab.service.endpoints[0].endpoints = vec![pod("172.31.0.9", "n1")];
    let mut world = World::new(lab);
    world.settle();
    assert_eq!(
        world.condition(PROGRAMMED).as_deref(),
        Some("False BackendsMissing")
    );
    assert!(world.lab.service.ingress[0].ip.is_some());
    world.lab.service.endpoints[0]
        .endpoints
        .push(pod("10.0.7.7", "n1"));
    world.settle();
    assert_eq!(world.condition(PROGRAMMED).as_deref(), Some("True Programmed"));
}
