//! Backends that the cloud cannot use, as a person is told of them: one event for all that have one cause, and another when more join
//! them. A group that is left without any backend by this is no longer as the Service asks.

use std::collections::{BTreeMap, BTreeSet};

use clb_model::cloud::{Backend, LoadBalancer};
use clb_model::directive::Severity;
use clb_model::events;
use clb_model::operation::{BackendChange, Change, VServerGroupRef};

use super::Memory;
use super::pass::Pass;
use crate::conditions::{Notifications, Subject, reason};
use crate::desired::{Desired, DesiredVServerGroup};
use crate::plan::{LeftOutKey, Obstacle, Plan, group_name, observed_group};
use crate::problem::first_few;

/// How many backends an event names before it only counts.
const NAMED: usize = 10;
/// How many groups a message names before it only counts.
const GROUPS_NAMED: usize = 5;

/// Says which backends were left out, and why.
pub(super) fn say_unusable(pass: &mut Pass<'_>) {
    let memory = &mut pass.memory;
    let left_out = &memory.left_out;
    memory.named_left_out.retain(|key| left_out.contains_key(key));
    for (cause, keys) in by_cause(memory) {
        let (known, new): (Vec<_>, Vec<_>) = keys
            .into_iter()
            .partition(|key| memory.named_left_out.contains(key));
        let names = new.iter().chain(&known);
        let names = names.map(|key| format!("{}:{}", key.server, key.port)).collect();
        // Which ones they are does not make it another event: they may recover one by one. Where none was known, as after a restart, what
        // the Service remembers decides.
        let say = if new.is_empty() || known.is_empty() {
            Notifications::say
        } else {
            Notifications::repeat
        };
        say(
            &mut pass.notifications,
            Subject::Notice,
            Severity::Warning,
            events::reason::SKIP_SYNC_BACKENDS,
            &format!("backends cannot be used: {cause}. They hold up no others, and are tried again"),
            Some(&first_few(names, NAMED, ", ")),
        );
        memory.named_left_out.extend(new);
    }
}

/// The backends that are left out, by the cause that the cloud or the actuator gave, without their own names in it.
fn by_cause(memory: &Memory) -> BTreeMap<String, Vec<LeftOutKey>> {
    let servers: BTreeSet<&str> = memory.left_out.keys().map(|key| key.server.as_str()).collect();
    let mut by_cause: BTreeMap<String, Vec<LeftOutKey>> = BTreeMap::new();
    for (key, left) in &memory.left_out {
        let cause = without_names(&left.reason, &servers);
        by_cause.entry(cause).or_default().push(key.clone());
    }
    by_cause
}

/// A reason with "…" in the place of each server's name: equal for all that share it.
fn without_names(reason: &str, servers: &BTreeSet<&str>) -> String {
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || "-.:_".contains(c);
    let words = reason.trim_end_matches('.').split_inclusive(|c| !is_of_word(c));
    let words = words.map(|piece| {
        let word = piece
            .trim_end_matches(|c| !is_of_word(c))
            .trim_matches(['.', ':']);
        if servers.contains(word) {
            piece.replacen(word, "…", 1)
        } else {
            piece.to_owned()
        }
    });
    words.collect()
}

/// What stands in the way where a group has no backend though endpoints are ready for it, because the cloud can use none of them or none
/// could be asked for: one obstacle for each listener that uses such a group, all in the same words.
pub(super) fn missing_backends(
    memory: &Memory,
    desired: &Desired,
    plan: &Plan,
    load_balancer: &LoadBalancer,
) -> Vec<Obstacle> {
    let mut by_cause: BTreeMap<String, Vec<&DesiredVServerGroup>> = BTreeMap::new();
    let causes = if memory.left_out.is_empty() {
        BTreeMap::new()
    } else {
        by_cause_of_backend(memory)
    };
    for group in &desired.vgroups {
        if group.ready_endpoints == 0
            || group.may_become_empty
            || !is_empty(memory, group, plan, load_balancer)
        {
            continue;
        }
        let refused: BTreeSet<&str> = group
            .backends
            .iter()
            .filter_map(|backend| causes.get(&LeftOutKey::of(backend)).map(String::as_str))
            .collect();
        if !refused.is_empty() {
            let refused: Vec<&str> = refused.into_iter().collect();
            let cause = format!("the cloud can use none of its backends ({})", refused.join("; "));
            by_cause.entry(cause).or_default().push(group);
        } else if group.backends.is_empty() && group.unusable {
            let cause =
                "none of the nodes or pods can be a backend; an event BackendLeftOut says why".to_owned();
            by_cause.entry(cause).or_default().push(group);
        }
    }
    let mut obstacles = Vec::new();
    for (cause, groups) in by_cause {
        let names: BTreeSet<String> = groups.iter().map(|group| group_name(&group.identity)).collect();
        let has = if names.len() == 1 { "has" } else { "have" };
        let message = format!(
            "{} {has} no backend though endpoints of the Service are ready: {cause}",
            first_few(names.into_iter().collect(), GROUPS_NAMED, ", ")
        );
        let users = desired.listeners.iter().filter(|listener| {
            let identity = listener.vgroup.as_ref();
            groups.iter().any(|group| identity == Some(&group.identity))
        });
        let listeners: Vec<_> = users.map(|listener| Some(listener.key)).collect();
        let listeners = if listeners.is_empty() {
            vec![None]
        } else {
            listeners
        };
        obstacles.extend(listeners.into_iter().map(|listener| Obstacle {
            reason: reason::BACKENDS_MISSING,
            message: message.clone(),
            listener,
        }));
    }
    obstacles
}

fn by_cause_of_backend(memory: &Memory) -> BTreeMap<LeftOutKey, String> {
    let mut causes = BTreeMap::new();
    for (cause, keys) in by_cause(memory) {
        causes.extend(keys.into_iter().map(|key| (key, cause.clone())));
    }
    causes
}

/// Whether the group that is in force is there without a backend, and nothing comes that the cloud has not refused before.
fn is_empty(memory: &Memory, group: &DesiredVServerGroup, plan: &Plan, load_balancer: &LoadBalancer) -> bool {
    let identity = match plan.replaced_groups.get(&group.identity) {
        None => &group.identity,
        Some(Some(other)) => other,
        Some(None) => return false,
    };
    let Some((id, present)) = observed_group(load_balancer, identity) else {
        return false;
    };
    let may_help = |backend: &Backend| !memory.left_out.contains_key(&LeftOutKey::of(backend));
    let is_coming = plan.operations.iter().any(|operation| match &operation.change {
        Change::ChangeBackends {
            vgroup: VServerGroupRef::Id(of),
            change: BackendChange::Add,
            backends,
        } => of == id && backends.iter().any(may_help),
        _ => false,
    });
    present.backends.is_empty() && !is_coming
}
