//! From a document to the Service that the watcher would send, with what the API server would fill in.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use clb_model::cluster::{IpFamily, Service, ServicePort, ServiceType, TargetPort, TrafficPolicy, Transport};
use clb_model::{ServiceKey, ServiceUid};
use clb_planner_core::problem::Problem;

use super::document::{Line, Node, Value};
use super::fields::Fields;

/// Where the API server begins to allocate node ports; which ones it takes does not matter here.
const FIRST_NODE_PORT: u16 = 30_000;

/// Ports of any kind.
const PORTS: RangeInclusive<u16> = 1..=65_535;

/// The API's default for `sessionAffinityConfig.clientIP.timeoutSeconds`.
const AFFINITY_SECONDS: u32 = 10_800;

/// A Service of type LoadBalancer and what could not be read of it.
#[derive(Debug)]
pub(super) struct Manifest<'d> {
    pub(super) service: Service,
    /// Values that the API server would refuse, with their lines.
    pub(super) problems: Vec<(Line, Problem)>,
    /// Whether the specification was read whole, so that the rest can be judged.
    pub(super) whole: bool,
    node: &'d Node,
}

/// The Services of type LoadBalancer in a document; a List may hold many.
pub(super) fn services(document: &Node) -> Vec<Manifest<'_>> {
    let kind = document.get("kind").and_then(Node::as_text).unwrap_or_default();
    if kind.ends_with("List")
        && let Some(Value::List(items)) = document.get("items").map(|items| &items.value)
    {
        return items.iter().flat_map(services).collect();
    }
    let version = document.get("apiVersion").and_then(Node::as_text);
    let service_type = document
        .get("spec")
        .and_then(|spec| spec.get("type"))
        .and_then(Node::as_text);
    if (version, kind, service_type) == (Some("v1"), "Service", Some("LoadBalancer")) {
        Manifest::read(document).into_iter().collect()
    } else {
        Vec::new()
    }
}

impl<'d> Manifest<'d> {
    fn read(document: &'d Node) -> Option<Self> {
        let mut metadata = Fields::of(document.get("metadata"), document.line, "metadata");
        let name = metadata.required_text("name", "my-service").unwrap_or_default();
        let namespace = metadata.text("namespace").unwrap_or_else(|| "default".to_owned());
        let annotations = annotations(document, &mut metadata);
        let mut problems = metadata.problems;

        let mut spec = Fields::of(document.get("spec"), document.line, "spec");
        let node_ports = spec.boolean("allocateLoadBalancerNodePorts").unwrap_or(true);
        let ports = ports(&mut spec, node_ports);
        let local = spec.one_of("externalTrafficPolicy", &["Cluster", "Local"]) == Some(1);
        let policies = ["SingleStack", "PreferDualStack", "RequireDualStack"];
        let dual_stack = spec
            .one_of("ipFamilyPolicy", &policies)
            .is_some_and(|index| index > 0);
        let health_check_node_port = spec.number("healthCheckNodePort", &PORTS);
        let service = Service {
            key: ServiceKey::new(namespace, name),
            // Only marks and default names are made of it.
            uid: ServiceUid::new("not-created-yet").ok()?,
            resource_version: String::new(),
            annotations,
            labels: BTreeMap::new(),
            service_type: ServiceType::LoadBalancer,
            load_balancer_class: spec.text("loadBalancerClass"),
            deleting: false,
            finalizer: false,
            ports,
            traffic_policy: if local {
                TrafficPolicy::Local
            } else {
                TrafficPolicy::Cluster
            },
            client_ip_affinity_seconds: affinity(&mut spec),
            source_ranges: spec.texts("loadBalancerSourceRanges"),
            health_check_node_port: health_check_node_port.or(local.then_some(32_000)),
            ip_families: families(&mut spec),
            dual_stack,
            node_ports,
            publish_not_ready: spec.boolean("publishNotReadyAddresses").unwrap_or(false),
            selector: spec.node("selector").is_some(),
            load_balancer_ip: spec.text("loadBalancerIP").filter(|address| !address.is_empty()),
            ingress: Vec::new(),
            conditions: Vec::new(),
            endpoints: Vec::new(),
        };
        let whole = spec.problems.is_empty();
        problems.append(&mut spec.problems);
        Some(Self {
            service,
            problems,
            whole,
            node: document,
        })
    }

    /// The line of what a problem names: an annotation, or a field as `spec.ports[0].protocol`; where that is missing, of the nearest
    /// thing that is there.
    pub(super) fn line_of(&self, place: &str) -> Line {
        if let Some(annotation) = self.annotation_nodes().find(|(name, _)| name == place) {
            return annotation.1.line;
        }
        if !place.starts_with("spec") && !place.starts_with("metadata") {
            return self.line();
        }
        let mut node = self.node;
        for step in place.split(['.', '[']) {
            let step = step.trim_end_matches(']');
            let next = match (&node.value, step.parse::<usize>()) {
                (Value::List(items), Ok(index)) => items.get(index),
                _ => node.get(step),
            };
            let Some(next) = next else { break };
            node = next;
        }
        node.line
    }

    /// The line of the first annotation that a remark speaks of, else that of the Service.
    pub(super) fn line_of_remark(&self, message: &str) -> Line {
        let words = message.split([' ', ':', ';', ',', '?']);
        self.line_of_annotation(|name, _| words.clone().any(|word| word == name))
    }

    /// The line of the first annotation whose value holds this text, else that of the Service.
    pub(super) fn line_of_value(&self, part: &str) -> Line {
        self.line_of_annotation(|_, value| value.contains(part))
    }

    fn line_of_annotation(&self, wanted: impl Fn(&str, &str) -> bool) -> Line {
        self.annotation_nodes()
            .filter(|(name, node)| wanted(name, &node.written()))
            .map(|(_, node)| node.line)
            .min()
            .unwrap_or_else(|| self.line())
    }

    /// The line of its name.
    fn line(&self) -> Line {
        let name = self
            .node
            .get("metadata")
            .and_then(|metadata| metadata.get("name"));
        name.map_or(self.node.line, |name| name.line)
    }

    fn annotation_nodes(&self) -> impl Iterator<Item = &(String, Node)> {
        let annotations = self
            .node
            .get("metadata")
            .and_then(|metadata| metadata.get("annotations"));
        match annotations.map(|annotations| &annotations.value) {
            Some(Value::Mapping(entries)) => entries.as_slice(),
            _ => &[],
        }
        .iter()
    }
}

/// All annotations. One that is not in quotes is reported, and read as its author meant it, so that it leads to no other mistakes.
fn annotations(document: &Node, metadata: &mut Fields<'_>) -> BTreeMap<String, String> {
    let mut read = BTreeMap::new();
    let node = document
        .get("metadata")
        .and_then(|metadata| metadata.get("annotations"));
    let Some(node) = node else { return read };
    let Value::Mapping(entries) = &node.value else {
        metadata.wrong(node, "metadata.annotations", "a mapping of names to texts", "");
        return read;
    };
    for (name, value) in entries {
        if value.as_text().is_none() {
            let example = format!("{:?}", value.written());
            metadata.wrong(
                value,
                name,
                "a text, so put it in quotes: the API server takes nothing else",
                &example,
            );
        }
        read.insert(name.clone(), value.written());
    }
    read
}

fn ports(spec: &mut Fields<'_>, allocate: bool) -> Vec<ServicePort> {
    let mut ports = Vec::new();
    let mut problems = Vec::new();
    for (index, item) in spec.items("ports").iter().enumerate() {
        let mut fields = Fields::of(Some(item), item.line, &format!("spec.ports[{index}]"));
        let number = fields.required_number("port", &PORTS, "80");
        let transports = [Transport::Tcp, Transport::Udp, Transport::Sctp];
        let transport = fields
            .one_of("protocol", &transports.map(Transport::as_str))
            .map_or(Transport::Tcp, |index| transports[index]);
        let name = fields.text("name").unwrap_or_default();
        let target = target(&mut fields, number.unwrap_or_default());
        let node_port = fields.number("nodePort", &PORTS).or_else(|| {
            let offset = u16::try_from(index).ok()?;
            allocate.then(|| FIRST_NODE_PORT.checked_add(offset)).flatten()
        });
        problems.append(&mut fields.problems);
        if let Some(port) = number {
            ports.push(ServicePort {
                name,
                transport,
                port,
                target,
                node_port,
            });
        }
    }
    spec.problems.append(&mut problems);
    if ports.is_empty() && spec.problems.is_empty() {
        spec.missing(
            "ports",
            "a Service of type LoadBalancer has at least one",
            "[{port: 80}]",
        );
    }
    ports
}

fn target(fields: &mut Fields<'_>, port: u16) -> TargetPort {
    match fields.node("targetPort") {
        Some(node) if node.as_text().is_some() => TargetPort::Name(node.written()),
        _ => TargetPort::Number(fields.number("targetPort", &PORTS).unwrap_or(port)),
    }
}

fn affinity(spec: &mut Fields<'_>) -> Option<u32> {
    let by_address = spec.one_of("sessionAffinity", &["None", "ClientIP"]) == Some(1);
    let config = spec
        .node("sessionAffinityConfig")
        .and_then(|config| config.get("clientIP"));
    let mut config = Fields::of(config, 0, "spec.sessionAffinityConfig.clientIP");
    let seconds = config.number("timeoutSeconds", &(1..=86_400));
    spec.problems.append(&mut config.problems);
    by_address.then(|| seconds.unwrap_or(AFFINITY_SECONDS))
}

fn families(spec: &mut Fields<'_>) -> Vec<IpFamily> {
    let mut families = Vec::new();
    for (index, item) in spec.items("ipFamilies").iter().enumerate() {
        match item.as_text() {
            Some("IPv4") => families.push(IpFamily::V4),
            Some("IPv6") => families.push(IpFamily::V6),
            _ => spec.wrong(item, &format!("spec.ipFamilies[{index}]"), "IPv4 or IPv6", "IPv4"),
        }
    }
    if families.is_empty() {
        families.push(IpFamily::V4);
    }
    families
}
