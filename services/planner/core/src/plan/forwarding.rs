//! What is to be done about each listener, ordered so that a forwarding (redirect) listener comes after its target and goes before it.

use clb_model::attribute::{ListenerAttribute, ListenerAttributes};
use clb_model::cloud::{Listener, ListenerKey};

use super::comparison::forward_target;
use crate::desired::DesiredListener;

/// What is to be done about one listener.
#[derive(Debug, Clone)]
pub(super) enum Action<'p> {
    /// Nothing is in its place.
    Create { wanted: &'p DesiredListener },
    /// It had to be out of the way of its target.
    Return { wanted: &'p DesiredListener },
    /// What is in its place cannot be changed into it.
    Recreate {
        old: ListenerKey,
        listener: &'p Listener,
        wanted: &'p DesiredListener,
        attributes: ListenerAttributes,
        reason: String,
    },
    /// It is there and can stay.
    Adjust {
        wanted: &'p DesiredListener,
        listener: &'p Listener,
    },
    /// No port needs it, or it has to be out of the way of its target.
    Delete {
        key: ListenerKey,
        listener: &'p Listener,
        reason: Option<String>,
    },
}

impl<'p> Action<'p> {
    pub(super) fn create(wanted: &'p DesiredListener) -> Self {
        Self::Create { wanted }
    }

    pub(super) fn delete(key: ListenerKey, listener: &'p Listener) -> Self {
        Self::Delete {
            key,
            listener,
            reason: None,
        }
    }

    /// The wanted listener where it takes up new room on the CLB.
    pub(super) fn is_new(&self) -> Option<&'p DesiredListener> {
        match self {
            Self::Create { wanted } => Some(wanted),
            Self::Return { .. } | Self::Recreate { .. } | Self::Adjust { .. } | Self::Delete { .. } => None,
        }
    }

    /// The listener that it creates.
    pub(super) fn new_listener(&self) -> Option<&'p DesiredListener> {
        match self {
            Self::Create { wanted } | Self::Return { wanted } | Self::Recreate { wanted, .. } => Some(wanted),
            Self::Adjust { .. } | Self::Delete { .. } => None,
        }
    }

    /// The listener that it takes away.
    fn old_listener(&self) -> Option<(ListenerKey, &'p Listener)> {
        match self {
            Self::Recreate { old, listener, .. } => Some((*old, listener)),
            Self::Delete { key, listener, .. } => Some((*key, listener)),
            Self::Create { .. } | Self::Return { .. } | Self::Adjust { .. } => None,
        }
    }

    /// Whether this must wait for `other`.
    fn waits_for(&self, other: &Self) -> bool {
        let comes_after_target = || {
            let target = forward_target(&self.new_listener()?.creation)?;
            Some(other.new_listener()?.key == target)
        };
        let goes_after_forwarding = || {
            let (key, _) = self.old_listener()?;
            let (_, forwarding) = other.old_listener()?;
            Some(forward_target(&forwarding.attributes)? == key)
        };
        comes_after_target().unwrap_or(false) || goes_after_forwarding().unwrap_or(false)
    }
}

/// Takes redirects that could stay out of the way of targets that are made anew: the cloud deletes no listener to which another
/// redirects. Each goes before its target and comes after it. `waits` says of a target that it is not made anew yet.
pub(super) fn step_aside(actions: &mut Vec<Action<'_>>, waits: impl Fn(&DesiredListener, &Listener) -> bool) {
    let anew: Vec<ListenerKey> = actions
        .iter()
        .filter_map(|action| match action {
            Action::Recreate {
                old,
                wanted,
                listener,
                ..
            } if *old == wanted.key && !waits(wanted, listener) => Some(*old),
            _ => None,
        })
        .collect();
    let mut returning = Vec::new();
    for action in actions.iter_mut() {
        let Action::Adjust { wanted, listener } = *action else {
            continue;
        };
        if let Some(target) = forward_target(&listener.attributes).filter(|target| anew.contains(target)) {
            *action = Action::Delete {
                key: wanted.key,
                listener,
                reason: Some(format!("its target {target} is created anew")),
            };
            returning.push(Action::Return { wanted });
        }
    }
    actions.extend(returning);
}

/// The numbers of the actions in an order in which each follows those that it waits for, with those. Waiting never goes round in
/// circles: an action that another waits for as a target creates an HTTPS listener where there was none, one that another waits for as
/// a forwarding listener removes an HTTP listener, and neither waits for more than the other kind.
pub(super) fn order(actions: &[Action<'_>]) -> Vec<(usize, Vec<usize>)> {
    let mut ordered: Vec<(usize, Vec<usize>)> = Vec::new();
    let mut remaining: Vec<(usize, Vec<usize>)> = actions
        .iter()
        .enumerate()
        .map(|(index, action)| {
            let before = actions
                .iter()
                .enumerate()
                .filter(|(other, candidate)| *other != index && action.waits_for(candidate))
                .map(|(other, _)| other)
                .collect();
            (index, before)
        })
        .collect();
    while !remaining.is_empty() {
        let (ready, waiting): (Vec<_>, Vec<_>) = remaining.into_iter().partition(|(_, before)| {
            before
                .iter()
                .all(|dependency| ordered.iter().any(|(done, _)| done == dependency))
        });
        if ready.is_empty() {
            ordered.extend(waiting);
            break;
        }
        ordered.extend(ready);
        remaining = waiting;
    }
    ordered
}

/// What differs on a forwarding listener, which has no attributes but its mark; the cloud may not even tell that.
pub(super) fn changes(named: &ListenerAttributes, observed: &ListenerAttributes) -> ListenerAttributes {
    let mut result = ListenerAttributes::new();
    if let (Some(wanted), Some(present)) = (
        named.get(ListenerAttribute::Description),
        observed.get(ListenerAttribute::Description),
    ) && wanted != present
    {
        result.set(ListenerAttribute::Description, wanted.clone());
    }
    result
}
