//! `v1` Service.

use std::collections::BTreeMap;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::Deserialize;

use super::metadata::{slim_resource, trimmed};

/// A Service as the API server gives it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Service {
    #[serde(deserialize_with = "trimmed")]
    pub(crate) metadata: ObjectMeta,
    pub(crate) spec: ServiceSpec,
    pub(crate) status: ServiceStatus,
}

slim_resource!(Service, NamespaceResourceScope, "", "v1", "Service", "services");

/// `spec`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ServiceSpec {
    #[serde(rename = "type")]
    pub(crate) service_type: Option<String>,
    pub(crate) load_balancer_class: Option<String>,
    pub(crate) ports: Option<Vec<ServicePort>>,
    pub(crate) external_traffic_policy: Option<String>,
    pub(crate) session_affinity: Option<String>,
    pub(crate) session_affinity_config: Option<SessionAffinityConfig>,
    pub(crate) load_balancer_source_ranges: Option<Vec<String>>,
    pub(crate) health_check_node_port: Option<i32>,
    pub(crate) ip_families: Option<Vec<String>>,
    pub(crate) ip_family_policy: Option<String>,
    pub(crate) allocate_load_balancer_node_ports: Option<bool>,
    pub(crate) publish_not_ready_addresses: Option<bool>,
    #[serde(rename = "loadBalancerIP")]
    pub(crate) load_balancer_ip: Option<String>,
    pub(crate) selector: Option<BTreeMap<String, String>>,
}

/// One entry of `spec.ports`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ServicePort {
    pub(crate) name: Option<String>,
    pub(crate) protocol: Option<String>,
    pub(crate) port: i32,
    pub(crate) target_port: Option<IntOrString>,
    pub(crate) node_port: Option<i32>,
}

/// `spec.sessionAffinityConfig`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct SessionAffinityConfig {
    #[serde(rename = "clientIP")]
    pub(crate) client_ip: Option<ClientIpConfig>,
}

/// `spec.sessionAffinityConfig.clientIP`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ClientIpConfig {
    pub(crate) timeout_seconds: Option<i32>,
}

/// `status`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ServiceStatus {
    pub(crate) load_balancer: LoadBalancerStatus,
    /// Whole, because a patch has to repeat those of others.
    pub(crate) conditions: Option<Vec<Condition>>,
}

/// `status.loadBalancer`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LoadBalancerStatus {
    pub(crate) ingress: Option<Vec<ServiceIngress>>,
}

/// One entry of `status.loadBalancer.ingress`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ServiceIngress {
    pub(crate) ip: Option<String>,
    pub(crate) hostname: Option<String>,
    pub(crate) ip_mode: Option<String>,
    pub(crate) ports: Option<Vec<IngressPort>>,
}

/// One entry of an ingress' `ports`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct IngressPort {
    pub(crate) port: i32,
    pub(crate) protocol: String,
    pub(crate) error: Option<String>,
}
