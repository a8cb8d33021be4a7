//! The vSwitch of an internal CLB that an annotation names, and the static address in it.

use std::net::{IpAddr, Ipv4Addr};

use clb_model::cloud::AddressType;
use ipnet::{IpNet, Ipv4Net};

use super::context::Context;
use super::load_balancer;
use crate::annotations::Written;
use crate::annotations::instance::{ADDRESS, VSWITCH_ID};
use crate::annotations::text::VSwitchId;
use crate::facts::{Question, VSwitchFact};
use crate::problem::Problem;

/// vSwitches that a message lists.
const LISTED: usize = 4;
/// Addresses at the end of a vSwitch that the cloud keeps for itself, with the first one of all.
const RESERVED_AT_THE_END: u32 = 3;
/// How far behind the middle of its vSwitch the address of an example is: Nodes and pods have theirs from the start on, CLBs from the end.
const BEHIND_THE_MIDDLE: u32 = 10;

/// What has to be known.
pub(super) fn question(context: &Context<'_>) -> Option<Question> {
    named(context).map(|written| Question::VSwitch(written.text.clone()))
}

/// What is wrong with the vSwitch, and with an address that should be of it.
pub(super) fn problems(context: &Context<'_>) -> Vec<Problem> {
    let Some(written) = named(context) else {
        return Vec::new();
    };
    let Some(known) = context.inputs.facts.vswitches.get(&written.text) else {
        return Vec::new();
    };
    let Some(known) = known else {
        let why = format!("{} does not exist in this region", written.text);
        return vec![written.problem(of_the_vpc(context, &why), VSWITCH_ID.example)];
    };
    let mut problems = Vec::new();
    if known.vpc_id != context.inputs.cluster.vpc_id {
        let why = format!("this one is of {}", known.vpc_id);
        problems.push(written.problem(of_the_vpc(context, &why), VSWITCH_ID.example));
    }
    if let Some(address) = &context.annotations().instance.address
        && let Some(range) = known.cidr
        && !can_be_of(range, address.value)
    {
        let allowed = format!(
            "an address of vSwitch {} ({range}) that the cloud does not keep for itself, as it does the first and the last three",
            written.text
        );
        problems.push(address.problem(allowed, ADDRESS.example));
    }
    problems
}

/// An address of the vSwitch that is named.
pub(super) fn example_address(context: &Context<'_>) -> Option<String> {
    let written = context.annotations().instance.vswitch_id.as_ref()?;
    let known: &VSwitchFact = context.inputs.facts.vswitches.get(&written.text)?.as_ref()?;
    let Some(IpNet::V4(range)) = known.cidr else {
        return None;
    };
    let (first, last) = usable(range);
    let half = (u32::from(range.broadcast()) - u32::from(range.network())) / 2;
    let address = first.saturating_add(half).saturating_add(BEHIND_THE_MIDDLE);
    (first <= last).then(|| Ipv4Addr::from(address.min(last)).to_string())
}

/// What is allowed, and why this one is not.
fn of_the_vpc(context: &Context<'_>, why: &str) -> String {
    let cluster = context.inputs.cluster;
    let configured: Vec<&str> = cluster
        .vswitches
        .iter()
        .take(LISTED)
        .map(|vswitch| vswitch.id.as_str())
        .collect();
    let instance = if configured.is_empty() {
        String::new()
    } else {
        format!(
            ", for instance one that is configured for the cluster ({})",
            configured.join(", ")
        )
    };
    format!(
        "a vSwitch of the cluster's VPC {} in {}{instance}; {why}",
        cluster.vpc_id, cluster.region
    )
}

/// The first and the last address of a vSwitch that a CLB can have. The first is behind the last in a range that has none.
fn usable(range: Ipv4Net) -> (u32, u32) {
    let first = u32::from(range.network()).saturating_add(1);
    let last = u32::from(range.broadcast()).saturating_sub(RESERVED_AT_THE_END);
    (first, last)
}

fn can_be_of(range: IpNet, address: Ipv4Addr) -> bool {
    let IpNet::V4(range) = range else {
        return range.contains(&IpAddr::V4(address));
    };
    let (first, last) = usable(range);
    (first..=last).contains(&u32::from(address))
}

/// The annotation, where it has something to act on.
fn named<'a>(context: &'a Context<'_>) -> Option<&'a Written<VSwitchId>> {
    let instance = &context.annotations().instance;
    instance.vswitch_id.as_ref().filter(|_| {
        context.owns_load_balancer() && load_balancer::address_type(instance) == AddressType::Intranet
    })
}
