//! Backends: who comes, who goes, in which order, and what a quota, a stale snapshot and the cloud's refusals mean for them.

use clb_model::cloud::{Backend, BackendTarget};
use clb_model::cluster::TrafficPolicy;
use clb_model::operation::{BackendChange, Change, Operation, Priority};

use super::world::World;
use crate::desired::tests::lab::{Lab, node, pod, tcp_port};
use crate::plan::LeftOutKey;
use crate::step::State;

/// The changes of backends so far as `add 2` and the like.
pub(super) fn done(world: &World) -> Vec<String> {
    world
        .batches
        .iter()
        .flat_map(|batch| &batch.operations)
        .map(|operation| match &operation.change {
            Change::ChangeBackends { change, backends, .. } => match change {
                BackendChange::Add => format!("add {}", backends.len()),
                BackendChange::Remove => format!("remove {}", backends.len()),
                BackendChange::Set => format!("set {}", backends.len()),
            },
            other => format!("{other:?}"),
        })
        .collect()
}

fn servers(world: &World) -> Vec<String> {
    let group = world.clb().vgroups.values().next().unwrap();
    let mut names: Vec<String> = group
        .backends
        .iter()
        .map(|backend| LeftOutKey::of(backend).server)
        .collect();
    names.sort();
    names
}

fn operation(world: &World, kind: BackendChange) -> &Operation {
    world
        .batches
        .iter()
        .flat_map(|batch| &batch.operations)
        .find(
            |operation| matches!(&operation.change, Change::ChangeBackends { change, .. } if *change == kind),
        )
        .unwrap()
}

/// Only nodes `names`, even ones in zone j and odd ones in zone k, and no pod on a virtual node.
pub(super) fn with_nodes(mut lab: Lab, names: &[&str]) -> Lab {
    lab.nodes = names
        .iter()
        .map(|name| {
            (
                (*name).to_owned(),
                node(
                    name,
                    if name.ends_with(['0', '2', '4', '6', '8']) {
                        "j"
                    } else {
                        "k"
                    },
                ),
            )
        })
        .collect();
    for set in &mut lab.service.endpoints {
        set.endpoints
            .retain(|endpoint| endpoint.node_name.as_deref() != Some("vk"));
    }
    lab
}

#[test]
fn a_node_that_is_gone_goes_first_of_all_and_its_reason_says_so() {
    let mut world = World::settled(Lab::tcp());
    world.lab.nodes.remove("n3");
    world.lab = world.lab.clone().annotated("scheduler", "wrr");
    world.settle();
    assert_eq!(world.batches[0].priority, Priority::Urgent);
    assert_eq!(world.batches[0].operations.len(), 1, "settings wait");
    assert_eq!(
        world.reasons()[0],
        "instance i-n3 is no longer a node of the cluster"
    );
    assert_eq!(world.batches[1].priority, Priority::Normal);
}

#[test]
fn a_change_of_backends_alone_has_its_own_priority() {
    let mut world = World::settled(Lab::tcp());
    world
        .lab
        .nodes
        .insert("n7".to_owned(), node("n7", "cn-hangzhou-k"));
    world.settle();
    assert_eq!(done(&world), ["add 1"]);
    assert_eq!(world.batches[0].priority, Priority::Backends);
}

#[test]
fn what_comes_is_added_before_what_goes_is_removed() {
    let mut world = World::settled(with_nodes(Lab::tcp(), &["n1", "n2"]));
    world.lab = with_nodes(world.lab.clone(), &["n2", "n3"]);
    world.settle();
    assert_eq!(done(&world), ["add 1", "remove 1"]);
    assert_eq!(
        operation(&world, BackendChange::Remove).after,
        [],
        "a refused addition does not stop it"
    );

    world.forget();
    world.lab = with_nodes(world.lab.clone(), &["n8", "n9"]);
    world.settle();
    assert_eq!(done(&world), ["add 2", "remove 2"]);
    assert_eq!(
        world.batches.len(),
        2,
        "nothing else would be left if none of them could be used"
    );
    assert!(world.cloud.emptied.is_empty());
}

#[test]
fn weights_follow_unless_they_are_to_be_ignored() {
    let mut world = World::settled(Lab::tcp());
    for backend in &mut world.clb_mut().vgroups.values_mut().next().unwrap().backends {
        backend.weight = 33;
    }
    let mut ignoring = world.clone();
    ignoring.lab = ignoring.lab.annotated("ignore-weight-update", "on");
    ignoring.settle();
    assert_eq!(done(&ignoring), Vec::<String>::new());
    world.settle();
    assert_eq!(done(&world), ["set 5"]);
}

#[test]
fn weight_zero_takes_traffic_away_and_says_how_long_it_is_good() {
    let mut world = World::settled(Lab::tcp());
    world.lab = world.lab.clone().annotated("default-weight", "0");
    world.settle();
    assert_eq!(done(&world), ["set 5"]);
    assert_eq!(
        operation(&world, BackendChange::Set).good_for,
        Some(crate::plan::GOOD_FOR)
    );
}

/// Weights by instance.
fn weights(world: &World) -> Vec<String> {
    let group = world.clb().vgroups.values().next().unwrap();
    let weight = |backend: &Backend| format!("{}={}", LeftOutKey::of(backend).server, backend.weight);
    let mut weights: Vec<String> = group.backends.iter().map(weight).collect();
    weights.sort();
    weights
}

#[test]
fn nodes_that_are_about_to_go_keep_their_weight_while_nothing_else_serves() {
    let mut lab = with_nodes(Lab::tcp(), &["n1", "n2"]);
    lab.cluster.drain_leaving_nodes = true;
    let mut world = World::settled(lab);
    let leave = |world: &mut World, name: &str| {
        let node = world.lab.nodes.get_mut(name).unwrap();
        node.taints.push("ToBeDeletedByClusterAutoscaler".to_owned());
        world.settle();
    };
    leave(&mut world, "n1");
    assert_eq!(weights(&world), ["i-n1=0", "i-n2=100"]);
    leave(&mut world, "n2");
    assert_eq!(
        weights(&world),
        ["i-n1=0", "i-n2=100"],
        "the last one that serves"
    );
    assert_eq!(world.count("SkipSyncBackends"), 1, "{:?}", world.said());

    // Once another has come, it is drained.
    world
        .lab
        .nodes
        .insert("n3".to_owned(), node("n3", "cn-hangzhou-k"));
    world.settle();
    assert_eq!(weights(&world), ["i-n1=0", "i-n2=0", "i-n3=100"]);
}

#[test]
fn a_drained_node_is_none_that_lets_the_last_other_go() {
    let mut lab = with_nodes(Lab::tcp(), &["n1", "n2"]);
    lab.cluster.drain_leaving_nodes = true;
    let mut world = World::settled(lab);
    let leaving = world.lab.nodes.get_mut("n1").unwrap();
    leaving.taints.push("ToBeDeletedByClusterAutoscaler".to_owned());
    world.settle();
    let excluded = world.lab.nodes.get_mut("n2").unwrap();
    let label = "node.kubernetes.io/exclude-from-external-load-balancers";
    excluded.labels.insert(label.to_owned(), String::new());
    world.settle();
    assert_eq!(weights(&world), ["i-n1=0", "i-n2=100"]);
}

#[test]
fn backends_of_others_stay_in_our_group_and_keep_it_alive() {
    let mut world = World::settled(Lab::tcp());
    let theirs = Backend {
        target: BackendTarget::Instance("i-theirs".to_owned()),
        port: 1,
        weight: 1,
        description: "mine".to_owned(),
    };
    world
        .clb_mut()
        .vgroups
        .values_mut()
        .next()
        .unwrap()
        .backends
        .push(theirs.clone());
    world.settle();
    assert_eq!(world.batches, []);
    world.lab.service.ports = vec![tcp_port(443)];
    world.settle();
    let old = world
        .clb()
        .vgroups
        .values()
        .find(|group| group.name.starts_with("k8s/30080/"))
        .unwrap();
    assert_eq!(old.backends, [theirs]);
}

#[test]
fn a_group_does_not_become_empty_while_endpoints_are_ready() {
    let mut world = World::settled(Lab::tcp());
    world.lab.nodes.clear();
    let last = world.settle();
    assert_eq!(last.state, State::Converged);
    assert_eq!(servers(&world).len(), 4 + 1, "all stay");
    assert_eq!(world.count("SkipSyncBackends"), 1, "{:?}", world.said());
}

#[test]
fn without_ready_endpoints_a_group_may_become_empty() {
    let mut world = World::settled(Lab::tcp().annotated("backend-type", "eni"));
    for set in &mut world.lab.service.endpoints {
        set.endpoints.clear();
    }
    world.settle();
    assert_eq!(servers(&world), Vec::<String>::new());
}

#[test]
fn the_users_own_annotation_may_empty_a_group() {
    let mut world = World::settled(with_nodes(Lab::tcp(), &["n1"]));
    world.lab = world.lab.clone().annotated("backend-label", "no=such");
    world.settle();
    assert_eq!(servers(&world), Vec::<String>::new());
}

#[test]
fn a_cordoned_node_does_not_let_a_group_become_empty_when_all_others_are_lost() {
    let mut lab = with_nodes(Lab::tcp(), &["n1", "n2", "n3"]);
    lab = lab.annotated("remove-unscheduled-backend", "on");
    let mut world = World::settled(lab);
    for node in world.lab.nodes.values_mut() {
        node.ready = Some(clb_model::cluster::NodeReady {
            ready: false,
            since_ms: 0,
        });
    }
    world.lab.nodes.get_mut("n1").unwrap().unschedulable = true;
    world.settle();
    assert_eq!(servers(&world).len(), 3);
    for node in world.lab.nodes.values_mut() {
        node.unschedulable = true;
    }
    world.settle();
    assert_eq!(servers(&world), Vec::<String>::new(), "the user's word");
}

#[test]
fn a_stale_snapshot_adds_but_does_not_remove_and_says_so() {
    let mut world = World::settled(Lab::tcp());
    world.lab.nodes.remove("n3");
    world
        .lab
        .nodes
        .insert("n7".to_owned(), node("n7", "cn-hangzhou-k"));
    world.fresh = false;
    let last = world.settle();
    assert_eq!(done(&world), ["add 1"]);
    assert_eq!(last.state, State::Converging);
    assert!(last.message.contains("not up to date"), "{}", last.message);
    world.fresh = true;
    world.settle();
    assert_eq!(done(&world), ["add 1", "remove 1"]);
}

#[test]
fn attached_backends_stay_whatever_the_quota_says() {
    let mut world = World::settled(Lab::tcp());
    world.lab.cluster.quotas.backends_per_load_balancer = 2;
    world.lab.cluster.quotas.attachments_per_instance = 0;
    world.settle();
    assert_eq!(world.batches, []);
}

#[test]
fn an_instance_in_too_many_groups_is_left_out_and_named() {
    let mut lab = Lab::with_ports(vec![tcp_port(80), tcp_port(443)]);
    lab.cluster.quotas.attachments_per_instance = 1;
    let mut world = World::new(lab);
    world.settle();
    let attached: Vec<usize> = world
        .clb()
        .vgroups
        .values()
        .map(|group| group.backends.len())
        .collect();
    assert_eq!(
        attached.iter().sum::<usize>(),
        4 + 2,
        "each instance once, the pod in both: {attached:?}"
    );
    assert!(
        world
            .said()
            .iter()
            .any(|text| text.contains("quota of 1 vServer groups per instance"))
    );
    // Nothing of this Service changes when another one leaves the instances.
    assert_eq!(world.look().wake_at_ms, Some(world.now_ms + 15_000));
    world.lab.cluster.quotas.attachments_per_instance = 2;
    world.settle();
    assert_eq!(world.look().wake_at_ms, None);
}

#[test]
fn where_there_is_no_room_removals_come_first_but_never_empty_a_group() {
    let mut lab = with_nodes(Lab::tcp(), &["n1", "n2", "n3"]);
    lab.cluster.quotas.backends_per_load_balancer = 3;
    let mut world = World::settled(lab);
    world.lab = with_nodes(world.lab.clone(), &["n7", "n8", "n9"]);
    world.settle();
    assert_eq!(servers(&world), ["i-n7", "i-n8", "i-n9"]);
    assert!(world.cloud.emptied.is_empty(), "{:?}", done(&world));
    assert_eq!(done(&world)[..2], ["remove 2", "add 2"]);
}

#[test]
fn a_full_clb_changes_from_nodes_to_pods_without_a_gap() {
    let mut lab = Lab::tcp();
    lab.cluster.quotas.backends_per_load_balancer = 5;
    let mut world = World::settled(lab);
    world.lab = world.lab.clone().annotated("backend-type", "eni");
    let last = world.settle();
    assert_eq!(last.state, State::Converged, "{}", last.message);
    assert_eq!(world.clb().vgroups.len(), 1);
    assert_eq!(servers(&world).len(), 5);
    assert!(servers(&world).iter().all(|server| server.starts_with("10.")));
    let listener = world.clb().listeners.values().next().unwrap();
    assert!(
        world
            .clb()
            .vgroups
            .contains_key(listener.vgroup.as_ref().unwrap())
    );
    // The listener went over only when the mirror showed backends there.
    let repoints = |operation: &Operation| matches!(operation.change, Change::ChangeListener { .. });
    assert!(!world.batches[0].operations.iter().any(repoints));
    assert!(world.batches[1].operations.iter().any(repoints));
    assert!(world.cloud.emptied.is_empty());
}

#[test]
fn policies_and_backend_types_follow_each_other_without_a_gap() {
    let mut world = World::settled(Lab::tcp());
    let cluster = servers(&world);
    world.lab.service.traffic_policy = TrafficPolicy::Local;
    world.settle();
    assert_eq!(servers(&world), ["10.0.9.1", "i-n1", "i-n2", "i-n4"]);
    world.lab = world.lab.clone().annotated("backend-type", "eni");
    world.settle();
    assert_eq!(servers(&world).len(), 5);
    world.lab.service.annotations.clear();
    world.lab.service.traffic_policy = TrafficPolicy::Cluster;
    world.settle();
    assert_eq!(servers(&world), cluster);
    assert!(world.cloud.emptied.is_empty());
}

#[test]
fn a_pod_that_comes_is_named_in_the_reason() {
    let mut world = World::settled(Lab::tcp().annotated("backend-type", "eni"));
    let mut new = pod("10.0.5.5", "n1");
    new.pod = Some(clb_model::cluster::PodRef {
        name: "web-5".to_owned(),
        uid: "u".to_owned(),
    });
    world.lab.service.endpoints[0].endpoints.push(new);
    world.settle();
    assert_eq!(world.reasons(), ["pod web-5 can take traffic"]);
}

#[test]
fn a_second_group_of_the_same_name_goes() {
    let mut world = World::settled(Lab::tcp());
    let clb = world.clb_mut();
    let copy = clb.vgroups.values().next().unwrap().clone();
    let used = clb.vgroups.keys().next().unwrap().clone();
    clb.vgroups.insert("rsp-0".parse().unwrap(), copy);
    world.settle();
    assert_eq!(world.clb().vgroups.keys().collect::<Vec<_>>(), [&used]);
}

/// A port gets another name, or one at last because a second port comes, and the slices follow later.
#[test]
fn a_group_keeps_its_backends_while_slices_do_not_know_the_ports_name() {
    let mut world = World::settled(Lab::tcp().annotated("backend-type", "eni"));
    let before = servers(&world);
    world.lab.service.ports[0].name = "renamed".to_owned();
    world.settle();
    assert_eq!(servers(&world), before);
    assert!(
        world
            .said()
            .iter()
            .any(|said| said.contains("no EndpointSlice of the Service has a port named \"renamed\" of TCP")),
        "{:?}",
        world.said()
    );

    for set in &mut world.lab.service.endpoints {
        set.endpoints.clear();
    }
    world.settle();
    assert_eq!(servers(&world), Vec::<String>::new(), "no endpoint is ready");
}
