//! Families of addresses, of a CLB that is there and of the pods behind it.

use clb_model::cluster::IpFamily::{self, V4, V6};

use super::world::World;
use crate::conditions::ACCEPTED;
use crate::desired::tests::lab::{Lab, set_families};
use crate::step::{Memory, State};

fn pods(annotations: &[(&str, &str)], families: &[IpFamily]) -> Lab {
    let mut lab = Lab::tcp().annotated("backend-type", "eni");
    for (name, value) in annotations {
        lab = lab.annotated(name, value);
    }
    set_families(&mut lab.service, families);
    lab
}

/// What Alibaba's controller, which does not look at the Service's families, made of the annotations: an IPv4 CLB where nothing else is
/// said, and IPv4 pods.
fn left_by_alibabas_controller(annotations: &[(&str, &str)], families: &[IpFamily]) -> World {
    let mut world = World::settled(pods(annotations, &[V4]));
    world.memory = Memory::default();
    let made_of_v4 = std::mem::replace(&mut world.lab, pods(annotations, families)).service;
    let service = &mut world.lab.service;
    service.finalizer = true;
    service.ingress = made_of_v4.ingress;
    service.labels = made_of_v4.labels;
    world
}

#[test]
fn pods_of_a_clb_that_alibabas_controller_made_stay_of_their_family() {
    for annotations in [
        &[][..],
        &[("address-type", "intranet")],
        &[("ip-version", "ipv4")],
        &[("ip-version", "ipv6")],
    ] {
        for families in [&[V4][..], &[V4, V6], &[V6, V4]] {
            let mut world = left_by_alibabas_controller(annotations, families);
            assert_eq!(world.settle().state, State::Converged);
            assert!(
                world.batches.is_empty(),
                "{annotations:?} {families:?}: {:#?}",
                world.batches
            );
        }
    }
}

#[test]
fn pods_that_the_clb_does_not_reach_are_not_taken_for_the_others() {
    let mut world = left_by_alibabas_controller(&[], &[V6]);
    assert_eq!(world.settle().state, State::Failed);
    assert!(world.batches.is_empty(), "{:#?}", world.batches);
    let accepted = world.condition(ACCEPTED);
    assert_eq!(accepted.as_deref(), Some("False InvalidAnnotations"));
    assert!(
        world.said().join("\n").contains("spec.ipFamilies"),
        "{:?}",
        world.said()
    );
}

#[test]
fn of_a_clb_that_is_ours_the_first_family_that_it_reaches_counts() {
    for (annotations, backend) in [
        (&[("address-type", "intranet")][..], "10.0.1.1"),
        (&[("ip-version", "ipv4")], "10.0.1.1"),
        (&[("ip-version", "ipv6")], "fd00::1:1"),
        (&[], "fd00::1:1"),
    ] {
        let mut world = World::settled(pods(annotations, &[V6, V4]));
        let groups = world.clb().vgroups.values();
        let written: Vec<String> = groups.map(|group| format!("{:?}", group.backends)).collect();
        assert!(written.concat().contains(backend), "{annotations:?}: {written:?}");
        // The one that is there counts, not what is asked for later.
        world.lab.service.annotations = pods(&[], &[V4]).service.annotations;
        world.settle();
        assert!(world.batches.is_empty(), "{annotations:?}: {:#?}", world.batches);
    }
}
