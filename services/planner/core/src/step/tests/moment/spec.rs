//! What a Service says outside of its annotations, and how its cluster is set up.

use std::collections::BTreeSet;

use clb_model::cluster::{IpFamily, Service, ServicePort, TargetPort, TrafficPolicy, Transport};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::desired::tests::lab::{Lab, set_families, tcp_port, udp_port};
use crate::desired::tests::manifest::service_port;
use crate::settings::{BackendType, Quotas};

/// The ports and fields of a Service.
#[derive(Debug, Clone)]
pub(super) struct Spec {
    ports: Vec<ServicePort>,
    /// Kubernetes gives TCP and UDP of one number one node port when they come together.
    one_node_port: bool,
    local: bool,
    affinity_seconds: Option<u32>,
    source_ranges: Vec<&'static str>,
    families: Vec<IpFamily>,
    publish_not_ready: bool,
}

pub(super) fn specs() -> impl Strategy<Value = Spec> {
    let ports = vec![
        tcp_port(80),
        tcp_port(443),
        service_port("other", Transport::Tcp, 8080, TargetPort::Number(8081)),
        service_port("named", Transport::Tcp, 9000, TargetPort::Name("web".to_owned())),
        udp_port(80),
        udp_port(53),
    ];
    let ranges = vec!["10.0.0.0/8", "192.168.0.0/16", "2001:db8::/32"];
    (
        subsequence(ports, 1..=5).prop_shuffle(),
        any::<bool>(),
        any::<bool>(),
        select(vec![None, None, Some(600), Some(10_800)]),
        prop_oneof![3 => Just(Vec::new()), 1 => subsequence(ranges, 1..=3)],
        families(),
        prop::bool::weighted(0.1),
    )
        .prop_map(
            |(ports, one_node_port, local, affinity_seconds, source_ranges, families, publish_not_ready)| {
                Spec {
                    ports,
                    one_node_port,
                    local,
                    affinity_seconds,
                    source_ranges,
                    families,
                    publish_not_ready,
                }
            },
        )
}

fn families() -> impl Strategy<Value = Vec<IpFamily>> {
    prop_oneof![
        6 => Just(vec![IpFamily::V4]),
        1 => Just(vec![IpFamily::V4, IpFamily::V6]),
        1 => Just(vec![IpFamily::V6, IpFamily::V4]),
        1 => Just(vec![IpFamily::V6]),
    ]
}

impl Spec {
    pub(super) fn ports(&self) -> Vec<ServicePort> {
        let mut ports = self.ports.clone();
        let tcp: BTreeSet<u16> = ports
            .iter()
            .filter(|port| port.transport == Transport::Tcp)
            .map(|port| port.port)
            .collect();
        for port in &mut ports {
            if port.port == 8080 {
                // Port 80 has the one that is made of its number.
                port.node_port = Some(30_880);
            }
            if self.one_node_port && port.transport == Transport::Udp && tcp.contains(&port.port) {
                port.node_port = tcp_port(port.port).node_port;
            }
        }
        ports
    }

    pub(super) fn enter(&self, service: &mut Service) {
        if self.local {
            service.traffic_policy = TrafficPolicy::Local;
            service.health_check_node_port = Some(32_100);
        }
        service.client_ip_affinity_seconds = self.affinity_seconds;
        service.source_ranges = self
            .source_ranges
            .iter()
            .map(|range| (*range).to_owned())
            .collect();
        set_families(service, &self.families);
        service.publish_not_ready = self.publish_not_ready;
    }
}

/// How the cluster is set up.
#[derive(Debug, Clone)]
pub(super) struct Cluster {
    /// Nodes that the cluster's autoscaler is about to remove.
    leaving: Vec<&'static str>,
    drains: bool,
    eni: bool,
    asks_health_check_node_port: bool,
    quotas: Option<Quotas>,
}

pub(super) fn clusters() -> impl Strategy<Value = Cluster> {
    (
        subsequence(vec!["n1", "n2"], 0..=1),
        any::<bool>(),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.2),
        prop::option::weighted(0.2, tight_quotas()),
    )
        .prop_map(
            |(leaving, drains, eni, asks_health_check_node_port, quotas)| Cluster {
                leaving,
                drains,
                eni,
                asks_health_check_node_port,
                quotas,
            },
        )
}

fn tight_quotas() -> impl Strategy<Value = Quotas> {
    (1..4_usize, 1..12_usize, 1..4_usize, 1..3_usize, 4..6_usize).prop_map(
        |(listeners, backends, attachments, domains, tags)| Quotas {
            listeners_per_load_balancer: listeners,
            backends_per_load_balancer: backends,
            attachments_per_instance: attachments,
            domain_extensions_per_listener: domains,
            tags_per_load_balancer: tags,
            ..Quotas::default()
        },
    )
}

impl Cluster {
    pub(super) fn enter(&self, lab: &mut Lab) {
        for name in &self.leaving {
            if let Some(node) = lab.nodes.get_mut(*name) {
                node.taints.push("ToBeDeletedByClusterAutoscaler".to_owned());
            }
        }
        lab.cluster.drain_leaving_nodes = self.drains;
        if self.eni {
            lab.cluster.default_backend_type = BackendType::Eni;
        }
        lab.cluster.use_health_check_node_port = self.asks_health_check_node_port;
        lab.cluster.quotas = self.quotas.unwrap_or_default();
    }

    /// The same without tight quotas: what a quota leaves out depends on what was there before.
    pub(super) fn with_room(self) -> Self {
        Self { quotas: None, ..self }
    }
}
