//! Mistakes that annotations for the CLB itself and for its groups make together.

use clb_model::cloud::{AddressType, InstanceChargeType, InternetChargeType, IpVersion};
use clb_model::marks;

use super::missing;
use crate::annotations::backend::BACKEND_TYPE;
use crate::annotations::instance::{
    ADDITIONAL_TAGS, ADDRESS_TYPE, CHARGE_TYPE, INSTANCE_CHARGE_TYPE, IP_VERSION, LOAD_BALANCER_ID,
    MASTER_ZONE, SLAVE_ZONE, VSWITCH_ID,
};
use crate::desired::context::Context;
use crate::desired::{families, load_balancer};
use crate::problem::Problem;

pub(super) fn problems(context: &Context<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    problems.extend(reuse(context));
    problems.extend(tags(context));
    problems.extend(backend_family(context));
    // Of a reused CLB nothing is created, so what would be wrong at creation does nothing instead.
    if context.owns_load_balancer() {
        problems.extend(charge(context));
        problems.extend(address(context));
        problems.extend(zones(context));
    }
    problems
}

/// What is about a reused CLB needs its id.
fn reuse(context: &Context<'_>) -> Vec<Problem> {
    let instance = &context.annotations().instance;
    let mut problems = Vec::new();
    if instance
        .force_override
        .as_ref()
        .is_some_and(|written| written.value.is_true())
    {
        let because = "force-override-listeners is for a CLB of your own that the Service uses";
        problems.extend(missing(&context.read, &LOAD_BALANCER_ID, because));
    }
    if context.annotations().backend.vgroup_port.is_some() {
        let because = "vgroup-port is for groups of a CLB of your own that the Service uses";
        problems.extend(missing(&context.read, &LOAD_BALANCER_ID, because));
    }
    problems.dedup();
    problems
}

fn charge(context: &Context<'_>) -> Vec<Problem> {
    let instance = &context.annotations().instance;
    let Some(by_use) = instance
        .instance_charge_type
        .as_ref()
        .filter(|written| written.value == InstanceChargeType::PayByClcu)
    else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    if instance.spec.is_some() {
        problems.push(by_use.problem(
            "PayBySpec with spec, or PayByCLCU without it",
            InstanceChargeType::PayBySpec.as_str(),
        ));
    }
    if load_balancer::internet_charge_type(instance) == InternetChargeType::PayByBandwidth {
        problems.push(by_use.problem(
            format!(
                "PayBySpec with {} paybybandwidth: PayByCLCU pays by traffic only",
                CHARGE_TYPE.suffix
            ),
            INSTANCE_CHARGE_TYPE.example,
        ));
    }
    problems
}

fn address(context: &Context<'_>) -> Vec<Problem> {
    let instance = &context.annotations().instance;
    let internal = load_balancer::address_type(instance) == AddressType::Intranet;
    let mut problems = Vec::new();
    if let Some(address) = &instance.address {
        if !internal && !context.read.has(&ADDRESS_TYPE) {
            problems.extend(missing(
                &context.read,
                &ADDRESS_TYPE,
                "a static address is for an internal CLB: intranet",
            ));
        } else if !internal && instance.address_type.is_some() {
            problems.push(address.problem(
                format!("a static address only with {} intranet", ADDRESS_TYPE.suffix),
                format!("{}: \"{}\"", ADDRESS_TYPE.name(), AddressType::Intranet),
            ));
        }
        problems.extend(missing(
            &context.read,
            &VSWITCH_ID,
            "a static address needs the vSwitch that it is of",
        ));
    }
    let vswitches = &context.inputs.cluster.vswitches;
    if internal && vswitches.is_empty() {
        problems.extend(missing(
            &context.read,
            &VSWITCH_ID,
            "an internal CLB needs a vSwitch, and none is configured for the cluster",
        ));
    }
    if let Some(version) = &instance.ip_version
        && version.value == IpVersion::V6
        && internal
    {
        problems.push(version.problem(
            format!(
                "ipv4 with {} intranet: IPv6 is for Internet-facing CLBs",
                ADDRESS_TYPE.suffix
            ),
            IpVersion::V4.as_str(),
        ));
    }
    problems
}

fn zones(context: &Context<'_>) -> Vec<Problem> {
    let instance = &context.annotations().instance;
    let mut problems = Vec::new();
    if instance.master_zone.is_some() {
        problems.extend(missing(
            &context.read,
            &SLAVE_ZONE,
            "primary and secondary zone go together",
        ));
    }
    if instance.slave_zone.is_some() {
        problems.extend(missing(
            &context.read,
            &MASTER_ZONE,
            "primary and secondary zone go together",
        ));
    }
    problems
}

/// The user's tags must not be taken for ours.
fn tags(context: &Context<'_>) -> Option<Problem> {
    let written = context.annotations().instance.additional_tags.as_ref()?;
    let ours = [marks::OWNER_TAG, marks::CLUSTER_TAG, marks::REUSED_TAG];
    let taken = ours
        .iter()
        .find(|tag| written.value.as_map().contains_key(**tag))?;
    Some(written.problem(
        format!("tags other than the controller's own, of which {taken} is one"),
        ADDITIONAL_TAGS.example,
    ))
}

/// An IPv4 CLB reaches no IPv6 backend. Nodes have no such choice.
fn backend_family(context: &Context<'_>) -> Option<Problem> {
    let written = context.annotations().backend.backend_ip_version.as_ref();
    if let Some(written) = written.filter(|written| written.value == IpVersion::V6)
        && families::has_pods_as_backends(context)
        && !families::reaches_v6(context)
    {
        return Some(written.problem(
            format!("ipv4, or ipv6 with {} ipv6", IP_VERSION.suffix),
            IpVersion::V4.as_str(),
        ));
    }
    families::reaches_no_pod(context).then(|| Problem {
        place: "spec.ipFamilies".to_owned(),
        value: "IPv6".to_owned(),
        allowed: format!(
            "IPv4 too, because {} and does not reach IPv6 pods; or Nodes as backends (annotation {}: \"ecs\")",
            why_v4(context),
            BACKEND_TYPE.name()
        ),
        example: "IPv6, IPv4".to_owned(),
    })
}

/// Why the CLB has an IPv4 address though the Service's family is IPv6.
fn why_v4(context: &Context<'_>) -> String {
    let instance = &context.annotations().instance;
    if context.inputs.facts.ip_version.is_some() {
        "the Service's CLB has an IPv4 address, which cannot be changed,".to_owned()
    } else if instance.ip_version.is_some() {
        format!(
            "annotation {} asks for a CLB that has an IPv4 address",
            IP_VERSION.name_in(&context.inputs.service.annotations)
        )
    } else {
        format!(
            "a CLB that is internal (annotation {}) has an IPv4 address",
            ADDRESS_TYPE.name_in(&context.inputs.service.annotations)
        )
    }
}
