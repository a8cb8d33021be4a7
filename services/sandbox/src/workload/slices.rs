//! EndpointSlices, as the EndpointSlice controller would make them.

use k8s_openapi::api::core::v1::Service;
use kube::ResourceExt as _;
use serde_json::{Value, json};

use super::{LabPod, PodPhase};

/// A named target port resolves to this number in every pod of the lab.
const NAMED_TARGET_PORT: u16 = 8080;

/// The slice of a Service whose selector matches these pods.
pub(super) fn slice(service: &Service, pods: &[LabPod]) -> Value {
    let name = service.name_any();
    let ports: Vec<Value> = service
        .spec
        .iter()
        .flat_map(|spec| spec.ports.iter().flatten())
        .map(|port| {
            let number = match &port.target_port {
                Some(k8s_openapi::apimachinery::pkg::util::intstr::IntOrString::Int(number)) => *number,
                Some(k8s_openapi::apimachinery::pkg::util::intstr::IntOrString::String(_)) => NAMED_TARGET_PORT.into(),
                None => port.port,
            };
            json!({"name": port.name.clone().unwrap_or_default(), "protocol": port.protocol.clone().unwrap_or_else(|| "TCP".to_owned()), "port": number})
        })
        .collect();
    let endpoints: Vec<Value> = pods
        .iter()
        .map(|pod| {
            json!({
                "addresses": [pod.address.to_string()],
                "conditions": {
                    "ready": pod.phase == PodPhase::Ready,
                    "serving": pod.phase != PodPhase::NotReady,
                    "terminating": pod.phase == PodPhase::Terminating,
                },
                "nodeName": pod.node,
                "targetRef": {"kind": "Pod", "name": pod.name, "namespace": service.namespace()},
            })
        })
        .collect();
    json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": slice_name(&name),
            "namespace": service.namespace(),
            "labels": {"kubernetes.io/service-name": name, "endpointslice.kubernetes.io/managed-by": "clb-sandbox"},
            "ownerReferences": [{
                "apiVersion": "v1", "kind": "Service", "name": name, "uid": service.uid().unwrap_or_default(),
                "controller": true, "blockOwnerDeletion": true,
            }],
        },
        "addressType": "IPv4",
        "ports": ports,
        "endpoints": endpoints,
    })
}

/// The name of the one slice that a Service of the lab has.
pub(super) fn slice_name(service: &str) -> String {
    format!("{service}-lab")
}
