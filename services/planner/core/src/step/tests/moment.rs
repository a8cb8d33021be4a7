//! Random Services in random clusters, one moment after the other.

use clb_model::cluster::{ServicePort, TrafficPolicy};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::world::World;
use crate::desired::tests::lab::{Lab, NOW_MS, tcp_port, udp_port};
use crate::desired::{Wish, desired};

/// The user's CLB of reused Services.
pub(super) const USERS: &str = "lb-reuse-05";

/// The lab's instances and pods.
pub(super) const SERVERS: &[&str] = &[
    "i-n1", "i-n2", "i-n3", "i-n4", "10.0.1.1", "10.0.1.2", "10.0.2.1", "10.0.4.1", "10.0.9.1",
];

/// A Service and its cluster at one moment.
#[derive(Debug, Clone)]
pub(super) struct Moment {
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

pub(super) fn moment() -> impl Strategy<Value = Moment> {
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
pub(super) fn moments(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Moment>> {
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
pub(super) fn change() -> impl Strategy<Value = (Moment, Moment)> {
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
    pub(super) fn enter(&self, world: &mut World) {
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
