//! The cluster and the cloud that the examples expect: see `tests/examples/README.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use clb_model::ClusterId;
use clb_model::cloud::{
    AddressType, Backend, BackendTarget, InstanceChargeType, IpVersion, StaticAddress, ZonePair,
};
use clb_model::cluster::{
    Endpoint, EndpointSet, IpFamily, Node, NodeReady, Service, ServicePort, TargetPort, Transport,
};

use super::manifest;
use crate::desired::{Desired, Inputs, Wish, desired};
use crate::facts::{AccessControlList, Certificate, CloudFacts, VSwitchFact};
use crate::problem::Problem;
use crate::settings::{BackendType, ClusterSettings, Quotas, VSwitch};

/// "Now" of all tests, milliseconds since 1970.
pub(crate) const NOW_MS: u64 = 1_800_000_000_000;
/// When the lab's certificates expire.
pub(crate) const EXPIRY_MS: u64 = NOW_MS + 1_000_000;
/// Prefix of most annotations.
pub(crate) const PREFIX: &str = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-";

/// Everything that a Service is looked at with; change it and look again.
#[derive(Debug, Clone)]
pub(crate) struct Lab {
    pub(crate) cluster: ClusterSettings,
    pub(crate) nodes: BTreeMap<String, Node>,
    pub(crate) facts: CloudFacts,
    pub(crate) service: Service,
}

impl Lab {
    /// With a Service of these ports.
    pub(crate) fn with_ports(ports: Vec<ServicePort>) -> Self {
        Self::with_service(manifest::service("default", "web", ports))
    }

    /// With a Service of TCP port 80.
    pub(crate) fn tcp() -> Self {
        Self::with_ports(vec![tcp_port(80)])
    }

    /// With a Service whose port 80 has an HTTP listener.
    pub(crate) fn http() -> Self {
        Self::tcp().annotated("protocol-port", "http:80")
    }

    /// With a Service whose port 443 has an HTTPS listener.
    pub(crate) fn https() -> Self {
        Self::with_ports(vec![tcp_port(443)])
            .annotated("protocol-port", "https:443")
            .annotated("cert-id", "cert-a")
    }

    pub(crate) fn with_service(service: Service) -> Self {
        let lab = Self {
            cluster: cluster(),
            nodes: nodes(),
            facts: facts(),
            service,
        };
        lab.with_what_is_annotated_free()
    }

    /// Adds an annotation, its name without the prefix.
    pub(crate) fn annotated(mut self, name: &str, value: &str) -> Self {
        let name = match name {
            "backend-type" => "service.beta.kubernetes.io/backend-type".to_owned(),
            _ => format!("{PREFIX}{name}"),
        };
        self.service.annotations.insert(name, value.to_owned());
        self.with_free(value)
    }

    /// Nothing has the address, if the text is one.
    pub(crate) fn with_free(mut self, text: &str) -> Self {
        if let Ok(address) = text.parse() {
            for vswitch_id in ["vsw-j", "vsw-k"] {
                self.facts
                    .static_addresses
                    .insert(static_address(vswitch_id, address), None);
            }
        }
        self
    }

    /// Nothing has an address that the Service names.
    pub(crate) fn with_what_is_annotated_free(self) -> Self {
        let annotated: Vec<String> = self.service.annotations.values().cloned().collect();
        annotated.iter().fold(self, |lab, text| lab.with_free(text))
    }

    pub(crate) fn inputs(&self) -> Inputs<'_> {
        Inputs {
            cluster: &self.cluster,
            service: &self.service,
            nodes: &self.nodes,
            facts: &self.facts,
            now_ms: NOW_MS,
        }
    }

    /// What is wanted; the test fails where there are mistakes.
    #[track_caller]
    pub(crate) fn desired(&self) -> Desired {
        match desired(self.inputs()) {
            Wish::Desired(desired) => *desired,
            other => panic!("no desired state: {other:?}"),
        }
    }

    /// The mistakes; none where there is a desired state.
    #[track_caller]
    pub(crate) fn problems(&self) -> Vec<Problem> {
        match desired(self.inputs()) {
            Wish::Problems(problems) => problems,
            Wish::Desired(_) => Vec::new(),
            Wish::Questions(questions) => panic!("still to be asked: {questions:?}"),
        }
    }

    /// The remarks' messages.
    #[track_caller]
    pub(crate) fn remarks(&self) -> Vec<String> {
        self.desired()
            .notices
            .into_iter()
            .map(|notice| notice.message)
            .collect()
    }

    /// The backends of the only group as `server:port=weight`.
    #[track_caller]
    pub(crate) fn backends(&self) -> Vec<String> {
        let desired = self.desired();
        assert_eq!(desired.vgroups.len(), 1, "{:?}", desired.vgroups);
        written(&desired.vgroups.first().unwrap().backends)
    }
}

/// Backends as `server:port=weight`.
pub(crate) fn written(backends: &[Backend]) -> Vec<String> {
    backends
        .iter()
        .map(|backend| {
            let server = match &backend.target {
                BackendTarget::Instance(id) => id.clone(),
                BackendTarget::Interface { address, .. } => address.to_string(),
            };
            format!("{server}:{}={}", backend.port, backend.weight)
        })
        .collect()
}

/// A TCP port whose pods listen to port 80.
pub(crate) fn tcp_port(port: u16) -> ServicePort {
    manifest::service_port(
        &format!("tcp-{port}"),
        Transport::Tcp,
        port,
        TargetPort::Number(80),
    )
}

/// A UDP port whose pods listen to port 80.
pub(crate) fn udp_port(port: u16) -> ServicePort {
    manifest::service_port(
        &format!("udp-{port}"),
        Transport::Udp,
        port,
        TargetPort::Number(80),
    )
}

fn cluster() -> ClusterSettings {
    let vswitch = |id: &str, zone: &str| VSwitch {
        id: id.to_owned(),
        zone_id: zone.to_owned(),
    };
    ClusterSettings {
        id: ClusterId::new("c-lab").unwrap(),
        region: "cn-hangzhou".to_owned(),
        vpc_id: "vpc-lab".to_owned(),
        vpc_cidrs: vec!["10.0.0.0/8".parse().unwrap()],
        vswitches: vec![
            vswitch("vsw-k", "cn-hangzhou-k"),
            vswitch("vsw-j", "cn-hangzhou-j"),
        ],
        resource_group_id: None,
        default_backend_type: BackendType::Ecs,
        default_instance_charge_type: InstanceChargeType::PayByClcu,
        load_balancer_class: None,
        quotas: Quotas::default(),
        node_grace_ms: 40_000,
        drain_leaving_nodes: false,
        ip_mode_proxy: false,
        use_health_check_node_port: false,
        standard_fields_on_adopted: false,
    }
}

fn facts() -> CloudFacts {
    let certificate = Some(Certificate {
        expires_ms: Some(EXPIRY_MS),
    });
    let vswitch = |range: &str| {
        Some(VSwitchFact {
            vpc_id: "vpc-lab".to_owned(),
            cidr: Some(range.parse().unwrap()),
        })
    };
    let list = Some(AccessControlList { ip_version: None });
    CloudFacts {
        unanswered_because: BTreeMap::new(),
        in_users_groups: BTreeMap::new(),
        listened_groups: BTreeMap::new(),
        group_names: BTreeSet::new(),
        health_checks: BTreeMap::new(),
        ip_version: None,
        static_addresses: BTreeMap::new(),
        address_is_given: false,
        zone_pairs: Some(zone_pairs()),
        certificates: ["cert-a", "cert-b", "cert-c"]
            .map(|id| (id.to_owned(), certificate))
            .into(),
        access_control_lists: ["acl-1", "acl-2"].map(|id| (id.to_owned(), list)).into(),
        vswitches: [
            ("vsw-k".to_owned(), vswitch("10.0.0.0/16")),
            ("vsw-j".to_owned(), vswitch("10.1.0.0/16")),
        ]
        .into(),
    }
}

/// An address of a vSwitch of the cluster's VPC.
pub(crate) fn static_address(vswitch_id: &str, address: Ipv4Addr) -> StaticAddress {
    StaticAddress {
        vpc_id: "vpc-lab".to_owned(),
        vswitch_id: vswitch_id.to_owned(),
        address,
    }
}

/// Zones k and j are secondary to each other; those of IPv6 CLBs only to k.
fn zone_pairs() -> BTreeSet<ZonePair> {
    let pair = |master: &str, slave: &str, address_type, ip_version| ZonePair {
        master: format!("cn-hangzhou-{master}"),
        slave: format!("cn-hangzhou-{slave}"),
        address_type,
        ip_version,
    };
    [
        pair("j", "k", AddressType::Internet, IpVersion::V4),
        pair("k", "j", AddressType::Internet, IpVersion::V4),
        pair("k", "j", AddressType::Internet, IpVersion::V6),
        pair("k", "j", AddressType::Intranet, IpVersion::V4),
    ]
    .into()
}

/// A ready Node of the lab.
pub(crate) fn node(name: &str, zone: &str) -> Node {
    Node {
        name: name.to_owned(),
        uid: format!("uid-{name}"),
        provider_id: format!("cn-hangzhou.i-{name}"),
        labels: [(
            "failure-domain.beta.kubernetes.io/zone".to_owned(),
            zone.to_owned(),
        )]
        .into(),
        taints: Vec::new(),
        unschedulable: false,
        ready: Some(NodeReady {
            ready: true,
            since_ms: NOW_MS - 3_600_000,
        }),
        deleting: false,
    }
}

fn nodes() -> BTreeMap<String, Node> {
    let mut cordoned = node("n4", "cn-hangzhou-k");
    cordoned.unschedulable = true;
    let mut virtual_node = node("vk", "cn-hangzhou-k");
    for (label, value) in [
        ("type", "virtual-kubelet"),
        ("node.kubernetes.io/exclude-from-external-load-balancers", "true"),
    ] {
        virtual_node.labels.insert(label.to_owned(), value.to_owned());
    }
    [
        node("n1", "cn-hangzhou-k"),
        node("n2", "cn-hangzhou-j"),
        node("n3", "cn-hangzhou-k"),
        cordoned,
        virtual_node,
    ]
    .map(|node| (node.name.clone(), node))
    .into()
}

/// A ready pod.
pub(crate) fn pod(address: &str, node: &str) -> Endpoint {
    Endpoint {
        address: address.parse().unwrap(),
        node_name: Some(node.to_owned()),
        ready: true,
        serving: true,
        terminating: false,
        pod: None,
        awaits_readiness_gate: false,
    }
}

/// Two ready pods on n1, one each on n2, n4 and vk; one on n3 not ready, one on n2 terminating.
pub(crate) fn pods() -> Vec<Endpoint> {
    vec![
        pod("10.0.1.1", "n1"),
        pod("10.0.1.2", "n1"),
        pod("10.0.2.1", "n2"),
        Endpoint {
            ready: false,
            terminating: true,
            ..pod("10.0.2.2", "n2")
        },
        Endpoint {
            ready: false,
            serving: false,
            ..pod("10.0.3.1", "n3")
        },
        pod("10.0.4.1", "n4"),
        pod("10.0.9.1", "vk"),
    ]
}

/// Gives the Service these families, and its pods an address and slices of each.
pub(crate) fn set_families(service: &mut Service, families: &[IpFamily]) {
    service.ip_families = families.to_vec();
    service.dual_stack = families.len() > 1;
    service.endpoints = families
        .iter()
        .flat_map(|family| service.endpoints.iter().map(|set| of_family(set, *family)))
        .collect();
}

fn of_family(set: &EndpointSet, family: IpFamily) -> EndpointSet {
    let mut set = set.clone();
    for endpoint in &mut set.endpoints {
        if let (IpFamily::V6, IpAddr::V4(address)) = (family, endpoint.address) {
            let [.., third, fourth] = address.octets();
            endpoint.address = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, third.into(), fourth.into()).into();
        }
    }
    set
}
