//! How kinds differ: what a write may touch, what is validated, what has a generation.
//!
//! One function per question, each a match over the resource table; the rules themselves live in `validation` and
//! `allocation`.

use serde_json::{Value, json};

use super::{Part, WriteOptions, metadata};
use crate::allocation::{Lending, service};
use crate::errors::ApiError;
use crate::resources::{ENDPOINT_SLICES, LEASES, NAMESPACES, NODES, PODS, Resource, SERVICES};
use crate::service_view::{self as view, ServiceType};
use crate::storage::Key;
use crate::validation::{self, FieldError};

/// Whether a PUT or an apply of a missing object makes it.
pub(super) fn creates_on_update(resource: &Resource) -> bool {
    matches!(resource.plural, "services" | "endpoints" | "leases" | "events")
}

/// Whether a PUT may leave `resourceVersion` out.
pub(super) fn allows_unconditional_update(resource: &Resource) -> bool {
    resource != &LEASES
}

/// Where etcd would keep an object; some refusals name the place.
pub(super) fn storage_path(resource: &Resource, key: &Key) -> String {
    let prefix = match resource.plural {
        "services" => "services/specs",
        "endpoints" => "services/endpoints",
        "nodes" => "minions",
        other => other,
    };
    match key.namespace.as_str() {
        "" => format!("/registry/{prefix}/{}", key.name),
        namespace => format!("/registry/{prefix}/{namespace}/{}", key.name),
    }
}

/// Whether a deletion is answered with the object rather than with a Status.
pub(super) fn returns_deleted(resource: &Resource) -> bool {
    resource == &SERVICES || resource == &PODS
}

/// What a client may not set on creation.
pub(super) fn prepare_create(resource: &Resource, object: &mut Value) {
    if resource == &SERVICES {
        object["status"] = json!({"loadBalancer": {}});
    } else if resource == &NAMESPACES {
        object["status"] = json!({"phase": "Active"});
        let has_finalizer = view::strings(&object["spec"]["finalizers"])
            .iter()
            .any(|name| name == "kubernetes");
        if !has_finalizer {
            object["spec"]["finalizers"] = json!(["kubernetes"]);
        }
    } else if resource == &PODS {
        object["status"] = json!({"phase": "Pending", "qosClass": "BestEffort"});
        metadata::set(object, "generation", 1.into());
        super::pods::admit(object);
    } else if resource == &ENDPOINT_SLICES {
        metadata::set(object, "generation", 1.into());
        drop_deprecated_topology(object);
    } else if resource == &LEASES {
        drop_disabled_fields(object);
    } else if resource == &NODES {
        taint_as_not_ready(object);
    }
}

/// Keeps the part that this write is not about, and raises the generation where a kind has one.
pub(super) fn prepare_update(resource: &Resource, part: Part, object: &mut Value, old: &Value) {
    match part {
        Part::Status => keep_member(object, old, "spec"),
        Part::Main => {
            if resource.status {
                keep_member(object, old, "status");
            }
            if resource == &SERVICES {
                drop_type_dependent_fields(object, old);
            } else if resource == &NAMESPACES {
                object["spec"]["finalizers"] = old["spec"]["finalizers"].clone();
            } else if resource == &ENDPOINT_SLICES {
                raise_generation_of_slice(object, old);
                if object["endpoints"] != old["endpoints"] {
                    drop_deprecated_topology(object);
                }
            } else if resource == &LEASES {
                drop_disabled_fields(object);
            } else if resource == &PODS && object["spec"] != old["spec"] {
                metadata::raise_generation(object);
            }
        }
    }
}

fn keep_member(object: &mut Value, old: &Value, member: &str) {
    match old.get(member) {
        Some(former) => object[member] = former.clone(),
        None => {
            if let Some(members) = object.as_object_mut() {
                members.remove(member);
            }
        }
    }
}

/// A slice's generation counts changes of its content and of its labels.
fn raise_generation_of_slice(slice: &mut Value, old: &Value) {
    let members = ["addressType", "endpoints", "ports"];
    let is_changed = members.iter().any(|member| slice[*member] != old[*member]);
    if is_changed || slice["metadata"]["labels"] != old["metadata"]["labels"] {
        metadata::raise_generation(slice);
    }
}

/// Clients of `v1` cannot write the topology of before.
fn drop_deprecated_topology(slice: &mut Value) {
    for endpoint in slice["endpoints"].as_array_mut().into_iter().flatten() {
        if let Some(members) = endpoint.as_object_mut() {
            members.remove("deprecatedTopology");
        }
    }
}

/// Fields of features that are off by default in the simulated version.
fn drop_disabled_fields(lease: &mut Value) {
    if let Some(spec) = lease["spec"].as_object_mut() {
        spec.remove("strategy");
        spec.remove("preferredHolder");
    }
}

/// Every new node is tainted until somebody finds it ready (admission plugin `TaintNodesByCondition`).
fn taint_as_not_ready(node: &mut Value) {
    let taint = json!({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"});
    let mut taints = node["spec"]["taints"].as_array().cloned().unwrap_or_default();
    if !taints.contains(&taint) {
        taints.push(taint);
    }
    node["spec"]["taints"] = Value::Array(taints);
}

/// Clears what a changed type has no use for, unless the client changed that too (`dropTypeDependentFields`).
fn drop_type_dependent_fields(service: &mut Value, old: &Value) {
    let (new_type, old_type) = (view::service_type(service), view::service_type(old));
    let same = |service: &Value, member: &str| service["spec"][member] == old["spec"][member];
    let mut dropped: Vec<&str> = Vec::new();
    if old_type != ServiceType::ExternalName && new_type == ServiceType::ExternalName {
        if same(service, "clusterIP") && same(service, "clusterIPs") {
            dropped.extend(["clusterIP", "clusterIPs"]);
        }
        for member in ["ipFamilies", "ipFamilyPolicy"] {
            if same(service, member) {
                dropped.push(member);
            }
        }
    }
    if view::needs_health_check_port(old)
        && !view::needs_health_check_port(service)
        && same(service, "healthCheckNodePort")
    {
        dropped.push("healthCheckNodePort");
    }
    if old_type == ServiceType::LoadBalancer && new_type != ServiceType::LoadBalancer {
        for member in ["allocateLoadBalancerNodePorts", "loadBalancerClass"] {
            if same(service, member) {
                dropped.push(member);
            }
        }
    }
    if view::is_externally_accessible(old)
        && !view::is_externally_accessible(service)
        && same(service, "externalTrafficPolicy")
    {
        dropped.push("externalTrafficPolicy");
    }
    if let Some(spec) = service["spec"].as_object_mut() {
        dropped.iter().for_each(|member| {
            spec.remove(*member);
        });
    }
    if view::uses_node_ports(old) && !view::uses_node_ports(service) {
        let former = view::node_ports(old);
        if view::node_ports(service).iter().all(|port| former.contains(port)) {
            for port in service["spec"]["ports"].as_array_mut().into_iter().flatten() {
                port.as_object_mut().map(|port| port.remove("nodePort"));
            }
        }
    }
    if new_type == ServiceType::ExternalName
        && let Some(spec) = service["spec"].as_object_mut()
    {
        spec.remove("internalTrafficPolicy");
    }
    if new_type != ServiceType::LoadBalancer {
        service["status"]["loadBalancer"] = json!({});
    }
}

/// Everything that is wrong with a new object.
pub(super) fn validate_create(
    resource: &Resource,
    object: &Value,
    options: &WriteOptions,
) -> Vec<FieldError> {
    let mut errors = validation::metadata::on_create(resource, object);
    errors.extend(validation::content(resource, object, None, Part::Main));
    if options.newer_event {
        errors.extend(validation::newer_event(object, None));
    }
    errors
}

/// Everything that is wrong with a changed object.
pub(super) fn validate_update(
    resource: &Resource,
    object: &Value,
    old: &Value,
    options: &WriteOptions,
) -> Vec<FieldError> {
    let mut errors = validation::metadata::on_update(resource, object, old);
    errors.extend(validation::content(resource, object, Some(old), options.part));
    if options.newer_event {
        errors.extend(validation::newer_event(object, Some(old)));
    }
    errors
}

/// Takes from the pools what a new object needs.
pub(super) fn allocate_create(
    resource: &Resource,
    lending: &mut Lending<'_>,
    object: &mut Value,
) -> Result<(), ApiError> {
    if resource == &SERVICES {
        service::on_create(lending, object)
    } else {
        Ok(())
    }
}

/// The same for a changed object.
pub(super) fn allocate_update(
    resource: &Resource,
    lending: &mut Lending<'_>,
    object: &mut Value,
    old: &Value,
) -> Result<(), ApiError> {
    if resource == &SERVICES {
        service::on_update(lending, object, old)
    } else {
        Ok(())
    }
}

/// Returns to the pools what a deleted object held.
pub(super) fn release(resource: &Resource, lending: &mut Lending<'_>, object: &Value) {
    if resource == &SERVICES {
        service::on_delete(lending, object);
    }
}
