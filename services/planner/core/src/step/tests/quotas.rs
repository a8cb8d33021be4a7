//! Quotas where what goes makes room for what comes in the same plan.

use super::world::World;
use crate::desired::tests::lab::{Lab, tcp_port, written};

/// With every instance in as many groups as it may be.
fn with_full_instances() -> World {
    let mut lab = Lab::with_ports(vec![tcp_port(80), tcp_port(81)]);
    lab.cluster.quotas.attachments_per_instance = 2;
    lab.nodes.remove("vk");
    World::settled(lab)
}

/// The backends of all groups.
fn attached(world: &World) -> Vec<String> {
    let groups = world.clb().vgroups.values();
    let mut all: Vec<String> = groups.flat_map(|group| written(&group.backends)).collect();
    all.sort_unstable();
    all
}

#[test]
fn a_group_that_replaces_another_gets_the_instances_that_the_other_gives_up() {
    let mut world = with_full_instances();
    let before = attached(&world);
    // Another node port is another group.
    let port = &mut world.lab.service.ports[0];
    let old = port.node_port.unwrap();
    port.node_port = Some(old + 1000);
    world.settle();
    let expected: Vec<String> = before
        .iter()
        .map(|backend| backend.replace(&format!(":{old}="), &format!(":{}=", old + 1000)))
        .collect();
    let mut expected = expected;
    expected.sort_unstable();
    assert_eq!(attached(&world), expected);
    assert_eq!(world.clb().vgroups.len(), 2);
    assert!(world.cloud.emptied.is_empty() && world.cloud.cut_off.is_empty());
}

#[test]
fn in_a_users_group_an_instance_goes_from_one_port_to_another() {
    let mut lab = Lab::tcp()
        .annotated("id", "lb-reuse-04")
        .annotated("vgroup-port", "rsp-user-04:80");
    lab.cluster.quotas.attachments_per_instance = 1;
    lab.nodes.remove("vk");
    let mut world = World::new(lab).with_users_clb("lb-reuse-04");
    world.settle();
    let before = attached(&world);
    let port = &mut world.lab.service.ports[0];
    let old = port.node_port.unwrap();
    port.node_port = Some(old + 1);
    world.settle();
    let mut expected: Vec<String> = before
        .iter()
        .map(|backend| backend.replace(&format!(":{old}="), &format!(":{}=", old + 1)))
        .collect();
    expected.sort_unstable();
    assert_eq!(attached(&world), expected);
    assert!(world.cloud.emptied.is_empty());
}

#[test]
fn a_port_that_takes_the_place_of_another_is_within_the_quota_of_listeners() {
    let mut lab = Lab::with_ports(vec![tcp_port(80), tcp_port(81)]);
    lab.cluster.quotas.listeners_per_load_balancer = 2;
    let mut world = World::settled(lab);
    world.lab.service.ports = vec![tcp_port(80), tcp_port(82)];
    world.settle();
    let listeners: Vec<String> = world.clb().listeners.keys().map(ToString::to_string).collect();
    assert_eq!(listeners, ["tcp:80", "tcp:82"]);
    let said = world.said().join("\n");
    assert!(!said.contains("quota"), "{said}");
}

#[test]
fn listeners_that_the_quota_leaves_out_get_no_groups_until_there_is_room() {
    let ports = |numbers: &[u16]| numbers.iter().copied().map(tcp_port).collect::<Vec<_>>();
    let mut lab = Lab::with_ports(ports(&[80, 81, 82, 83]));
    lab.cluster.quotas.listeners_per_load_balancer = 2;
    let mut world = World::new(lab);
    world.settle();
    let count = |world: &World| (world.clb().listeners.len(), world.clb().vgroups.len());
    assert_eq!(count(&world), (2, 2));
    assert_eq!(world.count("QuotaExceeded"), 2, "{:?}", world.said());
    assert_eq!(world.count("SyncLoadBalancerFailed"), 0);
    world.lab.service.ports = ports(&[81, 82]);
    world.settle();
    assert_eq!(count(&world), (2, 2));
    let vgroups = &world.clb().vgroups;
    assert!(vgroups.values().all(|group| !group.backends.is_empty()));
}
