//! Defaults of a Service (`SetDefaults_Service`).

use serde_json::{Value, json};

use super::fill;
use crate::service_view::{self as view, ServiceType};

/// Seconds for which a client keeps its backend, where `sessionAffinity` is `ClientIP`.
const AFFINITY_SECONDS: u32 = 10_800;

pub(super) fn apply(service: &mut Value) {
    let spec = &mut service["spec"];
    fill(spec, "sessionAffinity", "None");
    if spec["sessionAffinity"] == "None"
        && let Some(members) = spec.as_object_mut()
    {
        members.remove("sessionAffinityConfig");
    }
    if spec["sessionAffinity"] == "ClientIP"
        && spec
            .pointer("/sessionAffinityConfig/clientIP/timeoutSeconds")
            .is_none()
    {
        spec["sessionAffinityConfig"] = json!({"clientIP": {"timeoutSeconds": AFFINITY_SECONDS}});
    }
    fill(spec, "type", "ClusterIP");
    for port in spec
        .get_mut("ports")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        fill(port, "protocol", "TCP");
        let is_unset = matches!(port.get("targetPort"), None | Some(Value::Null))
            || port["targetPort"] == 0
            || port["targetPort"] == "";
        if is_unset {
            port["targetPort"] = port["port"].clone();
        }
    }
    let service_type = view::service_type(service);
    if view::is_externally_accessible(service) {
        fill(&mut service["spec"], "externalTrafficPolicy", "Cluster");
    }
    let spec = &mut service["spec"];
    if matches!(
        service_type,
        ServiceType::ClusterIp | ServiceType::NodePort | ServiceType::LoadBalancer
    ) && spec.get("internalTrafficPolicy").is_none()
    {
        spec["internalTrafficPolicy"] = "Cluster".into();
    }
    if service_type != ServiceType::LoadBalancer {
        return;
    }
    if spec.get("allocateLoadBalancerNodePorts").is_none() {
        spec["allocateLoadBalancerNodePorts"] = true.into();
    }
    for ingress in service["status"]["loadBalancer"]
        .get_mut("ingress")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if ingress.get("ip").is_some() && ingress.get("ipMode").is_none() {
            ingress["ipMode"] = "VIP".into();
        }
    }
}
