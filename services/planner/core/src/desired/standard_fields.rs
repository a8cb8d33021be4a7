//! Fields of the Service itself that Alibaba's controller ignores: session affinity, source ranges, IP
//! families.
//!
//! On a CLB that Alibaba's controller made, session affinity and source ranges start only where the settings
//! say so: until then nothing must change without a person's knowing.

use clb_model::cloud::{IpVersion, ListenerProtocol};
use ipnet::IpNet;
use serde::Serialize;

use super::context::Context;
use super::families::one_address;
use super::health_check;
use super::load_balancer;
use crate::annotations::instance::{ADDRESS, LOAD_BALANCER_ID};
use crate::annotations::listener::{ACL_ID, ACL_STATUS, ACL_TYPE};
use crate::conditions::{HEALTH_CHECK_NODE_PORT, SESSION_AFFINITY, is_adopted, message_of};
use crate::problem::{Notice, Problem, first_few, reason};

/// Ranges that a message names. A list may hold hundreds, an event's text 1 KiB.
const MOST_NAMED: usize = 5;
/// The longest time for which the cloud keeps a client with its backend.
const LONGEST_PERSISTENCE_SECONDS: u32 = 3600;

/// What fields of the Service, and no annotation, have put on its listeners. A condition remembers each, so that it is taken back once
/// the field no longer asks for it: a value that a person has set is not told from it otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct FieldsInForce {
    /// `sessionAffinity: ClientIP`: for how many seconds TCP listeners keep a client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_affinity_seconds: Option<u32>,
    /// `healthCheckNodePort`: where health checks ask kube-proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check_node_port: Option<u16>,
}

impl FieldsInForce {
    /// Whether no field has put anything there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// See [`FieldsInForce`].
pub(super) fn in_force(context: &Context<'_>) -> FieldsInForce {
    let mut ports = context.managed_ports().iter();
    let keeps_clients = ports.any(|port| port.protocol == ListenerProtocol::Tcp);
    let annotated = context.annotations().listener.persistence_timeout.is_some();
    FieldsInForce {
        session_affinity_seconds: affinity_seconds(context).filter(|_| keeps_clients && !annotated),
        health_check_node_port: context
            .managed_ports()
            .iter()
            .filter(|port| port.forward_to.is_none())
            .find_map(|port| health_check::node_port(context, port)),
    }
}

/// Where health checks asked kube-proxy according to the condition that remembers it.
pub(super) fn remembered_health_check_node_port(context: &Context<'_>) -> Option<u16> {
    message_of(context.inputs.service, HEALTH_CHECK_NODE_PORT)?
        .parse()
        .ok()
}

/// Whether the fields are honoured.
pub(super) fn honoured(context: &Context<'_>) -> bool {
    context.inputs.cluster.standard_fields_on_adopted || !is_adopted(context.inputs.service)
}

/// What a TCP listener is told because of `sessionAffinity`: 0 where the field had set it and says `None` now.
pub(super) fn persistence_seconds(context: &Context<'_>) -> Option<u32> {
    let service = context.inputs.service;
    let taken_back = || {
        let was_set = message_of(service, SESSION_AFFINITY).is_some();
        (was_set && service.client_ip_affinity_seconds.is_none()).then_some(0)
    };
    affinity_seconds(context).or_else(taken_back)
}

/// For how long a client stays with its backend because of `sessionAffinity: ClientIP`.
fn affinity_seconds(context: &Context<'_>) -> Option<u32> {
    context
        .inputs
        .service
        .client_ip_affinity_seconds
        .filter(|_| honoured(context))
        .map(|seconds| seconds.min(LONGEST_PERSISTENCE_SECONDS))
}

/// `loadBalancerSourceRanges` of the CLB's family, ordered, each once.
pub(super) fn source_ranges(context: &Context<'_>) -> Vec<IpNet> {
    if !restricts(context) {
        return Vec::new();
    }
    let mut ranges: Vec<IpNet> = context
        .inputs
        .service
        .source_ranges
        .iter()
        .filter_map(|range| parse_range(range))
        .filter(|range| fits(context, *range))
        .collect();
    ranges.sort();
    ranges.dedup();
    ranges
}

/// Kubernetes takes blanks around a range.
fn parse_range(range: &str) -> Option<IpNet> {
    range.trim().parse().ok().map(|range: IpNet| range.trunc())
}

/// Whether a range can be in an access control list of the CLB: one list holds one family. While that of the CLB is not known nothing is
/// made, so nothing is to be said either.
fn fits(context: &Context<'_>, range: IpNet) -> bool {
    match load_balancer::family(context) {
        None => true,
        Some(IpVersion::V4) => matches!(range, IpNet::V4(_)),
        Some(IpVersion::V6) => matches!(range, IpNet::V6(_)),
    }
}

/// Whether the ranges are in force, or would be without a mistake.
fn restricts(context: &Context<'_>) -> bool {
    honoured(context) && context.manages_listeners()
}

/// Mistakes in these fields.
pub(super) fn problems(context: &Context<'_>) -> Vec<Problem> {
    let service = context.inputs.service;
    let mut problems: Vec<Problem> = service
        .source_ranges
        .iter()
        .enumerate()
        .filter(|(_, range)| parse_range(range).is_none())
        .map(|(index, range)| Problem {
            place: format!("spec.loadBalancerSourceRanges[{index}]"),
            value: range.clone(),
            allowed: "an address range in CIDR notation".to_owned(),
            example: "10.0.0.0/8".to_owned(),
        })
        .collect();
    let valid: Vec<IpNet> = service
        .source_ranges
        .iter()
        .filter_map(|range| parse_range(range))
        .collect();
    // An empty list would let everyone in.
    if let Some(family) = load_balancer::family(context)
        && !valid.is_empty()
        && !valid.iter().any(|range| fits(context, *range))
        && restricts(context)
    {
        problems.push(Problem {
            place: "spec.loadBalancerSourceRanges".to_owned(),
            value: service.source_ranges.join(","),
            allowed: format!("at least one range of the CLB's family, {family}"),
            example: match family {
                IpVersion::V4 => "10.0.0.0/8",
                IpVersion::V6 => "2001:db8::/32",
            }
            .to_owned(),
        });
    }
    let quota = context.inputs.cluster.quotas.entries_per_access_list;
    if valid.len() > quota && honoured(context) {
        problems.push(Problem {
            place: "spec.loadBalancerSourceRanges".to_owned(),
            value: format!("{} ranges", valid.len()),
            allowed: format!(
                "at most {quota} ranges, the account's quota of entries in an access control list"
            ),
            example: "10.0.0.0/8 in place of the ranges in it".to_owned(),
        });
    }
    let with_acl = [&ACL_STATUS, &ACL_ID, &ACL_TYPE]
        .into_iter()
        .filter(|row| context.read.has(row))
        .map(|row| row.suffix)
        .collect::<Vec<_>>();
    if !service.source_ranges.is_empty() && !with_acl.is_empty() && honoured(context) {
        problems.push(Problem {
            place: "spec.loadBalancerSourceRanges".to_owned(),
            value: service.source_ranges.join(","),
            allowed: format!(
                "either source ranges or the annotations for access control lists, not both ({} set)",
                with_acl.join(", ")
            ),
            example: format!(
                "{} without {}",
                first_few(service.source_ranges.clone(), MOST_NAMED, ","),
                with_acl.join(", ")
            ),
        });
    }
    problems
}

/// Remarks on these fields.
pub(super) fn notices(context: &Context<'_>) -> Vec<Notice> {
    let service = context.inputs.service;
    let mut notices = Vec::new();
    let mut say = |warning: bool, message: String| {
        notices.push(Notice {
            warning,
            reason: reason::FIELD_WITHOUT_EFFECT,
            message,
        });
    };
    if service.dual_stack {
        let family = load_balancer::family(context).unwrap_or_else(|| load_balancer::ip_version(context));
        say(true, one_address(service, family));
    }
    if let Some(address) = &service.load_balancer_ip
        && !service
            .ingress
            .iter()
            .any(|ingress| ingress.ip.as_ref() == Some(address))
    {
        say(
            true,
            format!(
                "spec.loadBalancerIP: {address} has no effect here: the cloud chooses the address of an Internet-facing CLB, annotation {} \
                 that of an internal one, and annotation {} names a CLB that is there",
                ADDRESS.name(),
                LOAD_BALANCER_ID.name()
            ),
        );
    }
    if let Some(seconds) = service.client_ip_affinity_seconds {
        let has_tcp = context
            .managed_ports()
            .iter()
            .any(|port| port.protocol == ListenerProtocol::Tcp);
        if !honoured(context) {
            let ports = managed(context, |protocol| protocol == ListenerProtocol::Tcp);
            let seconds = seconds.min(LONGEST_PERSISTENCE_SECONDS);
            let change = format!("{ports} would keep a client with its backend for {seconds} s");
            say(true, not_yet("spec.sessionAffinity", &change));
        } else if !has_tcp {
            say(
                true,
                "spec.sessionAffinity has no effect here: only TCP listeners that are managed keep clients \
                 by address"
                    .to_owned(),
            );
        } else if seconds > LONGEST_PERSISTENCE_SECONDS
            && context.annotations().listener.persistence_timeout.is_none()
        {
            say(
                false,
                format!(
                    "spec.sessionAffinityConfig asks for {seconds} s; a CLB keeps a client for \
                     {LONGEST_PERSISTENCE_SECONDS} s at most"
                ),
            );
        }
    }
    if !service.source_ranges.is_empty() {
        if !honoured(context) {
            let ports = managed(context, |_| true);
            let ranges = first_few(service.source_ranges.clone(), MOST_NAMED, ", ");
            let change = format!("{ports} would let in only {ranges}");
            say(true, not_yet("spec.loadBalancerSourceRanges", &change));
        } else if !context.manages_listeners() {
            say(
                true,
                "spec.loadBalancerSourceRanges has no effect here: the listeners of the reused CLB are not \
                 managed"
                    .to_owned(),
            );
        }
    }
    let of_other_family: Vec<String> = service
        .source_ranges
        .iter()
        .filter(|range| parse_range(range).is_some_and(|range| !fits(context, range)))
        .cloned()
        .collect();
    if !of_other_family.is_empty() && restricts(context) {
        say(
            true,
            format!(
                "spec.loadBalancerSourceRanges: {} are not of the CLB's family and have no effect",
                first_few(of_other_family, MOST_NAMED, ", ")
            ),
        );
    }
    notices
}

/// The listeners of such protocols, for people.
fn managed(context: &Context<'_>, is_meant: impl Fn(ListenerProtocol) -> bool) -> String {
    let listeners: Vec<String> = context
        .managed_ports()
        .iter()
        .filter(|port| is_meant(port.protocol) && port.forward_to.is_none())
        .map(|port| port.key().to_string())
        .collect();
    format!("listener {}", listeners.join(", "))
}

fn not_yet(field: &str, change: &str) -> String {
    format!(
        "{field} is not in force: the CLB was made by Alibaba's controller, which ignores it. With the planner's \
         setting standard_fields_on_adopted {change}"
    )
}
