//! What the mirror must show before a Service may be planned again after a batch: results and mirror come on two streams, and a pass
//! between the two would plan the same operations again from the old state.

use clb_model::cloud::{ListenerKey, LoadBalancer};
use clb_model::operation::{Change, Operation, OperationResult, Outcome, VServerGroupRef};
use clb_model::version::PartVersion;
use clb_model::{LoadBalancerId, VServerGroupId};
use ipnet::IpNet;

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
    /// The access control list holds all of these.
    AccessListHolds(String, Vec<IpNet>),
    /// The access control list is not, or newer than this.
    AccessListPast(String, PartVersion),
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
            (Change::CreateLoadBalancer(_) | Change::FindLoadBalancer { .. }, _) => {
                created = id.and_then(|id| LoadBalancerId::new(id).ok());
                signs.push(Sign::Created);
            }
            (Change::CreateVServerGroup { .. }, _) => {
                signs.extend(
                    id.and_then(|id| VServerGroupId::new(id).ok())
                        .map(Sign::VServerGroup),
                );
            }
            (Change::FillAccessList { entries, .. }, _) => {
                signs.extend(id.map(|id| Sign::AccessListHolds(id.to_owned(), entries.clone())));
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
        Change::TrimAccessList { access_list, .. } => based_on
            .map(|version| Sign::AccessListPast(access_list.clone(), version))
            .into_iter()
            .collect(),
        // The group's own creation is waited for, the list's entries are; that a list is gone is remembered.
        Change::ChangeBackends { .. }
        | Change::CreateLoadBalancer(_)
        | Change::CreateVServerGroup { .. }
        | Change::FillAccessList { .. }
        | Change::DeleteAccessList
        | Change::FindLoadBalancer { .. } => Vec::new(),
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
            (Sign::AccessListHolds(id, entries), Some(found)) => found
                .access_lists
                .get(id)
                .is_some_and(|list| entries.iter().all(|entry| list.entries.contains(entry))),
            (Sign::AccessListPast(id, version), Some(found)) => found
                .access_lists
                .get(id)
                .is_none_or(|list| list.version > *version),
            (Sign::Listener(key), Some(found)) => found.listeners.contains_key(key),
            (Sign::ListenerPast(key, version), Some(found)) => found
                .listeners
                .get(key)
                .is_none_or(|listener| listener.version > *version),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::load_balancer;
    use clb_model::attribute::ListenerAttributes;
    use clb_model::cloud::{Listener, ListenerProtocol, VServerGroup};
    use clb_model::operation::{BackendChange, NewListener, OperationId};

    fn version(number: u64) -> PartVersion {
        PartVersion { term: 1, number }
    }

    fn key(protocol: ListenerProtocol) -> ListenerKey {
        ListenerKey { port: 80, protocol }
    }

    fn group(id: &str) -> VServerGroupId {
        VServerGroupId::new(id).unwrap()
    }

    /// The signs of one change of `lb-1` that was applied and was planned from version 5.
    fn after(change: Change, created: Option<&str>) -> Option<Signs> {
        let operation = Operation {
            id: OperationId(1),
            after: Vec::new(),
            based_on: Some(version(5)),
            good_for: None,
            reason: String::new(),
            confirm: false,
            change,
        };
        let result = OperationResult {
            operation: OperationId(1),
            outcome: Outcome::Applied {
                created: created.map(str::to_owned),
            },
            left_out: Vec::new(),
        };
        let target = LoadBalancerId::new("lb-1").unwrap();
        signs(Some(&target), &[operation], &[result])
    }

    fn with_listener(protocol: ListenerProtocol, number: u64) -> LoadBalancer {
        let mut found = load_balancer("lb-1", "web", "web");
        let listener = Listener {
            version: version(number),
            running: true,
            vgroup: None,
            attributes: ListenerAttributes::new(),
            domain_extensions: std::collections::BTreeMap::new(),
        };
        found.listeners.insert(key(protocol), listener);
        found
    }

    fn with_group(number: u64) -> LoadBalancer {
        let mut found = load_balancer("lb-1", "web", "web");
        let shown = VServerGroup {
            version: version(number),
            name: "g".to_owned(),
            backends: Vec::new(),
        };
        found.vgroups.insert(group("rsp-1"), shown);
        found
    }

    #[test]
    fn a_change_is_seen_when_its_part_is_newer_or_gone() {
        let change = Change::ChangeBackends {
            vgroup: VServerGroupRef::Id(group("rsp-1")),
            change: BackendChange::Add,
            backends: Vec::new(),
        };
        let signs = after(change, None).unwrap();
        assert!(!signs.seen(Some(&with_group(5))));
        assert!(signs.seen(Some(&with_group(6))));
        assert!(signs.seen(Some(&load_balancer("lb-1", "web", "web"))));
        assert!(!signs.seen(None));
    }

    #[test]
    fn what_was_created_must_be_there() {
        let create = Change::CreateVServerGroup {
            name: "g".to_owned(),
            backends: Vec::new(),
        };
        let signs = after(create, Some("rsp-1")).unwrap();
        assert!(!signs.seen(Some(&load_balancer("lb-1", "web", "web"))));
        assert!(signs.seen(Some(&with_group(1))));
    }

    #[test]
    fn a_clb_that_the_last_look_found_must_be_shown() {
        let operation = Operation {
            id: OperationId(1),
            after: Vec::new(),
            based_on: None,
            good_for: None,
            reason: String::new(),
            confirm: false,
            change: Change::FindLoadBalancer {
                was_being_made: false,
            },
        };
        let found = |id: Option<&str>| OperationResult {
            operation: OperationId(1),
            outcome: Outcome::Unchanged {
                found: id.map(str::to_owned),
            },
            left_out: Vec::new(),
        };
        let operations = [operation];
        let awaited = signs(None, &operations, &[found(Some("lb-1"))]).unwrap();
        assert_eq!(awaited.load_balancer.as_str(), "lb-1");
        assert!(!awaited.seen(None) && awaited.seen(Some(&load_balancer("lb-1", "web", "web"))));
        assert_eq!(signs(None, &operations, &[found(None)]), None);
    }

    #[test]
    fn a_recreated_listener_must_be_the_new_one() {
        let recreate = |old| Change::RecreateListener {
            old,
            new: NewListener {
                key: key(ListenerProtocol::Tcp),
                vgroup: None,
                attributes: ListenerAttributes::new(),
            },
        };
        let same = after(recreate(ListenerProtocol::Tcp), None).unwrap();
        assert!(!same.seen(Some(&with_listener(ListenerProtocol::Tcp, 5))));
        assert!(!same.seen(Some(&load_balancer("lb-1", "web", "web"))));
        assert!(same.seen(Some(&with_listener(ListenerProtocol::Tcp, 6))));
        let other = after(recreate(ListenerProtocol::Http), None).unwrap();
        assert!(!other.seen(Some(&with_listener(ListenerProtocol::Http, 9))));
        assert!(other.seen(Some(&with_listener(ListenerProtocol::Tcp, 1))));
    }

    #[test]
    fn a_deletion_is_seen_when_nothing_is_left() {
        let signs = after(Change::DeleteLoadBalancer, None).unwrap();
        assert!(!signs.seen(Some(&load_balancer("lb-1", "web", "web"))));
        assert!(signs.seen(None));
    }

    #[test]
    fn what_did_not_happen_leaves_no_signs() {
        let operation = Operation {
            id: OperationId(1),
            after: Vec::new(),
            based_on: Some(version(5)),
            good_for: None,
            reason: String::new(),
            confirm: false,
            change: Change::DeleteLoadBalancer,
        };
        let result = OperationResult {
            operation: OperationId(1),
            outcome: Outcome::Expired,
            left_out: Vec::new(),
        };
        assert_eq!(signs(None, &[operation], &[result]), None);
    }
}
