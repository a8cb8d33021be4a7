//! Every example of the annotation reference, from manifest to operations, and from every example to every other.

use clb_model::cloud::{AddressType, Backend, InternetChargeType};

use super::world::World;
use crate::desired::tests::lab::Lab;
use crate::desired::tests::manifest;
use crate::desired::{Source, VServerGroupIdentity};
use crate::find::annotated_id;
use crate::plan::LeftOutKey;
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

/// A CLB that was changed is in everything that the Service names as one that was made so.
#[test]
fn from_each_example_to_each_other_everything_named_is_as_if_made_so() {
    let names = manifest::example_names();
    for from in &names {
        let mut start = example(from);
        start.settle();
        for to in &names {
            let mut world = start.clone();
            world.lab.service = clb_model::cluster::Service {
                key: world.lab.service.key.clone(),
                uid: world.lab.service.uid.clone(),
                labels: world.lab.service.labels.clone(),
                ingress: world.lab.service.ingress.clone(),
                conditions: world.lab.service.conditions.clone(),
                finalizer: true,
                ..manifest::example(to)
            };
            world.lab = world.lab.with_what_is_annotated_free();
            let moves = annotated_id(&start.lab.service) != annotated_id(&world.lab.service);
            if let Some(id) = annotated_id(&world.lab.service)
                && !world.cloud.load_balancers.contains_key(&id)
            {
                world = world.with_users_clb(id.as_str());
            }
            let last = world.settle();
            assert_eq!(last.state, State::Converged, "{from} -> {to}: {}", last.message);
            if !moves {
                compare(&format!("{from} -> {to}"), &world);
            }
        }
    }
}

#[track_caller]
fn compare(change: &str, world: &World) {
    let desired = world.lab.desired();
    let id = world.lab.service.labels[clb_model::marks::LOAD_BALANCER_ID_LABEL]
        .parse()
        .unwrap();
    let clb = &world.cloud.load_balancers[&id];
    let (named, address_type) = (&desired.named, clb.address_type);
    assert!(named.name.iter().all(|name| *name == clb.name), "{change}");
    assert!(
        named
            .delete_protection
            .iter()
            .all(|on| *on == clb.delete_protection),
        "{change}"
    );
    assert!(
        named
            .bandwidth
            .iter()
            .all(|mbps| i64::from(*mbps) == i64::from(clb.bandwidth)
                || address_type == AddressType::Intranet
                || clb.internet_charge_type == InternetChargeType::PayByTraffic),
        "{change}"
    );
    for (key, value) in named.additional_tags.iter().flatten() {
        assert_eq!(clb.tags.get(key), Some(value), "{change}");
    }
    for wanted in &desired.listeners {
        let listener = &clb.listeners[&wanted.key];
        for (attribute, value) in wanted.named.iter() {
            assert_eq!(
                listener.attributes.get(attribute),
                Some(value),
                "{change}: {attribute:?}"
            );
        }
        let domains = listener
            .domain_extensions
            .iter()
            .map(|(domain, one)| (domain.clone(), one.certificate_id.clone()));
        assert!(
            wanted
                .domain_extensions
                .iter()
                .all(|wanted| *wanted == domains.clone().collect()),
            "{change}"
        );
    }
    if desired.source == Source::Own {
        let keys: Vec<_> = desired.listeners.iter().map(|wanted| wanted.key).collect();
        assert_eq!(
            clb.listeners.keys().copied().collect::<Vec<_>>(),
            keys,
            "{change}"
        );
        assert_eq!(clb.vgroups.len(), desired.vgroups.len(), "{change}");
    }
    for wanted in &desired.vgroups {
        let group = clb.vgroups.iter().find(|(id, group)| match &wanted.identity {
            VServerGroupIdentity::Own(name) => group.name == *name,
            VServerGroupIdentity::Reused(wanted) => *id == wanted,
        });
        let (_, group) = group.unwrap();
        let text = |backend: &Backend| {
            format!(
                "{:?} {} {}",
                LeftOutKey::of(backend),
                backend.weight,
                backend.description
            )
        };
        let ours = group
            .backends
            .iter()
            .filter(|backend| backend.description == wanted.mark);
        let (mut ours, mut expected): (Vec<_>, Vec<_>) = (
            ours.map(text).collect(),
            wanted.backends.iter().map(text).collect(),
        );
        ours.sort();
        expected.sort();
        assert_eq!(ours, expected, "{change}");
    }
}
