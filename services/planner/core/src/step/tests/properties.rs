//! For random Services and random changes to them, to their cluster and to the cloud: what must hold whatever comes.

use std::collections::BTreeMap;

use clb_model::cloud::{Backend, BackendTarget, Listener, ListenerKey, LoadBalancer};
use clb_model::cluster::{ServicePort, TrafficPolicy};
use clb_model::operation::{Change, Operation};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::world::World;
use crate::desired::tests::lab::{Lab, NOW_MS, tcp_port, udp_port};
use crate::desired::{DesiredVServerGroup, Wish, desired};
use crate::step::State;

/// The user's CLB of reused Services.
const USERS: &str = "lb-reuse-05";

/// The lab's instances and pods.
const SERVERS: &[&str] = &[
    "i-n1", "i-n2", "i-n3", "i-n4", "10.0.1.1", "10.0.1.2", "10.0.2.1", "10.0.4.1", "10.0.9.1",
];

/// A Service and its cluster at one moment.
#[derive(Debug, Clone)]
struct Moment {
    ports: Vec<ServicePort>,
    /// Annotations without their prefix.
    annotations: Vec<(&'static str, String)>,
    local: bool,
    /// Names of Nodes that are there.
    nodes: Vec<&'static str>,
    /// Names of Nodes that are not ready.
    not_ready: Vec<&'static str>,
    /// Numbers of endpoints that are there.
    endpoints: Vec<usize>,
    /// Annotations that are mistakes are left out.
    mended: bool,
}

/// What is said about listeners and backends; whether it fits together is not looked at.
const ANNOTATIONS: &[(&str, &[&str])] = &[
    ("scheduler", &["rr", "wrr", "sch", "tch"]),
    (
        "protocol-port",
        &[
            "http:80,https:443",
            "https:443",
            "http:80",
            "tcp:80",
            "http:80,http:443",
        ],
    ),
    ("cert-id", &["cert-a", "cert-b"]),
    ("forward-port", &["80:443"]),
    (
        "domain-extensions",
        &[
            "a.example.com:cert-b",
            "a.example.com:cert-c,b.example.com:cert-a",
        ],
    ),
    ("idle-timeout", &["10", "20"]),
    ("persistence-timeout", &["0", "1800"]),
    ("health-check-switch", &["on", "off"]),
    ("health-check-flag", &["on", "off"]),
    ("health-check-type", &["tcp", "http"]),
    ("health-check-interval", &["3", "9"]),
    ("acl-status", &["on", "off"]),
    ("acl-id", &["acl-1", "acl-2"]),
    ("acl-type", &["white", "black"]),
    ("sticky-session", &["on", "off"]),
    ("sticky-session-type", &["insert", "server"]),
    ("cookie-timeout", &["100"]),
    ("cookie", &["my-cookie"]),
    ("connection-drain", &["on", "off"]),
    ("connection-drain-timeout", &["30"]),
    ("proxy-protocol", &["on", "off"]),
    ("name", &["web-a", "web-b"]),
    ("spec", &["slb.s1.small", "slb.s2.small"]),
    ("instance-charge-type", &["PayBySpec", "PayByCLCU"]),
    ("charge-type", &["paybytraffic", "paybybandwidth"]),
    ("bandwidth", &["10", "20"]),
    ("delete-protection", &["on", "off"]),
    ("modification-protection", &["ConsoleProtection", "NonProtection"]),
    ("additional-resource-tags", &["a=1", "a=2,b=3"]),
    ("address-type", &["internet", "intranet"]),
    ("backend-type", &["ecs", "eni"]),
    ("default-weight", &["0", "50"]),
    ("ignore-weight-update", &["on"]),
    ("remove-unscheduled-backend", &["on"]),
    (
        "backend-label",
        &["failure-domain.beta.kubernetes.io/zone=cn-hangzhou-k"],
    ),
    ("id", &[USERS]),
    ("force-override-listeners", &["true", "false"]),
    ("vgroup-port", &["rsp-user-05:443", "rsp-user-05:80"]),
    ("weight", &["0", "60"]),
    ("hostname", &["www.example.com"]),
    ("preserve-lb-on-delete", &["true"]),
];

fn annotations() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    subsequence(ANNOTATIONS.to_vec(), 0..12).prop_flat_map(|rows| {
        rows.into_iter()
            .map(|(name, values)| (Just(name), select(values).prop_map(str::to_owned)))
            .collect::<Vec<_>>()
    })
}

fn moment() -> impl Strategy<Value = Moment> {
    let ports = vec![
        tcp_port(80),
        tcp_port(443),
        tcp_port(8080),
        udp_port(80),
        udp_port(53),
    ];
    (
        subsequence(ports, 1..=4).prop_shuffle(),
        annotations(),
        any::<bool>(),
        subsequence(vec!["n1", "n2", "n3", "n4", "vk"], 0..=5),
        subsequence(vec!["n1", "n2", "n3"], 0..=2),
        subsequence((0..7).collect::<Vec<_>>(), 0..=7),
        prop::bool::weighted(0.85),
    )
        .prop_map(
            |(ports, annotations, local, nodes, not_ready, endpoints, mended)| Moment {
                ports,
                annotations,
                local,
                nodes,
                not_ready,
                endpoints,
                mended,
            },
        )
}

/// Moments one after the other: often only the cluster changes, or only the annotations.
fn moments(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Moment>> {
    (moment(), prop::collection::vec((moment(), 0..3_u8), count)).prop_map(|(first, others)| {
        let mut moments = vec![first];
        for (other, kind) in others {
            let before = moments[moments.len() - 1].clone();
            moments.push(match kind {
                0 => other,
                1 => Moment {
                    ports: before.ports,
                    annotations: before.annotations,
                    local: before.local,
                    mended: before.mended,
                    ..other
                },
                _ => Moment {
                    annotations: other.annotations,
                    local: other.local,
                    ..before
                },
            });
        }
        moments
    })
}

/// Two moments.
fn change() -> impl Strategy<Value = (Moment, Moment)> {
    moments(1..2).prop_map(|mut moments| {
        let second = moments.pop().unwrap();
        (moments.pop().unwrap(), second)
    })
}

/// Takes out annotations that are mistakes, until there are none.
fn mend(lab: &mut Lab) {
    while let Wish::Problems(problems) = desired(lab.inputs()) {
        let before = lab.service.annotations.len();
        lab.service.annotations.retain(|name, _| {
            !problems
                .iter()
                .any(|problem| problem.to_string().contains(name.as_str()))
        });
        if lab.service.annotations.len() == before {
            lab.service.annotations.clear();
        }
    }
}

impl Moment {
    /// Puts the world into this moment; what the Service's status and conditions say stays.
    fn enter(&self, world: &mut World) {
        let mut lab = Lab::with_ports(self.ports.clone());
        for (name, value) in &self.annotations {
            lab = lab.annotated(name, value);
        }
        lab.nodes.retain(|name, _| self.nodes.contains(&name.as_str()));
        for name in &self.not_ready {
            if let Some(ready) = lab.nodes.get_mut(*name).and_then(|node| node.ready.as_mut()) {
                (ready.ready, ready.since_ms) = (false, NOW_MS - 600_000);
            }
        }
        let mut kept = 0;
        for set in &mut lab.service.endpoints {
            set.endpoints.retain(|_| {
                kept += 1;
                self.endpoints.contains(&(kept - 1))
            });
        }
        if self.local {
            lab.service.traffic_policy = TrafficPolicy::Local;
        }
        if self.mended {
            mend(&mut lab);
        }
        let before = std::mem::replace(&mut world.lab, lab);
        let service = &mut world.lab.service;
        service.finalizer = before.service.finalizer;
        service.labels = before.service.labels;
        service.ingress = before.service.ingress;
        service.conditions = before.service.conditions;
    }
}

/// What on the CLBs is not ours: listeners, backends, tags without an annotation for them.
#[derive(Debug, PartialEq)]
struct Foreign {
    listeners: BTreeMap<ListenerKey, Listener>,
    backends: Vec<(String, Vec<Backend>)>,
}

fn foreign(clb: &LoadBalancer) -> Foreign {
    let ours = |text: &str| text.starts_with("k8s/") && text.ends_with("/web/default/c-lab");
    Foreign {
        listeners: clb
            .listeners
            .iter()
            .filter(|(_, listener)| {
                let description = listener
                    .attributes
                    .text(clb_model::attribute::ListenerAttribute::Description);
                !ours(description.unwrap_or_default())
            })
            .map(|(key, listener)| (*key, listener.clone()))
            .collect(),
        backends: clb
            .vgroups
            .values()
            .map(|group| {
                let others = group
                    .backends
                    .iter()
                    .filter(|backend| !ours(&backend.description));
                (group.name.clone(), others.cloned().collect::<Vec<_>>())
            })
            .filter(|(_, others)| !others.is_empty())
            .collect(),
    }
}

/// Somebody puts a backend of theirs into each group of the Service's, and a listener of theirs on the CLB.
fn intrude(world: &mut World) {
    for clb in world.cloud.load_balancers.values_mut() {
        for group in clb.vgroups.values_mut() {
            let theirs = Backend {
                target: BackendTarget::Instance("i-theirs".to_owned()),
                port: 1234,
                weight: 7,
                description: "k8s/30080/web/default/c-other".to_owned(),
            };
            if !group.backends.contains(&theirs) {
                group.backends.push(theirs);
            }
        }
        let users = super::world::users_clb("lb-x-00").listeners.into_iter().next();
        if let Some((key, mut listener)) = users {
            listener.vgroup = None;
            clb.listeners.entry(key).or_insert(listener);
        }
    }
}

fn world() -> World {
    World::new(Lab::tcp()).with_users_clb(USERS)
}

/// Names of groups that were empty for a moment, and of listeners that were sent to an empty one, though endpoints were ready.
fn wrongly_emptied(world: &World) -> Vec<String> {
    let Wish::Desired(desired) = desired(world.lab.inputs()) else {
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
            let own = world.cloud.load_balancers.keys().filter(|id| id.as_str() != USERS).count();
            prop_assert!(own <= 1, "{} CLBs of one Service", own);
            world.forget();
        }
    }

    #[test]
    fn what_is_not_ours_is_never_touched((first, second) in change(), delete in any::<bool>()) {
        let mut world = world();
        first.enter(&mut world);
        world.settle();
        intrude(&mut world);
        let before: BTreeMap<_, _> =
            world.cloud.load_balancers.iter().map(|(id, clb)| (id.clone(), foreign(clb))).collect();
        second.enter(&mut world);
        world.lab.service.deleting = delete;
        world.settle();
        for (id, clb) in &world.cloud.load_balancers {
            if let Some(before) = before.get(id) {
                prop_assert_eq!(&foreign(clb), before);
            }
        }
        // Only a CLB of the Service's own may go.
        prop_assert!(world.cloud.load_balancers.keys().any(|id| id.as_str() == USERS));
    }

    #[test]
    fn a_mistake_leaves_the_cloud_as_it_is((first, second) in change()) {
        let mut world = world();
        first.enter(&mut world);
        world.settle();
        second.enter(&mut world);
        if let Wish::Problems(_) = desired(world.lab.inputs()) {
            let listeners = |world: &World| {
                world.cloud.load_balancers.values().map(|clb| (clb.listeners.clone(), clb.version, clb.vgroups.len())).collect::<Vec<_>>()
            };
            let before = listeners(&world);
            let last = world.settle();
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
    fn the_order_of_ports_and_endpoints_does_not_matter((first, second) in change()) {
        let mut world = world();
        first.enter(&mut world);
        world.settle();
        second.enter(&mut world);
        let mut turned = world.clone();
        turned.lab.service.ports.reverse();
        for set in &mut turned.lab.service.endpoints {
            set.endpoints.reverse();
            set.ports.reverse();
        }
        let operations = |world: &World| world.look().batch.map(|batch| batch.operations);
        prop_assert_eq!(operations(&world), operations(&turned));
    }

    #[test]
    fn a_restarted_planner_goes_on_where_the_old_one_stopped((first, second) in change(), after in 1..4_usize) {
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
    fn unusable_servers_hold_up_no_other((first, second) in change(), unusable in subsequence(SERVERS.to_vec(), 0..=9)) {
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
        world.now_ms += 3_600_000;
        world.settle();
        prop_assert_eq!(wrongly_emptied(&world), Vec::<String>::new());
        prop_assert_eq!(essence(&world), essence(&all));
    }

    /// Killed after any operation, with or without what it remembered.
    #[test]
    fn a_batch_that_stops_anywhere_is_finished_by_the_next(
        (first, second) in change(), counts in prop::collection::vec(0..6_usize, 1..5), forgets in any::<bool>(), delete in any::<bool>(),
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
            let own = world.cloud.load_balancers.keys().filter(|id| id.as_str() != USERS).count();
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
    lines.sort();
    lines
}
