//! The listeners of a Service's ports: created, changed, re-created where a change is not possible, deleted with their port.

use std::collections::{BTreeMap, BTreeSet};

use clb_model::VServerGroupId;
use clb_model::attribute::{ListenerAttribute, ListenerAttributes};
use clb_model::cloud::{Listener, ListenerKey, LoadBalancer};
use clb_model::events::reason::ANNOTATION_CHANGED;
use clb_model::operation::{Change, NewListener, OperationId, VServerGroupRef};

use super::comparison::{self, forward_target};
use super::draft::{Draft, Proposal};
use super::forwarding::{self, Action};
use super::listener_quota::{Crowded, on_same_port};
use super::marked::{self, Marked};
use super::replacement::decide_for;
use super::vgroups::Groups;
use super::{Obstacle, PlanContext, domain_extensions};
use crate::annotations::listener::PROXY_PROTOCOL;
use crate::conditions::reason;
use crate::desired::{DesiredListener, Source};
use crate::find::annotated_id;

/// What the Service asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'p> {
    pub(super) source: &'p Source,
    pub(super) listeners: &'p [DesiredListener],
    /// What a listener that is to use the access control list waits for.
    pub(super) filled: Option<OperationId>,
    pub(super) crowded: &'p Crowded,
}

/// Plans all listeners of the Service's ports.
pub(super) fn plan<'a>(
    draft: &mut Draft,
    context: PlanContext<'a>,
    wanted: Wanted<'_>,
    observed: Option<&LoadBalancer>,
    groups: &mut Groups<'a>,
    creation: Option<OperationId>,
) {
    let mut planner = ListenerPlanner {
        draft,
        context,
        wanted,
        observed,
        groups,
        creation,
    };
    let actions = planner.decide();
    planner.carry_out(&actions);
}

struct ListenerPlanner<'p, 'a> {
    draft: &'p mut Draft,
    context: PlanContext<'a>,
    wanted: Wanted<'p>,
    observed: Option<&'p LoadBalancer>,
    groups: &'p mut Groups<'a>,
    creation: Option<OperationId>,
}

impl<'p> ListenerPlanner<'p, '_> {
    /// What is to be done on each port, in the order of the ports.
    fn decide(&mut self) -> Vec<Action<'p>> {
        let mut actions = Vec::new();
        let mut taken = BTreeSet::new();
        for wanted in self.wanted.listeners {
            match self.on_same_port(wanted.key) {
                None => actions.push(Action::create(wanted)),
                Some((key, listener)) => {
                    if self.may_manage(wanted.key, key, listener) {
                        taken.insert(key);
                        actions.push(decide_for(self.context, wanted, key, listener));
                    }
                }
            }
        }
        let observed = self.observed;
        for (key, listener) in observed.iter().flat_map(|clb| &clb.listeners) {
            let still_wanted = self.wanted.listeners.iter().any(|wanted| wanted.key == *key);
            if !taken.contains(key) && !still_wanted && marked::is_our_listener(self.context, listener) {
                actions.push(Action::delete(*key, listener));
            }
        }
        self.keep_to_quota(&mut actions);
        forwarding::step_aside(&mut actions, |wanted, listener| {
            self.waits_in(wanted, listener).is_some()
        });
        actions
    }

    /// The listener that is in a wanted one's place.
    fn on_same_port(&self, wanted: ListenerKey) -> Option<(ListenerKey, &'p Listener)> {
        on_same_port(self.observed?, wanted)
    }

    /// Whether the listener in a wanted one's place is ours, or may be taken over; says so when not.
    fn may_manage(&mut self, wanted: ListenerKey, key: ListenerKey, listener: &Listener) -> bool {
        let Some(load_balancer) = self.observed else {
            return true;
        };
        let clb = &load_balancer.id;
        let message = match (
            marked::listener_owner(self.context, load_balancer, listener),
            self.wanted.source,
        ) {
            (Marked::Ours, _) => return true,
            // Without the annotation that names the CLB what the Service has there stays, and nothing more of the user's is taken.
            (Marked::Nobody, Source::Reused { .. }) if annotated_id(self.context.service).is_some() => {
                return true;
            }
            (Marked::Other(owner), _) => format!(
                "listener {key} of CLB {clb} belongs to {owner}, so listener {wanted} of this Service cannot be made: use another \
                 port or another CLB, or remove the port from the other Service"
            ),
            (Marked::Nobody, _) => format!(
                "listener {key} of CLB {clb} was not made for this Service, so listener {wanted} cannot be made: delete it, or use \
                 another port"
            ),
        };
        self.draft.obstacle(Obstacle {
            reason: reason::LISTENER_CONFLICT,
            message,
            listener: Some(wanted),
        });
        false
    }

    /// Leaves out the new listeners for which the CLB has no room, or none yet.
    fn keep_to_quota(&mut self, actions: &mut Vec<Action<'p>>) {
        let quota = self.context.cluster.quotas.listeners_per_load_balancer;
        let crowded = self.wanted.crowded;
        let draft = &mut *self.draft;
        actions.retain(|action| {
            let Some(wanted) = action.is_new() else {
                return true;
            };
            if crowded.left_out.contains(&wanted.key) {
                draft.obstacle(Obstacle {
                    reason: reason::QUOTA_EXCEEDED,
                    message: format!(
                        "the quota of {quota} listeners per CLB leaves out listener {}: remove a port, or raise the quota and the \
                         planner's setting for it",
                        wanted.key
                    ),
                    listener: Some(wanted.key),
                });
                return false;
            }
            !crowded.later.contains(&wanted.key)
        });
    }

    /// Turns actions into operations, a forwarding listener after and its removal before its target.
    fn carry_out(&mut self, actions: &[Action<'p>]) {
        let mut done: BTreeMap<usize, Option<OperationId>> = BTreeMap::new();
        for (index, before) in forwarding::order(actions) {
            let Some(action) = actions.get(index) else {
                continue;
            };
            let mut after = Vec::new();
            let mut withheld = false;
            for dependency in before {
                match done.get(&dependency) {
                    Some(Some(operation)) => after.push(*operation),
                    _ => withheld = true,
                }
            }
            let operation = if withheld || !self.target_is_there(action, actions) {
                None
            } else {
                self.carry_out_one(action, after)
            };
            done.insert(index, operation);
        }
    }

    /// Whether the target of a new forwarding listener is there or on its way.
    fn target_is_there(&mut self, action: &Action<'p>, actions: &[Action<'p>]) -> bool {
        let Some((wanted, target)) = action
            .new_listener()
            .and_then(|wanted| Some((wanted, forward_target(&wanted.creation)?)))
        else {
            return true;
        };
        let there = self
            .observed
            .is_some_and(|clb| clb.listeners.contains_key(&target))
            || actions
                .iter()
                .any(|other| other.new_listener().is_some_and(|new| new.key == target));
        if !there {
            self.draft.obstacle(Obstacle {
                reason: reason::LISTENER_CONFLICT,
                message: format!(
                    "listener {} cannot be made, because its target {target} is missing",
                    wanted.key
                ),
                listener: Some(wanted.key),
            });
        }
        there
    }

    fn carry_out_one(&mut self, action: &Action<'p>, after: Vec<OperationId>) -> Option<OperationId> {
        match action {
            Action::Create { wanted } => {
                let reason = format!("the Service has a port for listener {}", wanted.key);
                self.create(wanted, reason, after)
            }
            Action::Return { wanted } => {
                let reason = format!("the target of listener {} was created anew", wanted.key);
                self.create(wanted, reason, after)
            }
            Action::Recreate {
                old,
                listener,
                wanted,
                attributes,
                reason,
            } => self.recreate(*old, listener, wanted, attributes.clone(), reason, after),
            Action::Adjust { wanted, listener } => {
                self.adjust(wanted, listener);
                None
            }
            Action::Delete {
                key,
                listener,
                reason,
            } => {
                let why = match reason {
                    Some(reason) => reason.clone(),
                    None => format!("the Service has no port for listener {key} any more"),
                };
                let operation = self.draft.add(
                    Proposal::new(Change::DeleteListener { listener: *key }, why)
                        .based_on(listener.version)
                        .after(after)
                        .taking_away(),
                );
                if let (Some(reason), Some(_)) = (reason, operation) {
                    self.say_interrupted(*key, reason);
                }
                if let Some(vgroup) = &listener.vgroup {
                    self.groups.release(vgroup, operation);
                }
                operation
            }
        }
    }

    fn create(
        &mut self,
        wanted: &DesiredListener,
        reason: String,
        after: Vec<OperationId>,
    ) -> Option<OperationId> {
        let (vgroup, group_ready) = self.group_of(wanted)?;
        let mut attributes = wanted.creation.clone();
        attributes.merge(&wanted.named);
        let operation = self.draft.add_harmless(
            Proposal::new(
                Change::CreateListener(NewListener {
                    key: wanted.key,
                    vgroup,
                    attributes,
                }),
                reason,
            )
            .after(self.creation)
            .after(group_ready)
            .after(self.filled_list(&wanted.named))
            .after(after),
        );
        domain_extensions::plan(self.draft, self.context, wanted, None, Some(operation));
        Some(operation)
    }

    /// The group that a listener stays with for now, because the one that it is to have cannot take over yet.
    fn waits_in<'l>(&self, wanted: &DesiredListener, listener: &'l Listener) -> Option<&'l VServerGroupId> {
        let present = listener.vgroup.as_ref()?;
        let handle = self.groups.handle(wanted.vgroup.as_ref()?)?;
        let is_another = handle.reference != VServerGroupRef::Id(present.clone());
        (is_another && !handle.can_take_over).then_some(present)
    }

    fn recreate(
        &mut self,
        old: ListenerKey,
        listener: &Listener,
        wanted: &DesiredListener,
        attributes: ListenerAttributes,
        reason: &str,
        after: Vec<OperationId>,
    ) -> Option<OperationId> {
        if let Some(present) = self.waits_in(wanted, listener) {
            self.groups.keep(present);
            return None;
        }
        let (vgroup, group_ready) = self.group_of(wanted)?;
        let stays_in_group = listener
            .vgroup
            .as_ref()
            .is_some_and(|present| vgroup.as_ref() == Some(&VServerGroupRef::Id(present.clone())));
        let operation = self.draft.add(
            Proposal::new(
                Change::RecreateListener {
                    old: old.protocol,
                    new: NewListener {
                        key: wanted.key,
                        vgroup,
                        attributes,
                    },
                },
                reason,
            )
            .based_on(listener.version)
            .after(group_ready)
            .after(self.filled_list(&wanted.named))
            .after(after)
            .taking_away(),
        )?;
        self.say_interrupted(old, reason);
        if let Some(present) = listener.vgroup.as_ref().filter(|_| !stays_in_group) {
            self.groups.release(present, Some(operation));
        }
        if old == wanted.key && wanted.domain_extensions.is_none() {
            domain_extensions::bring_back(self.draft, old.port, listener, operation);
        } else {
            domain_extensions::plan(self.draft, self.context, wanted, None, Some(operation));
        }
        Some(operation)
    }

    fn say_interrupted(&mut self, listener: ListenerKey, reason: &str) {
        self.draft.notice(
            true,
            ANNOTATION_CHANGED,
            format!(
                "listener {listener} is deleted and created anew, which interrupts its traffic: {reason}"
            ),
        );
    }

    /// Changes a listener that can stay.
    fn adjust(&mut self, wanted: &DesiredListener, listener: &Listener) {
        let key = wanted.key;
        if let Some(present) = self
            .waits_in(wanted, listener)
            .filter(|_| !self.is_ours(listener))
        {
            // A user's listener is taken over in one change, group and all.
            self.groups.keep(present);
            return;
        }
        let forwards = forward_target(&listener.attributes).is_some();
        let changes = if forwards {
            forwarding::changes(&wanted.named, &listener.attributes)
        } else {
            comparison::changes(key.protocol, &wanted.named, &listener.attributes)
        };
        let group = self.other_group(wanted, listener);
        if group.is_some() || !changes.is_empty() {
            let reason = adjustment_reason(key, &changes, group.is_some(), &listener.attributes);
            if changes.get(ListenerAttribute::ProxyProtocol).is_some() {
                self.draft.notice(
                    true,
                    ANNOTATION_CHANGED,
                    format!(
                        "annotation {} changes listener {key}: its traffic is interrupted until the backends speak the same as the \
                         CLB",
                        self.context.name_of(&PROXY_PROTOCOL)
                    ),
                );
            }
            let (reference, ready) = group.unzip();
            let repoints = reference.is_some();
            let filled = self.filled_list(&changes);
            let operation = self.draft.add_harmless(
                Proposal::new(
                    Change::ChangeListener {
                        listener: key,
                        vgroup: reference,
                        attributes: changes,
                    },
                    reason,
                )
                .based_on(listener.version)
                .after(ready.unwrap_or_default())
                .after(filled),
            );
            if let Some(present) = listener.vgroup.as_ref().filter(|_| repoints) {
                self.groups.release(present, Some(operation));
            }
        }
        if !listener.running {
            self.draft.add_harmless(
                Proposal::new(
                    Change::StartListener { listener: key },
                    format!("listener {key} is stopped"),
                )
                .based_on(listener.version),
            );
        }
        domain_extensions::plan(self.draft, self.context, wanted, Some(listener), None);
    }

    fn is_ours(&self, listener: &Listener) -> bool {
        marked::is_our_listener(self.context, listener)
    }

    /// The group that a listener is to go over to, where it is another than the present one; not before that group can take over.
    fn other_group(
        &mut self,
        wanted: &DesiredListener,
        listener: &Listener,
    ) -> Option<(VServerGroupRef, Vec<OperationId>)> {
        let handle = self.groups.handle(wanted.vgroup.as_ref()?)?;
        match &listener.vgroup {
            Some(present) if handle.reference == VServerGroupRef::Id(present.clone()) => None,
            Some(present) if !handle.can_take_over => {
                self.groups.keep(present);
                None
            }
            _ => Some((handle.reference, handle.after)),
        }
    }

    /// What a listener that gets these attributes waits for because of its access control list.
    fn filled_list(&self, attributes: &ListenerAttributes) -> Option<OperationId> {
        let uses_list = attributes.get(ListenerAttribute::AclId).is_some();
        self.wanted.filled.filter(|_| uses_list)
    }

    /// The group that a wanted listener sends to and what it waits for; none when that group is not there.
    fn group_of(&self, wanted: &DesiredListener) -> Option<(Option<VServerGroupRef>, Vec<OperationId>)> {
        match &wanted.vgroup {
            None => Some((None, Vec::new())),
            Some(identity) => {
                let handle = self.groups.handle(identity)?;
                Some((Some(handle.reference), handle.after))
            }
        }
    }
}

/// Whether the health check of a listener asks on that port instead of the backends' own.
pub(crate) fn checks_on(load_balancer: &LoadBalancer, key: ListenerKey, port: u16) -> bool {
    let listener = load_balancer.listeners.get(&key);
    listener.is_some_and(|listener| comparison::checks_on(&listener.attributes, port))
}

fn adjustment_reason(
    key: ListenerKey,
    changes: &ListenerAttributes,
    other_group: bool,
    present: &ListenerAttributes,
) -> String {
    let mut words: Vec<String> = changes
        .iter()
        .map(|(attribute, value)| {
            let name = attribute.name();
            match present.get(attribute) {
                Some(present) if present == value => format!("{name} {value} with it"),
                Some(present) => format!("{name} {value} instead of {present}"),
                None => format!("{name} {value}"),
            }
        })
        .collect();
    if other_group {
        words.push("another vServer group".to_owned());
    }
    format!("the Service asks for listener {key} with {}", words.join(", "))
}
