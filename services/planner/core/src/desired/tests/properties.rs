//! What holds for every Service: the order of its parts does not matter, nothing panics, nothing is made up.

use std::collections::BTreeMap;

use clb_model::cloud::Backend;
use clb_model::cluster::{EndpointSet, ServicePort, TrafficPolicy};
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use super::lab::{Lab, PREFIX, pod, tcp_port, udp_port};
use crate::annotations;
use crate::desired::{Wish, backends_despite_problems, desired};
use crate::step::tests::world::users_clb;

/// Annotations of the table with their own examples, or with something else.
fn annotations() -> impl Strategy<Value = BTreeMap<String, String>> {
    let rows: Vec<_> = annotations::table().collect();
    let row = any::<Index>().prop_map(move |index| *index.get(&rows));
    let plausible = ["on", "off", "0", "http:80,https:443", ""];
    let value = prop_oneof![
        6 => Just(None),
        1 => select(plausible.to_vec()).prop_map(|text| Some(text.to_owned())),
        1 => ".{0,12}".prop_map(Some),
    ];
    prop::collection::vec((row, value, any::<bool>()), 0..12).prop_map(|chosen| {
        chosen
            .into_iter()
            .map(|(row, value, legacy)| {
                let names = row.names();
                let name = if legacy { names.last() } else { names.first() };
                (
                    name.unwrap().clone(),
                    value.unwrap_or_else(|| row.example.to_owned()),
                )
            })
            .collect()
    })
}

fn ports() -> impl Strategy<Value = Vec<ServicePort>> {
    let all = vec![tcp_port(80), tcp_port(443), udp_port(80), tcp_port(8080)];
    subsequence(all, 1..=4)
}

fn labs() -> impl Strategy<Value = Lab> {
    (ports(), annotations(), any::<bool>(), any::<bool>()).prop_map(|(ports, annotations, local, eni)| {
        let mut lab = Lab::with_ports(ports);
        lab.service.annotations = annotations;
        if local {
            lab.service.traffic_policy = TrafficPolicy::Local;
        }
        if eni {
            lab = lab.annotated("backend-type", "eni");
        }
        lab
    })
}

/// Answers that everything exists.
fn answered(lab: &mut Lab) {
    while let Wish::Questions(questions) = desired(lab.inputs()) {
        for question in questions {
            match question {
                crate::facts::Question::Certificate(id) => {
                    let certificate = crate::facts::Certificate { expires_ms: None };
                    lab.facts.certificates.insert(id, Some(certificate));
                }
                crate::facts::Question::AccessControlList(id) => {
                    let list = crate::facts::AccessControlList { ip_version: None };
                    lab.facts.access_control_lists.insert(id, Some(list));
                }
                crate::facts::Question::VSwitch(id) => {
                    let fact = crate::facts::VSwitchFact {
                        vpc_id: "vpc-lab".to_owned(),
                        cidr: None,
                    };
                    lab.facts.vswitches.insert(id, Some(fact));
                }
                crate::facts::Question::StaticAddress(address) => {
                    lab.facts.static_addresses.insert(address, None);
                }
                crate::facts::Question::ZonePairs => {
                    lab.facts.zone_pairs = Some(std::collections::BTreeSet::new())
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn the_order_of_ports_slices_and_endpoints_does_not_matter(
        mut lab in labs(),
        seed in any::<u64>(),
        second in prop::collection::vec((0..8u8, 1..5u8, any::<bool>()), 0..6),
    ) {
        answered(&mut lab);
        let first_set = &lab.service.endpoints[0];
        let endpoints = second
            .into_iter()
            .map(|(host, node, ready)| clb_model::cluster::Endpoint {
                ready,
                ..pod(&format!("10.0.1.{host}"), &format!("n{node}"))
            })
            .collect();
        let set = EndpointSet { ports: first_set.ports.clone(), endpoints, host_names: 0 };
        lab.service.endpoints.push(set);
        let mut other = lab.clone();
        let shift = usize::try_from(seed % 7).unwrap();
        let ports = other.service.ports.len();
        other.service.ports.rotate_left(shift % ports);
        other.service.endpoints.reverse();
        for set in &mut other.service.endpoints {
            set.endpoints.reverse();
            set.ports.reverse();
        }
        prop_assert_eq!(desired(lab.inputs()), desired(other.inputs()));
    }

    #[test]
    fn every_service_has_a_desired_state_or_problems_that_say_where(mut lab in labs()) {
        answered(&mut lab);
        match desired(lab.inputs()) {
            Wish::Questions(questions) => prop_assert!(false, "all were answered: {questions:?}"),
            Wish::Problems(problems) => {
                prop_assert!(!problems.is_empty());
                for problem in &problems {
                    prop_assert!(!problem.place.is_empty() && !problem.allowed.is_empty(), "{problem:?}");
                }
                let _followed = backends_despite_problems(lab.inputs(), &users_clb("lb-reuse-05"));
            }
            Wish::Desired(desired) => {
                let followed = backends_despite_problems(lab.inputs(), &users_clb("lb-reuse-05"));
                prop_assert_eq!(&followed.vgroups, &desired.vgroups);
                for listener in &desired.listeners {
                    for (attribute, value) in listener.named.iter() {
                        prop_assert!(attribute.applies_to(listener.key.protocol), "{attribute:?}");
                        prop_assert_eq!(listener.creation.get(attribute), Some(value));
                    }
                    if let Some(identity) = &listener.vgroup {
                        prop_assert!(desired.vgroups.iter().any(|group| group.identity == *identity));
                    }
                }
                for group in &desired.vgroups {
                    prop_assert!(group.backends.windows(2).all(|two| two[0].key() < two[1].key()));
                    let sane = |backend: &Backend| backend.weight <= 100 && backend.port > 0;
                    prop_assert!(group.backends.iter().all(sane));
                }
            }
        }
    }

    #[test]
    fn the_legacy_prefix_is_read_as_the_newer_one(mut lab in labs()) {
        let legacy_prefix = PREFIX.replace("alibaba-cloud", "alicloud");
        let renamed = |from: &str, to: &str| -> BTreeMap<String, String> {
            let rename = |(name, value): (&String, &String)| (name.replace(from, to), value.clone());
            lab.service.annotations.iter().map(rename).collect()
        };
        let (newer, legacy) = (renamed(&legacy_prefix, PREFIX), renamed(PREFIX, &legacy_prefix));
        let wish = |lab: &mut Lab, annotations: &BTreeMap<String, String>| {
            lab.service.annotations = annotations.clone();
            answered(lab);
            // The order of mistakes and remarks is that of their texts, which the prefix is part of.
            let mut lines: Vec<String> = match desired(lab.inputs()) {
                Wish::Problems(problems) => problems.iter().map(|problem| format!("{problem:?}")).collect(),
                Wish::Questions(questions) => vec![format!("{questions:?}")],
                Wish::Desired(mut desired) => {
                    let notices = std::mem::take(&mut desired.notices);
                    let remarks = notices.iter().map(|notice| format!("{notice:?}"));
                    remarks.chain([format!("{desired:?}")]).collect()
                }
            };
            lines.iter_mut().for_each(|line| *line = line.replace(&legacy_prefix, PREFIX));
            lines.sort();
            lines
        };
        prop_assume!(newer.len() == legacy.len());
        prop_assert_eq!(wish(&mut lab, &newer), wish(&mut lab, &legacy));
    }
}
