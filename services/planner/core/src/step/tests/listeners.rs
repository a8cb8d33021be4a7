//! Listeners: created, changed, re-created, deleted, in the right order, and only those that are the Service's.

use clb_model::attribute::{AttributeValue, ListenerAttribute as A};
use clb_model::cloud::ListenerKey;
use clb_model::operation::{Change, Operation};

use super::world::World;
use crate::conditions::PROGRAMMED;
use crate::desired::tests::lab::{Lab, tcp_port, udp_port};
use crate::desired::tests::manifest;
use crate::step::State;

fn key(text: &str) -> ListenerKey {
    text.parse().unwrap()
}

/// What the operations so far do, in a word each.
fn done(world: &World) -> Vec<String> {
    let word = |operation: &Operation| match &operation.change {
        Change::CreateListener(new) => format!("create {}", new.key),
        Change::ChangeListener { listener, vgroup, .. } => {
            format!(
                "change {listener}{}",
                if vgroup.is_some() { " group" } else { "" }
            )
        }
        Change::StartListener { listener } => format!("start {listener}"),
        Change::DeleteListener { listener } => format!("delete {listener}"),
        Change::RecreateListener { old, new } => format!("replace {old} by {}", new.key),
        Change::CreateVServerGroup { name, .. } => format!("create {name}"),
        Change::DeleteVServerGroup { .. } => "delete group".to_owned(),
        Change::ChangeDomainExtension {
            domain,
            certificate_id,
            ..
        } => format!("{domain}={}", certificate_id.as_deref().unwrap_or("none")),
        other => format!("{other:?}"),
    };
    world
        .batches
        .iter()
        .flat_map(|batch| &batch.operations)
        .map(word)
        .collect()
}

fn redirect() -> Lab {
    Lab::with_service(manifest::example("21-redirect"))
}

#[test]
fn only_named_attributes_that_differ_are_set() {
    let mut world = World::settled(Lab::http().annotated("idle-timeout", "10"));
    let listener = world.clb_mut().listeners.get_mut(&key("http:80")).unwrap();
    listener.attributes.set(A::RequestTimeout, 99);
    listener.attributes.set(A::IdleTimeout, 33);
    world.settle();
    let Change::ChangeListener {
        attributes, vgroup, ..
    } = &world.batches[0].operations[0].change
    else {
        panic!("{:?}", world.batches);
    };
    assert_eq!(
        attributes.iter().collect::<Vec<_>>(),
        [(A::IdleTimeout, &AttributeValue::Number(10))]
    );
    assert_eq!(*vgroup, None);
    let reason = world.reasons()[0];
    assert!(reason.contains("IdleTimeout 10 instead of 33"), "{reason}");
}

#[test]
fn an_attribute_of_something_switched_off_is_not_sent_again_and_again() {
    let off = Lab::tcp()
        .annotated("health-check-switch", "off")
        .annotated("health-check-interval", "9");
    let mut world = World::settled(off);
    world.settle();
    assert_eq!(done(&world), Vec::<String>::new());
}

#[test]
fn an_access_list_is_switched_on_with_all_that_belongs_to_it() {
    let acl = |lab: Lab, id: &str| {
        lab.annotated("acl-status", "on")
            .annotated("acl-type", "white")
            .annotated("acl-id", id)
    };
    let mut world = World::settled(acl(Lab::tcp(), "acl-1"));
    world.lab = acl(world.lab.clone(), "acl-2");
    world.settle();
    let Change::ChangeListener { attributes, .. } = &world.batches[0].operations[0].change else {
        panic!("{:?}", world.batches);
    };
    let sent: Vec<_> = attributes.iter().map(|(attribute, _)| attribute).collect();
    assert_eq!(sent, [A::AclStatus, A::AclType, A::AclId]);
}

#[test]
fn a_scheduler_of_another_class_makes_the_listener_anew_with_all_that_it_had() {
    let mut world = World::settled(Lab::tcp().annotated("persistence-timeout", "60"));
    world.lab.service.annotations.clear();
    let listener = world.clb_mut().listeners.get_mut(&key("tcp:80")).unwrap();
    listener.attributes.set(A::EstablishedTimeout, 77);
    world.lab = world.lab.clone().annotated("scheduler", "sch");
    world.settle();
    assert_eq!(done(&world), ["replace tcp by tcp:80"]);
    let listener = &world.clb().listeners[&key("tcp:80")];
    assert_eq!(listener.attributes.text(A::Scheduler), Some("sch"));
    assert_eq!(
        listener.attributes.get(A::EstablishedTimeout),
        Some(&AttributeValue::Number(77))
    );
    assert_eq!(
        listener.attributes.get(A::PersistenceTimeout),
        Some(&AttributeValue::Number(60))
    );
    assert!(
        world
            .said()
            .iter()
            .any(|text| text.contains("interrupts its traffic")),
        "{:?}",
        world.said()
    );
}

#[test]
fn within_a_class_the_scheduler_is_set() {
    let mut world = World::settled(Lab::tcp());
    world.lab = world.lab.clone().annotated("scheduler", "wrr");
    world.settle();
    assert_eq!(done(&world), ["change tcp:80"]);
}

#[test]
fn another_protocol_on_a_port_replaces_the_listener() {
    let mut world = World::settled(Lab::tcp());
    world.lab = world.lab.clone().annotated("protocol-port", "http:80");
    world.settle();
    assert_eq!(done(&world), ["replace tcp by http:80"]);
    assert_eq!(world.clb().vgroups.len(), 1);
}

/// A listener of another protocol is another listener: what was set on the old one goes with it, and nobody is let in unawares.
#[test]
fn access_control_that_ends_with_a_protocol_is_said() {
    let with_list = |lab: Lab| {
        let lab = lab.annotated("acl-status", "on").annotated("acl-type", "white");
        lab.annotated("acl-id", "acl-1")
    };
    for stays in [false, true] {
        let mut world = World::settled(with_list(Lab::tcp()));
        let http = Lab::tcp().annotated("protocol-port", "http:80");
        let service = if stays { with_list(http) } else { http }.service;
        world.lab.service.annotations = service.annotations;
        world.settle();
        let said = world.said();
        let told = said
            .iter()
            .any(|text| text.contains("access control") && text.contains("ends with it"));
        assert_eq!(told, !stays, "{said:?}");
    }
}

#[test]
fn tcp_and_udp_share_a_port_number() {
    let mut world = World::settled(Lab::with_ports(vec![tcp_port(53)]));
    world.lab.service.ports.push(udp_port(53));
    let udp = manifest::service("default", "web", vec![tcp_port(53), udp_port(53)]);
    world.lab.service.endpoints = udp.endpoints;
    world.settle();
    assert_eq!(world.clb().listeners.len(), 2);
    assert!(world.clb().listeners.contains_key(&key("tcp:53")));
}

#[test]
fn a_redirect_comes_after_its_target_and_goes_before_it() {
    let mut world = World::new(redirect());
    world.settle();
    let created: Vec<String> = done(&world)
        .into_iter()
        .filter(|word| word.contains("http"))
        .collect();
    assert_eq!(created, ["create https:443", "create http:80"]);

    // The target moves to another port.
    world.forget();
    for port in &mut world.lab.service.ports {
        if port.port == 443 {
            port.port = 8443;
        }
    }
    world.lab = world
        .lab
        .clone()
        .annotated("protocol-port", "https:8443,http:80")
        .annotated("forward-port", "80:8443");
    world.settle();
    assert_eq!(
        done(&world),
        ["create https:8443", "replace http by http:80", "delete https:443"]
    );

    // The redirect and its target swap their ports.
    world.forget();
    for port in &mut world.lab.service.ports {
        port.port = if port.port == 80 { 8443 } else { 80 };
    }
    world.lab = world
        .lab
        .clone()
        .annotated("protocol-port", "https:80,http:8443")
        .annotated("forward-port", "8443:80");
    world.settle();
    let order: Vec<String> = done(&world)
        .into_iter()
        .filter(|word| word.starts_with("replace"))
        .collect();
    assert_eq!(order, ["replace http by https:80", "replace https by http:8443"]);
}

#[test]
fn without_its_annotation_a_redirect_becomes_a_plain_listener() {
    let mut world = World::settled(redirect());
    world
        .lab
        .service
        .annotations
        .retain(|name, _| !name.ends_with("forward-port"));
    world.settle();
    assert_eq!(done(&world), ["replace http by http:80"]);
    assert!(world.clb().listeners[&key("http:80")].vgroup.is_some());
}

#[test]
fn a_removed_port_takes_its_listener_and_then_its_group_along() {
    let mut world = World::settled(Lab::with_ports(vec![tcp_port(80), tcp_port(443)]));
    world.lab.service.ports.pop();
    world.settle();
    assert_eq!(done(&world), ["delete tcp:443", "delete group"]);
    let operations = &world.batches[0].operations;
    assert_eq!(operations[1].after, [operations[0].id]);
}

#[test]
fn another_node_port_moves_the_listener_to_a_new_group_before_the_old_one_goes() {
    let mut world = World::settled(Lab::tcp());
    world.lab.service.ports[0].node_port = Some(31_999);
    world.settle();
    assert_eq!(
        done(&world),
        [
            "create k8s/31999/web/default/c-lab",
            "change tcp:80 group",
            "delete group"
        ]
    );
}

#[test]
fn a_stopped_listener_is_started() {
    let mut world = World::settled(Lab::tcp());
    world.clb_mut().listeners.get_mut(&key("tcp:80")).unwrap().running = false;
    world.settle();
    assert_eq!(done(&world), ["start tcp:80"]);
}

#[test]
fn a_description_that_was_changed_by_hand_is_put_right_while_the_group_is_ours() {
    let mut world = World::settled(Lab::tcp());
    let listener = world.clb_mut().listeners.get_mut(&key("tcp:80")).unwrap();
    listener.attributes.set(A::Description, "changed by hand");
    world.settle();
    assert_eq!(done(&world), ["change tcp:80"]);
}

#[test]
fn a_users_listener_in_the_way_stays_and_is_named() {
    let mut world = World::settled(Lab::tcp());
    let mut theirs = super::world::users_clb("lb-x-00")
        .listeners
        .remove(&key("tcp:9000"))
        .unwrap();
    theirs.vgroup = None;
    world.clb_mut().listeners.insert(key("http:8080"), theirs.clone());
    world.lab.service.ports.push(tcp_port(8080));
    let last = world.settle();
    assert_eq!(last.state, State::Failed);
    assert_eq!(world.clb().listeners[&key("http:8080")], theirs);
    assert_eq!(
        world.condition(PROGRAMMED).as_deref(),
        Some("False ListenerConflict")
    );
    assert_eq!(world.count("SyncLoadBalancerFailed"), 1, "{:?}", world.said());
    let ports = &world.lab.service.ingress[0].ports;
    assert_eq!(ports.len(), 2, "every port has an entry");
    assert_eq!(ports[0].error, None);
    assert_eq!(
        ports[1].error.as_deref(),
        Some("service.k8s.alibaba/ListenerConflict")
    );

    // When it is gone, all is well again.
    world.clb_mut().listeners.remove(&key("http:8080"));
    assert_eq!(world.settle().state, State::Converged);
    assert_eq!(world.lab.service.ingress[0].ports, []);
    assert_eq!(world.condition(PROGRAMMED).as_deref(), Some("True Programmed"));
}

#[test]
fn extension_domains_follow_the_annotation() {
    let domains = |lab: Lab, text: &str| lab.annotated("domain-extensions", text);
    let mut world = World::settled(domains(Lab::https(), "a.example.com:cert-b,b.example.com:cert-c"));
    world.lab = domains(world.lab.clone(), "a.example.com:cert-c,c.example.com:cert-b");
    world.settle();
    assert_eq!(
        done(&world),
        [
            "b.example.com=none",
            "a.example.com=cert-c",
            "c.example.com=cert-b"
        ]
    );
    world.forget();
    world
        .lab
        .service
        .annotations
        .retain(|name, _| !name.ends_with("domain-extensions"));
    world.settle();
    assert_eq!(
        done(&world),
        Vec::<String>::new(),
        "without the annotation they stay"
    );
}

#[test]
fn an_extension_domain_with_capitals_is_the_same_domain() {
    let domains = |lab: Lab, text: &str| lab.annotated("domain-extensions", text);
    let mut world = World::settled(domains(Lab::https(), "A.Example.com:cert-b"));
    let extensions = &mut world
        .clb_mut()
        .listeners
        .get_mut(&key("https:443"))
        .unwrap()
        .domain_extensions;
    let extension = extensions.remove("a.example.com").unwrap();
    extensions.insert("A.example.COM".to_owned(), extension);
    world.settle();
    assert_eq!(done(&world), Vec::<String>::new(), "only the case differs");
    world.lab = domains(world.lab.clone(), "a.example.com:cert-c");
    world.settle();
    assert_eq!(done(&world), ["A.example.COM=cert-c"]);
}

#[test]
fn more_extension_domains_than_the_quota_leave_the_last_out_and_say_so() {
    let mut lab = Lab::https().annotated("domain-extensions", "a.com:cert-b,b.com:cert-b,c.com:cert-b");
    lab.cluster.quotas.domain_extensions_per_listener = 2;
    let mut world = World::new(lab);
    world.settle();
    let listener = &world.clb().listeners[&key("https:443")];
    assert_eq!(
        listener.domain_extensions.keys().collect::<Vec<_>>(),
        ["a.com", "b.com"]
    );
    assert!(
        world
            .said()
            .iter()
            .any(|text| text.contains("quota of 2") && text.contains("c.com"))
    );
    assert_eq!(
        world.condition(PROGRAMMED).as_deref(),
        Some("False QuotaExceeded")
    );
    world.lab.cluster.quotas.domain_extensions_per_listener = 3;
    world.settle();
    assert_eq!(
        world.clb().listeners[&key("https:443")].domain_extensions.len(),
        3
    );
    assert_eq!(world.condition(PROGRAMMED).as_deref(), Some("True Programmed"));
}

#[test]
fn more_listeners_than_the_quota_leave_the_last_out_and_say_so() {
    let mut lab = Lab::with_ports((1..=4).map(tcp_port).collect());
    lab.cluster.quotas.listeners_per_load_balancer = 3;
    let mut world = World::new(lab);
    let last = world.settle();
    assert_eq!(last.state, State::Failed);
    assert_eq!(world.clb().listeners.len(), 3);
    assert_eq!(
        world.condition(PROGRAMMED).as_deref(),
        Some("False QuotaExceeded")
    );
    assert_eq!(world.lab.service.ingress.len(), 1, "the others work");
}

#[test]
fn switching_proxy_protocol_says_that_traffic_is_interrupted() {
    let mut world = World::settled(Lab::tcp());
    world.lab = world.lab.clone().annotated("proxy-protocol", "on");
    world.settle();
    assert_eq!(done(&world), ["change tcp:80"]);
    assert!(
        world
            .said()
            .iter()
            .any(|text| text.contains("proxy-protocol") && text.contains("interrupted"))
    );
}
