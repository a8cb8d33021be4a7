//! What Alibaba's controller left in the cloud against what we want: a controller that takes over must find
//! nothing to change.

use std::collections::BTreeMap;

use clb_model::attribute::{AttributeValue, ListenerAttribute};
use clb_model::cloud::BackendTarget;
use clb_model::marks;
use serde_json::Value;

use super::lab::Lab;
use super::manifest;
use crate::desired::{Desired, DesiredListener, VServerGroupIdentity};

#[test]
fn nothing_that_is_wanted_differs_from_what_alibabas_controller_left() {
    let mut checked = 0;
    for entry in std::fs::read_dir(manifest::examples_folder().join("adoption")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let lab = Lab::with_service(manifest::example(&name));
        let text = filled_in(&std::fs::read_to_string(&path).unwrap(), &lab);
        let left: Value = serde_json::from_str(&text).unwrap();
        compare(&name, &lab.desired(), &left["load_balancer"]);
        checked += 1;
    }
    assert_eq!(checked, 8);
}

/// Puts the lab's values where the stand-ins are.
fn filled_in(text: &str, lab: &Lab) -> String {
    let mut text = text
        .replace("CLUSTER-ID", lab.cluster.id.as_str())
        .replace("DEFAULT-NAME", &marks::default_name(&lab.service.uid));
    for port in &lab.service.ports {
        let stand_in = format!("nodePort-{}-{}", port.transport.as_str(), port.port);
        text = text.replace(&stand_in, &port.node_port.unwrap().to_string());
    }
    text
}

fn compare(name: &str, desired: &Desired, left: &Value) {
    let groups = left["vgroups"].as_object().unwrap();
    let ours: BTreeMap<&String, &Value> = groups
        .iter()
        .filter(|(_, group)| group["owner"] == "api")
        .collect();
    assert_eq!(ours.len(), desired.vgroups.len(), "{name}");
    for group in &desired.vgroups {
        let VServerGroupIdentity::Own(mark) = &group.identity else {
            panic!("{name}: reused group");
        };
        compare_backends(name, group, &ours[mark]["servers"]);
    }
    let listeners = left["listeners"].as_object().unwrap();
    let ours: Vec<&Value> = listeners
        .values()
        .filter(|listener| listener["owner"] == "api")
        .collect();
    assert_eq!(ours.len(), desired.listeners.len(), "{name}");
    for listener in &desired.listeners {
        let key = format!("{}/{}", listener.key.protocol, listener.key.port);
        compare_listener(name, listener, &listeners[&key]);
    }
    let named_tags = desired.named.additional_tags.iter().flatten();
    for (key, value) in named_tags {
        assert_eq!(left["tags"][key], *value, "{name}");
    }
    if desired.source == crate::desired::Source::Own {
        assert_eq!(left["LoadBalancerName"], desired.creation.name, "{name}");
        assert_eq!(
            left["tags"][marks::OWNER_TAG],
            desired.creation.tags[marks::OWNER_TAG],
            "{name}"
        );
        assert_eq!(
            left["InstanceChargeType"],
            desired.creation.instance_charge_type.as_str(),
            "{name}"
        );
        assert_eq!(
            left["InternetChargeType"],
            desired.creation.internet_charge_type.as_str(),
            "{name}"
        );
    }
}

fn compare_backends(name: &str, group: &crate::desired::DesiredVServerGroup, servers: &Value) {
    let mut left: Vec<(String, String, String, String)> = servers
        .as_array()
        .unwrap()
        .iter()
        .map(|server| {
            let text = |field: &str| server[field].to_string().trim_matches('"').to_owned();
            let id = if server["Type"] == "ecs" {
                text("ServerId")
            } else {
                text("ServerIp")
            };
            (id, text("Port"), text("Weight"), text("Description"))
        })
        .collect();
    let mut wanted: Vec<(String, String, String, String)> = group
        .backends
        .iter()
        .map(|backend| {
            let id = match &backend.target {
                BackendTarget::Instance(id) => id.clone(),
                BackendTarget::Interface { address, .. } => address.to_string(),
            };
            let weight = backend.weight.to_string();
            (id, backend.port.to_string(), weight, backend.description.clone())
        })
        .collect();
    left.sort();
    wanted.sort();
    assert_eq!(wanted, left, "{name}");
}

fn compare_listener(name: &str, listener: &DesiredListener, left: &Value) {
    for (attribute, value) in listener.named.iter() {
        let observed = match &left[attribute.name()] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let observed = AttributeValue::parse(attribute, &observed).unwrap();
        assert_eq!(*value, observed, "{name}: {}", attribute.name());
    }
    let redirects = listener.named.get(ListenerAttribute::ForwardPort).is_some();
    assert_eq!(left["ListenerForward"] == "on", redirects, "{name}");
    let extensions: BTreeMap<String, String> = left["domain_extensions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|extension| {
            let text = |field: &str| extension[field].as_str().unwrap().to_owned();
            (text("Domain"), text("ServerCertificateId"))
        })
        .collect();
    if let Some(wanted) = &listener.domain_extensions {
        assert_eq!(*wanted, extensions, "{name}");
    }
}
