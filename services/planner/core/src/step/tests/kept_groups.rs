//! Backends that stay in a user's group which `vgroup-port` does not name any more.

use super::world::World;
use crate::desired::tests::lab::{Lab, node, tcp_port};

fn reusing(lab: Lab) -> World {
    World::new(lab.annotated("id", "lb-reuse-05")).with_users_clb("lb-reuse-05")
}

/// The weights of our backends in the user's group, in the order of their names.
fn weights(world: &World) -> Vec<u8> {
    let group = &world.clb().vgroups[&"rsp-user-05".parse().unwrap()];
    let ours = group
        .backends
        .iter()
        .filter(|backend| backend.description != "mine");
    ours.map(|backend| backend.weight).collect()
}

fn without(world: &mut World, end: &str) {
    let annotations = &mut world.lab.service.annotations;
    annotations.retain(|name, _| !name.ends_with(end));
}

#[test]
fn backends_that_stay_in_a_users_group_weigh_as_before() {
    let lab = Lab::tcp().annotated("vgroup-port", "rsp-user-05:80");
    let mut world = reusing(lab.annotated("weight", "60"));
    world.settle();
    assert_eq!(weights(&world), [12; 5]);
    world.forget();
    without(&mut world, "-vgroup-port");
    world.settle();
    assert_eq!(world.batches, []);
    let said = world.said();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].contains(
            "-vgroup-port was removed, but the backends of the Service are in vServer group rsp-user-05"
        ),
        "{said:?}"
    );
    // The weight stays in force, as the group does.
    world.lab = world.lab.clone().annotated("weight", "20");
    world.settle();
    assert_eq!(weights(&world), [4; 5]);
    // Named no more, it stays; who comes weighs as much.
    world.forget();
    without(&mut world, "-weight");
    world.lab.nodes.remove("n3");
    world.settle();
    assert_eq!(weights(&world), [4; 4]);
    world
        .lab
        .nodes
        .insert("n3".to_owned(), node("n3", "cn-hangzhou-k"));
    world.settle();
    assert_eq!(weights(&world), [4; 5]);
    assert_eq!(
        world.said().iter().filter(|text| text.contains("weight")).count(),
        0,
        "{:?}",
        world.said()
    );
    // A mistake beside it changes nothing.
    world.lab = world.lab.clone().annotated("scheduler", "fair");
    world.settle();
    assert_eq!(weights(&world), [4; 5]);
    without(&mut world, "-scheduler");
    world.lab = world.lab.clone().annotated("default-weight", "7");
    world.settle();
    assert_eq!(weights(&world), [7; 5], "what is named counts");
}

#[test]
fn a_port_less_in_the_list_of_groups_is_not_called_a_removed_annotation() {
    let ports = || Lab::with_ports(vec![tcp_port(80), tcp_port(443)]);
    let mut world = reusing(ports().annotated("vgroup-port", "rsp-user-05:80"));
    world.settle();
    world.forget();
    let name = format!(
        "{}loadbalancer-vgroup-port",
        clb_model::marks::LEGACY_ANNOTATION_PREFIX
    );
    without(&mut world, "-vgroup-port");
    world
        .lab
        .service
        .annotations
        .insert(name.clone(), "rsp-user-05:443".to_owned());
    world.settle();
    let said = world.said();
    let expected = format!("annotation {name} no longer names vServer group rsp-user-05, but");
    assert!(said.iter().any(|text| text.contains(&expected)), "{said:?}");
}
