//! What the mirror must show before a Service may be planned again after a batch: results and mirror come on two streams, and a pass
//! between the two would plan the same operations again from the old state.

use clb_model::cloud::{ListenerKey, LoadBalancer};
use clb_model::operation::{Change, Operation, OperationResult, Outcome, VServerGroupRef};
use clb_model::version::PartVersion;
use clb_model::{LoadBalancerId, VServerGroupId};

/// A sign that an operation's effect has reached the mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sign {
    /// The CLB is there.
    Created,
    /// The CLB is not.
    Deleted,
    /// The instance's own attributes are newer than this.
    Instance(PartVersion),
    /// The group is there.
    VServerGroup(VServerGroupId),
    /// The group is not, or newer than this.
    VServerGroupPast(VServerGroupId, PartVersion),
    /// The listener is there.
    Listener(ListenerKey),
    /// The listener is not, or newer than this.
    ListenerPast(ListenerKey, PartVersion),
}

/// The signs that one batch leaves on one CLB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signs {
    /// The CLB, created or changed.
    pub(crate) load_balancer: LoadBalancerId,
    /// All must be seen.
    pub(crate) signs: Vec<Sign>,
}

/// The signs that applied operations leave; none when nothing was applied that can be waited for. `target` is the batch's CLB, none when it
/// creates one.
pub(crate) fn signs(
    target: Option<&LoadBalancerId>,
    operations: &[Operation],
    results: &[OperationResult],
) -> Option<Signs> {
    let mut created = None;
    let mut signs = Vec::new();
    for result in results {
        let Some(operation) = operations
            .iter()
            .find(|operation| operation.id == result.operation)
        else {
            continue;
        };
        let id = match &result.outcome {
            Outcome::Applied { created } => created.as_deref(),
            // It was there before, so the mirror may have nothing new to show but the thing itself.
            Outcome::Unchanged { found: Some(found) } => Some(found.as_str()),
            _ => continue,
        };
        let applied = matches!(result.outcome, Outcome::Applied { .. });
        match (&operation.change, operation.based_on) {
            (Change::CreateLoadBalancer(_), _) => {
                created = id.and_then(|id| LoadBalancerId::new(id).ok());
                signs.push(Sign::Created);
            }
            (Change::CreateVServerGroup { .. }, _) => {
                signs.extend(
                    id.and_then(|id| VServerGroupId::new(id).ok())
                        .map(Sign::VServerGroup),
                );
            }
            (change, based_on) if applied => signs.extend(signs_of(change, based_on)),
            _ => {}
        }
    }
    let load_balancer = created.or_else(|| target.cloned())?;
    (!signs.is_empty()).then_some(Signs { load_balancer, signs })
}

fn signs_of(change: &Change, based_on: Option<PartVersion>) -> Vec<Sign> {
    let https = |port| ListenerKey {
        port,
        protocol: clb_model::cloud::ListenerProtocol::Https,
    };
    let past = |listener| based_on.map(|version| Sign::ListenerPast(listener, version));
    match change {
        Change::DeleteLoadBalancer => vec![Sign::Deleted],
        Change::ChangeLoadBalancer(_) => based_on.map(Sign::Instance).into_iter().collect(),
        Change::DeleteVServerGroup { vgroup: id }
        | Change::ChangeBackends {
            vgroup: VServerGroupRef::Id(id),
            ..
        } => based_on
            .map(|version| Sign::VServerGroupPast(id.clone(), version))
            .into_iter()
            .collect(),
        Change::CreateListener(listener) => vec![Sign::Listener(listener.key)],
        Change::RecreateListener { old, new } => {
            let same = (*old == new.key.protocol).then(|| past(new.key)).flatten();
            std::iter::once(Sign::Listener(new.key)).chain(same).collect()
        }
        Change::ChangeListener { listener, .. }
        | Change::StartListener { listener }
        | Change::DeleteListener { listener } => past(*listener).into_iter().collect(),
        Change::ChangeDomainExtension { port, .. } => past(https(*port)).into_iter().collect(),
        // The group's own creation is waited for.
        Change::ChangeBackends { .. } | Change::CreateLoadBalancer(_) | Change::CreateVServerGroup { .. } => {
            Vec::new()
        }
    }
}

impl Signs {
    /// Whether the CLB, as the mirror shows it now, bears all of them.
    pub(crate) fn seen(&self, load_balancer: Option<&LoadBalancer>) -> bool {
        self.signs.iter().all(|sign| match (sign, load_balancer) {
            (Sign::Deleted, found) => found.is_none(),
            // Gone with all that was on it.
            (_, None) => !matches!(sign, Sign::Created) && self.signs.contains(&Sign::Deleted),
            (Sign::Created, Some(_)) => true,
            (Sign::Instance(version), Some(found)) => found.version > *version,
            (Sign::VServerGroup(id), Some(found)) => found.vgroups.contains_key(id),
            (Sign::VServerGroupPast(id, version), Some(found)) => {
                found.vgroups.get(id).is_none_or(|group| group.version > *version)
            }
            (Sign::Listener(key), Some(found)) => found.listeners.contains_key(key),
            (Sign::ListenerPast(key, version), Some(found)) => found
                .listeners
                .get(key)
                .is_none_or(|listener| listener.version > *version),
        })
    }
}
