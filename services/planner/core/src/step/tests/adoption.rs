//! Taking over from Alibaba's controller: what it left in the cloud is right as it is.

use std::collections::BTreeMap;

use clb_model::attribute::{AttributeValue, ListenerAttribute, ListenerAttributes};
use clb_model::cloud::{
    Backend, BackendTarget, DomainExtension, Listener, ListenerKey, LoadBalancer, VServerGroup,
};
use clb_model::marks;
use clb_model::version::PartVersion;
use clb_model::{LoadBalancerId, VServerGroupId};
use serde_json::Value;

use super::world::World;
use crate::conditions;
use crate::desired::tests::lab::Lab;
use crate::desired::tests::manifest;
use crate::step::State;

/// The names of the states that Alibaba's controller left.
fn states() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(manifest::examples_folder().join("adoption"))
        .unwrap()
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    names.sort();
    names
}

/// The example's Service and the state that Alibaba's controller left for it.
fn left_by_alibabas_controller(name: &str) -> World {
    let mut world = World::new(Lab::with_service(manifest::example(name)));
    let service = &mut world.lab.service;
    let id = conditions_id(service).unwrap_or_else(|| "lb-adopted".to_owned());
    let path = manifest::examples_folder().join(format!("adoption/{name}.json"));
    let mut text = std::fs::read_to_string(path)
        .unwrap()
        .replace("CLUSTER-ID", world.lab.cluster.id.as_str())
        .replace("DEFAULT-NAME", &marks::default_name(&service.uid))
        .replace("ADDRESS\"", "47.9.9.9\"");
    for port in &service.ports {
        let stand_in = format!("nodePort-{}-{}", port.transport.as_str(), port.port);
        text = text.replace(&stand_in, &port.node_port.unwrap().to_string());
    }
    let state: Value = serde_json::from_str(&text).unwrap();
    let clb = load_balancer(&id, &state["load_balancer"]);
    service.ingress = vec![clb_model::cluster::Ingress {
        ip: Some(
            state["service_status"]["ingress"][0]["ip"]
                .as_str()
                .unwrap()
                .to_owned(),
        ),
        ip_mode: Some(clb_model::cluster::IpMode::Vip),
        ..Default::default()
    }];
    service.finalizer = true;
    service
        .labels
        .insert(marks::LOAD_BALANCER_ID_LABEL.to_owned(), id);
    service
        .labels
        .insert(marks::HASH_LABEL.to_owned(), "0123".to_owned());
    world.cloud.load_balancers.insert(clb.id.clone(), clb);
    world
}

fn conditions_id(service: &clb_model::cluster::Service) -> Option<String> {
    crate::find::annotated_id(service).map(String::from)
}

fn text(value: &Value, field: &str) -> String {
    match &value[field] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn load_balancer(id: &str, json: &Value) -> LoadBalancer {
    let version = PartVersion { term: 1, number: 1 };
    let group_id = |name: &str| VServerGroupId::new(format!("rsp-{}", hex::encode(name))).unwrap();
    let vgroups = json["vgroups"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, group)| {
            let backends = group["servers"].as_array().unwrap().iter().map(backend).collect();
            let group = VServerGroup {
                version,
                name: name.clone(),
                backends,
            };
            (group_id(name), group)
        })
        .collect();
    let listeners = json["listeners"]
        .as_object()
        .unwrap()
        .values()
        .map(|listener| {
            let key: ListenerKey = format!(
                "{}:{}",
                text(listener, "ListenerProtocol"),
                listener["ListenerPort"]
            )
            .parse()
            .unwrap();
            let group = text(listener, "VServerGroupId");
            let domain_extensions = listener["domain_extensions"]
                .as_array()
                .unwrap()
                .iter()
                .map(|extension| {
                    let certificate = DomainExtension {
                        id: text(extension, "DomainExtensionId"),
                        certificate_id: text(extension, "ServerCertificateId"),
                    };
                    (text(extension, "Domain"), certificate)
                })
                .collect();
            let listener = Listener {
                version,
                running: text(listener, "Status") == "running",
                vgroup: group.strip_prefix("group:").map(group_id),
                attributes: attributes(key, listener),
                domain_extensions,
            };
            (key, listener)
        })
        .collect();
    LoadBalancer {
        id: LoadBalancerId::new(id).unwrap(),
        version,
        name: text(json, "LoadBalancerName"),
        address: text(json, "Address"),
        address_type: text(json, "AddressType").parse().unwrap(),
        ip_version: text(json, "AddressIPVersion").parse().unwrap(),
        status: text(json, "LoadBalancerStatus"),
        spec: text(json, "LoadBalancerSpec"),
        instance_charge_type: text(json, "InstanceChargeType").parse().unwrap(),
        internet_charge_type: text(json, "InternetChargeType").parse().unwrap(),
        bandwidth: text(json, "Bandwidth").parse().unwrap(),
        delete_protection: text(json, "DeleteProtection") == "on",
        modification_protection: text(json, "ModificationProtectionStatus") == "ConsoleProtection",
        resource_group_id: text(json, "ResourceGroupId"),
        vpc_id: text(json, "VpcId"),
        vswitch_id: text(json, "VSwitchId"),
        master_zone_id: text(json, "MasterZoneId"),
        slave_zone_id: text(json, "SlaveZoneId"),
        tags: serde_json::from_value::<BTreeMap<String, String>>(json["tags"].clone()).unwrap(),
        access_lists: BTreeMap::new(),
        eip_address: None,
        listeners,
        vgroups,
    }
}

fn attributes(key: ListenerKey, listener: &Value) -> ListenerAttributes {
    let forwards = text(listener, "ListenerForward") == "on";
    ListenerAttribute::ALL
        .iter()
        .copied()
        .filter(|attribute| attribute.applies_to(key.protocol))
        .filter(|attribute| forwards || *attribute != ListenerAttribute::ForwardPort)
        .filter_map(|attribute| {
            let value = text(listener, attribute.name());
            let known = !listener[attribute.name()].is_null();
            known.then(|| (attribute, AttributeValue::parse(attribute, &value).unwrap()))
        })
        .collect()
}

fn backend(server: &Value) -> Backend {
    let id = text(server, "ServerId");
    let target = match text(server, "Type").as_str() {
        "ecs" => BackendTarget::Instance(id),
        kind => BackendTarget::Interface {
            address: text(server, "ServerIp").parse().unwrap(),
            eni: Some(id),
            eci: kind == "eci",
        },
    };
    Backend {
        target,
        port: text(server, "Port").parse().unwrap(),
        weight: text(server, "Weight").parse().unwrap(),
        description: text(server, "Description"),
    }
}

#[test]
fn what_alibabas_controller_left_needs_no_operation() {
    let names = states();
    assert_eq!(names.len(), 8);
    for name in names {
        let world = left_by_alibabas_controller(&name);
        let step = world.look();
        assert_eq!(step.batch, None, "{name}");
        assert_eq!(step.state, State::Converged, "{name}");
    }
}

#[test]
fn a_first_pass_writes_nothing_to_the_cluster_unless_there_is_something_to_say() {
    for name in states() {
        let world = left_by_alibabas_controller(&name);
        let step = world.look();
        if step.writes.events.is_empty() {
            assert!(step.writes.is_empty(), "{name}: {:?}", step.writes);
        } else {
            assert!(
                step.writes.ingress.is_none() && step.writes.labels.is_empty(),
                "{name}"
            );
        }
        let reasons: Vec<_> = step
            .writes
            .events
            .iter()
            .map(|event| event.reason.as_ref())
            .collect();
        assert!(!reasons.contains(&"EnsuredLoadBalancer"), "{name}: {reasons:?}");
    }
}

#[test]
fn an_adopted_service_stays_known_as_one_when_conditions_are_written() {
    let mut world = left_by_alibabas_controller("00-internet");
    assert!(conditions::is_adopted(&world.lab.service));
    world.lab.nodes.remove("n3");
    world.settle();
    assert_eq!(
        world.condition(conditions::ADOPTED).as_deref(),
        Some("True MadeByAnotherController")
    );
    assert_eq!(
        world.condition(conditions::PROGRAMMED).as_deref(),
        Some("True Programmed")
    );
    assert!(conditions::is_adopted(&world.lab.service));
}

#[test]
fn a_clb_of_our_own_making_is_not_adopted() {
    let world = World::settled(Lab::tcp());
    assert!(!conditions::is_adopted(&world.lab.service));
}

#[test]
fn a_state_that_we_left_is_deleted_whole() {
    let mut world = left_by_alibabas_controller("25-domain-extensions");
    world.lab.service.deleting = true;
    world.settle();
    assert!(world.cloud.load_balancers.is_empty() && !world.lab.service.finalizer);
    assert_eq!(world.lab.service.labels, BTreeMap::new());
}
