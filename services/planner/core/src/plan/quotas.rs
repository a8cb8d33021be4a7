//! Shares out what quotas leave: a stable subset of the backends, spread over zones. What is attached stays, whatever a quota says.

use std::collections::BTreeMap;

use clb_model::cloud::{Backend, BackendTarget, LoadBalancer};
use clb_model::cluster::Node;
use sha2::{Digest as _, Sha256};

use super::PlanContext;

/// In how many vServer groups each ECS instance is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attachments(BTreeMap<String, usize>);

impl Attachments {
    /// Nothing is attached, or nothing is known.
    pub const NONE: Self = Self(BTreeMap::new());

    /// Counts over all CLBs of a cluster.
    #[must_use]
    pub fn count<'a>(load_balancers: impl IntoIterator<Item = &'a LoadBalancer>) -> Self {
        let mut counts = Self::NONE;
        for load_balancer in load_balancers {
            counts.add(load_balancer);
        }
        counts
    }

    /// A CLB has come into view. The planner's shell keeps one count for all Services of a cluster.
    pub fn add(&mut self, load_balancer: &LoadBalancer) {
        instances(load_balancer).for_each(|instance| self.attach(instance));
    }

    /// A CLB that was added has left the view.
    pub fn remove(&mut self, load_balancer: &LoadBalancer) {
        instances(load_balancer).for_each(|instance| self.detach(instance));
    }

    /// An instance is in one more group, or about to be.
    pub fn attach(&mut self, instance: &str) {
        *self.0.entry(instance.to_owned()).or_default() += 1;
    }

    /// It is in one group less.
    pub fn detach(&mut self, instance: &str) {
        if let Some(count) = self.0.get_mut(instance) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.0.remove(instance);
            }
        }
    }

    /// In how many groups an instance is.
    #[must_use]
    pub fn of(&self, instance: &str) -> usize {
        self.0.get(instance).copied().unwrap_or_default()
    }
}

/// The instance of each backend of each group.
fn instances(load_balancer: &LoadBalancer) -> impl Iterator<Item = &str> {
    load_balancer
        .vgroups
        .values()
        .flat_map(|vgroup| &vgroup.backends)
        .filter_map(|backend| match &backend.target {
            BackendTarget::Instance(id) => Some(id.as_str()),
            BackendTarget::Interface { .. } => None,
        })
}

/// What becomes of a backend that is to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allotment {
    /// There is room.
    Now,
    /// There is room once the removals of the same plan are done.
    AfterRemovals,
    /// There is room once the instance has left another group, which it does in the same plan.
    AfterLeaving,
    /// The CLB is full.
    LoadBalancerFull,
    /// The instance is in as many groups as it may be.
    InstanceFull,
}

/// Room on one CLB.
#[derive(Debug, Clone)]
pub(super) struct Room<'b> {
    /// Backends attached now, of whomever they are.
    pub(super) attached: usize,
    /// Those of them that stay in the groups of the Service, with their groups' numbers.
    pub(super) staying: Vec<(usize, &'b Backend)>,
    /// What the plan can remove of them.
    pub(super) removed: Leaving,
}

/// Backends that leave groups.
#[derive(Debug, Clone, Default)]
pub(super) struct Leaving {
    /// How many in all.
    count: usize,
    /// Of each instance.
    by_instance: BTreeMap<String, usize>,
}

impl Leaving {
    /// These leave too.
    pub(super) fn add<'b>(&mut self, backends: impl IntoIterator<Item = &'b Backend>) {
        for backend in backends {
            self.count += 1;
            if let BackendTarget::Instance(id) = &backend.target {
                *self.by_instance.entry(id.clone()).or_default() += 1;
            }
        }
    }

    /// How many in all.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Takes the room that they leave for a backend, which needs the instance's own where it is in too many groups. Whether there was any.
    pub(super) fn take(&mut self, allotment: Allotment, backend: &Backend) -> bool {
        if self.count == 0 {
            return false;
        }
        if allotment == Allotment::AfterLeaving {
            match self.of(backend) {
                Some(left) if *left > 0 => *left -= 1,
                _ => return false,
            }
        }
        self.count -= 1;
        true
    }

    fn of(&mut self, backend: &Backend) -> Option<&mut usize> {
        match &backend.target {
            BackendTarget::Instance(id) => self.by_instance.get_mut(id),
            BackendTarget::Interface { .. } => None,
        }
    }
}

/// Decides for each backend that is to be added, given as (number of its group, backend). The result is in the same order.
pub(super) fn allot(context: PlanContext<'_>, adds: &[(usize, &Backend)], room: &Room<'_>) -> Vec<Allotment> {
    let quotas = context.cluster.quotas;
    let now = quotas.backends_per_load_balancer.saturating_sub(room.attached);
    let in_all = quotas
        .backends_per_load_balancer
        .saturating_sub(room.attached.saturating_sub(room.removed.count()));
    let mut allotments = vec![Allotment::Now; adds.len()];
    let mut order: Vec<usize> = (0..adds.len()).collect();
    if adds.len() > now {
        let ranks = ranks(context, adds, &room.staying);
        order.sort_by_key(|index| ranks.get(*index).cloned());
    }
    let mut used = 0;
    let mut per_instance: BTreeMap<&str, usize> = BTreeMap::new();
    for index in order {
        let (Some((_, backend)), Some(allotment)) = (adds.get(index), allotments.get_mut(index)) else {
            continue;
        };
        let mut leaves_first = false;
        if let BackendTarget::Instance(id) = &backend.target {
            let planned = per_instance.entry(id).or_default();
            let groups = context.attachments.of(id) + *planned;
            leaves_first = groups >= quotas.attachments_per_instance;
            let leaving = room.removed.by_instance.get(id).copied().unwrap_or_default();
            if groups >= quotas.attachments_per_instance + leaving {
                *allotment = Allotment::InstanceFull;
                continue;
            }
            if used < in_all {
                *planned += 1;
            }
        }
        *allotment = if used >= in_all {
            Allotment::LoadBalancerFull
        } else if leaves_first {
            Allotment::AfterLeaving
        } else if used < now {
            Allotment::Now
        } else {
            Allotment::AfterRemovals
        };
        used += 1;
    }
    allotments
}

/// Orders servers so that in each group each zone has its turn, the one first of which the fewest stay, in an order within the zone that
/// depends on the server alone; a server's backends in all groups stand together, where the groups have the same ones.
fn ranks(
    context: PlanContext<'_>,
    adds: &[(usize, &Backend)],
    staying: &[(usize, &Backend)],
) -> Vec<(usize, String, String, usize)> {
    let zones = Zones::new(context);
    let mut stay: BTreeMap<(usize, String), usize> = BTreeMap::new();
    for (group, backend) in staying {
        *stay.entry((*group, zones.of(backend))).or_default() += 1;
    }
    let mut by_zone: BTreeMap<(usize, String), BTreeMap<String, String>> = BTreeMap::new();
    for (group, backend) in adds {
        let server = server_text(backend);
        let hash = hex::encode(Sha256::digest(&server));
        let zone = (*group, zones.of(backend));
        by_zone.entry(zone).or_default().insert(hash, server);
    }
    let mut positions: BTreeMap<(usize, &str), (usize, &str)> = BTreeMap::new();
    for ((group, zone), servers) in &by_zone {
        let first = stay.get(&(*group, zone.clone())).copied().unwrap_or_default();
        for (position, server) in servers.values().enumerate() {
            positions.insert((*group, server), (first + position, zone));
        }
    }
    adds.iter()
        .map(|(group, backend)| {
            let server = server_text(backend);
            let place = positions.get(&(*group, server.as_str()));
            let (position, zone) = place.copied().unwrap_or_default();
            (position, zone.to_owned(), server, *group)
        })
        .collect()
}

fn server_text(backend: &Backend) -> String {
    match &backend.target {
        BackendTarget::Instance(id) => id.clone(),
        BackendTarget::Interface { address, .. } => address.to_string(),
    }
}

/// Zones of backends, by their Nodes' labels.
struct Zones<'a> {
    by_instance: BTreeMap<&'a str, &'a str>,
    by_address: BTreeMap<String, &'a str>,
}

impl<'a> Zones<'a> {
    fn new(context: PlanContext<'a>) -> Self {
        let by_instance = context
            .nodes
            .values()
            .filter_map(|node| Some((node.instance_id()?, zone(node)?)))
            .collect();
        let by_address = context
            .service
            .endpoints
            .iter()
            .flat_map(|set| &set.endpoints)
            .filter_map(|endpoint| {
                let node = context.nodes.get(endpoint.node_name.as_ref()?)?;
                Some((endpoint.address.to_string(), zone(node)?))
            })
            .collect();
        Self {
            by_instance,
            by_address,
        }
    }

    fn of(&self, backend: &Backend) -> String {
        let zone = match &backend.target {
            BackendTarget::Instance(id) => self.by_instance.get(id.as_str()),
            BackendTarget::Interface { address, .. } => self.by_address.get(&address.to_string()),
        };
        zone.copied().unwrap_or_default().to_owned()
    }
}

fn zone(node: &Node) -> Option<&str> {
    [
        "topology.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/zone",
    ]
    .iter()
    .find_map(|label| node.labels.get(*label))
    .map(String::as_str)
}
