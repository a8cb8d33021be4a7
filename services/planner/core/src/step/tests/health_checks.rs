//! Health checks that are off, or on, in the cloud without an annotation that says so: what was switched stays when its annotation goes.

use clb_model::attribute::{AttributeValue, ListenerAttribute as A};

use super::reuse::{key, overriding, reusing};
use super::world::World;
use crate::desired::tests::lab::{Lab, NOW_MS};

/// The check of the only listener that is switched by hand or by an annotation that is gone.
fn with_check(mut world: World, listener: &str, is_on: bool) -> World {
    let clb = world.clb_mut();
    let attributes = &mut clb.listeners.get_mut(&key(listener)).unwrap().attributes;
    attributes.set(A::HealthCheck, is_on);
    world
}

/// A Node is not Ready from now on.
fn lose_node(world: &mut World, name: &str) {
    let node = world.lab.nodes.get_mut(name).unwrap();
    let ready = node.ready.as_mut().unwrap();
    (ready.ready, ready.since_ms) = (false, NOW_MS);
}

/// How many of our backends there are.
fn backends(world: &World) -> usize {
    let groups = world.clb().vgroups.values();
    let all = groups.flat_map(|group| &group.backends);
    all.filter(|backend| backend.description.starts_with("k8s/"))
        .count()
}

#[test]
fn an_annotation_about_a_check_that_stayed_off_is_said_to_do_nothing() {
    let mut world = World::settled(Lab::tcp().annotated("health-check-switch", "off"));
    let annotations = &mut world.lab.service.annotations;
    annotations.retain(|name, _| !name.ends_with("health-check-switch"));
    world.settle();
    world.forget();
    world.lab = world.lab.annotated("health-check-interval", "5");
    world.settle();
    assert_eq!(world.batches, []);
    let said = world.said();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].contains("health-check-interval")
            && said[0].contains("the health check is off; it needs")
            && said[0].contains("health-check-switch: \"on\""),
        "{said:?}"
    );
}

#[test]
fn a_check_that_stayed_on_is_set_as_annotations_say() {
    let mut world = with_check(World::settled(Lab::http()), "http:80", true);
    world.lab = world.lab.annotated("health-check-interval", "5");
    world.settle();
    let attributes = &world.clb().listeners[&key("http:80")].attributes;
    assert_eq!(
        attributes.get(A::HealthCheckInterval),
        Some(&AttributeValue::Number(5))
    );
    assert!(!world.said().join("\n").contains("the health check is off"));
}

#[test]
fn a_node_gets_no_grace_time_where_the_listener_that_is_there_checks_nothing() {
    let mut world = World::settled(Lab::tcp());
    let all = backends(&world);
    lose_node(&mut world, "n1");
    world.settle();
    assert_eq!(backends(&world), all, "its grace time runs");
    let mut world = with_check(world, "tcp:80", false);
    world.settle();
    assert_eq!(backends(&world), all - 1);
}

#[test]
fn on_a_users_clb_the_listeners_that_send_to_the_group_count() {
    let lab = || Lab::tcp().annotated("vgroup-port", "rsp-user-05:80");
    // Where listeners are not managed, neither the annotation nor what the port's own would do by default counts.
    for (is_on, switch) in [(true, "off"), (false, "on")] {
        let mut world = with_check(
            reusing(lab().annotated("health-check-switch", switch)),
            "tcp:9000",
            is_on,
        );
        world.settle();
        let all = backends(&world);
        lose_node(&mut world, "n1");
        world.settle();
        assert_eq!(backends(&world), if is_on { all } else { all - 1 }, "{switch}");
    }
    let mut world = with_check(overriding(Lab::tcp()), "tcp:9000", false);
    world.settle();
    let all = backends(&world);
    lose_node(&mut world, "n1");
    world.settle();
    assert_eq!(backends(&world), all, "another listener says nothing");
}
