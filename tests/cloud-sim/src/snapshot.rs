//! The state of an account as a JSON document, and back.

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::account::{AccountState, Owner, Tags};
use crate::domain_extensions::DomainExtension;
use crate::ids;
use crate::listeners::{Key, Listener, Protocol};
use crate::load_balancers::{LoadBalancer, take_out};
use crate::vgroups::{self, Backend, VServerGroup};

/// What marks a reference to a group by its name.
const GROUP_REFERENCE: &str = "group:";

/// Why a document could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A part has not the form that it should have.
    #[error("{place}: {source}")]
    Form {
        /// Which part.
        place: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A listener's name is not `protocol/port`.
    #[error("{0}: a listener goes by its protocol and port, such as tcp/80")]
    ListenerName(String),
    /// A listener refers to a group that the document does not have.
    #[error("listener {listener}: there is no group named {group}")]
    NoSuchGroup {
        /// The listener.
        listener: String,
        /// The name.
        group: String,
    },
}

/// Everything an account has.
pub(crate) fn of(state: &AccountState) -> Value {
    let ids = state.load_balancers.keys();
    let load_balancers: Map<String, Value> = ids
        .filter_map(|id| Some((id.clone(), load_balancer(state, id)?)))
        .collect();
    let interfaces: Map<String, Value> = state
        .network_interfaces
        .values()
        .map(|interface| (interface.network_interface_id.clone(), json!(interface)))
        .collect();
    json!({
        "load_balancers": load_balancers,
        "acls": state.acls,
        "certificates": state.certificates,
        "ca_certificates": state.ca_certificates,
        "tls_policies": state.tls_policies,
        "instances": state.instances,
        "network_interfaces": interfaces,
        "vpcs": state.vpcs,
        "vswitches": state.vswitches,
        "eips": state.eips,
    })
}

/// One load balancer with its listeners and groups.
pub(crate) fn load_balancer(state: &AccountState, id: &str) -> Option<Value> {
    let lb = state.load_balancers.get(id)?;
    let mut body = json!(lb);
    let mut groups = Map::new();
    for group in lb.vgroups.iter().filter_map(|id| state.vgroups.get(id)) {
        groups.insert(name_in_document(&groups, group), group_body(group));
    }
    let reference = |id: &str| {
        let found = groups.iter().find(|(_, group)| group["VServerGroupId"] == id);
        found.map(|(name, _)| format!("{GROUP_REFERENCE}{name}"))
    };
    let listeners: Map<String, Value> = lb
        .listeners
        .iter()
        .map(|(key, listener)| (key.to_string(), listener_body(key, listener, reference)))
        .collect();
    body["listeners"] = Value::Object(listeners);
    body["vgroups"] = Value::Object(groups);
    Some(body)
}

/// A group's own name; names may repeat, and then the id makes the difference.
fn name_in_document(groups: &Map<String, Value>, group: &VServerGroup) -> String {
    if groups.contains_key(&group.name) {
        format!("{} {}", group.name, group.id)
    } else {
        group.name.clone()
    }
}

fn group_body(group: &VServerGroup) -> Value {
    json!({
        "VServerGroupId": group.id,
        "VServerGroupName": group.name,
        "CreateTime": group.create_time,
        "owner": group.owner,
        "servers": group.servers,
        "tags": group.tags,
    })
}

fn listener_body(key: &Key, listener: &Listener, reference: impl Fn(&str) -> Option<String>) -> Value {
    let mut body = Value::Object(listener.attributes.clone());
    body["ListenerPort"] = json!(key.port);
    body["ListenerProtocol"] = json!(key.protocol.name());
    body["Status"] = json!(listener.status());
    if let Some(reference) = reference(listener.text("VServerGroupId")) {
        body["VServerGroupId"] = json!(reference);
    }
    body["domain_extensions"] = json!(listener.domain_extensions);
    body["owner"] = json!(listener.owner);
    body["tags"] = json!(listener.tags);
    body
}

/// Adds what a document holds to an account; returns the ids of its load balancers.
pub(crate) fn load(
    state: &mut AccountState,
    document: &Value,
    stand_ins: &[(&str, &str)],
) -> Result<Vec<String>, LoadError> {
    let document = replaced(document, stand_ins);
    let mut ids = Vec::new();
    if let Some(lb) = document.get("load_balancer") {
        ids.push(load_one(state, None, lb)?);
    }
    if let Some(all) = document.get("load_balancers").and_then(Value::as_object) {
        for (id, lb) in all {
            ids.push(load_one(state, Some(id), lb)?);
        }
    }
    state.acls.append(&mut part(&document, "acls")?);
    state.certificates.append(&mut part(&document, "certificates")?);
    state
        .ca_certificates
        .append(&mut part(&document, "ca_certificates")?);
    state.tls_policies.append(&mut part(&document, "tls_policies")?);
    state.instances.append(&mut part(&document, "instances")?);
    state.vpcs.append(&mut part(&document, "vpcs")?);
    state.vswitches.append(&mut part(&document, "vswitches")?);
    state.eips.append(&mut part(&document, "eips")?);
    let interfaces: std::collections::BTreeMap<String, _> = part(&document, "network_interfaces")?;
    interfaces
        .into_values()
        .for_each(|interface| state.network_interfaces.insert(interface));
    Ok(ids)
}

/// The document with every stand-in's name replaced; a text that has become a number where numbers stand
/// (ports) is made one by the reader.
fn replaced(value: &Value, stand_ins: &[(&str, &str)]) -> Value {
    let in_text = |text: &str| {
        stand_ins
            .iter()
            .fold(text.to_owned(), |text, (name, with)| text.replace(name, with))
    };
    match value {
        Value::String(text) => Value::String(in_text(text)),
        Value::Array(items) => items.iter().map(|item| replaced(item, stand_ins)).collect(),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| (in_text(name), replaced(value, stand_ins)));
            Value::Object(fields.collect())
        }
        other => other.clone(),
    }
}

fn part<T: DeserializeOwned + Default>(document: &Value, name: &str) -> Result<T, LoadError> {
    document
        .get(name)
        .map_or_else(|| Ok(T::default()), |value| read(name, value))
}

fn read<T: DeserializeOwned>(place: &str, value: &Value) -> Result<T, LoadError> {
    T::deserialize(value).map_err(|source| LoadError::Form {
        place: place.to_owned(),
        source,
    })
}

/// A group in a document.
#[derive(Deserialize)]
struct GroupForm {
    #[serde(rename = "VServerGroupId")]
    id: Option<String>,
    #[serde(rename = "VServerGroupName")]
    name: String,
    #[serde(rename = "CreateTime", default = "Timestamp::now")]
    create_time: Timestamp,
    #[serde(default)]
    owner: Owner,
    #[serde(default)]
    servers: Vec<Value>,
    #[serde(default)]
    tags: Tags,
}

/// What a listener in a document has beside its attributes.
#[derive(Deserialize)]
struct ListenerForm {
    #[serde(rename = "Status", default)]
    status: String,
    #[serde(default)]
    domain_extensions: Vec<DomainExtension>,
    #[serde(default)]
    owner: Owner,
    #[serde(default)]
    tags: Tags,
}

fn load_one(state: &mut AccountState, id: Option<&str>, document: &Value) -> Result<String, LoadError> {
    let mut lb: LoadBalancer = read("load balancer", document)?;
    if let Some(id) = id {
        id.clone_into(&mut lb.load_balancer_id);
    } else if lb.load_balancer_id.is_empty() {
        lb.load_balancer_id = ids::from_request("lb-bp1", &ids::request_id(), 1);
    }
    let lb_id = lb.load_balancer_id.clone();
    let empty = Map::new();
    let object = |name: &str| document.get(name).and_then(Value::as_object).unwrap_or(&empty);
    let mut names = std::collections::BTreeMap::new();
    let mut groups = Vec::new();
    for (name, value) in object("vgroups") {
        let group = load_group(&lb_id, name, value)?;
        names.insert(name.as_str(), group.id.clone());
        groups.push(group);
    }
    for (name, value) in object("listeners") {
        let (key, mut listener) = load_listener(name, value)?;
        if let Some(group) = listener.text("VServerGroupId").strip_prefix(GROUP_REFERENCE) {
            let found = names.get(group).cloned();
            let id = found.ok_or_else(|| LoadError::NoSuchGroup {
                listener: name.clone(),
                group: group.to_owned(),
            })?;
            listener.attributes.insert("VServerGroupId".to_owned(), json!(id));
        }
        lb.listeners.insert(key, listener);
    }
    // What it takes the place of goes with all that it had.
    take_out(state, &lb_id);
    for (key, listener) in &lb.listeners {
        for extension in &listener.domain_extensions {
            state
                .domain_extensions
                .insert(extension.domain_extension_id.clone(), (lb_id.clone(), *key));
        }
    }
    for group in groups {
        lb.vgroups.insert(group.id.clone());
        vgroups::count_in(&mut state.attachments, &group.servers);
        state.vgroups.insert(group.id.clone(), group);
    }
    state.load_balancers.insert(lb_id.clone(), lb);
    vgroups::settle_vpc(state, &lb_id);
    Ok(lb_id)
}

fn load_group(lb_id: &str, name: &str, value: &Value) -> Result<VServerGroup, LoadError> {
    let form: GroupForm = read(&format!("group {name}"), value)?;
    let servers = form.servers.into_iter().map(|mut server| {
        // A stand-in for a port leaves its number as text.
        if let Some(port) = server["Port"].as_str().and_then(|text| text.parse::<u16>().ok()) {
            server["Port"] = json!(port);
        }
        read::<Backend>(&format!("backend of group {name}"), &server)
    });
    Ok(VServerGroup {
        id: form
            .id
            .unwrap_or_else(|| ids::from_request("rsp-bp1", &ids::request_id(), 1)),
        name: form.name,
        load_balancer_id: lb_id.to_owned(),
        servers: servers.collect::<Result<_, _>>()?,
        tags: form.tags,
        owner: form.owner,
        create_time: form.create_time,
        left_by_listener_at: None,
    })
}

fn load_listener(name: &str, value: &Value) -> Result<(Key, Listener), LoadError> {
    let bad_name = || LoadError::ListenerName(name.to_owned());
    let (protocol, port) = name.split_once('/').ok_or_else(bad_name)?;
    let protocol = Protocol::named(protocol).ok_or_else(bad_name)?;
    let port = port.parse().map_err(|_| bad_name())?;
    let form: ListenerForm = read(name, value)?;
    let mut listener = Listener::new(protocol, form.owner);
    listener.running = form.status != "stopped";
    listener.domain_extensions = form.domain_extensions;
    listener.tags = form.tags;
    let beside = [
        "ListenerPort",
        "ListenerProtocol",
        "Status",
        "domain_extensions",
        "owner",
        "tags",
    ];
    let attributes = value.as_object().into_iter().flatten();
    let own = attributes.filter(|(name, _)| !beside.contains(&name.as_str()));
    listener
        .attributes
        .extend(own.map(|(name, value)| (name.clone(), value.clone())));
    Ok((Key { port, protocol }, listener))
}
