//! For random Services and random changes to them, to their cluster and to the cloud: what must hold whatever comes.

use clb_model::cloud::LoadBalancer;
use clb_model::marks;
use clb_model::operation::{Change, Operation};
use proptest::prelude::*;
use proptest::sample::subsequence;

use super::foreign::{foreign, intrude, strangers};
use super::moment::hands::hands;
use super::moment::{SERVERS, USERS, change, change_with_room, moments};
use super::world::World;
use crate::conditions::ACCEPTED;
use crate::desired::tests::lab::Lab;
use crate::desired::{DesiredVServerGroup, Inputs, Wish, desired};
use crate::find::find;
use crate::step::State;

fn world() -> World {
    let mut world = World::new(Lab::tcp()).with_users_clb(USERS);
    strangers(&mut world);
    world
}

/// CLBs that were made for the Service.
fn own_clbs(world: &World) -> usize {
    let name = marks::default_name(&world.lab.service.uid);
    let clbs = world.cloud.load_balancers.values();
    clbs.filter(|clb| clb.tags.get(marks::OWNER_TAG) == Some(&name))
        .count()
}

/// Names of groups that were empty for a moment, and of listeners that were sent to an empty one, though endpoints were ready.
fn wrongly_emptied(world: &World) -> Vec<String> {
    // With a mistake the Service keeps working as it was, which is not as it now asks.
    let mistaken = world
        .condition(ACCEPTED)
        .is_some_and(|accepted| accepted.starts_with("False"));
    if world.lab.service.deleting || mistaken {
        return Vec::new();
    }
    // Of which family pods can be backends depends on the CLB that the Service has.
    let lab = &world.lab;
    let observed: Vec<&LoadBalancer> = world.cloud.load_balancers.values().collect();
    let facts = match find(&lab.service, &lab.cluster.id, &observed) {
        Ok(Some(found)) => lab.facts.with_observed(found.load_balancer),
        _ => lab.facts.clone(),
    };
    let inputs = Inputs {
        facts: &facts,
        ..lab.inputs()
    };
    let Wish::Desired(desired) = desired(inputs) else {
        return Vec::new();
    };
    let live = |group: &&DesiredVServerGroup| group.ready_endpoints > 0 && !group.may_become_empty;
    let emptied = desired
        .vgroups
        .iter()
        .filter(live)
        .filter(|group| world.cloud.emptied.contains(&group.mark))
        .map(|group| group.mark.clone());
    let cut_off = desired.listeners.iter().filter(|listener| {
        let group = desired
            .vgroups
            .iter()
            .filter(live)
            .any(|group| Some(&group.identity) == listener.vgroup.as_ref());
        group && world.cloud.cut_off.contains(&listener.key)
    });
    emptied
        .chain(cut_off.map(|listener| listener.key.to_string()))
        .collect()
}

fn takes_away(operation: &Operation) -> bool {
    operation.good_for.is_some()
        || matches!(
            operation.change,
            Change::DeleteLoadBalancer | Change::DeleteListener { .. } | Change::DeleteVServerGroup { .. }
        )
}

/// Annotations that are lists, tags among them. The codes of health checks are sent as they are written.
const LISTS: &[&str] = &[
    "protocol-port",
    "forward-port",
    "domain-extensions",
    "additional-resource-tags",
    "vgroup-port",
    "backend-label",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// The model fails where an operation is impossible; `settle` fails where the passes do not end.
    #[test]
    fn every_change_settles_and_then_nothing_is_left_to_do(moments in moments(0..3)) {
        let mut world = world();
        for moment in moments {
            moment.enter(&mut world);
            let last = world.settle();
            prop_assert!(last.batch.is_none() && last.writes.is_empty());
            prop_assert_eq!(wrongly_emptied(&world), Vec::<String>::new());
            let own = own_clbs(&world);
            prop_assert!(own <= 1, "{} CLBs of one Service", own);
            world.forget();
            // A planner that remembers nothing has nothing to do either.
            world.memory = super::super::Memory::default();
            let again = world.look();
            prop_assert!(again.batch.is_none() && again.writes.is_empty(), "{:?}", again);
        }
    }

    #[test]
    fn what_is_not_ours_is_never_touched((first, second) in change(), delete in any::<bool>()) {
        let mut world = world();
        first.enter(&mut world);
        world.settle();
        intrude(&mut world);
        second.enter(&mut world);
        world.lab.service.deleting = delete;
        let before = foreign(&world);
        world.settle();
        before.assert_is_left_in(&world);
    }

    /// Somebody changes the CLB in the console, before the Service changes and after.
    #[test]
    fn what_is_done_by_hand_is_put_right_or_left_alone((first, second) in change(), before in hands(), after in hands()) {
        let mut world = world();
        first.enter(&mut world);
        world.settle();
        second.enter(&mut world);
        for (hands, others_come) in [(before, false), (after, true)] {
            if others_come {
                intrude(&mut world);
            }
            for hand in hands {
                hand.act(&mut world);
            }
            let foreign = foreign(&world);
            let last = world.settle();
            prop_assert!(last.batch.is_none() && last.writes.is_empty());
            foreign.assert_is_left_in(&world);
            if world.found().is_none() {
                // A planner that forgets may make another CLB in the place of one that lost its marks.
                break;
            }
            world.memory = super::super::Memory::default();
            let again = world.look();
            prop_assert!(again.batch.is_none() && again.writes.is_empty(), "{:?}", again);
        }
    }

    #[test]
    fn a_mistake_leaves_the_cloud_as_it_is((first, second) in change()) {
        let mut world = world();
        first.enter(&mut world);
        world.settle();
        second.enter(&mut world);
        let listeners = |world: &World| {
            let clbs = world.cloud.load_balancers.values();
            clbs.map(|clb| (clb.listeners.clone(), clb.version, clb.vgroups.len())).collect::<Vec<_>>()
        };
        let before = listeners(&world);
        let last = world.settle();
        if world.condition(ACCEPTED).is_some_and(|accepted| accepted.starts_with("False")) {
            prop_assert_eq!(last.state, State::Failed);
            prop_assert_eq!(listeners(&world), before);
        }
    }

    #[test]
    fn nothing_is_taken_away_from_a_stale_snapshot((first, second) in change(), delete in any::<bool>()) {
        let mut world = world();
        first.enter(&mut world);
        world.settle();
        world.forget();
        second.enter(&mut world);
        world.lab.service.deleting = delete;
        world.fresh = false;
        world.settle();
        for operation in world.batches.iter().flat_map(|batch| &batch.operations) {
            prop_assert!(!takes_away(operation), "{:?}", operation);
        }
        world.fresh = true;
        world.settle();
        prop_assert_eq!(wrongly_emptied(&world), Vec::<String>::new());
    }

    #[test]
    fn no_order_in_the_service_matters((first, second) in change()) {
        let mut world = world();
        first.enter(&mut world);
        world.settle();
        second.enter(&mut world);
        let mut turned = world.clone();
        let service = &mut turned.lab.service;
        service.ports.reverse();
        service.source_ranges.reverse();
        service.endpoints.reverse();
        for set in &mut service.endpoints {
            set.endpoints.reverse();
            set.ports.reverse();
        }
        for name in LISTS {
            for prefix in [marks::ANNOTATION_PREFIX, marks::LEGACY_ANNOTATION_PREFIX] {
                if let Some(list) = service.annotations.get_mut(&format!("{prefix}loadbalancer-{name}")) {
                    let turned: Vec<&str> = list.split(',').rev().collect();
                    *list = turned.join(",");
                }
            }
        }
        let operations = |world: &World| world.look().batch.map(|batch| batch.operations);
        prop_assert_eq!(operations(&world), operations(&turned));
    }

    #[test]
    fn a_restarted_planner_goes_on_where_the_old_one_stopped((first, second) in change_with_room(), after in 1..4_usize) {
        let mut world = world();
        first.enter(&mut world);
        world.settle();
        second.enter(&mut world);
        let mut restarted = world.clone();
        world.settle();
        for _ in 0..after {
            restarted.pass();
        }
        restarted.memory = super::super::Memory::default();
        restarted.settle();
        prop_assert_eq!(restarted.cloud.load_balancers, world.cloud.load_balancers);
    }

    /// The cloud cannot use some servers: the others are used, and nothing is cut off for their sake.
    #[test]
    fn unusable_servers_hold_up_no_other((first, second) in change_with_room(), unusable in subsequence(SERVERS.to_vec(), 0..=9)) {
        let mut world = world();
        first.enter(&mut world);
        world.settle();
        world.forget();
        let mut all = world.clone();
        second.enter(&mut all);
        all.settle();
        world.cloud.unusable = unusable.iter().map(|server| (*server).to_owned()).collect();
        second.enter(&mut world);
        let last = world.settle();
        prop_assert!(last.batch.is_none() && last.writes.is_empty());
        prop_assert_eq!(wrongly_emptied(&world), Vec::<String>::new());
        // Later they can be used.
        world.cloud.unusable.clear();
        world.now_ms += 900_000;
        world.settle();
        prop_assert_eq!(wrongly_emptied(&world), Vec::<String>::new());
        prop_assert_eq!(without_weights_of_users(&world), without_weights_of_users(&all));
    }

    /// Killed after any operation, with or without what it remembered.
    #[test]
    fn a_batch_that_stops_anywhere_is_finished_by_the_next(
        (first, second) in change_with_room(), counts in prop::collection::vec(0..6_usize, 1..5), forgets in any::<bool>(), delete in any::<bool>(),
    ) {
        let mut world = world();
        first.enter(&mut world);
        world.settle();
        world.forget();
        second.enter(&mut world);
        world.lab.service.deleting = delete;
        let mut whole = world.clone();
        whole.settle();
        for count in counts {
            world.pass_first(count);
            if forgets {
                world.memory = super::super::Memory::default();
            }
            let own = own_clbs(&world);
            prop_assert!(own <= 1, "{} CLBs of one Service", own);
            prop_assert_eq!(wrongly_emptied(&world), Vec::<String>::new());
        }
        world.settle();
        prop_assert_eq!(wrongly_emptied(&world), Vec::<String>::new());
        prop_assert_eq!(essence(&world), essence(&whole));
    }
}

/// What must be equal whatever way led there: everything but ids and versions.
fn essence(world: &World) -> Vec<String> {
    let mut lines = Vec::new();
    for clb in world.cloud.load_balancers.values() {
        lines.push(format!(
            "{} {:?} {} {}",
            clb.name, clb.tags, clb.delete_protection, clb.modification_protection
        ));
        for (key, listener) in &clb.listeners {
            let group = listener.vgroup.as_ref().map(|id| clb.vgroups[id].name.as_str());
            let domains: Vec<_> = listener
                .domain_extensions
                .iter()
                .map(|(domain, one)| (domain, &one.certificate_id))
                .collect();
            lines.push(format!("{key} {group:?} {:?} {domains:?}", listener.attributes));
        }
        for group in clb.vgroups.values() {
            let mut backends: Vec<String> = group
                .backends
                .iter()
                .map(|backend| format!("{backend:?}"))
                .collect();
            backends.sort();
            lines.push(format!("{} {backends:?}", group.name));
        }
    }
    for (id, list) in &world.cloud.access_lists {
        for line in &mut lines {
            *line = line.replace(&format!("{id:?}"), &format!("{:?}", list.name));
        }
        lines.push(format!("{} {:?}", list.name, list.entries));
    }
    lines.sort();
    lines
}

/// The same without the weights in users' groups: where no annotation says them any more, who comes later weighs as much as those who are
/// there by then.
fn without_weights_of_users(world: &World) -> Vec<String> {
    let digits = |c: char| c.is_ascii_digit();
    let without = |line: String| {
        let parts = line.split("weight: ").map(|part| part.trim_start_matches(digits));
        parts.collect::<Vec<_>>().join("weight: ")
    };
    let lines = essence(world).into_iter();
    lines
        .map(|line| {
            if line.starts_with("users-") {
                without(line)
            } else {
                line
            }
        })
        .collect()
}
