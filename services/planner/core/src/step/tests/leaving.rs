//! What stays on a CLB that a Service leaves: with `preserve-lb-on-delete`, and on one of the user's.

use clb_model::cloud::{ListenerKey, LoadBalancer};
use clb_model::cluster::ServiceType;
use clb_model::marks::{CLUSTER_TAG, OWNER_TAG};

use super::world::World;
use crate::desired::tests::lab::{Lab, tcp_port};
use crate::step::{Memory, State};

const USERS: &str = "lb-reuse-05";

fn preserved(lab: Lab) -> World {
    World::settled(lab.annotated("preserve-lb-on-delete", "true"))
}

fn everything(clb: &LoadBalancer) -> (String, usize, usize) {
    (clb.name.clone(), clb.listeners.len(), clb.vgroups.len())
}

#[test]
fn that_the_annotation_is_understood_is_said_once_even_if_nothing_changes() {
    let mut world = World::settled(Lab::tcp());
    world.lab = world.lab.clone().annotated("preserve-lb-on-delete", "false");
    world.settle();
    assert_eq!(world.batches, []);
    assert_eq!(world.count("PreservedOnDelete"), 1, "{:?}", world.said());
    world.memory = Memory::default();
    world.settle();
    assert_eq!(world.count("PreservedOnDelete"), 1, "a restart says it again");
    world.lab.nodes.remove("n3");
    world.settle();
    assert_eq!(world.count("PreservedOnDelete"), 2);
}

#[test]
fn an_empty_value_preserves_nothing() {
    let mut world = World::settled(Lab::tcp().annotated("preserve-lb-on-delete", ""));
    world.lab.service.deleting = true;
    world.settle();
    assert!(world.cloud.load_balancers.is_empty());
    assert_eq!(world.count("PreservedOnDelete"), 0);
}

#[test]
fn a_preserved_clb_that_its_user_protects_is_not_found_again() {
    for kind in [ServiceType::ClusterIp, ServiceType::NodePort] {
        let mut world = preserved(Lab::tcp());
        let id = world.clb().id.clone();
        world.lab.service.service_type = kind;
        world.settle();
        assert!(!world.lab.service.finalizer);
        let clb = world.clb_mut();
        (clb.delete_protection, clb.modification_protection) = (true, true);
        let kept = clb.clone();
        world.memory = Memory::default();
        world.lab.service.service_type = ServiceType::LoadBalancer;
        assert_eq!(world.settle().state, State::Converged);
        assert_eq!(world.cloud.load_balancers.len(), 2, "{kind:?}");
        assert_eq!(world.cloud.load_balancers[&id], kept);
        // With the annotation off, the new one goes and the old one does not.
        world.lab.service.annotations.clear();
        world.lab.service.deleting = true;
        world.settle();
        assert_eq!(*world.clb(), kept);
    }
}

#[test]
fn of_several_preserved_clbs_none_is_found_again() {
    let mut world = preserved(Lab::tcp());
    let mut kept = Vec::new();
    for number in 1..=3 {
        assert_eq!(world.cloud.load_balancers.len(), number);
        world.lab.service.service_type = ServiceType::ClusterIp;
        world.settle();
        for clb in world.cloud.load_balancers.values_mut() {
            (clb.delete_protection, clb.modification_protection) = (true, true);
        }
        kept = world.cloud.load_balancers.values().cloned().collect();
        world.memory = Memory::default();
        world.lab.service.service_type = ServiceType::LoadBalancer;
        assert_eq!(world.settle().state, State::Converged);
    }
    assert_eq!(world.cloud.load_balancers.len(), 4);
    world.lab.service.annotations.clear();
    world.lab.service.deleting = true;
    world.settle();
    assert!(world.cloud.load_balancers.values().eq(&kept));
}

#[test]
fn a_clb_that_a_crash_left_without_tags_is_found_again_by_its_name() {
    let mut world = World::settled(Lab::tcp());
    world.lab.service.labels.clear();
    world.lab.service.ingress.clear();
    world.lab.service.conditions.clear();
    world.memory = Memory::default();
    world.clb_mut().tags.clear();
    assert_eq!(world.settle().state, State::Converged);
    assert!(world.clb().tags.contains_key(OWNER_TAG) && world.clb().tags.contains_key(CLUSTER_TAG));
}

#[test]
fn a_crash_while_a_clb_is_preserved_leaves_it_preserved() {
    for done in 0..3 {
        let mut world = preserved(Lab::tcp());
        let before = everything(world.clb());
        world.lab.service.deleting = true;
        world.pass_first(done);
        world.memory = Memory::default();
        world.settle();
        assert!(!world.lab.service.finalizer, "{done}");
        assert!(world.clb().tags.is_empty() && !world.clb().delete_protection);
        assert_eq!(everything(world.clb()), before);
    }
}

#[test]
fn a_preserved_clb_can_be_named_by_a_new_service() {
    let mut world = preserved(Lab::tcp());
    let id = world.clb().id.clone();
    world.lab.service.deleting = true;
    world.settle();
    let before = world.clb().clone();
    world.lab = Lab::tcp().annotated("id", id.as_str());
    world.lab.service.uid = "11111111-2222-3333-4444-555555555555".parse().unwrap();
    world.memory = Memory::default();
    world.forget();
    assert_eq!(world.settle().state, State::Converged);
    assert_eq!(world.clb().listeners, before.listeners);
    // It never managed the listeners, so they stay, and the groups that they send to.
    world.lab.service.deleting = true;
    world.settle();
    assert!(!world.lab.service.finalizer);
    assert_eq!(world.clb().listeners, before.listeners);
    assert_eq!(world.clb().vgroups.len(), before.vgroups.len());
    assert_eq!(world.count("CleanLoadBalancerFailed"), 1, "{:?}", world.said());
}

#[test]
fn on_a_users_clb_nothing_is_touched_and_the_event_says_so() {
    let lab = Lab::tcp()
        .annotated("id", USERS)
        .annotated("force-override-listeners", "true")
        .annotated("preserve-lb-on-delete", "true");
    let mut world = World::new(lab).with_users_clb(USERS);
    world.settle();
    world.forget();
    let before = world.clb().clone();
    world.lab.service.deleting = true;
    world.settle();
    assert_eq!(*world.clb(), before);
    assert_eq!(world.count("PreservedOnDelete"), 1, "{:?}", world.said());
    assert!(!world.lab.service.finalizer);
}

/// A user's listener that sends to a group of ours keeps the group from being deleted; the backends, behind which no node port is open any
/// more, go.
#[test]
fn a_group_that_a_users_listener_sends_to_loses_our_backends_and_is_named() {
    let mut world = World::new(Lab::with_ports(vec![tcp_port(80), tcp_port(443)]).annotated("id", USERS))
        .with_users_clb(USERS);
    world.settle();
    let clb = world.clb_mut();
    let (ours, name) = clb
        .vgroups
        .iter()
        .find(|(_, group)| group.name.starts_with("k8s/"))
        .map(|(id, group)| (id.clone(), group.name.clone()))
        .unwrap();
    let key: ListenerKey = "tcp:9000".parse().unwrap();
    clb.listeners.get_mut(&key).unwrap().vgroup = Some(ours.clone());
    world.forget();
    world.lab.service.deleting = true;
    world.settle();
    assert_eq!(world.clb().vgroups.len(), 2, "the user's and that one");
    assert_eq!(world.clb().vgroups[&ours].backends, []);
    assert!(world.clb().listeners.contains_key(&key));
    let said = world.said();
    assert!(
        said.iter().any(|text| {
            text.starts_with("CleanLoadBalancerFailed") && text.contains(&name) && text.contains("tcp:9000")
        }),
        "{said:?}"
    );
    assert!(!world.lab.service.finalizer);
}

#[test]
fn listeners_that_the_service_no_longer_manages_stay() {
    let lab = Lab::tcp()
        .annotated("id", USERS)
        .annotated("force-override-listeners", "true");
    let mut world = World::new(lab).with_users_clb(USERS);
    world.settle();
    let listeners = world.clb().listeners.clone();
    world.lab = world.lab.clone().annotated("force-override-listeners", "false");
    world.settle();
    world.lab.service.deleting = true;
    world.settle();
    assert_eq!(world.clb().listeners, listeners);
    assert!(!world.lab.service.finalizer);
}
