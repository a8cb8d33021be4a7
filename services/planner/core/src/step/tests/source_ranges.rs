//! Source ranges: the list is filled before it is used, kept as the Service says, and goes with the last use.

use clb_model::attribute::ListenerAttribute as A;
use clb_model::cloud::IpVersion;
use clb_model::operation::Change;
use ipnet::IpNet;

use super::world::World;
use crate::conditions::{ACCEPTED, SOURCE_RANGES};
use crate::desired::tests::lab::{Lab, tcp_port, udp_port};
use crate::plan::{Attachments, PlanContext, plan};
use crate::step::State;

fn with_ranges(mut lab: Lab, ranges: &[&str]) -> Lab {
    lab.service.source_ranges = ranges.iter().map(|range| (*range).to_owned()).collect();
    lab
}

/// So many ranges, from a number on.
fn many(from: u16, count: u16) -> Vec<String> {
    let range = |number: u16| format!("172.{}.{}.0/24", 16 + number / 256, number % 256);
    (from..from + count).map(range).collect()
}

/// The entries of the only list.
#[track_caller]
fn entries(world: &World) -> Vec<String> {
    let lists: Vec<_> = world.cloud.access_lists.values().collect();
    let [list] = lists[..] else {
        panic!("one list, not {lists:?}")
    };
    list.entries.iter().map(IpNet::to_string).collect()
}

/// Status, type and list of each listener's access control.
fn access(world: &World) -> Vec<(String, String, String)> {
    let text = |value: Option<&clb_model::attribute::AttributeValue>| {
        value.map(ToString::to_string).unwrap_or_default()
    };
    let listeners = world.clb().listeners.values();
    listeners
        .map(|listener| {
            let of = |attribute| text(listener.attributes.get(attribute));
            (of(A::AclStatus), of(A::AclType), of(A::AclId))
        })
        .collect()
}

/// The changes so far as `fill 2` and the like.
fn done(world: &World) -> Vec<String> {
    let operations = world.batches.iter().flat_map(|batch| &batch.operations);
    operations
        .map(|operation| match &operation.change {
            Change::FillAccessList { entries, .. } => format!("fill {}", entries.len()),
            Change::TrimAccessList { entries, .. } => format!("trim {}", entries.len()),
            Change::DeleteAccessList => "delete list".to_owned(),
            Change::FindLoadBalancer { .. } => "look".to_owned(),
            Change::ChangeListener { listener, .. } => format!("change {listener}"),
            Change::DeleteLoadBalancer => "delete CLB".to_owned(),
            other => format!("{other:?}"),
        })
        .collect()
}

#[test]
fn a_new_service_is_never_open_to_everyone() {
    let lab = with_ranges(
        Lab::with_ports(vec![tcp_port(80), udp_port(53)]),
        &["10.0.0.0/8", "192.168.0.0/16"],
    );
    let mut world = World::new(lab);
    world.settle();
    assert_eq!(entries(&world), ["10.0.0.0/8", "192.168.0.0/16"]);
    let id = world.cloud.access_lists.keys().next().unwrap().clone();
    let listed = ("on".to_owned(), "white".to_owned(), id);
    assert_eq!(access(&world), [listed.clone(), listed]);
    assert_eq!(
        world.batches.len(),
        1,
        "created with the list, not given it afterwards"
    );
    assert_eq!(world.condition(SOURCE_RANGES).as_deref(), Some("True Restricted"));
}

#[test]
fn what_comes_is_added_before_what_goes_is_removed() {
    let mut world = World::settled(with_ranges(Lab::tcp(), &["10.0.0.0/8", "192.168.0.0/16"]));
    world.lab = with_ranges(world.lab, &["10.0.0.0/8", "172.16.0.0/12"]);
    world.settle();
    assert_eq!(done(&world), ["fill 1", "trim 1"]);
    assert_eq!(entries(&world), ["10.0.0.0/8", "172.16.0.0/12"]);
}

#[test]
fn a_list_without_room_makes_some_first_and_is_never_empty() {
    let ranges = |numbers: Vec<String>, lab: Lab| {
        let texts: Vec<&str> = numbers.iter().map(String::as_str).collect();
        with_ranges(lab, &texts)
    };
    let mut world = World::settled(ranges(many(0, 300), Lab::tcp()));
    world.lab = ranges(many(300, 300), world.lab);
    world.settle();
    assert_eq!(done(&world), ["trim 299", "fill 299", "trim 1", "fill 1"]);
    assert_eq!(entries(&world).len(), 300);
    world.forget();
    world.lab = ranges(many(310, 300), world.lab);
    world.settle();
    assert_eq!(done(&world), ["trim 10", "fill 10"]);
}

#[test]
fn more_ranges_than_a_list_holds_are_a_mistake() {
    let numbers = many(0, 301);
    let texts: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let problems = with_ranges(Lab::tcp(), &texts).problems();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].to_string().contains("at most 300"), "{problems:?}");
}

#[test]
fn without_ranges_everyone_may_connect_again_and_the_list_goes() {
    let mut world = World::settled(with_ranges(Lab::tcp(), &["10.0.0.0/8"]));
    world.lab = with_ranges(world.lab, &[]);
    world.settle();
    assert_eq!(done(&world), ["change tcp:80", "delete list"]);
    assert_eq!(access(&world)[0].0, "off");
    assert!(world.cloud.access_lists.is_empty());
    assert_eq!(
        world.condition(SOURCE_RANGES).as_deref(),
        Some("False Unrestricted")
    );
}

#[test]
fn a_list_of_the_users_takes_its_place_without_a_moment_for_everyone() {
    let lab = with_ranges(Lab::with_ports(vec![tcp_port(80), udp_port(53)]), &["10.0.0.0/8"]);
    let mut world = World::settled(lab);
    world.lab = with_ranges(world.lab, &[])
        .annotated("acl-status", "on")
        .annotated("acl-id", "acl-1")
        .annotated("acl-type", "white");
    world.settle();
    assert_eq!(done(&world), ["change udp:53", "change tcp:80", "delete list"]);
    let listed = ("on".to_owned(), "white".to_owned(), "acl-1".to_owned());
    assert_eq!(access(&world), [listed.clone(), listed]);
    assert_eq!(world.cloud.access_lists.len(), 0);
}

#[test]
fn the_list_goes_with_the_service() {
    let mut world = World::settled(with_ranges(Lab::tcp(), &["10.0.0.0/8"]));
    world.lab.service.deleting = true;
    world.settle();
    assert_eq!(done(&world), ["delete CLB", "delete list"]);
    assert!(world.cloud.load_balancers.is_empty() && world.cloud.access_lists.is_empty());
    assert!(!world.lab.service.finalizer);
}

#[test]
fn a_crash_between_the_clb_and_its_list_leaves_no_list() {
    let mut world = World::settled(with_ranges(Lab::tcp(), &["10.0.0.0/8"]));
    world.lab.service.deleting = true;
    world.pass_first(1);
    assert!(world.cloud.load_balancers.is_empty() && !world.cloud.access_lists.is_empty());
    world.memory = Default::default();
    world.settle();
    assert!(world.cloud.access_lists.is_empty());
    assert!(!world.lab.service.finalizer);
}

#[test]
fn a_preserved_clb_keeps_its_list() {
    let lab = with_ranges(Lab::tcp(), &["10.0.0.0/8"]).annotated("preserve-lb-on-delete", "true");
    let mut world = World::settled(lab);
    world.lab.service.deleting = true;
    world.settle();
    assert_eq!(entries(&world), ["10.0.0.0/8"]);
    assert_eq!(access(&world)[0].0, "on");
    assert!(!world.lab.service.finalizer);
}

#[test]
fn entries_changed_by_hand_are_put_right() {
    let mut world = World::settled(with_ranges(Lab::tcp(), &["10.0.0.0/8"]));
    let id = world.cloud.access_lists.keys().next().unwrap().clone();
    let foreign: IpNet = "0.0.0.0/0".parse().unwrap();
    world
        .cloud
        .access_lists
        .get_mut(&id)
        .unwrap()
        .entries
        .insert(foreign);
    let list = world.cloud.access_lists[&id].clone();
    world.clb_mut().access_lists.insert(id, list);
    world.settle();
    assert_eq!(entries(&world), ["10.0.0.0/8"]);
}

#[test]
fn a_stale_snapshot_lets_more_in_and_keeps_nobody_out() {
    let mut world = World::settled(with_ranges(Lab::tcp(), &["10.0.0.0/8"]));
    world.lab = with_ranges(world.lab, &["172.16.0.0/12"]);
    world.fresh = false;
    world.settle();
    assert_eq!(entries(&world), ["10.0.0.0/8", "172.16.0.0/12"]);
    world.fresh = true;
    world.settle();
    assert_eq!(entries(&world), ["172.16.0.0/12"]);
}

#[test]
fn a_list_that_cannot_be_filled_keeps_its_listeners_waiting() {
    let lab = with_ranges(Lab::tcp(), &["10.0.0.0/8"]);
    let mut world = World::new(lab);
    world.pass();
    let step = world.look();
    let batch = step.batch.expect("everything is to be made");
    let fill = batch
        .operations
        .iter()
        .find(|operation| matches!(operation.change, Change::FillAccessList { .. }))
        .unwrap();
    let listener = batch
        .operations
        .iter()
        .find(|operation| matches!(operation.change, Change::CreateListener(_)))
        .unwrap();
    assert!(listener.after.contains(&fill.id));
}

#[test]
fn on_a_clb_of_alibabas_controller_ranges_wait_for_the_settings_and_an_event_says_what_would_change() {
    let mut world = World::settled(Lab::tcp());
    world.lab.service.conditions.clear();
    world.memory = Default::default();
    world.lab = with_ranges(world.lab, &["10.0.0.0/8"]);
    assert!(!world.lab.service.ingress.is_empty());
    world.settle();
    assert!(world.cloud.access_lists.is_empty());
    let said = world.said().join("\n");
    assert!(
        said.contains("listener tcp:80 would let in only 10.0.0.0/8"),
        "{said}"
    );

    world.lab.cluster.standard_fields_on_adopted = true;
    world.settle();
    assert_eq!(entries(&world), ["10.0.0.0/8"]);
    // Switched off again, nothing is opened.
    world.lab.cluster.standard_fields_on_adopted = false;
    world.settle();
    assert_eq!(entries(&world), ["10.0.0.0/8"]);
    assert_eq!(access(&world)[0].0, "on");
}

#[test]
fn a_reused_clb_gets_its_list_on_the_services_listeners_only() {
    let lab = with_ranges(Lab::tcp(), &["10.0.0.0/8"])
        .annotated("id", "lb-reuse-05")
        .annotated("force-override-listeners", "true");
    let mut world = World::new(lab).with_users_clb("lb-reuse-05");
    world.settle();
    let mine = access(&world);
    assert_eq!(
        mine.iter().filter(|(status, ..)| status == "on").count(),
        1,
        "{mine:?}"
    );
    world.lab.service.deleting = true;
    assert_eq!(world.settle().state, State::None);
    assert!(world.cloud.access_lists.is_empty());
    assert_eq!(world.clb().listeners.len(), 1, "the user's own listener stays");
}

/// On a CLB of the user's whose listeners are ours to manage.
fn on_users_clb(ranges: &[&str]) -> Lab {
    with_ranges(Lab::tcp(), ranges)
        .annotated("id", "lb-reuse-05")
        .annotated("force-override-listeners", "true")
}

#[test]
fn a_reused_clb_of_another_family_is_not_opened_to_everyone() {
    for (family, range) in [(IpVersion::V4, "2001:db8::/32"), (IpVersion::V6, "10.0.0.0/8")] {
        let mut world = World::new(on_users_clb(&[range])).with_users_clb("lb-reuse-05");
        world.clb_mut().ip_version = family;
        let before = world.clb().clone();
        world.settle();
        assert_eq!(done(&world), [""; 0]);
        assert_eq!(*world.clb(), before);
        assert_eq!(
            world.condition(ACCEPTED).as_deref(),
            Some("False InvalidAnnotations")
        );
        let said = world.said().join("\n");
        let allowed = format!("{range:?} is not valid: at least one range of the CLB's family, {family}");
        assert!(said.contains(&allowed) && said.contains("for example"), "{said}");
    }
}

#[test]
fn ranges_that_a_reused_clb_cannot_have_are_named() {
    let lab = on_users_clb(&["10.0.0.0/8", "2001:db8::/32"]);
    let mut world = World::new(lab).with_users_clb("lb-reuse-05");
    world.settle();
    assert_eq!(entries(&world), ["10.0.0.0/8"]);
    let said = world.said().join("\n");
    assert!(
        said.contains("2001:db8::/32 are not of the CLB's family"),
        "{said}"
    );
}

#[test]
fn ranges_are_of_the_family_that_the_clb_has_and_not_of_the_one_that_it_cannot_get() {
    let mut world = World::settled(with_ranges(Lab::tcp(), &["10.0.0.0/8"]));
    world.lab = with_ranges(world.lab, &["10.0.0.0/8", "172.16.0.0/12"]).annotated("ip-version", "ipv6");
    world.settle();
    assert_eq!(entries(&world), ["10.0.0.0/8", "172.16.0.0/12"]);
    let said = world.said().join("\n");
    assert!(
        said.contains("ip-version") && said.contains("cannot be changed"),
        "{said}"
    );
    assert_ne!(
        world.condition(ACCEPTED).as_deref(),
        Some("False InvalidAnnotations")
    );
}

#[test]
fn what_is_said_of_thousands_of_ranges_is_short() {
    let numbers = many(0, 3000);
    let ranges: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let mut adopted = World::settled(Lab::tcp());
    adopted.lab.service.conditions.clear();
    adopted.memory = Default::default();
    adopted.lab = with_ranges(adopted.lab, &ranges);
    let mistaken = World::new(with_ranges(Lab::tcp().annotated("acl-status", "off"), &ranges));
    let other_family = World::new(with_ranges(Lab::tcp().annotated("ip-version", "ipv6"), &ranges));
    for mut world in [adopted, mistaken, other_family] {
        world.settle();
        let said = world.said();
        assert!(!said.is_empty());
        for text in said {
            assert!(text.len() < 2000, "{} bytes: {text}", text.len());
        }
        for condition in &world.lab.service.conditions {
            assert!(condition.message.len() < 2000, "{condition:?}");
        }
    }
}

#[test]
fn listeners_that_are_not_managed_need_no_range_of_their_clbs_family() {
    let lab = with_ranges(Lab::tcp(), &["2001:db8::/32"]).annotated("id", "lb-reuse-05");
    let mut world = World::new(lab).with_users_clb("lb-reuse-05");
    assert_eq!(world.settle().state, State::Converged);
    let said = world.said().join("\n");
    assert!(
        said.contains("the listeners of the reused CLB are not managed"),
        "{said}"
    );
    assert!(!said.contains("family"), "{said}");
}

#[test]
fn no_plan_makes_a_listener_that_no_list_guards() {
    let desired = with_ranges(Lab::tcp(), &["2001:db8::/32"])
        .annotated("ip-version", "ipv6")
        .desired();
    let world = World::settled(Lab::tcp());
    let context = PlanContext {
        cluster: &world.lab.cluster,
        service: &world.lab.service,
        nodes: &world.lab.nodes,
        attachments: &Attachments::default(),
        left_out: &[],
        coming_charge_type: None,
        may_have_access_list: false,
        fresh: true,
    };
    let mut without_listeners = world.clb().clone();
    without_listeners.listeners.clear();
    // Listeners that are there stay.
    for clb in [without_listeners, world.clb().clone()] {
        let plan = plan(context, &desired, Some(&clb), None);
        assert_eq!(plan.operations, []);
        let [obstacle] = &plan.obstacles[..] else {
            panic!("one obstacle, not {:?}", plan.obstacles)
        };
        assert!(
            obstacle
                .message
                .contains("has no range of the CLB's family, ipv4"),
            "{obstacle:?}"
        );
    }
}

#[test]
fn the_list_stays_while_a_listener_that_must_wait_uses_it() {
    let mut world =
        World::settled(with_ranges(Lab::http(), &["10.0.0.0/8"]).annotated("backend-type", "eni"));
    // The new listener's group, of Nodes, has no backend yet.
    let nodes = std::mem::take(&mut world.lab.nodes);
    world.lab.service.annotations.clear();
    world.lab = with_ranges(world.lab, &[]);
    world.settle();
    assert_eq!(entries(&world), ["10.0.0.0/8"]);
    assert_eq!(access(&world)[0].0, "on");
    world.lab.nodes = nodes;
    world.settle();
    assert!(world.cloud.access_lists.is_empty());
    assert_eq!(access(&world)[0].0, "off");
}

#[test]
fn the_list_stays_with_a_listener_that_is_the_users_again() {
    let lab = with_ranges(Lab::tcp(), &["10.0.0.0/8"])
        .annotated("id", "lb-reuse-05")
        .annotated("force-override-listeners", "true");
    let mut world = World::new(lab).with_users_clb("lb-reuse-05");
    world.settle();
    world
        .lab
        .service
        .annotations
        .retain(|name, _| !name.ends_with("force-override-listeners"));
    world.settle();
    world.lab.service.deleting = true;
    assert_eq!(world.settle().state, State::None);
    assert_eq!(entries(&world), ["10.0.0.0/8"]);
    let said = world.said().join("\n");
    assert!(
        said.contains("access control list") && said.contains("tcp:80"),
        "{said}"
    );
}
