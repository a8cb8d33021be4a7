//! A Service from a manifest, with the fields that the API server and the watcher would fill.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clb_model::cluster::{
    EndpointPort, EndpointSet, IpFamily, Service, ServicePort, ServiceType, TargetPort, TrafficPolicy,
    Transport,
};
use clb_model::{ServiceKey, ServiceUid};
use serde::Deserialize;

use super::lab;

#[derive(Deserialize)]
struct Manifest {
    metadata: Metadata,
    spec: Spec,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    namespace: String,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    ports: Vec<Port>,
    external_traffic_policy: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Port {
    #[serde(default)]
    name: String,
    port: u16,
    protocol: Option<String>,
    target_port: u16,
}

/// Where the repository's examples are.
pub(crate) fn examples_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../tests/examples")
}

/// The names of all examples, without `.yaml`, ordered.
pub(crate) fn example_names() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(examples_folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// An example's Service, with the lab's pods behind it.
pub(crate) fn example(name: &str) -> Service {
    let path = examples_folder().join(format!("{name}.yaml"));
    parse(&std::fs::read_to_string(path).unwrap())
}

fn parse(text: &str) -> Service {
    let manifest: Manifest = serde_saphyr::from_str(text).unwrap();
    let ports = manifest.spec.ports.iter().map(port).collect();
    let local = manifest.spec.external_traffic_policy.as_deref() == Some("Local");
    Service {
        annotations: manifest.metadata.annotations,
        traffic_policy: if local {
            TrafficPolicy::Local
        } else {
            TrafficPolicy::Cluster
        },
        ..service(&manifest.metadata.namespace, &manifest.metadata.name, ports)
    }
}

fn port(port: &Port) -> ServicePort {
    let transport = match port.protocol.as_deref() {
        None | Some("TCP") => Transport::Tcp,
        Some("UDP") => Transport::Udp,
        Some("SCTP") => Transport::Sctp,
        Some(other) => panic!("no transport protocol is called {other}"),
    };
    service_port(
        &port.name,
        transport,
        port.port,
        TargetPort::Number(port.target_port),
    )
}

/// A port with a node port made from its number.
pub(crate) fn service_port(name: &str, transport: Transport, port: u16, target: TargetPort) -> ServicePort {
    let base = if transport == Transport::Udp {
        31_000
    } else {
        30_000
    };
    ServicePort {
        name: name.to_owned(),
        transport,
        port,
        target,
        node_port: Some(base + port % 1000),
    }
}

/// A Service with these ports and the lab's pods behind it.
pub(crate) fn service(namespace: &str, name: &str, ports: Vec<ServicePort>) -> Service {
    let endpoint_ports = ports
        .iter()
        .map(|port| EndpointPort {
            name: port.name.clone(),
            transport: port.transport,
            port: match port.target {
                TargetPort::Number(number) => number,
                TargetPort::Name(_) => 8080,
            },
        })
        .collect();
    Service {
        key: ServiceKey::new(namespace, name),
        uid: ServiceUid::new("0b8a7c1e-6d3a-4f52-9c11-5a2f0e7d9b34").unwrap(),
        resource_version: "1".to_owned(),
        annotations: BTreeMap::new(),
        labels: BTreeMap::new(),
        service_type: ServiceType::LoadBalancer,
        load_balancer_class: None,
        deleting: false,
        finalizer: false,
        ports,
        traffic_policy: TrafficPolicy::Cluster,
        client_ip_affinity_seconds: None,
        source_ranges: Vec::new(),
        health_check_node_port: None,
        ip_families: vec![IpFamily::V4],
        dual_stack: false,
        node_ports: true,
        publish_not_ready: false,
        selector: true,
        load_balancer_ip: None,
        ingress: Vec::new(),
        conditions: Vec::new(),
        endpoints: vec![EndpointSet {
            ports: endpoint_ports,
            endpoints: lab::pods(),
            host_names: 0,
        }],
    }
}
