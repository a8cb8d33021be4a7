//! Pods' backends of ports with one target port carry one mark, also where annotations put the ports into different groups.

use super::world::World;
use crate::desired::tests::lab::{Lab, tcp_port, udp_port};

/// Two ports of one target port share the Service's own group; a crash before the rest must not bind the port that is to use the user's.
#[test]
fn an_own_group_that_another_port_needs_binds_no_port() {
    let lab = Lab::with_ports(vec![udp_port(53)]).annotated("id", "lb-reuse-05");
    let mut world = World::new(lab).with_users_clb("lb-reuse-05");
    world.settle();
    world.lab.service.ports = vec![udp_port(53), tcp_port(80)];
    for (name, value) in [("backend-type", "eni"), ("vgroup-port", "rsp-user-05:80")] {
        world.lab = world.lab.clone().annotated(name, value);
    }
    let mut whole = world.clone();
    whole.settle();
    world.pass_first(1);
    world.memory = Default::default();
    world.settle();
    let backends = |world: &World| {
        let groups = world.clb().vgroups.values();
        groups
            .map(|group| (group.name.clone(), group.backends.len()))
            .collect::<Vec<_>>()
    };
    assert_eq!(backends(&world), backends(&whole));
}

/// Backends that are gone are replaced before anything else: those that come into the user's group for one port bind no other port to it.
#[test]
fn backends_of_one_port_in_a_users_group_bind_no_other_port() {
    let mut lab = Lab::with_ports(vec![tcp_port(443), udp_port(53)])
        .annotated("id", "lb-reuse-05")
        .annotated("force-override-listeners", "true")
        .annotated("vgroup-port", "rsp-user-05:443");
    lab.nodes.retain(|name, _| name == "n1");
    let mut world = World::new(lab).with_users_clb("lb-reuse-05");
    world.settle();
    world.lab.nodes.clear();
    world.lab = world.lab.clone().annotated("backend-type", "eni");
    world.settle();
    let clb = world.clb();
    let group = |key: &str| {
        let listener = &clb.listeners[&key.parse().unwrap()];
        clb.vgroups[listener.vgroup.as_ref().unwrap()].name.as_str()
    };
    assert_eq!(group("tcp:443"), "users-05");
    assert_eq!(group("udp:53"), "k8s/80/web/default/c-lab");
}
