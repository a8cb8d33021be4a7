//! vServer groups with their backends. Ports whose group has the same name share it.

use std::collections::{BTreeMap, BTreeSet};

use clb_model::cloud::{Backend, Server};

use super::backends::{self, PortBackends};
use super::context::Context;
use super::listeners::is_on;
use super::{DesiredVServerGroup, VServerGroupIdentity};
use crate::problem::{Notice, first_few, reason};
use crate::settings::BackendType;

/// How many backends that cannot be used are named.
const MOST_NAMED: usize = 10;

/// The groups, ordered by identity and mark, with what there is to say of them.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// The groups.
    pub(super) groups: Vec<DesiredVServerGroup>,
    /// Backends that cannot be used.
    pub(super) notices: Vec<Notice>,
    /// When a Node's grace time ends.
    pub(super) wake_at_ms: Option<u64>,
}

/// The groups of all ports. A port that redirects has one too, as Alibaba's controller leaves it. In a reused
/// group each port has its own entry, because its backends have its own mark.
pub(super) fn groups(context: &Context<'_>) -> Groups {
    let mut by_mark: BTreeMap<(VServerGroupIdentity, String), Vec<PortBackends>> = BTreeMap::new();
    for port in &context.ports.ports {
        let (Some(identity), Some(mark)) = (context.vgroup_identity(port), context.vgroup_mark(port)) else {
            continue;
        };
        let found = backends::of_port(context, port, &mark);
        by_mark.entry((identity, mark)).or_default().push(found);
    }
    let mut all = Groups::default();
    let mut unusable = Vec::new();
    for ((identity, mark), ports) in by_mark {
        let wakes = ports.iter().filter_map(|port| port.wake_at_ms);
        all.wake_at_ms = all.wake_at_ms.into_iter().chain(wakes).min();
        unusable.extend(ports.iter().flat_map(|port| port.unusable.iter().cloned()));
        if context.backend_type == BackendType::Eni {
            all.notices.extend(mixed(&mark, &ports));
        }
        all.groups.push(group(context, identity, mark, ports));
    }
    all.notices.extend(left_out(unusable));
    all
}

fn group(
    context: &Context<'_>,
    identity: VServerGroupIdentity,
    mark: String,
    ports: Vec<PortBackends>,
) -> DesiredVServerGroup {
    let ready_endpoints = ports
        .iter()
        .map(|port| port.ready_endpoints)
        .max()
        .unwrap_or_default();
    // Where only nodes that are out of service are left, it is not the user's word that none is.
    let left_out_by_user = ports
        .iter()
        .any(|port| port.left_out_by_user > 0 && port.out_of_service == 0);
    let unusable = ports.iter().any(|port| !port.unusable.is_empty());
    let keeps_weights = ports.iter().any(|port| port.keeps_weights);
    let (mut backends, mut if_present) = (Vec::new(), Vec::new());
    for port in ports {
        backends.extend(port.backends);
        if_present.extend(port.if_present);
    }
    let backends = ordered(backends);
    let if_present = ordered(if_present)
        .into_iter()
        .filter(|candidate| !backends.iter().any(|backend| backend.key() == candidate.key()))
        .collect();
    DesiredVServerGroup {
        may_become_empty: backends.is_empty() && left_out_by_user,
        identity,
        mark,
        backends,
        if_present,
        ignore_weight: is_on(context.annotations().backend.ignore_weight_update.as_ref()),
        keeps_weights,
        ready_endpoints,
        unusable,
    }
}

/// Ports of one target port's name share a group. Where pods know the name as another number for each of them (a name counts together
/// with its protocol), each listener also sends to the other's.
fn mixed<'p>(mark: &str, ports: &'p [PortBackends]) -> Option<Notice> {
    // A server that only one of them has says nothing: the EndpointSlices of the other may be on their way.
    let mut seen: BTreeMap<Server<'p>, BTreeSet<u16>> = BTreeMap::new();
    let differs = ports.iter().any(|port| {
        let mut numbers: BTreeMap<Server<'p>, BTreeSet<u16>> = BTreeMap::new();
        for key in port.backends.iter().map(Backend::key) {
            numbers.entry(key.server).or_default().insert(key.port);
        }
        let differs = numbers
            .iter()
            .any(|(server, ports)| seen.get(server).is_some_and(|before| before != ports));
        seen.extend(numbers);
        differs
    });
    differs.then(|| Notice {
        warning: true,
        reason: reason::FIELD_WITHOUT_EFFECT,
        message: format!(
            "spec.ports[].targetPort: several ports share vServer group {mark}, because their target ports have one name, but pods listen \
             to different numbers for them: their listeners send to all of these. Name the target ports by number, or differently"
        ),
    })
}

fn ordered(mut backends: Vec<Backend>) -> Vec<Backend> {
    backends.sort_by(|one, other| one.key().cmp(&other.key()));
    backends.dedup_by(|one, other| one.key() == other.key());
    backends
}

fn left_out(mut reasons: Vec<String>) -> Option<Notice> {
    reasons.sort();
    reasons.dedup();
    (!reasons.is_empty()).then(|| Notice {
        warning: true,
        reason: reason::BACKEND_LEFT_OUT,
        message: format!(
            "left out of the backends: {}",
            first_few(reasons, MOST_NAMED, "; ")
        ),
    })
}
