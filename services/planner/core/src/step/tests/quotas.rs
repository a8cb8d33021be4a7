//! Quotas: who is in where not all can be, and where what goes makes room for what comes in the same plan.

use clb_model::cloud::Backend;
use clb_model::cluster::ServicePort;

use super::backends::{done, with_nodes};
use super::world::World;
use crate::conditions::PROGRAMMED;
use crate::desired::tests::lab::{Lab, node, tcp_port, written};
use crate::plan::LeftOutKey;

fn server(backend: &Backend) -> String {
    LeftOutKey::of(backend).server
}

/// Whether a node of this name is in the zone of the even ones.
fn is_even(name: &str) -> bool {
    name.ends_with(['0', '2', '4', '6', '8'])
}

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

#[test]
fn the_quota_leaves_a_stable_subset_spread_over_zones() {
    let names: Vec<String> = (10..30).map(|number| format!("n{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut lab = with_nodes(Lab::with_ports(vec![tcp_port(80), tcp_port(443)]), &names);
    lab.cluster.quotas.backends_per_load_balancer = 16;
    for node in lab.nodes.values_mut() {
        let zone = node
            .labels
            .remove("failure-domain.beta.kubernetes.io/zone")
            .unwrap();
        node.labels.insert("topology.kubernetes.io/zone".to_owned(), zone);
    }
    let mut world = World::new(lab);
    world.settle();
    let groups: Vec<Vec<String>> = world
        .clb()
        .vgroups
        .values()
        .map(|group| group.backends.iter().map(server).collect())
        .collect();
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    assert_eq!(
        sorted(groups[0].clone()),
        sorted(groups[1].clone()),
        "the same nodes in all groups"
    );
    assert_eq!(groups[0].len(), 8);
    let even = groups[0].iter().filter(|name| is_even(name)).count();
    assert_eq!(even, 4, "as many of each zone: {groups:?}");
    assert!(
        world
            .said()
            .iter()
            .any(|text| text.contains("quota of 16 backends") && text.contains("(24 backends: "))
    );

    // A node that is in goes: one that was left out comes, all others stay.
    world.forget();
    let gone = groups[0][0].trim_start_matches("i-").to_owned();
    world.lab.nodes.remove(&gone);
    world.settle();
    assert_eq!(done(&world), ["remove 1", "remove 1", "add 1", "add 1"]);
    assert!(world.cloud.emptied.is_empty());
}

/// One event for all groups, and another only when the quota or the groups are others.
#[test]
fn what_a_quota_leaves_out_is_told_once_whichever_backends_it_is() {
    let names: Vec<String> = (10..30).map(|number| format!("n{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let ports: Vec<ServicePort> = (80..90).map(tcp_port).collect();
    let mut lab = with_nodes(Lab::with_ports(ports), &names);
    lab.cluster.quotas.backends_per_load_balancer = 20;
    let mut world = World::new(lab);
    world.settle();
    let told = |world: &World| -> Vec<String> {
        let said = world.said().into_iter();
        said.filter(|text| text.contains("the quota of ")).collect()
    };
    let first = told(&world);
    assert_eq!(first.len(), 1, "{first:?}");
    for part in [
        "the quota of 20 backends per CLB leaves backends out of vServer group k8s/",
        " and 5 more (180 backends: node n",
        " and 15 more)",
    ] {
        assert!(first[0].contains(part), "{first:?}");
    }

    // Nodes and ports' numbers that come and go at the quota change who is left out.
    world.forget();
    for (goes, comes) in [("n10", "n40"), ("n11", "n41"), ("n25", "n42")] {
        world.lab.nodes.remove(goes);
        world
            .lab
            .nodes
            .insert(comes.to_owned(), node(comes, "cn-hangzhou-k"));
        world.settle();
    }
    assert_eq!(told(&world), [""; 0]);
    world.lab.service.ports.truncate(5);
    world.settle();
    assert_eq!(told(&world).len(), 1, "{:?}", told(&world));
    world.lab.cluster.quotas.backends_per_load_balancer = 30;
    world.settle();
    assert_eq!(told(&world).len(), 2, "{:?}", told(&world));
}

/// The node pool of one zone is replaced node by node, which leaves a place each time.
#[test]
fn zones_stay_even_while_nodes_come_and_go() {
    let names: Vec<String> = (10..22).map(|number| format!("n{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut lab = with_nodes(Lab::with_ports(vec![tcp_port(80), tcp_port(443)]), &names);
    lab.cluster.quotas.backends_per_load_balancer = 8;
    for old_zone_is_even in [true, false] {
        let mut world = World::settled(lab.clone());
        for number in 0..6 {
            let there: Vec<String> = world
                .clb()
                .vgroups
                .values()
                .flat_map(|group| group.backends.iter().map(server))
                .collect();
            let goes = there
                .iter()
                .find(|name| is_even(name) == old_zone_is_even)
                .unwrap();
            let goes = goes.trim_start_matches("i-").to_owned();
            let zone = if old_zone_is_even { "j" } else { "k" };
            let comes = format!("n{}", 30 + 2 * number + usize::from(!old_zone_is_even));
            world.lab.nodes.remove(&goes);
            world.lab.nodes.insert(comes.clone(), node(&comes, zone));
            world.settle();
            for group in world.clb().vgroups.values() {
                let servers: Vec<String> = group.backends.iter().map(server).collect();
                let even = servers.iter().filter(|name| is_even(name)).count();
                assert_eq!((servers.len(), even), (4, 2), "{goes} went: {servers:?}");
            }
        }
    }
}

/// Half of what serves stays until what comes is there.
#[test]
fn a_full_clb_goes_over_to_other_backends_by_halves() {
    let names: Vec<String> = (10..18).map(|number| format!("n{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut lab = with_nodes(Lab::tcp(), &names);
    lab.cluster.quotas.backends_per_load_balancer = 8;
    let full = World::settled(lab);

    // Another group.
    let mut world = full.clone();
    let port = &mut world.lab.service.ports[0];
    port.node_port = Some(port.node_port.unwrap() + 1000);
    world.settle();
    let changes: Vec<String> = done(&world)
        .into_iter()
        .filter(|change| change.starts_with("add") || change.starts_with("remove"))
        .collect();
    assert_eq!(changes, ["remove 4", "add 4", "add 4"]);
    assert_eq!(attached(&world).len(), 8);

    // Other Nodes in the same group.
    let mut world = full;
    for node in world.lab.nodes.values_mut() {
        let label = "node.kubernetes.io/exclude-from-external-load-balancers";
        node.labels.insert(label.to_owned(), String::new());
    }
    for number in 20..28 {
        let name = format!("n{number}");
        world.lab.nodes.insert(name.clone(), node(&name, "j"));
    }
    world.settle();
    assert_eq!(done(&world), ["remove 4", "add 4", "remove 4", "add 4"]);
    assert!(attached(&world).iter().all(|backend| backend.starts_with("i-n2")));
}

#[test]
fn a_port_that_a_quota_leaves_without_any_backend_is_told() {
    let mut lab = with_nodes(Lab::tcp(), &["n1", "n2", "n3"]);
    lab.cluster.quotas.backends_per_load_balancer = 3;
    let mut world = World::settled(lab);
    world.lab.service.ports.push(tcp_port(81));
    world.settle();
    assert_eq!(
        world.condition(PROGRAMMED).as_deref(),
        Some("False QuotaExceeded")
    );
    let port = |number: u16| {
        let ingress = &world.lab.service.ingress[0];
        let port = ingress.ports.iter().find(|port| port.port == number);
        port.map(|port| port.error.clone())
    };
    assert_eq!(port(80), Some(None));
    assert!(matches!(port(81), Some(Some(_))));
    world.lab.cluster.quotas.backends_per_load_balancer = 6;
    world.settle();
    assert_eq!(world.condition(PROGRAMMED).as_deref(), Some("True Programmed"));
}
