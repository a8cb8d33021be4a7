//! Services, without their endpoints.

use std::collections::BTreeMap;

use clb_model::cluster::{
    Condition, ConditionStatus, Ingress, IpFamily, IpMode, PortStatus, Service, ServicePort, ServiceType,
    TargetPort, TrafficPolicy,
};
use clb_model::{ServiceKey, ServiceUid, marks};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{Unusable, port, transport};
use crate::slim;

/// The API's default for `sessionAffinityConfig.clientIP.timeoutSeconds`.
const DEFAULT_AFFINITY_SECONDS: u32 = 10_800;

/// Annotations with these prefixes travel; the rest of a Service's annotations is none of our business.
const ANNOTATION_DOMAINS: [&str; 2] = [marks::ANNOTATION_DOMAIN, "service.alpha.kubernetes.io/"];

/// Labels that travel: those that Alibaba's controller or we put there.
const LABELS: [&str; 2] = [marks::HASH_LABEL, marks::LOAD_BALANCER_ID_LABEL];

/// Namespace and name.
pub(crate) fn service_key(service: &slim::Service) -> ServiceKey {
    let metadata = &service.metadata;
    ServiceKey::new(
        metadata.namespace.as_deref().unwrap_or_default(),
        metadata.name.as_deref().unwrap_or_default(),
    )
}

/// Everything but the endpoints.
///
/// # Errors
/// A value that the API server should not have accepted.
pub(crate) fn service(service: &slim::Service) -> Result<Service, Unusable> {
    let (metadata, spec, status) = (&service.metadata, &service.spec, &service.status);
    let uid = metadata.uid.as_deref().unwrap_or_default();
    let health_check_node_port = match spec.health_check_node_port {
        None | Some(0) => None,
        Some(number) => Some(port("spec.healthCheckNodePort", number)?),
    };
    Ok(Service {
        key: service_key(service),
        uid: ServiceUid::new(uid).map_err(|error| Unusable::new("metadata.uid", uid, error.allowed))?,
        resource_version: metadata.resource_version.clone().unwrap_or_default(),
        annotations: chosen(metadata.annotations.as_ref(), |name| {
            ANNOTATION_DOMAINS.iter().any(|domain| name.starts_with(domain)) || is_misplaced(name)
        }),
        labels: chosen(metadata.labels.as_ref(), |name| LABELS.contains(&name)),
        service_type: service_type(spec.service_type.as_deref())?,
        load_balancer_class: spec.load_balancer_class.clone(),
        deleting: metadata.deletion_timestamp.is_some(),
        finalizer: metadata
            .finalizers
            .iter()
            .flatten()
            .any(|finalizer| finalizer == marks::FINALIZER),
        ports: spec
            .ports
            .iter()
            .flatten()
            .map(service_port)
            .collect::<Result<_, _>>()?,
        traffic_policy: match spec.external_traffic_policy.as_deref() {
            Some("Local") => TrafficPolicy::Local,
            _ => TrafficPolicy::Cluster,
        },
        client_ip_affinity_seconds: (spec.session_affinity.as_deref() == Some("ClientIP")).then(|| {
            spec.session_affinity_config
                .as_ref()
                .and_then(|config| config.client_ip.as_ref()?.timeout_seconds)
                .and_then(|seconds| u32::try_from(seconds).ok())
                .unwrap_or(DEFAULT_AFFINITY_SECONDS)
        }),
        source_ranges: spec.load_balancer_source_ranges.clone().unwrap_or_default(),
        health_check_node_port,
        ip_families: spec
            .ip_families
            .iter()
            .flatten()
            .map(|family| ip_family(family))
            .collect::<Result<_, _>>()?,
        dual_stack: matches!(
            spec.ip_family_policy.as_deref(),
            Some("PreferDualStack" | "RequireDualStack")
        ),
        node_ports: spec.allocate_load_balancer_node_ports.unwrap_or(true),
        publish_not_ready: spec.publish_not_ready_addresses.unwrap_or(false),
        load_balancer_ip: spec
            .load_balancer_ip
            .clone()
            .filter(|address| !address.is_empty()),
        selector: spec
            .selector
            .as_ref()
            .is_some_and(|selector| !selector.is_empty()),
        ingress: status
            .load_balancer
            .ingress
            .iter()
            .flatten()
            .map(ingress)
            .collect::<Result<_, _>>()?,
        conditions: status.conditions.iter().flatten().map(condition).collect(),
        endpoints: Vec::new(),
    })
}

/// Whether a name has Alibaba Cloud's part of ours behind another domain or none: the planner tells its author.
fn is_misplaced(name: &str) -> bool {
    let end = name.rsplit('/').next().unwrap_or(name);
    [marks::ANNOTATION_PREFIX, marks::LEGACY_ANNOTATION_PREFIX]
        .iter()
        .filter_map(|prefix| prefix.strip_prefix(marks::ANNOTATION_DOMAIN))
        .any(|part| end.starts_with(part))
}

fn chosen(all: Option<&BTreeMap<String, String>>, wanted: impl Fn(&str) -> bool) -> BTreeMap<String, String> {
    all.into_iter()
        .flatten()
        .filter(|(name, _)| wanted(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn service_type(name: Option<&str>) -> Result<ServiceType, Unusable> {
    match name {
        None | Some("" | "ClusterIP") => Ok(ServiceType::ClusterIp),
        Some("NodePort") => Ok(ServiceType::NodePort),
        Some("LoadBalancer") => Ok(ServiceType::LoadBalancer),
        Some("ExternalName") => Ok(ServiceType::ExternalName),
        Some(other) => Err(Unusable::new(
            "spec.type",
            other,
            "ClusterIP, NodePort, LoadBalancer or ExternalName",
        )),
    }
}

fn service_port(entry: &slim::ServicePort) -> Result<ServicePort, Unusable> {
    let number = port("spec.ports[].port", entry.port)?;
    let target = match &entry.target_port {
        None | Some(IntOrString::Int(0)) => TargetPort::Number(number),
        Some(IntOrString::Int(target)) => TargetPort::Number(port("spec.ports[].targetPort", *target)?),
        Some(IntOrString::String(name)) if name.is_empty() => TargetPort::Number(number),
        Some(IntOrString::String(name)) => TargetPort::Name(name.clone()),
    };
    let node_port = match entry.node_port {
        None | Some(0) => None,
        Some(number) => Some(port("spec.ports[].nodePort", number)?),
    };
    Ok(ServicePort {
        name: entry.name.clone().unwrap_or_default(),
        transport: transport("spec.ports[].protocol", entry.protocol.as_deref())?,
        port: number,
        target,
        node_port,
    })
}

fn ip_family(name: &str) -> Result<IpFamily, Unusable> {
    match name {
        "IPv4" => Ok(IpFamily::V4),
        "IPv6" => Ok(IpFamily::V6),
        other => Err(Unusable::new("spec.ipFamilies", other, "IPv4 or IPv6")),
    }
}

/// One entry of `status.loadBalancer.ingress`.
///
/// # Errors
/// As [`service`].
pub(crate) fn ingress(entry: &slim::ServiceIngress) -> Result<Ingress, Unusable> {
    let some = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    Ok(Ingress {
        ip: some(&entry.ip),
        hostname: some(&entry.hostname),
        ip_mode: match entry.ip_mode.as_deref() {
            None | Some("") => None,
            Some("VIP") => Some(IpMode::Vip),
            Some("Proxy") => Some(IpMode::Proxy),
            Some(other) => {
                return Err(Unusable::new(
                    "status.loadBalancer.ingress[].ipMode",
                    other,
                    "VIP or Proxy",
                ));
            }
        },
        ports: entry
            .ports
            .iter()
            .flatten()
            .map(|status| {
                Ok(PortStatus {
                    port: port("status.loadBalancer.ingress[].ports[].port", status.port)?,
                    transport: transport(
                        "status.loadBalancer.ingress[].ports[].protocol",
                        Some(&status.protocol),
                    )?,
                    error: some(&status.error),
                })
            })
            .collect::<Result<_, Unusable>>()?,
    })
}

fn condition(entry: &k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition) -> Condition {
    Condition {
        kind: entry.type_.clone(),
        status: match entry.status.as_str() {
            "True" => ConditionStatus::True,
            "False" => ConditionStatus::False,
            _ => ConditionStatus::Unknown,
        },
        reason: entry.reason.clone(),
        message: entry.message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(metadata: &Value, spec: &Value, status: &Value) -> Result<Service, Unusable> {
        let mut object = json!({
            "metadata": {"name": "web", "namespace": "default", "uid": "uid-1", "resourceVersion": "7"},
            "spec": spec, "status": status,
        });
        for (name, value) in metadata.as_object().into_iter().flatten() {
            object["metadata"][name] = value.clone();
        }
        service(&serde_json::from_value(object).unwrap())
    }

    fn spec(spec: &Value) -> Service {
        read(&json!({}), spec, &json!({})).unwrap()
    }

    #[test]
    fn an_empty_service_has_the_defaults_of_the_api() {
        let service = spec(&json!({}));
        assert_eq!(service.key, ServiceKey::new("default", "web"));
        assert_eq!(
            (service.uid.as_str(), service.resource_version.as_str()),
            ("uid-1", "7")
        );
        assert_eq!(service.service_type, ServiceType::ClusterIp);
        assert_eq!(service.traffic_policy, TrafficPolicy::Cluster);
        assert!(service.node_ports && !service.deleting && !service.finalizer && !service.selector);
        assert!(!service.dual_stack && !service.publish_not_ready);
        assert_eq!(service.client_ip_affinity_seconds, None);
        assert_eq!(service.health_check_node_port, None);
    }

    #[test]
    fn every_field_of_the_spec_arrives() {
        let service = spec(&json!({
            "type": "LoadBalancer", "loadBalancerClass": "example.com/clb", "externalTrafficPolicy": "Local",
            "sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 60}},
            "loadBalancerSourceRanges": ["10.0.0.0/8"], "healthCheckNodePort": 31000,
            "ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "PreferDualStack",
            "allocateLoadBalancerNodePorts": false, "publishNotReadyAddresses": true, "loadBalancerIP": "1.2.3.4", "selector": {"app": "web"},
        }));
        assert_eq!(service.service_type, ServiceType::LoadBalancer);
        assert_eq!(service.load_balancer_class.as_deref(), Some("example.com/clb"));
        assert_eq!(service.traffic_policy, TrafficPolicy::Local);
        assert_eq!(service.client_ip_affinity_seconds, Some(60));
        assert_eq!(service.source_ranges, ["10.0.0.0/8"]);
        assert_eq!(service.health_check_node_port, Some(31000));
        assert_eq!(service.ip_families, [IpFamily::V4, IpFamily::V6]);
        assert_eq!(service.load_balancer_ip.as_deref(), Some("1.2.3.4"));
        assert!(service.dual_stack && !service.node_ports && service.publish_not_ready && service.selector);
    }

    #[test]
    fn target_ports_are_numbers_or_names_and_default_to_the_port() {
        let service = spec(&json!({"ports": [
            {"name": "a", "port": 80, "targetPort": 8080, "nodePort": 30080},
            {"name": "b", "port": 81, "targetPort": "http", "protocol": "UDP"},
            {"name": "c", "port": 82},
        ]}));
        let ports: Vec<_> = service
            .ports
            .iter()
            .map(|port| (port.target.to_string(), port.node_port))
            .collect();
        assert_eq!(
            ports,
            [
                ("8080".to_owned(), Some(30080)),
                ("http".to_owned(), None),
                ("82".to_owned(), None)
            ]
        );
        assert_eq!(service.ports[1].transport, clb_model::cluster::Transport::Udp);
    }

    #[test]
    fn only_our_annotations_and_labels_travel() {
        let annotation = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-spec";
        let misplaced = "example.com/alicloud-loadbalancer-spec";
        let metadata = json!({
            "annotations": {annotation: "slb.s1.small", misplaced: "slb.s1.small", "kubectl.kubernetes.io/last-applied-configuration": "{…}"},
            "labels": {"app": "web", marks::HASH_LABEL: "abc"},
            "finalizers": ["example.com/other", marks::FINALIZER],
            "deletionTimestamp": "2026-01-01T00:00:00Z",
        });
        let service = read(&metadata, &json!({}), &json!({})).unwrap();
        assert_eq!(
            service.annotations.keys().collect::<Vec<_>>(),
            [misplaced, annotation]
        );
        assert_eq!(service.labels.keys().collect::<Vec<_>>(), [marks::HASH_LABEL]);
        assert!(service.finalizer && service.deleting);
    }

    #[test]
    fn the_status_arrives() {
        let status = json!({
            "loadBalancer": {"ingress": [
                {"ip": "47.1.2.3", "ipMode": "Proxy", "ports": [{"port": 80, "protocol": "TCP", "error": "Oops"}]},
                {"hostname": "web.example.com"},
            ]},
            "conditions": [{
                "type": "Programmed", "status": "False", "reason": "Because", "message": "so",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }],
        });
        let service = read(&json!({}), &json!({"type": "LoadBalancer"}), &status).unwrap();
        assert_eq!(service.ingress[0].ip_mode, Some(IpMode::Proxy));
        assert_eq!(service.ingress[0].ports[0].error.as_deref(), Some("Oops"));
        assert_eq!(service.ingress[1].hostname.as_deref(), Some("web.example.com"));
        assert_eq!(service.conditions[0].status, ConditionStatus::False);
    }

    #[test]
    fn what_the_api_would_refuse_is_named() {
        for (bad, field) in [
            (json!({"type": "Teapot"}), "spec.type"),
            (json!({"ports": [{"port": 0}]}), "spec.ports[].port"),
            (
                json!({"ports": [{"port": 80, "protocol": "ICMP"}]}),
                "spec.ports[].protocol",
            ),
            (
                json!({"ports": [{"port": 80, "nodePort": 70000}]}),
                "spec.ports[].nodePort",
            ),
            (json!({"ipFamilies": ["IPv5"]}), "spec.ipFamilies"),
        ] {
            assert_eq!(read(&json!({}), &bad, &json!({})).unwrap_err().field, field);
        }
        assert_eq!(
            read(&json!({"uid": ""}), &json!({}), &json!({}))
                .unwrap_err()
                .field,
            "metadata.uid"
        );
    }
}
