//! A Service that names another of the user's CLBs, or none any more, before it ever had an address.

use clb_model::cloud::LoadBalancer;
use clb_model::operation::Change;

use super::world::{World, users_clb};
use crate::conditions::{MOVING, PROGRAMMED};
use crate::desired::tests::lab::{Lab, tcp_port};
use crate::step::{Memory, State};

const FIRST: &str = "lb-reuse-05";
const OTHER: &str = "lb-reuse-04";

fn on(id: &str) -> Lab {
    Lab::with_ports(vec![tcp_port(80), tcp_port(81)])
        .annotated("id", id)
        .annotated("force-override-listeners", "true")
}

fn clb<'a>(world: &'a World, id: &str) -> &'a LoadBalancer {
    &world.cloud.load_balancers[&id.parse().unwrap()]
}

/// A Service that got no listener on the first CLB, since another cluster's has them all; with the CLB as it was without the Service.
fn without_a_listener() -> (World, LoadBalancer) {
    let mut owner = World::new(on(FIRST)).with_users_clb(FIRST);
    owner.settle();
    let mut world = World::new(on(FIRST));
    world.lab.cluster.id = "c-second".parse().unwrap();
    world.cloud = owner.cloud.clone();
    let before = clb(&world, FIRST).clone();
    world.settle();
    assert_eq!(
        world.condition(PROGRAMMED).as_deref(),
        Some("False ListenerConflict")
    );
    assert_eq!(clb(&world, FIRST).vgroups.len(), before.vgroups.len() + 2);
    world.forget();
    world = world.with_users_clb(OTHER);
    (world, before)
}

#[test]
fn it_moves_and_leaves_nothing_behind() {
    let (mut world, before) = without_a_listener();
    world.lab = world.lab.clone().annotated("id", OTHER);
    assert_eq!(world.settle().state, State::Converged);
    let left = clb(&world, FIRST);
    assert_eq!(
        (&left.listeners, &left.vgroups),
        (&before.listeners, &before.vgroups)
    );
    assert_eq!(clb(&world, OTHER).listeners.len(), 1 + 2);
    assert_eq!(
        world.lab.service.labels["service.k8s.alibaba/loadbalancer-id"],
        OTHER
    );
    assert_eq!(world.lab.service.ingress.len(), 1);
    assert_eq!(world.condition(MOVING).as_deref(), Some("False Settled"));
    assert_eq!(world.count("EnsuredLoadBalancer"), 1, "{:?}", world.said());
}

/// Not even for a moment has it an address at which another Service answers.
#[test]
fn without_an_id_it_gets_a_clb_of_its_own() {
    for restarts in [false, true] {
        let (mut world, before) = without_a_listener();
        world.lab.service.annotations.clear();
        for _ in 0..20 {
            if restarts {
                world.memory = Memory::default();
            }
            world.pass_first(1);
            let ingress = world.lab.service.ingress.first();
            let address = ingress.and_then(|ingress| ingress.ip.clone());
            assert_ne!(address.as_ref(), Some(&before.address));
        }
        assert_eq!(world.settle().state, State::Converged);
        let left = clb(&world, FIRST);
        assert_eq!(
            (&left.listeners, &left.vgroups),
            (&before.listeners, &before.vgroups)
        );
        assert_eq!(world.lab.service.ingress.len(), 1);
        let own = &world.lab.service.labels["service.k8s.alibaba/loadbalancer-id"];
        assert!(own != FIRST && clb(&world, own).listeners.len() == 2, "{own}");
    }
}

#[test]
fn a_planner_that_starts_in_between_goes_on() {
    let (mut world, before) = without_a_listener();
    world.lab = world.lab.clone().annotated("id", OTHER);
    for _ in 0..20 {
        world.memory = Memory::default();
        world.pass_first(1);
    }
    world.settle();
    let left = clb(&world, FIRST);
    assert_eq!(
        (&left.listeners, &left.vgroups),
        (&before.listeners, &before.vgroups)
    );
    assert_eq!(world.lab.service.ingress.len(), 1);
}

#[test]
fn a_mistake_in_the_other_id_changes_nothing() {
    let (mut world, _) = without_a_listener();
    let mut tagged = users_clb(OTHER);
    tagged
        .tags
        .insert("ack.aliyun.com".to_owned(), "c-another".to_owned());
    world.cloud.load_balancers.insert(tagged.id.clone(), tagged);
    let before = world.cloud.load_balancers.clone();
    for wrong in ["lb-nowhere", OTHER] {
        world.lab = world.lab.clone().annotated("id", wrong);
        assert_eq!(world.settle().state, State::Failed);
        assert_eq!(world.condition(PROGRAMMED).as_deref(), Some("False ReuseRefused"));
        assert_eq!(world.cloud.load_balancers, before, "{wrong}");
    }
}

#[test]
fn one_that_goes_on_its_way_leaves_nothing_on_either() {
    let (mut world, before) = without_a_listener();
    let other = clb(&world, OTHER).clone();
    world.lab = world.lab.clone().annotated("id", OTHER);
    world.pass();
    assert_eq!(world.condition(MOVING).as_deref(), Some("True Leaving"));
    world.lab.service.deleting = true;
    world.settle();
    assert!(!world.lab.service.finalizer);
    assert_eq!(*clb(&world, OTHER), other);
    assert_eq!(clb(&world, FIRST).vgroups, before.vgroups);
}

#[test]
fn one_that_turns_back_stays_where_it_was() {
    let (mut world, before) = without_a_listener();
    let groups = clb(&world, FIRST).vgroups.clone();
    world.lab = world.lab.clone().annotated("id", OTHER);
    world.pass();
    world.lab = world.lab.clone().annotated("id", FIRST);
    world.settle();
    assert_eq!(world.condition(MOVING).as_deref(), Some("False Settled"));
    assert_eq!(clb(&world, FIRST).vgroups, groups);
    assert_eq!(clb(&world, FIRST).listeners, before.listeners);
    assert_eq!(world.batches, []);
}

#[test]
fn nothing_is_removed_while_the_snapshot_is_not_fresh() {
    let (mut world, _) = without_a_listener();
    world.fresh = false;
    world.lab = world.lab.clone().annotated("id", OTHER);
    assert_eq!(world.settle().state, State::Converging);
    assert_eq!(world.batches, []);
    world.fresh = true;
    assert_eq!(world.settle().state, State::Converged);
    let reasons: Vec<_> = world
        .batches
        .iter()
        .flat_map(|batch| &batch.operations)
        .filter(|operation| matches!(operation.change, Change::DeleteVServerGroup { .. }))
        .collect();
    assert_eq!(reasons.len(), 2, "{reasons:?}");
}

#[test]
fn a_service_whose_group_a_listener_of_the_user_sends_to_stays() {
    let mut world = World::new(
        Lab::tcp()
            .annotated("id", FIRST)
            .annotated("external-ip-type", "eip"),
    )
    .with_users_clb(FIRST);
    world.settle();
    assert_eq!(world.lab.service.ingress, [], "no EIP is bound");
    let clb = world.clb_mut();
    let group = clb
        .vgroups
        .iter()
        .find(|(_, group)| group.name.starts_with("k8s/"));
    let group = group.map(|(id, _)| id.clone());
    for listener in clb.listeners.values_mut() {
        listener.vgroup.clone_from(&group);
    }
    let before = world.clb().vgroups.clone();
    world
        .lab
        .service
        .annotations
        .retain(|name, _| name.ends_with("external-ip-type"));
    world.settle();
    assert_eq!(world.clb().vgroups, before);
}
