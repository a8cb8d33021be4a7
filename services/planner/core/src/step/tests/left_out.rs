//! Backends that the cloud cannot use, or does not let go.

use clb_model::operation::{BackendChange, Change, LeftOutBackend, OperationResult, Outcome};

use super::world::World;
use crate::desired::tests::lab::Lab;
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
        .push(crate::desired::tests::lab::pod("10.0.7.7", "n1"));
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
    let pod = crate::desired::tests::lab::pod("10.0.7.7", "n1");
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

/// One event tells of all that have one reason, and not again for each that recovers.
#[test]
fn many_that_cannot_be_used_are_told_together() {
    let mut world = World::settled(Lab::tcp().annotated("backend-type", "eni"));
    for number in 1..=30 {
        let pod = crate::desired::tests::lab::pod(&format!("10.0.7.{number}"), "n1");
        world.lab.service.endpoints[0].endpoints.push(pod);
    }
    let step = world.look();
    let batch = step.batch.clone().unwrap();
    let results: Vec<OperationResult> = batch
        .operations
        .iter()
        .map(|operation| {
            let Change::ChangeBackends { backends, .. } = &operation.change else {
                panic!("{operation:?}");
            };
            let left_out = backends.iter().map(|backend| LeftOutBackend {
                backend: backend.clone(),
                reason: "no ENI has this address".to_owned(),
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
    world.settle();
    let said = world.said();
    assert_eq!(world.count("SkipSyncBackends"), 1, "{said:?}");
    let text = said
        .iter()
        .find(|text| text.contains("SkipSyncBackends"))
        .unwrap();
    assert!(
        text.contains("10.0.7.1:80, ") && text.contains("and 10 more"),
        "{text}"
    );
    let endpoints = &mut world.lab.service.endpoints[0].endpoints;
    endpoints.truncate(endpoints.len() - 3);
    world.settle();
    assert_eq!(world.count("SkipSyncBackends"), 1, "{:?}", world.said());
}
