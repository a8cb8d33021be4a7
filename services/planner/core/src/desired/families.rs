//! Which family the endpoints have that count, and whether the CLB reaches them: one with an IPv4 address reaches IPv4 pods only, one with
//! an IPv6 address pods of either family. Nodes are instances of the cloud, which have no family.

use clb_model::cloud::IpVersion;
use clb_model::cluster::{IpFamily, Service};

use super::context::Context;
use super::{load_balancer, standard_fields};
use crate::settings::BackendType;

/// The family of the endpoints that count: the annotation's where pods are backends, else the Service's first. IPv4 comes before it where
/// the Service has both and the CLB reaches no other, or where Alibaba's controller made the CLB and chose so.
pub(super) fn of_endpoints(context: &Context<'_>) -> IpFamily {
    let annotations = &context.annotations().backend;
    let written = annotations
        .backend_ip_version
        .as_ref()
        .map(|written| written.value);
    match written.filter(|_| has_pods_as_backends(context)) {
        Some(IpVersion::V4) => IpFamily::V4,
        Some(IpVersion::V6) => IpFamily::V6,
        None => {
            let families = &context.inputs.service.ip_families;
            let only_v4 = !reaches_v6(context) || !standard_fields::honoured(context);
            if only_v4 && families.contains(&IpFamily::V4) {
                IpFamily::V4
            } else {
                families.first().copied().unwrap_or(IpFamily::V4)
            }
        }
    }
}

/// Whether pods, and not only Nodes, are backends.
pub(super) fn has_pods_as_backends(context: &Context<'_>) -> bool {
    context.backend_type == BackendType::Eni || context.has_virtual_node_backends()
}

/// Whether the CLB reaches IPv6 pods, as far as its family is known.
pub(super) fn reaches_v6(context: &Context<'_>) -> bool {
    load_balancer::family(context) != Some(IpVersion::V4)
}

/// Whether all backends are pods, and the CLB reaches none of them.
pub(super) fn reaches_no_pod(context: &Context<'_>) -> bool {
    let service = context.inputs.service;
    context.backend_type == BackendType::Eni
        && context.annotations().backend.backend_ip_version.is_none()
        && service.ip_families == [IpFamily::V6]
        && !reaches_v6(context)
}

/// What is said where the Service asks for both families of a CLB that has this one.
pub(crate) fn one_address(service: &Service, family: IpVersion) -> String {
    let first = match service.ip_families.first() {
        Some(IpFamily::V6) => IpVersion::V6,
        _ => IpVersion::V4,
    };
    let which = if family == first {
        "of the Service's first family".to_owned()
    } else {
        format!("which is of {family} here")
    };
    format!("spec.ipFamilyPolicy asks for both families; a CLB has one address, {which}")
}
