//! `Service`.

use clb_model::cluster::{IpFamily, Service, ServicePort, ServiceType, TargetPort, TrafficPolicy, Transport};
use clb_model::{ServiceKey, ServiceUid};
use clb_proto::snapshot::v1;

use super::endpoints::{endpoint_set_from_proto, endpoint_set_to_proto};
use super::status::{condition_from_proto, condition_to_proto, ingress_from_proto, ingress_to_proto};
use crate::WireError;
use crate::field::{Reader, non_empty};

const SERVICE: Reader = Reader("Service");
const SERVICE_PORT: Reader = Reader("ServicePort");

/// For the watcher.
#[must_use]
pub fn service_to_proto(service: &Service) -> v1::Service {
    v1::Service {
        namespace: service.key.namespace.clone(),
        name: service.key.name.clone(),
        uid: service.uid.to_string(),
        resource_version: service.resource_version.clone(),
        annotations: service.annotations.clone(),
        labels: service.labels.clone(),
        r#type: type_name(service.service_type).to_owned(),
        load_balancer_class: service.load_balancer_class.clone().unwrap_or_default(),
        deleting: service.deleting,
        finalizer: service.finalizer,
        ports: service.ports.iter().map(port_to_proto).collect(),
        local_traffic_policy: service.traffic_policy == TrafficPolicy::Local,
        client_ip_affinity_seconds: service.client_ip_affinity_seconds,
        source_ranges: service.source_ranges.clone(),
        health_check_node_port: service.health_check_node_port.map_or(0, u32::from),
        ip_families: service
            .ip_families
            .iter()
            .map(|family| family_name(*family).to_owned())
            .collect(),
        // Prefer and Require mean the same to a load balancer; the domain type does not tell them apart.
        ip_family_policy: if service.dual_stack {
            "PreferDualStack"
        } else {
            "SingleStack"
        }
        .to_owned(),
        no_node_ports: !service.node_ports,
        publish_not_ready: service.publish_not_ready,
        selector: service.selector,
        load_balancer_ip: service.load_balancer_ip.clone().unwrap_or_default(),
        ingress: service.ingress.iter().map(ingress_to_proto).collect(),
        conditions: service.conditions.iter().map(condition_to_proto).collect(),
        endpoints: service.endpoints.iter().map(endpoint_set_to_proto).collect(),
    }
}

/// For the planner.
///
/// # Errors
/// A text or number that the Kubernetes API would not give.
pub fn service_from_proto(message: v1::Service) -> Result<Service, WireError> {
    for (field, text) in [("namespace", &message.namespace), ("name", &message.name)] {
        if text.is_empty() {
            return Err(SERVICE.invalid(field, text, "not empty"));
        }
    }
    Ok(Service {
        key: ServiceKey::new(message.namespace, message.name),
        uid: SERVICE.text::<ServiceUid>("uid", &message.uid)?,
        resource_version: message.resource_version,
        annotations: message.annotations,
        labels: message.labels,
        service_type: type_from_name(&message.r#type)?,
        load_balancer_class: non_empty(message.load_balancer_class),
        deleting: message.deleting,
        finalizer: message.finalizer,
        ports: message
            .ports
            .into_iter()
            .map(port_from_proto)
            .collect::<Result<_, _>>()?,
        traffic_policy: if message.local_traffic_policy {
            TrafficPolicy::Local
        } else {
            TrafficPolicy::Cluster
        },
        client_ip_affinity_seconds: message.client_ip_affinity_seconds,
        source_ranges: message.source_ranges,
        health_check_node_port: SERVICE
            .optional_port("health_check_node_port", message.health_check_node_port)?,
        ip_families: message
            .ip_families
            .iter()
            .map(|family| family_from_name(family))
            .collect::<Result<_, _>>()?,
        dual_stack: matches!(
            message.ip_family_policy.as_str(),
            "PreferDualStack" | "RequireDualStack"
        ),
        node_ports: !message.no_node_ports,
        publish_not_ready: message.publish_not_ready,
        selector: message.selector,
        load_balancer_ip: Some(message.load_balancer_ip).filter(|address| !address.is_empty()),
        ingress: message
            .ingress
            .into_iter()
            .map(ingress_from_proto)
            .collect::<Result<_, _>>()?,
        conditions: message
            .conditions
            .into_iter()
            .map(condition_from_proto)
            .collect::<Result<_, _>>()?,
        endpoints: message
            .endpoints
            .into_iter()
            .map(endpoint_set_from_proto)
            .collect::<Result<_, _>>()?,
    })
}

fn port_to_proto(port: &ServicePort) -> v1::ServicePort {
    let (target_port, target_port_name) = match &port.target {
        TargetPort::Number(number) => (u32::from(*number), String::new()),
        TargetPort::Name(name) => (0, name.clone()),
    };
    v1::ServicePort {
        name: port.name.clone(),
        protocol: port.transport.as_str().to_owned(),
        port: port.port.into(),
        target_port,
        target_port_name,
        node_port: port.node_port.map_or(0, u32::from),
    }
}

fn port_from_proto(message: v1::ServicePort) -> Result<ServicePort, WireError> {
    let target = match non_empty(message.target_port_name) {
        Some(name) => TargetPort::Name(name),
        None => TargetPort::Number(SERVICE_PORT.port("target_port", message.target_port)?),
    };
    Ok(ServicePort {
        name: message.name,
        transport: transport_from_name(SERVICE_PORT, &message.protocol)?,
        port: SERVICE_PORT.port("port", message.port)?,
        target,
        node_port: SERVICE_PORT.optional_port("node_port", message.node_port)?,
    })
}

pub(super) fn transport_from_name(message: Reader, name: &str) -> Result<Transport, WireError> {
    [Transport::Tcp, Transport::Udp, Transport::Sctp]
        .into_iter()
        .find(|transport| transport.as_str() == name)
        .ok_or_else(|| message.invalid("protocol", name, "TCP, UDP or SCTP"))
}

fn type_name(service_type: ServiceType) -> &'static str {
    match service_type {
        ServiceType::ClusterIp => "ClusterIP",
        ServiceType::NodePort => "NodePort",
        ServiceType::LoadBalancer => "LoadBalancer",
        ServiceType::ExternalName => "ExternalName",
    }
}

fn type_from_name(name: &str) -> Result<ServiceType, WireError> {
    [
        ServiceType::ClusterIp,
        ServiceType::NodePort,
        ServiceType::LoadBalancer,
        ServiceType::ExternalName,
    ]
    .into_iter()
    .find(|service_type| type_name(*service_type) == name)
    .ok_or_else(|| SERVICE.invalid("type", name, "ClusterIP, NodePort, LoadBalancer or ExternalName"))
}

fn family_name(family: IpFamily) -> &'static str {
    match family {
        IpFamily::V4 => "IPv4",
        IpFamily::V6 => "IPv6",
    }
}

fn family_from_name(name: &str) -> Result<IpFamily, WireError> {
    [IpFamily::V4, IpFamily::V6]
        .into_iter()
        .find(|family| family_name(*family) == name)
        .ok_or_else(|| SERVICE.invalid("ip_families", name, "IPv4 or IPv6"))
}
