//! A CLB as the cloud shows it, with stand-ins for what differs from run to run: the form of `tests/examples/adoption`.

use k8s_openapi::api::core::v1::Service;
use kube::ResourceExt as _;
use serde_json::{Value, json};

/// Fields that only identify, or say when.
const LEFT_OUT: [&str; 4] = ["LoadBalancerId", "CreateTime", "DomainExtensionId", "owner"];

/// The default name of a Service's CLB, which is also its mark: `compatibility.md`, "Names and marks".
pub(crate) fn default_name(service: &Service) -> String {
    let uid = service.uid().unwrap_or_default();
    std::iter::once('a')
        .chain(uid.chars().filter(|c| *c != '-'))
        .take(32)
        .collect()
}

/// The id of the CLB that the cloud shows for a Service: the one with its mark, or the user's that its annotation names.
///
/// # Panics
/// When there is none, or more than one.
pub(crate) fn id_of(account: &cloud_sim::Account, service: &Service) -> String {
    let mark = default_name(service);
    let mut ids = account.load_balancer_ids();
    let annotated = ["alibaba-cloud", "alicloud"]
        .iter()
        .find_map(|prefix| {
            let name = format!("service.beta.kubernetes.io/{prefix}-loadbalancer-id");
            service.annotations().get(&name)
        })
        .cloned();
    ids.retain(|id| {
        let tags = account
            .load_balancer(id)
            .map(|shown| shown["tags"].clone())
            .unwrap_or_default();
        tags["kubernetes.do.not.delete"] == mark.as_str()
    });
    if ids.is_empty() {
        ids.extend(annotated);
    }
    assert_eq!(
        ids.len(),
        1,
        "exactly one CLB for {}, not {ids:?}",
        service.name_any()
    );
    ids.remove(0)
}

/// The Service's CLB in the form of the adoption states.
pub(crate) fn shown(account: &cloud_sim::Account, service: &Service) -> Value {
    let id = id_of(account, service);
    let state = account.load_balancer(&id).expect("it was there a moment ago");
    with_stand_ins(state, service)
}

/// A CLB of `Account::load_balancer`, with stand-ins for the marks, node ports and address of a Service's.
pub(crate) fn with_stand_ins(mut state: Value, service: &Service) -> Value {
    let mut replace = vec![
        (default_name(service), "DEFAULT-NAME".to_owned()),
        ("/sandbox-1".to_owned(), "/CLUSTER-ID".to_owned()),
    ];
    if let Some(address) = state["Address"].as_str().filter(|address| !address.is_empty()) {
        replace.push((address.to_owned(), "ADDRESS".to_owned()));
    }
    let mut node_ports = Vec::new();
    for port in service.spec.iter().flat_map(|spec| spec.ports.iter().flatten()) {
        let Some(node_port) = port.node_port else { continue };
        let protocol = port.protocol.as_deref().unwrap_or("TCP");
        let stand_in = format!("nodePort-{protocol}-{}", port.port);
        replace.push((format!("k8s/{node_port}/"), format!("k8s/{stand_in}/")));
        node_ports.push((i64::from(node_port), stand_in));
    }
    if state["tags"]["ack.aliyun.com"] == "sandbox-1" {
        state["tags"]["ack.aliyun.com"] = json!("CLUSTER-ID");
    }
    for group in state["vgroups"]
        .as_object_mut()
        .into_iter()
        .flat_map(|groups| groups.values_mut())
    {
        if let Some(group) = group.as_object_mut() {
            group.remove("VServerGroupId");
        }
        for server in group["servers"].as_array_mut().into_iter().flatten() {
            let stand_in = node_ports.iter().find(|(number, _)| server["Port"] == *number);
            if let Some((_, stand_in)) = stand_in.filter(|_| server["Type"] == "ecs") {
                server["Port"] = json!(stand_in);
            }
        }
    }
    settled(&state, &replace)
}

/// Replaces texts, leaves out what only identifies, and puts servers and domains into order.
pub(crate) fn settled(value: &Value, replace: &[(String, String)]) -> Value {
    let text = |text: &str| {
        replace
            .iter()
            .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    };
    match value {
        Value::String(written) => Value::String(text(written)),
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| settled(item, replace)).collect();
            items.sort_by_key(ToString::to_string);
            Value::Array(items)
        }
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| !LEFT_OUT.contains(&name.as_str()))
            .map(|(name, value)| (text(name), settled(value, replace)))
            .collect(),
        other => other.clone(),
    }
}

/// Where two states differ, as `/path: one, not other`; empty when they are equal.
pub(crate) fn differences(actual: &Value, expected: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(&mut found, "", actual, expected);
    found
}

fn collect(found: &mut Vec<String>, place: &str, actual: &Value, expected: &Value) {
    match (actual, expected) {
        (Value::Object(one), Value::Object(other)) => {
            let mut names: Vec<&String> = one.keys().chain(other.keys()).collect();
            names.sort();
            names.dedup();
            for name in names {
                let at =
                    |fields: &serde_json::Map<String, Value>| fields.get(name).cloned().unwrap_or_default();
                collect(
                    found,
                    &format!("{place}/{}", name.replace('/', "~1")),
                    &at(one),
                    &at(other),
                );
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                collect(found, &format!("{place}/{index}"), one, other);
            }
        }
        _ if actual == expected => {}
        _ => found.push(format!("{place}: {actual}, not {expected}")),
    }
}
