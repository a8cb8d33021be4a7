//! Which CLB and which groups a Service stays with, whatever its annotations name later.

use clb_model::attribute::ListenerAttribute as A;
use clb_model::marks::OWNER_TAG;
use clb_model::operation::Change;

use super::reuse::{USERS, key, overriding, reusing};
use super::world::World;
use crate::desired::tests::lab::{Lab, tcp_port};
use crate::step::{Memory, State};

#[test]
fn a_service_with_a_clb_of_its_own_stays_there_whatever_id_is_named() {
    let mut world = World::settled(Lab::tcp());
    let own = world.clb().id.clone();
    world = world.with_users_clb(USERS);
    world.lab = world
        .lab
        .clone()
        .annotated("id", USERS)
        .annotated("scheduler", "wrr");
    assert_eq!(world.settle().state, State::Converged);
    let listener = &world.cloud.load_balancers[&own].listeners[&key("tcp:80")];
    assert_eq!(
        listener.attributes.text(A::Scheduler),
        Some("wrr"),
        "the rest is followed"
    );
    assert_eq!(
        world.cloud.load_balancers[&USERS.parse().unwrap()].vgroups.len(),
        1
    );
    assert!(
        world
            .said()
            .iter()
            .any(|text| text.starts_with("AnnotationChanged") && text.contains(USERS))
    );
}

#[test]
fn a_service_on_a_users_clb_stays_there_when_another_or_none_is_named() {
    for other in [Some("lb-reuse-04"), None] {
        let mut world = overriding(Lab::tcp());
        world.settle();
        world.forget();
        world.memory = Memory::default();
        world = world.with_users_clb("lb-reuse-04");
        world.lab.service.annotations.clear();
        if let Some(id) = other {
            world.lab = world
                .lab
                .clone()
                .annotated("id", id)
                .annotated("force-override-listeners", "true");
        }
        world.lab.nodes.remove("n3");
        assert_eq!(world.settle().state, State::Converged, "{other:?}");
        let clb = &world.cloud.load_balancers[&USERS.parse().unwrap()];
        assert!(
            clb.vgroups.values().any(|group| group.backends.len() == 4),
            "backends are followed"
        );
        assert!(clb.listeners.contains_key(&key("tcp:80")));
        let other_clb = &world.cloud.load_balancers[&"lb-reuse-04".parse().unwrap()];
        assert_eq!((other_clb.listeners.len(), other_clb.vgroups.len()), (1, 1));
        assert_eq!(world.count("AnnotationChanged"), 1, "{:?}", world.said());
    }
}

#[test]
fn a_port_stays_with_its_group() {
    let mut world = reusing(Lab::tcp().annotated("vgroup-port", "rsp-user-05:80"));
    world.settle();
    world.forget();
    world
        .lab
        .service
        .annotations
        .retain(|name, _| !name.ends_with("vgroup-port"));
    world.settle();
    assert_eq!(world.batches, []);
    assert_eq!(world.count("AnnotationChanged"), 1, "{:?}", world.said());

    let mut world = reusing(Lab::tcp());
    world.settle();
    world.forget();
    world.lab = world.lab.clone().annotated("vgroup-port", "rsp-user-05:80");
    world.settle();
    assert_eq!(world.batches, []);
    assert_eq!(world.count("AnnotationChanged"), 1, "{:?}", world.said());
}

#[test]
fn a_cloned_clusters_clb_is_left_alone() {
    // A restored etcd gives two clusters the same UIDs.
    let mut world = World::settled(Lab::tcp());
    let before = world.clb().clone();
    world.lab = Lab::tcp();
    world.lab.cluster.id = "c-clone".parse().unwrap();
    world.memory = Memory::default();
    let last = world.settle();
    assert_eq!(last.state, State::Failed);
    assert!(last.message.contains("c-lab"), "{}", last.message);
    assert_eq!(*world.clb(), before);
}

#[test]
fn a_cloned_clusters_clb_that_has_only_our_default_name_is_left_alone() {
    for deleting in [false, true] {
        let mut world = World::settled(Lab::tcp());
        world.clb_mut().tags.remove(OWNER_TAG);
        world.lab.cluster.id = "c-clone".parse().unwrap();
        world.lab.service.deleting = deleting;
        world.memory = Memory::default();
        let before = world.clb().clone();
        let last = world.settle();
        assert_eq!(last.state, State::Failed, "{deleting}");
        assert!(last.message.contains("c-lab"), "{}", last.message);
        assert_eq!(*world.clb(), before);
    }
}

#[test]
fn our_groups_on_a_users_clb_are_kept_in_mind_though_no_port_could_be_had() {
    let mut world = overriding(Lab::tcp());
    world.settle();
    // The same ports of the same CLB, from another cluster: all of them conflict.
    let mut second = overriding(Lab::tcp());
    second.lab.cluster.id = "c-second".parse().unwrap();
    second.cloud = world.cloud.clone();
    let before = second.clb().clone();
    second.settle();
    assert_eq!(second.lab.service.ingress, []);
    assert!(second.clb().vgroups.len() > before.vgroups.len());
    second.lab.service.annotations.clear();
    second.lab.service.deleting = true;
    second.settle();
    assert_eq!(second.clb().vgroups, before.vgroups);
    assert!(!second.lab.service.finalizer);
}

#[test]
fn a_users_clb_that_is_gone_is_neither_waited_for_nor_replaced() {
    let mut world = overriding(Lab::tcp());
    world.settle();
    world.lab.service.annotations.clear();
    world.lab.service.ingress.clear();
    world.lab.service.labels.clear();
    world.cloud.load_balancers.clear();
    let step = world.pass();
    let Some(Change::CreateLoadBalancer(new)) = step.batch.map(|batch| batch.operations[0].change.clone())
    else {
        panic!("not created");
    };
    assert_eq!(new.replaces, None);
}

#[test]
fn a_service_whose_clb_is_no_longer_named_takes_no_more_listeners_of_the_user() {
    for stops_early in [false, true] {
        let mut world = overriding(Lab::tcp());
        world.settle();
        let users = world.clb().listeners[&key("tcp:9000")].clone();
        world.lab.service.annotations.clear();
        world.lab.service.ports = vec![tcp_port(9000)];
        if stops_early {
            world.pass_first(1);
        }
        world.settle();
        assert_eq!(world.clb().listeners[&key("tcp:9000")], users);
        assert_eq!(world.clb().listeners.len(), 1);
    }
}
