//! The table of what each example comes to (`examples.yaml`), and the state of the cloud that an entry stands for.

use std::collections::BTreeMap;

use clb_sandbox::manifests::Manifest;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The whole table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    /// What holds without annotations: of the CLB under `clb`, of listeners under their protocol.
    pub(crate) defaults: BTreeMap<String, Map<String, Value>>,
    /// By the example's name.
    pub(crate) examples: BTreeMap<String, Expected>,
}

/// What one example comes to.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Expected {
    /// Attributes of the CLB beside the defaults.
    pub(crate) clb: Map<String, Value>,
    /// Attributes of listeners beside the defaults, by `tcp/80`.
    pub(crate) listeners: BTreeMap<String, Map<String, Value>>,
    /// Whether all ports have one node port, and with it one group.
    #[serde(rename = "one-group")]
    pub(crate) one_group: bool,
    /// What is behind each port.
    pub(crate) backends: Backends,
    /// Tags beside the marks.
    pub(crate) tags: BTreeMap<String, String>,
    /// The user's CLB that the Service uses.
    pub(crate) users: Option<String>,
    /// The user's group that the backends are put into.
    pub(crate) into: Option<String>,
    /// What the status shows; the CLB's address where nothing is said.
    pub(crate) status: Option<String>,
    /// Reasons of Warning events.
    pub(crate) warnings: Vec<String>,
}

/// What is behind a port, on the Nodes and pods of `tests/examples/README.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Backends {
    /// Every eligible Node.
    #[default]
    Cluster,
    /// Nodes with a ready pod, by the number of their pods.
    Local,
    /// The same without those that are cordoned.
    LocalSchedulable,
    /// Nodes of zone k.
    ZoneK,
    /// Ready pods.
    Eni,
    /// Every eligible Node, which weigh 60 together.
    Sixty,
}

impl Table {
    /// Reads it.
    pub(crate) fn read() -> Self {
        serde_saphyr::from_str(include_str!("examples.yaml")).expect("the table is right")
    }

    /// The state that an example's entry stands for. `before` is the user's CLB as it was, where one is used.
    pub(crate) fn state(&self, manifest: &Manifest, expected: &Expected, before: Option<&Value>) -> Value {
        let mut state = before.cloned().unwrap_or_else(|| {
            let mut clb = Value::Object(self.defaults["clb"].clone());
            clb["tags"] = json!({"kubernetes.do.not.delete": "DEFAULT-NAME", "ack.aliyun.com": "CLUSTER-ID"});
            clb["listeners"] = json!({});
            clb["vgroups"] = json!({});
            clb
        });
        if before.is_some() {
            state["tags"]["kubernetes.reused.by.user"] = json!("true");
        }
        for (name, value) in &expected.clb {
            state[name] = value.clone();
        }
        for (key, value) in &expected.tags {
            state["tags"][key] = json!(value);
        }
        for name in expected.listeners.keys() {
            state["listeners"][name] = self.listener(manifest, expected, name);
        }
        for port in manifest.object["spec"]["ports"].as_array().into_iter().flatten() {
            let group_port = expected.group_port(manifest, port);
            let mark = mark(manifest, &group_port);
            let group = expected.into.as_ref().unwrap_or(&mark);
            if state["vgroups"][group].is_null() {
                state["vgroups"][group] = json!({"VServerGroupName": group, "servers": [], "tags": {}});
            }
            let present = state["vgroups"][group]["servers"].as_array_mut().expect("a list");
            for server in servers(expected.backends, &mark, &group_port, port) {
                if !present.contains(&server) {
                    present.push(server);
                }
            }
        }
        super::shown::settled(&state, &[])
    }

    fn listener(&self, manifest: &Manifest, expected: &Expected, name: &str) -> Value {
        let (protocol, number) = name.split_once('/').expect("as tcp/80");
        let number: u16 = number.parse().expect("a port");
        let mut listener = Value::Object(self.defaults[protocol].clone());
        listener["ListenerPort"] = json!(number);
        listener["ListenerProtocol"] = json!(protocol);
        listener["Description"] = json!(mark(manifest, &number.to_string()));
        let transport = if protocol == "udp" { "UDP" } else { "TCP" };
        let ports = manifest.object["spec"]["ports"].as_array();
        let port = ports
            .into_iter()
            .flatten()
            .find(|port| port["port"] == number && transport_of(port) == transport)
            .expect("each listener has a port");
        listener["VServerGroupId"] = json!(format!(
            "group:{}",
            mark(manifest, &expected.group_port(manifest, port))
        ));
        for (attribute, value) in &expected.listeners[name] {
            listener[attribute] = value.clone();
        }
        if listener["ListenerForward"] == "on" {
            listener["VServerGroupId"] = json!("");
        }
        listener
    }
}

impl Expected {
    /// The port in the name of a port's group: the node port, or the target port where pods are backends.
    fn group_port(&self, manifest: &Manifest, port: &Value) -> String {
        let port = if self.one_group {
            &manifest.object["spec"]["ports"][0]
        } else {
            port
        };
        match self.backends {
            Backends::Eni => port["targetPort"].to_string(),
            _ => format!("nodePort-{}-{}", transport_of(port), port["port"]),
        }
    }

    /// Leaves of the CLB only what the table speaks of: where the cloud puts what nothing names is its own business.
    pub(crate) fn spoken_of(&self, table: &Table, mut state: Value) -> Value {
        if self.users.is_some() {
            return state;
        }
        let speaks = |name: &str| {
            ["tags", "listeners", "vgroups"].contains(&name)
                || table.defaults["clb"].contains_key(name)
                || self.clb.contains_key(name)
        };
        if let Some(fields) = state.as_object_mut() {
            fields.retain(|name, _| speaks(name));
        }
        state
    }
}

fn transport_of(port: &Value) -> &str {
    port["protocol"].as_str().unwrap_or("TCP")
}

fn mark(manifest: &Manifest, port: &str) -> String {
    format!("k8s/{port}/{}/{}/CLUSTER-ID", manifest.name, manifest.namespace)
}

fn servers(backends: Backends, mark: &str, node_port: &str, port: &Value) -> Vec<Value> {
    let node = |name: &str, weight: u8| {
        json!({
            "ServerId": format!("i-{name}"), "ServerIp": "", "Port": node_port, "Weight": weight, "Type": "ecs",
            "Description": mark,
        })
    };
    let pod = |number: u8, last: u8, weight: u8| {
        json!({
            "ServerId": format!("eni-pods-n{number}"), "ServerIp": format!("10.0.{number}.{last}"),
            "Port": port["targetPort"], "Weight": weight, "Type": "eni", "Description": mark,
        })
    };
    let nodes = |nodes: &[(&str, u8)]| -> Vec<Value> {
        nodes.iter().map(|(name, weight)| node(name, *weight)).collect()
    };
    // The pod on the virtual node is a backend itself in every mode.
    let (mut servers, on_virtual_node) = match backends {
        Backends::Cluster => (nodes(&[("n1", 100), ("n2", 100), ("n3", 100), ("n4", 100)]), 100),
        Backends::Local => (nodes(&[("n1", 2), ("n2", 1), ("n4", 1)]), 1),
        Backends::LocalSchedulable => (nodes(&[("n1", 2), ("n2", 1)]), 1),
        Backends::ZoneK => (nodes(&[("n1", 100), ("n3", 100)]), 100),
        Backends::Eni => (
            vec![pod(1, 1, 100), pod(1, 2, 100), pod(2, 1, 100), pod(4, 1, 100)],
            100,
        ),
        // Five backends share it.
        Backends::Sixty => (nodes(&[("n1", 12), ("n2", 12), ("n3", 12), ("n4", 12)]), 12),
    };
    servers.push(pod(9, 1, on_virtual_node));
    servers
}
