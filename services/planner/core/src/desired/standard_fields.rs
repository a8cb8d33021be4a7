//! Fields of the Service itself that Alibaba's controller ignores: session affinity, source ranges, IP families.
//!
//! On a CLB that Alibaba's controller made, session affinity and source ranges start only where the settings say so: until then
//! nothing must change without a person's knowing.

use clb_model::cloud::ListenerProtocol;
use ipnet::IpNet;

use super::context::Context;
use crate::annotations::listener::{ACL_ID, ACL_STATUS, ACL_TYPE};
use crate::problem::{Notice, Problem, reason};

/// The longest time for which the cloud keeps a client with its backend.
const LONGEST_PERSISTENCE_SECONDS: u32 = 3600;
/// What the types of our conditions begin with.
const OUR_CONDITIONS: &str = "service.k8s.alibaba/";
/// Type of the condition that remembers that the CLB was there before us.
pub const ADOPTED_CONDITION: &str = "service.k8s.alibaba/Adopted";

/// Whether the fields are honoured.
fn honoured(context: &Context<'_>) -> bool {
    context.inputs.cluster.standard_fields_on_adopted || !is_adopted(context)
}

/// Whether the Service had an address before any condition of ours: now, or when we first saw it.
fn is_adopted(context: &Context<'_>) -> bool {
    let service = context.inputs.service;
    let mut ours = service
        .conditions
        .iter()
        .filter(|condition| condition.kind.starts_with(OUR_CONDITIONS))
        .peekable();
    if ours.peek().is_none() {
        return !service.ingress.is_empty();
    }
    ours.any(|condition| condition.kind == ADOPTED_CONDITION)
}

/// For how long a client stays with its backend because of `sessionAffinity: ClientIP`.
pub(super) fn persistence_seconds(context: &Context<'_>) -> Option<u32> {
    context
        .inputs
        .service
        .client_ip_affinity_seconds
        .filter(|_| honoured(context))
        .map(|seconds| seconds.min(LONGEST_PERSISTENCE_SECONDS))
}

/// `loadBalancerSourceRanges`, ordered, each once.
pub(super) fn source_ranges(context: &Context<'_>) -> Vec<IpNet> {
    if !honoured(context) || !context.manages_listeners() {
        return Vec::new();
    }
    let mut ranges: Vec<IpNet> = context
        .inputs
        .service
        .source_ranges
        .iter()
        .filter_map(|range| parse_range(range))
        .collect();
    ranges.sort();
    ranges.dedup();
    ranges
}

/// Kubernetes takes blanks around a range.
fn parse_range(range: &str) -> Option<IpNet> {
    range.trim().parse().ok().map(|range: IpNet| range.trunc())
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
            example: String::new(),
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
        say(
            true,
            "spec.ipFamilyPolicy asks for both families; a CLB has one address, of the Service's first family".to_owned(),
        );
    }
    if let Some(seconds) = service.client_ip_affinity_seconds {
        let has_tcp = context
            .managed_ports()
            .iter()
            .any(|port| port.protocol == ListenerProtocol::Tcp);
        if !honoured(context) {
            say(true, not_yet("spec.sessionAffinity"));
        } else if !has_tcp {
            say(
                true,
                "spec.sessionAffinity has no effect here: only TCP listeners that are managed keep clients by address".to_owned(),
            );
        } else if seconds > LONGEST_PERSISTENCE_SECONDS
            && context.annotations().listener.persistence_timeout.is_none()
        {
            say(
                false,
                format!(
                    "spec.sessionAffinityConfig asks for {seconds} s; a CLB keeps a client for {LONGEST_PERSISTENCE_SECONDS} s at most"
                ),
            );
        }
    }
    if !service.source_ranges.is_empty() {
        if !honoured(context) {
            say(true, not_yet("spec.loadBalancerSourceRanges"));
        } else if !context.manages_listeners() {
            say(
                true,
                "spec.loadBalancerSourceRanges has no effect here: the listeners of the reused CLB are not managed".to_owned(),
            );
        }
    }
    notices
}

fn not_yet(field: &str) -> String {
    format!(
        "{field} is not in force: the CLB was made by Alibaba's controller, which ignores it; the planner's setting for adopted CLBs starts it"
    )
}
