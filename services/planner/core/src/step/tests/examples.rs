//! Every example of the annotation reference, from manifest to operations, and from every example to every other.

use super::world::World;
use crate::desired::tests::lab::Lab;
use crate::desired::tests::manifest;
use crate::find::annotated_id;
use crate::step::State;

fn example(name: &str) -> World {
    let lab = Lab::with_service(manifest::example(name));
    let world = World::new(lab);
    match annotated_id(&world.lab.service) {
        Some(id) => world.with_users_clb(id.as_str()),
        None => world,
    }
}

#[test]
fn each_example_is_made_by_these_operations_and_then_stays() {
    for name in manifest::example_names() {
        let mut world = example(&name);
        let last = world.settle();
        assert_eq!(last.state, State::Converged, "{name}: {}", last.message);
        let operations: Vec<_> = world.batches.iter().map(|batch| &batch.operations).collect();
        insta::assert_yaml_snapshot!(format!("made_{name}"), operations);
    }
}

#[test]
fn each_example_goes_without_leaving_anything() {
    for name in manifest::example_names() {
        let mut world = example(&name);
        let before = world.cloud.load_balancers.clone();
        world.settle();
        world.lab.service.deleting = true;
        let last = world.settle();
        assert!(!world.lab.service.finalizer, "{name}: {}", last.message);
        if name.starts_with("15-preserve") {
            let clb = world.clb();
            assert!(clb.tags.is_empty() && !clb.delete_protection && !clb.modification_protection);
            assert_eq!((clb.listeners.len(), clb.vgroups.len()), (1, 1));
            continue;
        }
        for (id, clb) in &world.cloud.load_balancers {
            let before = &before[id];
            assert_eq!(clb.listeners, before.listeners, "{name}");
            let names = |clb: &clb_model::cloud::LoadBalancer| {
                clb.vgroups
                    .values()
                    .map(|group| (group.name.clone(), group.backends.clone()))
                    .collect::<Vec<_>>()
            };
            assert_eq!(names(clb), names(before), "{name}");
        }
        assert_eq!(world.cloud.load_balancers.len(), before.len(), "{name}");
    }
}

/// What can be compared between a CLB that was changed and one that was made so: for each listener the attributes that the Service
/// names, for each group its backends.
#[test]
fn from_each_example_to_each_other_everything_named_is_as_if_made_so() {
    let names = manifest::example_names();
    for from in &names {
        let mut start = example(from);
        start.settle();
        for to in &names {
            let mut world = start.clone();
            let target = manifest::example(to);
            world.lab.service = clb_model::cluster::Service {
                key: world.lab.service.key.clone(),
                uid: world.lab.service.uid.clone(),
                labels: world.lab.service.labels.clone(),
                ingress: world.lab.service.ingress.clone(),
                conditions: world.lab.service.conditions.clone(),
                finalizer: true,
                ..target
            };
            if let Some(id) = annotated_id(&world.lab.service) {
                let there = world.cloud.load_balancers.contains_key(&id);
                if !there {
                    world = world.with_users_clb(id.as_str());
                }
            }
            let last = world.settle();
            assert_eq!(last.state, State::Converged, "{from} -> {to}: {}", last.message);
            assert!(last.batch.is_none() && last.writes.is_empty(), "{from} -> {to}");
        }
    }
}
