//! The CLB itself: parameters of its creation with all defaults of `compatibility.md`, and the attributes
//! that annotations name.

use std::collections::BTreeMap;

use clb_model::cloud::{AddressType, InstanceChargeType, InternetChargeType, IpVersion};
use clb_model::cluster::IpFamily;
use clb_model::marks;
use clb_model::operation::NewLoadBalancer;

use super::context::Context;
use super::{NamedAttributes, StatusWish};
use crate::annotations::Written;
use crate::annotations::instance::{IP_VERSION, InstanceAnnotations, SPEC};
use crate::annotations::value::{ModificationProtection, NetworkType};
use crate::problem::{Notice, reason};

/// Mbps of a CLB that is paid by bandwidth and whose Service names none.
const DEFAULT_BANDWIDTH: u32 = 50;
/// How many tags are ours on a CLB that we create.
const OUR_TAGS: usize = 2;
/// How many tags are ours on a reused CLB.
const OUR_TAGS_ON_REUSED: usize = 1;

/// What the cloud is told when the CLB is created.
pub(super) fn creation(context: &Context<'_>) -> NewLoadBalancer {
    let instance = &context.annotations().instance;
    let cluster = context.inputs.cluster;
    let address_type = address_type(instance);
    let internal = address_type == AddressType::Intranet;
    let instance_charge_type = instance_charge_type(context);
    let internet_charge_type = internet_charge_type(instance);
    NewLoadBalancer {
        name: instance
            .name
            .as_ref()
            .map_or_else(|| default_name(context), |written| written.text.clone()),
        address_type,
        ip_version: ip_version(context),
        instance_charge_type,
        spec: (instance_charge_type == InstanceChargeType::PayBySpec)
            .then(|| text(instance.spec.as_ref()).unwrap_or_else(|| SPEC.default.to_owned())),
        internet_charge_type,
        bandwidth: (internet_charge_type == InternetChargeType::PayByBandwidth).then(|| {
            instance
                .bandwidth
                .as_ref()
                .map_or(DEFAULT_BANDWIDTH, |written| written.value.get())
        }),
        vpc_id: internal.then(|| cluster.vpc_id.clone()),
        vswitch_ids: match (&instance.vswitch_id, internal) {
            (_, false) => Vec::new(),
            (Some(written), true) => vec![written.text.clone()],
            (None, true) => cluster
                .vswitches
                .iter()
                .map(|vswitch| vswitch.id.clone())
                .collect(),
        },
        address: text(instance.address.as_ref()),
        master_zone_id: text(instance.master_zone.as_ref()),
        slave_zone_id: text(instance.slave_zone.as_ref()),
        resource_group_id: text(instance.resource_group.as_ref())
            .or_else(|| cluster.resource_group_id.clone()),
        delete_protection: delete_protection(instance).unwrap_or(true),
        modification_protection: modification_protection(instance).unwrap_or(true),
        tags: tags(context),
        replaces: None,
    }
}

/// What annotations name of the CLB. A reused one is the user's: of it only the tags.
pub(super) fn named(context: &Context<'_>) -> NamedAttributes {
    let instance = &context.annotations().instance;
    let additional_tags = additional_tags(context);
    if !context.owns_load_balancer() {
        return NamedAttributes {
            additional_tags,
            ..NamedAttributes::default()
        };
    }
    // An internal CLB has no Internet traffic whose payment could be changed.
    let internet = address_type(instance) == AddressType::Internet;
    NamedAttributes {
        name: text(instance.name.as_ref()),
        spec: text(instance.spec.as_ref()),
        instance_charge_type: value(instance.instance_charge_type.as_ref()),
        internet_charge_type: value(instance.charge_type.as_ref()).filter(|_| internet),
        bandwidth: instance
            .bandwidth
            .as_ref()
            .map(|written| written.value.get())
            .filter(|_| internet),
        delete_protection: delete_protection(instance),
        modification_protection: modification_protection(instance),
        additional_tags,
        address_type: value(instance.address_type.as_ref()),
        ip_version: value(instance.ip_version.as_ref()),
        // Another one does nothing, which is said of it.
        network_type: instance
            .network_type
            .as_ref()
            .filter(|written| (written.value == NetworkType::Classic) == internet)
            .map(|written| written.text.clone()),
        vswitch_id: text(instance.vswitch_id.as_ref()),
        address: text(instance.address.as_ref()),
        master_zone_id: text(instance.master_zone.as_ref()),
        slave_zone_id: text(instance.slave_zone.as_ref()),
        resource_group_id: text(instance.resource_group.as_ref()),
    }
}

/// What the Service's status shows.
pub(super) fn status(context: &Context<'_>) -> StatusWish {
    let instance = &context.annotations().instance;
    StatusWish {
        hostname: text(instance.hostname.as_ref()),
        eip: instance.external_ip_type.is_some(),
        ip_mode_proxy: context.inputs.cluster.ip_mode_proxy,
    }
}

/// Whether the CLB faces the Internet.
pub(super) fn address_type(instance: &InstanceAnnotations) -> AddressType {
    value(instance.address_type.as_ref()).unwrap_or(AddressType::Internet)
}

/// The family of the CLB's address: the annotation's, or that of the Service's first IP family. Internal CLBs
/// are IPv4 only.
pub(super) fn ip_version(context: &Context<'_>) -> IpVersion {
    let instance = &context.annotations().instance;
    value(instance.ip_version.as_ref()).unwrap_or_else(|| {
        let first = context.inputs.service.ip_families.first();
        match (first, address_type(instance)) {
            (Some(IpFamily::V6), AddressType::Internet) => IpVersion::V6,
            _ => IpVersion::V4,
        }
    })
}

/// The family of the CLB that the Service has or is to have: that of the one that is there, because it does not change. None while it is
/// not known: nothing shows yet of a reused one, or what asks for it cannot be read.
pub(super) fn family(context: &Context<'_>) -> Option<IpVersion> {
    let is_readable = context.annotations().instance.ip_version.is_some() || !context.read.has(&IP_VERSION);
    let asked = (context.owns_load_balancer() && is_readable).then(|| ip_version(context));
    context.inputs.facts.ip_version.or(asked)
}

/// How traffic is paid; an internal CLB has none that costs.
pub(super) fn internet_charge_type(instance: &InstanceAnnotations) -> InternetChargeType {
    match address_type(instance) {
        AddressType::Intranet => InternetChargeType::PayByTraffic,
        AddressType::Internet => {
            value(instance.charge_type.as_ref()).unwrap_or(InternetChargeType::PayByTraffic)
        }
    }
}

/// How the instance is paid: as said, or by specification where something else that is said needs it
/// (PayByCLCU cannot pay by bandwidth), or as the cluster's settings say.
fn instance_charge_type(context: &Context<'_>) -> InstanceChargeType {
    let instance = &context.annotations().instance;
    value(instance.instance_charge_type.as_ref()).unwrap_or_else(|| {
        let by_bandwidth = internet_charge_type(instance) == InternetChargeType::PayByBandwidth;
        if instance.spec.is_some() || by_bandwidth {
            InstanceChargeType::PayBySpec
        } else {
            context.inputs.cluster.default_instance_charge_type
        }
    })
}

fn default_name(context: &Context<'_>) -> String {
    marks::default_name(&context.inputs.service.uid)
}

/// Our two tags and the additional ones.
fn tags(context: &Context<'_>) -> BTreeMap<String, String> {
    let mut tags = additional_tags(context).unwrap_or_default();
    tags.insert(marks::OWNER_TAG.to_owned(), default_name(context));
    tags.insert(
        marks::CLUSTER_TAG.to_owned(),
        context.inputs.cluster.id.to_string(),
    );
    tags
}

/// The user's tags, as many as the quota leaves beside ours; in the order of their keys, so that they are the
/// same each time.
fn additional_tags(context: &Context<'_>) -> Option<BTreeMap<String, String>> {
    let written = context.annotations().instance.additional_tags.as_ref()?;
    let room = room_for_tags(context);
    let kept = written.value.as_map().iter().take(room);
    Some(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
}

fn room_for_tags(context: &Context<'_>) -> usize {
    let ours = if context.owns_load_balancer() {
        OUR_TAGS
    } else {
        OUR_TAGS_ON_REUSED
    };
    context
        .inputs
        .cluster
        .quotas
        .tags_per_load_balancer
        .saturating_sub(ours)
}

/// Says which tags the quota leaves out.
pub(super) fn notices(context: &Context<'_>) -> Option<Notice> {
    let written = context.annotations().instance.additional_tags.as_ref()?;
    let left_out: Vec<&str> = written
        .value
        .as_map()
        .keys()
        .skip(room_for_tags(context))
        .map(String::as_str)
        .collect();
    (!left_out.is_empty()).then(|| Notice {
        warning: true,
        reason: reason::QUOTA_EXCEEDED,
        message: format!(
            "quota of tags per CLB ({}, the controller's own counted): left out {}",
            context.inputs.cluster.quotas.tags_per_load_balancer,
            left_out.join(", ")
        ),
    })
}

fn delete_protection(instance: &InstanceAnnotations) -> Option<bool> {
    instance
        .delete_protection
        .as_ref()
        .map(|written| written.value.is_on())
}

fn modification_protection(instance: &InstanceAnnotations) -> Option<bool> {
    instance
        .modification_protection
        .as_ref()
        .map(|written| written.value == ModificationProtection::ConsoleProtection)
}

fn value<T: Copy>(written: Option<&Written<T>>) -> Option<T> {
    written.map(|written| written.value)
}

fn text<T>(written: Option<&Written<T>>) -> Option<String> {
    written.map(|written| written.text.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annotations::instance::BANDWIDTH;

    #[test]
    fn the_default_bandwidth_is_that_of_the_table() {
        assert_eq!(BANDWIDTH.default, DEFAULT_BANDWIDTH.to_string());
    }
}
