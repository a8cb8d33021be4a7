//! What Kubernetes says: Services with their endpoints, and Nodes, with only the fields that matter to a CLB.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::identity::{ServiceKey, ServiceUid};

/// A Service of ours, or one that still carries our finalizer, with its full endpoint set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Namespace and name.
    pub key: ServiceKey,
    /// `metadata.uid`.
    pub uid: ServiceUid,
    /// `metadata.resourceVersion`. For preconditions and logs; it gives no order.
    pub resource_version: String,
    /// Annotations whose names begin with `service.beta.kubernetes.io/` (and alpha).
    pub annotations: BTreeMap<String, String>,
    /// The labels that Alibaba's controller or we put on a Service.
    pub labels: BTreeMap<String, String>,
    /// `spec.type`.
    pub service_type: ServiceType,
    /// `spec.loadBalancerClass`.
    pub load_balancer_class: Option<String>,
    /// Whether `metadata.deletionTimestamp` is set.
    pub deleting: bool,
    /// Whether our finalizer is there.
    pub finalizer: bool,
    /// `spec.ports`, in the order of the manifest.
    pub ports: Vec<ServicePort>,
    /// `spec.externalTrafficPolicy`.
    pub traffic_policy: TrafficPolicy,
    /// `spec.sessionAffinity: ClientIP` and its timeout in seconds.
    pub client_ip_affinity_seconds: Option<u32>,
    /// `spec.loadBalancerSourceRanges`.
    pub source_ranges: Vec<String>,
    /// `spec.healthCheckNodePort`.
    pub health_check_node_port: Option<u16>,
    /// `spec.ipFamilies`.
    pub ip_families: Vec<IpFamily>,
    /// Whether `spec.ipFamilyPolicy` asks for both families.
    pub dual_stack: bool,
    /// Whether `spec.allocateLoadBalancerNodePorts` is true or unset.
    pub node_ports: bool,
    /// `spec.publishNotReadyAddresses`.
    pub publish_not_ready: bool,
    /// Whether `spec.selector` is set.
    pub selector: bool,
    /// `spec.loadBalancerIP`, as it stands there.
    pub load_balancer_ip: Option<String>,
    /// `status.loadBalancer.ingress`.
    pub ingress: Vec<Ingress>,
    /// `status.conditions`.
    pub conditions: Vec<Condition>,
    /// The EndpointSlices, those with equal ports merged.
    pub endpoints: Vec<EndpointSet>,
}

/// `spec.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ServiceType {
    /// Reachable inside the cluster only.
    ClusterIp,
    /// Reachable on a port of every node.
    NodePort,
    /// Wants a load balancer.
    LoadBalancer,
    /// A DNS alias.
    ExternalName,
}

/// `spec.externalTrafficPolicy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TrafficPolicy {
    /// Every eligible node is a backend.
    Cluster,
    /// Only nodes with a ready pod are.
    Local,
}

/// An address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum IpFamily {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// The transport protocol of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP, which a CLB cannot carry.
    Sctp,
}

impl Transport {
    /// The name in the Kubernetes API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
        }
    }
}

/// One entry of `spec.ports`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicePort {
    /// Empty when the only port has no name.
    pub name: String,
    /// The transport protocol.
    pub transport: Transport,
    /// The Service's port, which is the listener's.
    pub port: u16,
    /// To what the pods listen.
    pub target: TargetPort,
    /// The node port, where one is allocated.
    pub node_port: Option<u16>,
}

/// `targetPort`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TargetPort {
    /// The same number in every pod.
    Number(u16),
    /// A name that each pod resolves for itself.
    Name(String),
}

impl std::fmt::Display for TargetPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// One entry of `status.loadBalancer.ingress`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ingress {
    /// An IP address.
    pub ip: Option<String>,
    /// A host name.
    pub hostname: Option<String>,
    /// How kube-proxy treats the address.
    pub ip_mode: Option<IpMode>,
    /// Errors of single ports.
    pub ports: Vec<PortStatus>,
}

/// `ipMode` of an ingress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum IpMode {
    /// Nodes answer to the address themselves.
    Vip,
    /// Traffic goes through the CLB from inside the cluster too.
    Proxy,
}

/// One entry of an ingress' `ports`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortStatus {
    /// The Service's port.
    pub port: u16,
    /// Its transport protocol.
    pub transport: Transport,
    /// A CamelCase reason, when the port does not work.
    pub error: Option<String>,
}

/// One entry of `status.conditions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// The condition's type.
    pub kind: String,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// A CamelCase reason.
    pub reason: String,
    /// For people.
    pub message: String,
}

/// `status` of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not.
    False,
    /// Nobody knows.
    Unknown,
}

/// Endpoints that share the same ports.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EndpointSet {
    /// The ports, by the names of the Service's ports.
    pub ports: Vec<EndpointPort>,
    /// The endpoints, ordered by address.
    pub endpoints: Vec<Endpoint>,
    /// How many more are ready and have host names in the place of addresses (`addressType: FQDN`): no backend can be one.
    pub host_names: u32,
}

/// A port of an EndpointSlice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EndpointPort {
    /// Name of the Service's port.
    pub name: String,
    /// The transport protocol.
    pub transport: Transport,
    /// The number to which the pods listen.
    pub port: u16,
}

/// One address of an EndpointSlice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The pod's address.
    pub address: IpAddr,
    /// The node that the pod runs on, where the slice says so.
    pub node_name: Option<String>,
    /// `conditions.ready`; true when unset.
    pub ready: bool,
    /// `conditions.serving`; as `ready` when unset.
    pub serving: bool,
    /// `conditions.terminating`.
    pub terminating: bool,
    /// Name and UID of the pod, where the target is one.
    pub pod: Option<PodRef>,
    /// The pod has our readiness gate and waits for it.
    pub awaits_readiness_gate: bool,
}

/// A pod behind an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodRef {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.uid`.
    pub uid: String,
}

/// The few fields of a Node that matter to backends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.uid`.
    pub uid: String,
    /// `spec.providerID`, as it stands there.
    pub provider_id: String,
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// Keys of `spec.taints`.
    pub taints: Vec<String>,
    /// `spec.unschedulable`.
    pub unschedulable: bool,
    /// The Ready condition; `None` when the Node has no conditions.
    pub ready: Option<NodeReady>,
    /// Whether `metadata.deletionTimestamp` is set.
    pub deleting: bool,
}

/// A Node's Ready condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeReady {
    /// Whether it is True.
    pub ready: bool,
    /// When it last changed, milliseconds since 1970.
    pub since_ms: u64,
}

/// Labels whose presence, with whatever value, keeps a Node out of every load balancer.
const EXCLUDING_LABELS: [&str; 5] = [
    "node-role.kubernetes.io/master",
    "node.kubernetes.io/exclude-from-external-load-balancers",
    "alpha.service-controller.kubernetes.io/exclude-balancer",
    "service.alibabacloud.com/exclude-node",
    "service.beta.kubernetes.io/exclude-node",
];

impl Node {
    /// Whether a label keeps the Node out of every load balancer.
    #[must_use]
    pub fn is_excluded(&self) -> bool {
        EXCLUDING_LABELS
            .iter()
            .any(|label| self.labels.contains_key(*label))
    }

    /// The ECS instance's id: the part behind the dot of `<region>.<instance>`, with or without `alicloud://` before it.
    #[must_use]
    pub fn instance_id(&self) -> Option<&str> {
        let id = self
            .provider_id
            .strip_prefix("alicloud://")
            .unwrap_or(&self.provider_id);
        id.split_once('.')
            .map(|(_, instance)| instance)
            .filter(|instance| !instance.is_empty())
    }
}
