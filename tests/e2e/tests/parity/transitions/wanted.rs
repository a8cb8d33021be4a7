//! What a changed CLB must look like: as the one that was made so at once, but for what stays.

use serde_json::{Map, Value};

use super::pair::Pair;
use crate::expected::{Backends, Table};

/// Attributes of a CLB that cannot change after its creation: `compatibility.md`, "Changing". The zones and the network are the cloud's
/// choice where no annotation names them.
const IMMUTABLE: [&str; 9] = [
    "AddressType",
    "AddressIPVersion",
    "NetworkType",
    "VpcId",
    "VSwitchId",
    "MasterZoneId",
    "SlaveZoneId",
    "ResourceGroupId",
    "LoadBalancerSpec",
];

/// The annotations that ask for what cannot change, by the attribute.
const NAMED_BY: [(&str, &str); 9] = [
    ("AddressType", "address-type"),
    ("AddressIPVersion", "ip-version"),
    ("VSwitchId", "vswitch-id"),
    ("MasterZoneId", "master-zoneid"),
    ("SlaveZoneId", "slave-zoneid"),
    ("ResourceGroupId", "resource-group-id"),
    ("InstanceChargeType", "instance-charge-type"),
    ("LoadBalancerSpec", "spec"),
    ("InternetChargeType", "charge-type"),
];

/// The state that the changed CLB must have. `first` is its state before the change, `direct` that of the one that was made so at once;
/// `same_group` says whether the Service kept a node port, and with it a group.
pub(super) fn state(pair: &Pair, table: &Table, first: &Value, direct: &Value, same_group: bool) -> Value {
    let (from, to) = (&table.examples[&pair.from], &table.examples[&pair.to]);
    let mut wanted = direct.clone();
    if from.users.is_none() {
        for name in IMMUTABLE {
            wanted[name] = first[name].clone();
        }
        for name in from.clb.keys().filter(|name| !to.clb.contains_key(*name)) {
            wanted[name] = first[name].clone();
        }
        stay_with_payment(&mut wanted, first);
    }
    if to.tags.is_empty() {
        wanted["tags"] = merged(&wanted["tags"], &first["tags"]);
    }
    let listeners = wanted["listeners"].as_object_mut().into_iter().flatten();
    for (key, listener) in listeners {
        let before = &first["listeners"][key];
        let recreated = before["ListenerForward"] != listener["ListenerForward"];
        let (Some(first_names), false) = (from.listeners.get(key), recreated) else {
            continue;
        };
        let second_names = to.listeners.get(key).cloned().unwrap_or_default();
        for name in first_names
            .keys()
            .filter(|name| !second_names.contains_key(*name))
        {
            listener[name] = before[name].clone();
        }
    }
    if from.users.is_some() && to.users.is_some() && to.listeners.is_empty() {
        // Listeners are no longer looked at: those that are there stay.
        wanted["listeners"] = first["listeners"].clone();
    }
    if pair.to == "43-ignore-weight" && same_group {
        keep_weights(&mut wanted, first);
    }
    if to.backends == Backends::Sixty && from.users.is_some() && from.into.is_none() {
        // The backends stay in the group that they are in, and weigh there what they were to weigh together.
        set_weights(&mut wanted, 12);
    }
    if let Some(group) = from
        .into
        .as_deref()
        .filter(|_| from.backends == Backends::Sixty && to.backends != Backends::Sixty && same_group)
    {
        // They stay in the user's group, where nothing says any more what they weigh.
        let mut kept = serde_json::json!({"vgroups": {group: wanted["vgroups"][group].take()}});
        set_weights(&mut kept, 12);
        wanted["vgroups"][group] = kept["vgroups"][group].take();
    }
    wanted
}

/// Our backends of a CLB.
fn ours(state: &mut Value) -> impl Iterator<Item = &mut Value> {
    let groups = state["vgroups"]
        .as_object_mut()
        .into_iter()
        .flat_map(|groups| groups.values_mut());
    groups
        .flat_map(|group| group["servers"].as_array_mut().into_iter().flatten())
        .filter(|server| {
            server["Description"]
                .as_str()
                .is_some_and(|mark| mark.starts_with("k8s/"))
        })
}

/// No weight is changed on a backend that is there.
fn keep_weights(wanted: &mut Value, first: &Value) {
    let mut first = first.clone();
    let weights: Vec<_> = ours(&mut first)
        .map(|server| (server_key(server), server["Weight"].clone()))
        .collect();
    for server in ours(wanted) {
        let key = server_key(server);
        if let Some((_, weight)) = weights.iter().find(|(of, _)| *of == key) {
            server["Weight"] = weight.clone();
        }
    }
}

/// Tells a backend in its group. The port of an instance is the group's node port, which has another stand-in on another port.
fn server_key(server: &Value) -> [Value; 3] {
    let port = if server["Type"] == "eni" {
        server["Port"].clone()
    } else {
        Value::Null
    };
    [server["ServerId"].clone(), server["ServerIp"].clone(), port]
}

fn set_weights(wanted: &mut Value, weight: u8) {
    for server in ours(wanted) {
        server["Weight"] = weight.into();
    }
}

/// A CLB that is paid by use stays so, and then cannot pay by bandwidth; an internal one pays nothing.
fn stay_with_payment(wanted: &mut Value, first: &Value) {
    if first["InstanceChargeType"] == "PayByCLCU" || first["AddressType"] == "intranet" {
        for name in ["InternetChargeType", "Bandwidth"] {
            wanted[name] = first[name].clone();
        }
    }
    wanted["InstanceChargeType"] = first["InstanceChargeType"].clone();
}

fn merged(one: &Value, other: &Value) -> Value {
    let mut all: Map<String, Value> = one.as_object().cloned().unwrap_or_default();
    all.extend(other.as_object().cloned().unwrap_or_default());
    Value::Object(all)
}

/// The annotations of which an event must say that they cannot be followed.
pub(super) fn must_be_said(pair: &Pair, table: &Table, first: &Value) -> Vec<&'static str> {
    let (from, to) = (&table.examples[&pair.from], &table.examples[&pair.to]);
    let mut said = Vec::new();
    if from.users != to.users {
        said.push("loadbalancer-id");
    }
    if from.users.is_some() || to.users.is_some() {
        return said;
    }
    let of_internal_only = ["VSwitchId"];
    let of_internet_only = ["InternetChargeType"];
    for (attribute, annotation) in NAMED_BY {
        let concerns = match first["AddressType"].as_str() {
            Some("intranet") => !of_internet_only.contains(&attribute),
            _ => !of_internal_only.contains(&attribute),
        };
        // Paying by bandwidth brings its charge type and specification with it; nobody has named those.
        let named = to.clb.contains_key(attribute)
            && (pair.to != "03-by-bandwidth" || attribute == "InternetChargeType");
        let may_change = ["InternetChargeType", "LoadBalancerSpec"].contains(&attribute)
            && first["InstanceChargeType"] == "PayBySpec";
        if concerns && named && !may_change && first[attribute] != to.clb[attribute] {
            said.push(annotation);
        }
    }
    said
}
