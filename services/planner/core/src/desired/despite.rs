//! The backends of a Service that has mistakes: it keeps working as it was, and its backends are still followed, as far as what is
//! wrong leaves known which they are.

use clb_model::cloud::{Backend, BackendTarget, LoadBalancer};
use clb_model::cluster::Node;

use super::context::Context;
use super::{DesiredVServerGroup, GatedPod, Inputs, checks, families, readiness_gates, vgroups};
use crate::annotations::Row;
use crate::annotations::backend::{
    BACKEND_IP_VERSION, BACKEND_LABEL, DEFAULT_WEIGHT, IGNORE_WEIGHT_UPDATE, REMOVE_UNSCHEDULED, VGROUP_PORT,
    WEIGHT,
};
use crate::settings::BackendType;

/// What is followed of a Service that has mistakes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Followed {
    /// The groups with their backends, ordered by identity.
    pub vgroups: Vec<DesiredVServerGroup>,
    /// Pods that wait for our readiness gate, ordered by UID.
    pub gated_pods: Vec<GatedPod>,
    /// When to look again, because a Node's grace time ends then.
    pub wake_at_ms: Option<u64>,
}

/// The groups with their backends of a Service that has mistakes and worked before, on this CLB.
///
/// Backends that may have been left out by a value that cannot be read stay where they are attached and are not added. Weights that
/// cannot be read stay, and who comes weighs as much as those who are there.
#[must_use]
pub fn backends_despite_problems(inputs: Inputs<'_>, load_balancer: &LoadBalancer) -> Followed {
    let mut declared = Context::new(inputs);
    let unread = Unread::of(&declared);
    let mut other = Context::new(inputs);
    other.backend_type = match declared.backend_type {
        BackendType::Ecs => BackendType::Eni,
        BackendType::Eni => BackendType::Ecs,
    };
    if unread.family {
        // A CLB with an IPv4 address reaches IPv4 pods only, whatever the annotation was.
        if has_both_families(&inputs) && families::reaches_v6(&declared) {
            return Followed::default();
        }
        for context in [&mut declared, &mut other] {
            context.read.annotations.backend.backend_ip_version = None;
        }
    }
    // The type of the backends may have changed with the mistake, or be what is wrong: the groups that are in use tell what it was.
    let mut in_use = vgroups::groups(&other);
    in_use.groups.retain(|group| is_in_use(group, load_balancer));
    let (context, mut found) = if in_use.groups.is_empty() {
        let groups = vgroups::groups(&declared);
        (declared, groups)
    } else {
        (other, in_use)
    };
    if families::reaches_no_pod(&context) {
        // That the Service has no other pods any more is not known.
        return Followed::default();
    }
    for group in &mut found.groups {
        unread.loosen(group, &inputs, load_balancer);
    }
    Followed {
        gated_pods: readiness_gates::gated_pods(&context),
        vgroups: found.groups,
        wake_at_ms: found.wake_at_ms,
    }
}

/// Whether the CLB has the group as one of ours, or backends of it in one of the user's.
fn is_in_use(group: &DesiredVServerGroup, load_balancer: &LoadBalancer) -> bool {
    load_balancer.vgroups.values().any(|present| {
        present.name == group.mark
            || present
                .backends
                .iter()
                .any(|backend| backend.description == group.mark)
    })
}

fn has_both_families(inputs: &Inputs<'_>) -> bool {
    let mut addresses = inputs
        .service
        .endpoints
        .iter()
        .flat_map(|set| &set.endpoints)
        .map(|endpoint| endpoint.address.is_ipv4());
    let first = addresses.next();
    addresses.any(|v4| Some(v4) != first)
}

/// Which annotations about backends have a value that cannot be read or cannot be.
#[derive(Debug, Clone, Copy)]
struct Unread {
    label: bool,
    remove_unscheduled: bool,
    weights: bool,
    ignore_weight: bool,
    family: bool,
}

impl Unread {
    fn of(context: &Context<'_>) -> Self {
        let problems = checks::problems(context);
        let unread = |rows: &[&Row]| {
            problems
                .iter()
                .any(|problem| rows.iter().any(|row| row.names().contains(&problem.place)))
        };
        Self {
            label: unread(&[&BACKEND_LABEL]),
            remove_unscheduled: unread(&[&REMOVE_UNSCHEDULED]),
            weights: unread(&[&WEIGHT, &DEFAULT_WEIGHT, &VGROUP_PORT]),
            ignore_weight: unread(&[&IGNORE_WEIGHT_UPDATE]),
            family: unread(&[&BACKEND_IP_VERSION]),
        }
    }

    /// Takes out of a wish what nobody knows to be wished.
    fn loosen(self, group: &mut DesiredVServerGroup, inputs: &Inputs<'_>, load_balancer: &LoadBalancer) {
        let may_be_left_out = |backend: &Backend| match &backend.target {
            BackendTarget::Interface { .. } => false,
            BackendTarget::Instance(id) => {
                let is_cordoned = |node: &Node| node.unschedulable && node.instance_id() == Some(id);
                self.label || (self.remove_unscheduled && inputs.nodes.values().any(is_cordoned))
            }
        };
        let (uncertain, certain) = std::mem::take(&mut group.backends)
            .into_iter()
            .partition(may_be_left_out);
        group.backends = certain;
        group.if_present.extend::<Vec<Backend>>(uncertain);
        group.if_present.sort_by(|one, other| one.key().cmp(&other.key()));
        if self.weights {
            let present = load_balancer
                .vgroups
                .values()
                .flat_map(|present| &present.backends);
            let weight = present
                .filter(|backend| backend.description == group.mark)
                .map(|backend| backend.weight)
                .max();
            for backend in &mut group.backends {
                backend.weight = weight.unwrap_or(backend.weight);
            }
        }
        // A share of a weight depends on how many there are.
        group.ignore_weight |= self.weights || self.ignore_weight || self.label || self.remove_unscheduled;
    }
}
