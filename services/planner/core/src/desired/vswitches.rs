//! The vSwitch of an internal CLB that an annotation names, and the static address in it.

use std::net::{IpAddr, Ipv4Addr};

use clb_model::cloud::{AddressHolder, AddressType, StaticAddress};
use clb_model::marks::default_name;
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

/// What has to be known: the vSwitch first, because who has an address is of interest only for one that the CLB can have.
pub(super) fn questions(context: &Context<'_>) -> impl Iterator<Item = Question> {
    let vswitch = named(context).map(|written| Question::VSwitch(written.text.clone()));
    let address = static_address(context).map(Question::StaticAddress);
    vswitch.into_iter().chain(address)
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
    problems.extend(address_problem(context, &written.text, known));
    problems
}

/// What is wrong with the address.
fn address_problem(context: &Context<'_>, vswitch_id: &str, known: &VSwitchFact) -> Option<Problem> {
    let address = context.annotations().instance.address.as_ref()?;
    if let Some(range) = known.cidr
        && !can_be_of(range, address.value)
    {
        let allowed = format!(
            "an address of vSwitch {vswitch_id} ({range}) that the cloud does not keep for itself, as it does the first and the last three"
        );
        return Some(address.problem(allowed, ADDRESS.example));
    }
    let holder = holder(context, &static_address(context)?)?;
    let range = known.cidr.map(|range| format!(" ({range})")).unwrap_or_default();
    let allowed =
        format!("an address of vSwitch {vswitch_id}{range} that nothing else has; {holder} has this one");
    Some(address.problem(allowed, ADDRESS.example))
}

/// What else has the address. A CLB that carries this Service's mark is its own, which the mirror does not show yet.
fn holder<'a>(context: &Context<'a>, address: &StaticAddress) -> Option<&'a AddressHolder> {
    let holder = context.inputs.facts.static_addresses.get(address)?.as_ref()?;
    let own = default_name(&context.inputs.service.uid);
    let is_own = matches!(holder, AddressHolder::LoadBalancer { owner, .. } if *owner == own);
    (!is_own).then_some(holder)
}

/// The address that a CLB is to be created with, where nothing is wrong with it that is known already.
fn static_address(context: &Context<'_>) -> Option<StaticAddress> {
    let written = named(context)?;
    let address = context.annotations().instance.address.as_ref()?.value;
    let known: &VSwitchFact = context.inputs.facts.vswitches.get(&written.text)?.as_ref()?;
    let fits = known.vpc_id == context.inputs.cluster.vpc_id
        && known.cidr.is_none_or(|range| can_be_of(range, address));
    (fits && !context.inputs.facts.address_is_given).then(|| StaticAddress {
        vpc_id: known.vpc_id.clone(),
        vswitch_id: written.text.clone(),
        address,
    })
}

/// An address of the vSwitch that is named, none that is known to be taken.
pub(super) fn example_address(context: &Context<'_>) -> Option<String> {
    let written = context.annotations().instance.vswitch_id.as_ref()?;
    let known: &VSwitchFact = context.inputs.facts.vswitches.get(&written.text)?.as_ref()?;
    let Some(IpNet::V4(range)) = known.cidr else {
        return None;
    };
    let (first, last) = usable(range);
    let half = (u32::from(range.broadcast()) - u32::from(range.network())) / 2;
    let address = first
        .saturating_add(half)
        .saturating_add(BEHIND_THE_MIDDLE)
        .min(last);
    let is_held = |address: Ipv4Addr| {
        let mut known = context.inputs.facts.static_addresses.iter();
        known.any(|(held, by)| held.vswitch_id == written.text && held.address == address && by.is_some())
    };
    (address..=last)
        .chain(first..address)
        .map(Ipv4Addr::from)
        .find(|address| !is_held(*address))
        .map(|address| address.to_string())
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
