//! Random Services in random clusters, one moment after the other.

mod annotations;
pub(super) mod hands;
mod spec;

use std::collections::BTreeMap;

use clb_model::marks;
use proptest::prelude::*;
use proptest::sample::subsequence;

use super::world::World;
use crate::desired::tests::lab::{Lab, NOW_MS};
use crate::desired::{Wish, desired};
use annotations::{Annotation, annotations};
use spec::{Cluster, Spec};

/// The user's CLB of reused Services.
pub(super) const USERS: &str = "lb-reuse-05";

/// The lab's instances and pods.
pub(super) const SERVERS: &[&str] = &[
    "i-n1", "i-n2", "i-n3", "i-n4", "10.0.1.1", "10.0.1.2", "10.0.2.1", "10.0.4.1", "10.0.9.1",
];

/// A Service and its cluster at one moment.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    spec: Spec,
    annotations: Vec<Annotation>,
    /// Whether they have the older prefix.
    legacy: bool,
    cluster: Cluster,
    /// Names of Nodes that are there.
    nodes: Vec<&'static str>,
    /// Names of Nodes that are not ready.
    not_ready: Vec<&'static str>,
    /// Numbers of endpoints that are there.
    endpoints: Vec<usize>,
    /// Annotations that are mistakes are left out.
    mended: bool,
}

pub(super) fn moment() -> impl Strategy<Value = Moment> {
    (
        spec::specs(),
        annotations(),
        prop::bool::weighted(0.1),
        spec::clusters(),
        subsequence(vec!["n1", "n2", "n3", "n4", "vk"], 0..=5),
        subsequence(vec!["n1", "n2", "n3"], 0..=2),
        subsequence((0..7).collect::<Vec<_>>(), 0..=7),
        prop::bool::weighted(0.85),
    )
        .prop_map(
            |(spec, annotations, legacy, cluster, nodes, not_ready, endpoints, mended)| Moment {
                spec,
                annotations,
                legacy,
                cluster,
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
                    spec: before.spec,
                    annotations: before.annotations,
                    legacy: before.legacy,
                    mended: before.mended,
                    ..other
                },
                _ => Moment {
                    annotations: other.annotations,
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

/// Two moments with room for everything: what a quota leaves out depends on what was there before.
pub(super) fn change_with_room() -> impl Strategy<Value = (Moment, Moment)> {
    let with_room = |moment: Moment| Moment {
        cluster: moment.cluster.with_room(),
        ..moment
    };
    change().prop_map(move |(first, second)| (with_room(first), with_room(second)))
}

/// Takes out annotations that are mistakes, until there are none; fields that are mistakes go last.
fn mend(lab: &mut Lab) {
    while let Wish::Problems(problems) = desired(lab.inputs()) {
        let service = &mut lab.service;
        let before = service.annotations.len();
        service.annotations.retain(|name, _| {
            !problems
                .iter()
                .any(|problem| problem.to_string().contains(name.as_str()))
        });
        if before == 0 {
            assert!(!service.source_ranges.is_empty(), "{problems:?}");
            service.source_ranges.clear();
        } else if service.annotations.len() == before {
            service.annotations.clear();
        }
    }
}

fn with_older_prefix(annotations: BTreeMap<String, String>) -> BTreeMap<String, String> {
    annotations
        .into_iter()
        .map(|(name, value)| {
            let older = name.replace(marks::ANNOTATION_PREFIX, marks::LEGACY_ANNOTATION_PREFIX);
            (older, value)
        })
        .collect()
}

impl Moment {
    /// Puts the world into this moment; what the Service's status and conditions say stays.
    pub(super) fn enter(&self, world: &mut World) {
        let mut lab = Lab::with_ports(self.spec.ports());
        for (name, value) in &self.annotations {
            lab = lab.annotated(name, value);
        }
        if self.legacy {
            lab.service.annotations = with_older_prefix(lab.service.annotations);
        }
        self.cluster.enter(&mut lab);
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
        self.spec.enter(&mut lab.service);
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
