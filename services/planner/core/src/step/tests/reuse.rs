//! CLBs of users: with and without overriding listeners, what is refused, whose a listener is, and what goes with the Service.

use clb_model::attribute::ListenerAttribute as A;
use clb_model::cloud::{AddressType, Backend, BackendTarget, ListenerKey};
use clb_model::cluster::ServicePort;
use clb_model::marks::{CLUSTER_TAG, OWNER_TAG, REUSED_TAG};
use clb_model::operation::Change;

use super::world::World;
use crate::conditions::{ACCEPTED, PROGRAMMED, TAGS_LEFT};
use crate::desired::tests::lab::{Lab, tcp_port};
use crate::step::{Memory, State};

pub(super) const USERS: &str = "lb-reuse-05";

pub(super) fn key(text: &str) -> ListenerKey {
    text.parse().unwrap()
}

pub(super) fn reusing(lab: Lab) -> World {
    World::new(lab.annotated("id", USERS)).with_users_clb(USERS)
}

pub(super) fn overriding(lab: Lab) -> World {
    reusing(lab.annotated("force-override-listeners", "true"))
}

#[test]
fn without_override_only_groups_are_kept() {
    let mut world = reusing(Lab::tcp());
    let before = world.clb().clone();
    assert_eq!(world.settle().state, State::Converged);
    let after = world.clb();
    assert_eq!(after.listeners, before.listeners);
    assert_eq!(after.vgroups.len(), 2);
    assert_eq!(after.tags[REUSED_TAG], "true");
    assert!(!after.tags.contains_key(OWNER_TAG) && !after.tags.contains_key(CLUSTER_TAG));
    assert_eq!(world.lab.service.ingress[0].ip.as_deref(), Some("47.1.1.1"));
    assert_eq!(world.count("NoListenerManaged"), 1, "{:?}", world.said());
    world.forget();
    world.settle();
    assert_eq!(
        world.count("NoListenerManaged"),
        0,
        "not again when the group is there"
    );
}

#[test]
fn with_override_only_listeners_of_the_services_ports_are_managed() {
    let mut world = overriding(Lab::tcp());
    let users = world.clb().listeners[&key("tcp:9000")].clone();
    world.settle();
    assert_eq!(world.clb().listeners.len(), 2);
    assert_eq!(world.clb().listeners[&key("tcp:9000")], users);
    // A port less: the listener goes, since it is ours.
    world.lab.service.ports = vec![tcp_port(8080)];
    world.settle();
    assert!(!world.clb().listeners.contains_key(&key("tcp:80")));
    assert_eq!(world.clb().listeners[&key("tcp:9000")], users);
}

#[test]
fn an_unmarked_listener_on_one_of_our_ports_is_taken_over() {
    let mut world = overriding(Lab::with_ports(vec![tcp_port(9000)]));
    assert_eq!(world.settle().state, State::Converged);
    let listener = &world.clb().listeners[&key("tcp:9000")];
    assert_eq!(
        listener.attributes.text(A::Description),
        Some("k8s/9000/web/default/c-lab")
    );
    assert_ne!(listener.vgroup.as_ref().unwrap().as_str(), "rsp-user-05");
    let users = &world.clb().vgroups[&"rsp-user-05".parse().unwrap()];
    assert_eq!(users.backends.len(), 1, "the user's group stays");
    let operations = world.batches.iter().flat_map(|batch| &batch.operations);
    let changes = operations.filter(|operation| matches!(operation.change, Change::ChangeListener { .. }));
    assert_eq!(changes.count(), 1, "{:?}", world.reasons());
}

#[test]
fn a_listener_of_another_protocol_in_the_way_is_replaced() {
    let lab = Lab::with_ports(vec![tcp_port(9000)]).annotated("protocol-port", "http:9000");
    let mut world = overriding(lab);
    assert_eq!(world.settle().state, State::Converged);
    let keys: Vec<String> = world.clb().listeners.keys().map(ToString::to_string).collect();
    assert_eq!(keys, ["http:9000"]);
}

#[test]
fn another_services_listener_is_a_conflict_that_names_it_and_nobody_fights() {
    let mut world = overriding(Lab::tcp());
    world.settle();
    // The same port of the same CLB, from another cluster.
    let mut second = World::new(
        Lab::tcp()
            .annotated("id", USERS)
            .annotated("force-override-listeners", "true"),
    );
    second.lab.cluster.id = "c-other".parse().unwrap();
    second.cloud = world.cloud.clone();
    let last = second.settle();
    assert_eq!(last.state, State::Failed);
    assert!(
        last.message.contains("Service default/web of cluster c-lab"),
        "{}",
        last.message
    );
    assert_eq!(
        second.condition(PROGRAMMED).as_deref(),
        Some("False ListenerConflict")
    );
    assert_eq!(second.count("SyncLoadBalancerFailed"), 1);
    assert_eq!(second.lab.service.ingress, [], "no listener of it works");
    assert_eq!(second.clb().listeners, world.clb().listeners);

    // The first sees nothing to do; when it goes, the second takes its place.
    world.cloud = second.cloud.clone();
    world.forget();
    world.lab.service.deleting = true;
    world.settle();
    second.cloud = world.cloud.clone();
    assert_eq!(second.settle().state, State::Converged);
}

#[test]
fn a_clb_of_a_service_or_a_cluster_is_refused() {
    for tag in [OWNER_TAG, CLUSTER_TAG] {
        let mut world = overriding(Lab::tcp());
        world.clb_mut().tags.insert(tag.to_owned(), "other".to_owned());
        let before = world.clb().clone();
        let last = world.settle();
        assert_eq!(last.state, State::Failed);
        assert!(last.message.contains(tag), "{}", last.message);
        assert_eq!(world.condition(PROGRAMMED).as_deref(), Some("False ReuseRefused"));
        assert_eq!(*world.clb(), before);
        // It goes without touching what it could not use.
        world.lab.service.deleting = true;
        world.settle();
        assert_eq!(*world.clb(), before);
        assert!(!world.lab.service.finalizer);
    }
}

#[test]
fn a_clb_that_is_not_there_is_named() {
    let mut world = World::new(Lab::tcp().annotated("id", "lb-nowhere"));
    let last = world.settle();
    assert_eq!(last.state, State::Failed);
    assert!(last.message.contains("lb-nowhere"), "{}", last.message);
    assert_eq!(world.count("SyncLoadBalancerFailed"), 1);
}

#[test]
fn a_reused_group_holds_our_backends_beside_those_of_others_and_gives_only_ours_back() {
    let lab = Lab::tcp()
        .annotated("vgroup-port", "rsp-user-05:80")
        .annotated("weight", "60");
    let mut world = reusing(lab);
    let id = "rsp-user-05".parse().unwrap();
    let theirs = Backend {
        target: BackendTarget::Instance("i-n1".to_owned()),
        port: 30_080,
        weight: 5,
        description: "k8s/30080/web/default/c-other".to_owned(),
    };
    world
        .clb_mut()
        .vgroups
        .get_mut(&id)
        .unwrap()
        .backends
        .push(theirs);
    let users: Vec<Backend> = world.clb().vgroups[&id].backends.clone();
    assert_eq!(world.settle().state, State::Converged);
    assert_eq!(world.clb().vgroups.len(), 1);
    let group = &world.clb().vgroups[&id];
    assert_eq!(
        group.backends[..2],
        users,
        "another cluster's backend of the same instance and port stays"
    );
    assert_eq!(group.backends.len(), 2 + 4);
    world.lab.service.deleting = true;
    world.settle();
    assert_eq!(world.clb().vgroups[&id].backends, users);
}

#[test]
fn a_group_that_is_not_on_the_clb_is_named() {
    let mut world = reusing(Lab::tcp().annotated("vgroup-port", "rsp-nowhere:80"));
    let last = world.settle();
    assert_eq!(last.state, State::Failed);
    assert_eq!(
        world.condition(PROGRAMMED).as_deref(),
        Some("False VServerGroupMissing")
    );
    assert!(
        last.message.contains(
            "of CLB lb-reuse-05, such as rsp-user-05; rsp-nowhere is not there, for example rsp-user-05:80"
        ),
        "{}",
        last.message
    );
}

#[test]
fn a_missing_clb_or_group_is_told_with_all_other_mistakes_and_nothing_is_touched() {
    let mut world = World::new(
        Lab::tcp()
            .annotated("id", "lb-nowhere")
            .annotated("scheduler", "fair"),
    );
    world.settle();
    let said = world.said();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].contains("\"lb-nowhere\" is not valid") && said[0].contains("\"fair\""),
        "{said:?}"
    );
    assert!(!world.lab.service.finalizer, "nothing was built");
    assert_eq!(
        world.condition(ACCEPTED).as_deref(),
        Some("False InvalidAnnotations")
    );

    // Of two groups one is there: it gets nothing either.
    let ports = Lab::with_ports(vec![tcp_port(80), tcp_port(443)]);
    let mut world = reusing(ports.annotated("vgroup-port", "rsp-user-05:80,rsp-nowhere:443"));
    let before = world.clb().clone();
    world.settle();
    assert_eq!(*world.clb(), before);
    let said = world.said();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("rsp-nowhere is not there"), "{said:?}");
}

/// A Service with an address, of whose ports a new one is to have a group that is not there.
fn with_a_port_too_many(mut world: World, ports: Vec<ServicePort>, vgroup_port: &str) -> World {
    world.settle();
    assert!(!world.lab.service.ingress.is_empty());
    world.forget();
    world.lab.service.ports = ports;
    world.lab = world.lab.annotated("vgroup-port", vgroup_port);
    world
}

#[test]
fn a_new_port_whose_group_is_missing_is_a_mistake_of_a_service_that_works() {
    let named = "rsp-user-05:80,rsp-nowhere:443";
    let ports = || vec![tcp_port(80), tcp_port(443)];
    let lab = Lab::tcp()
        .annotated("vgroup-port", "rsp-user-05:80")
        .annotated("force-override-listeners", "true");
    // With pods as backends both ports have one mark: that port 80 is in its group says nothing of 443.
    for lab in [lab.clone(), lab.annotated("backend-type", "eni")] {
        let mut world = with_a_port_too_many(reusing(lab), ports(), named);
        world.lab = world.lab.annotated("scheduler", "wrr");
        let before = world.clb().clone();
        world.settle();
        assert_eq!(world.batches, []);
        assert_eq!(*world.clb(), before);
        let told = format!(
            "{named:?} is not valid: vServer groups of CLB lb-reuse-05, such as rsp-user-05; rsp-nowhere is not there"
        );
        let said = world.said();
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(
            said[0].contains(&told) && said[0].contains("for example rsp-user-05:443"),
            "{said:?}"
        );
        assert_eq!(
            world.condition(ACCEPTED).as_deref(),
            Some("False InvalidAnnotations")
        );
        // Told with the others, too.
        world.lab = world.lab.annotated("scheduler", "fair");
        world.settle();
        let said = world.said();
        assert!(
            said.iter()
                .any(|text| text.contains("\"fair\"") && text.contains(&told)),
            "{said:?}"
        );
    }
}

#[test]
fn backends_are_followed_while_a_new_ports_group_is_missing() {
    let lab = Lab::tcp().annotated("vgroup-port", "rsp-user-05:80");
    let ports = vec![tcp_port(80), tcp_port(443)];
    let mut world = with_a_port_too_many(reusing(lab), ports, "rsp-user-05:80,rsp-nowhere:443");
    world.lab.nodes.remove("n3");
    world.settle();
    let group = &world.clb().vgroups[&"rsp-user-05".parse().unwrap()];
    let is_n3 = |backend: &Backend| backend.target == BackendTarget::Instance("i-n3".to_owned());
    assert!(
        group.backends.len() > 1 && !group.backends.iter().any(is_n3),
        "{group:?}"
    );
}

#[test]
fn a_port_that_has_its_group_may_name_another_that_is_not_there() {
    let lab = Lab::tcp().annotated("force-override-listeners", "true");
    for (group, stays) in [
        (None, "k8s/30080/web/default/c-lab"),
        (Some("rsp-user-05:80"), "rsp-user-05"),
    ] {
        let lab = group.map_or(lab.clone(), |group| lab.clone().annotated("vgroup-port", group));
        let mut world = with_a_port_too_many(reusing(lab), vec![tcp_port(80)], "rsp-nowhere:80");
        assert_eq!(world.settle().state, State::Converged);
        assert_eq!(world.batches, []);
        let said = world.said();
        assert!(
            said.iter()
                .any(|text| text.contains("cannot be changed: they stay there") && text.contains(stays)),
            "{said:?}"
        );
    }
}

#[test]
fn our_group_under_a_users_listener_stays_and_the_listener_is_named() {
    let mut world = reusing(Lab::with_ports(vec![tcp_port(80), tcp_port(443)]));
    world.settle();
    let clb = world.clb_mut();
    let ours = clb
        .vgroups
        .iter()
        .find(|(_, group)| group.name.starts_with("k8s/30443/"))
        .unwrap()
        .0
        .clone();
    clb.listeners.get_mut(&key("tcp:9000")).unwrap().vgroup = Some(ours.clone());
    world.lab.service.ports.pop();
    world.settle();
    assert!(world.clb().vgroups.contains_key(&ours));
    assert!(
        world
            .said()
            .iter()
            .any(|text| text.contains("a listener that is not the Service's uses it"))
    );
}

#[test]
fn a_type_that_changed_leaves_the_users_clb_even_when_status_and_annotation_are_gone() {
    let mut world = overriding(Lab::tcp());
    let before = world.clb().clone();
    world.settle();
    world.lab.service.annotations.clear();
    world.lab.service.ingress.clear();
    world.lab.service.service_type = clb_model::cluster::ServiceType::ClusterIp;
    world.settle();
    let after = world.clb();
    assert_eq!(
        (&after.listeners, &after.vgroups),
        (&before.listeners, &before.vgroups)
    );
    assert!(!world.lab.service.finalizer);
}

#[test]
fn another_eip_on_the_users_clb_that_the_service_uses_is_shown_and_backends_are_followed() {
    for annotated in [true, false] {
        let mut world = reusing(Lab::tcp().annotated("external-ip-type", "eip"));
        world.clb_mut().address_type = AddressType::Intranet;
        world.clb_mut().eip_address = Some("8.8.8.8".to_owned());
        world.settle();
        assert_eq!(world.lab.service.ingress[0].ip.as_deref(), Some("8.8.8.8"));
        world.clb_mut().eip_address = Some("9.9.9.9".to_owned());
        if !annotated {
            world
                .lab
                .service
                .annotations
                .retain(|name, _| !name.ends_with("loadbalancer-id"));
        }
        world.lab.nodes.remove("n3");
        assert_eq!(world.settle().state, State::Converged, "{annotated}");
        assert_eq!(world.lab.service.ingress[0].ip.as_deref(), Some("9.9.9.9"));
        let groups = &world.clb().vgroups;
        assert!(
            groups.values().any(|group| group.backends.len() == 4),
            "{groups:?}"
        );
    }
}

#[test]
fn tags_that_somebody_else_changes_again_and_again_are_left_to_them_until_the_annotation_changes() {
    let mut world = reusing(Lab::tcp().annotated("additional-resource-tags", "team=a"));
    world.settle();
    for round in 0..5 {
        if round > 1 {
            // A restart does not begin the contest again.
            world.memory = Memory::default();
        }
        world.clb_mut().tags.insert("team".to_owned(), "b".to_owned());
        world.settle();
        let expected = if round == 0 { "a" } else { "b" };
        assert_eq!(world.clb().tags["team"], expected, "round {round}");
    }
    let told = world.said().iter().filter(|text| text.contains("team=b")).count();
    assert_eq!(told, 1, "{:?}", world.said());
    world.lab = world.lab.clone().annotated("additional-resource-tags", "team=c");
    world.settle();
    assert_eq!(world.clb().tags["team"], "c");
    assert_eq!(world.condition(TAGS_LEFT).as_deref(), Some("False Uncontested"));
}

#[test]
fn tags_that_a_person_changes_now_and_then_are_put_right_each_time() {
    const A_DAY_MS: u64 = 24 * 3_600_000;
    let mut world = reusing(Lab::tcp().annotated("additional-resource-tags", "team=a"));
    world.settle();
    for day in 0..5 {
        world.now_ms += A_DAY_MS;
        world.clb_mut().tags.insert("team".to_owned(), "b".to_owned());
        world.settle();
        assert_eq!(world.clb().tags["team"], "a", "day {day}");
    }
    assert_eq!(world.condition(TAGS_LEFT), None);
    // Who answers each time at once is left alone, though it begins late.
    for round in 0..3 {
        world.clb_mut().tags.insert("team".to_owned(), "b".to_owned());
        world.settle();
        assert_eq!(
            world.clb().tags["team"],
            if round == 0 { "a" } else { "b" },
            "round {round}"
        );
    }
}

#[test]
fn a_users_clb_that_is_tagged_while_it_is_in_use_is_a_mistake_and_its_backends_are_followed() {
    let mut world = overriding(Lab::tcp());
    world.settle();
    world
        .clb_mut()
        .tags
        .insert(CLUSTER_TAG.to_owned(), "c-lab".to_owned());
    world.lab.nodes.remove("n3");
    assert_eq!(world.settle().state, State::Failed);
    assert_eq!(world.condition(PROGRAMMED).as_deref(), Some("False ReuseRefused"));
    let groups = &world.clb().vgroups;
    assert!(
        groups.values().any(|group| group.backends.len() == 4),
        "{groups:?}"
    );
}

#[test]
fn listeners_go_with_a_service_whose_override_has_become_a_mistake() {
    let mut world = overriding(Lab::tcp());
    world.settle();
    assert!(world.clb().listeners.contains_key(&key("tcp:80")));
    world.lab = world.lab.clone().annotated("force-override-listeners", "True");
    world.settle();
    assert!(
        world.clb().listeners.contains_key(&key("tcp:80")),
        "what worked stays"
    );
    world.lab.service.deleting = true;
    world.settle();
    assert!(!world.clb().listeners.contains_key(&key("tcp:80")));
    assert!(!world.lab.service.finalizer);
}
