//! Which family backends have: a CLB with an IPv4 address reaches IPv4 pods only.

use clb_model::cloud::IpVersion;
use clb_model::cluster::IpFamily::{self, V4, V6};
use clb_model::cluster::TrafficPolicy;

use super::lab::{Lab, PREFIX, set_families, written};
use crate::desired::backends_despite_problems;
use crate::step::tests::world::users_clb;

fn pods(families: &[IpFamily]) -> Lab {
    let mut lab = Lab::tcp().annotated("backend-type", "eni");
    set_families(&mut lab.service, families);
    lab
}

/// The same on a CLB that is there.
fn on(mut lab: Lab, of_clb: IpVersion) -> Lab {
    lab.facts.ip_version = Some(of_clb);
    lab
}

const OF_V4: [&str; 5] = [
    "10.0.1.1:80=100",
    "10.0.1.2:80=100",
    "10.0.2.1:80=100",
    "10.0.4.1:80=100",
    "10.0.9.1:80=100",
];
const OF_V6: [&str; 5] = [
    "fd00::1:1:80=100",
    "fd00::1:2:80=100",
    "fd00::2:1:80=100",
    "fd00::4:1:80=100",
    "fd00::9:1:80=100",
];

#[test]
fn pods_are_of_a_family_that_the_clb_reaches() {
    let internal = |lab: Lab| lab.annotated("address-type", "intranet");
    let v4 = |lab: Lab| lab.annotated("ip-version", "ipv4");
    let v6 = |lab: Lab| lab.annotated("ip-version", "ipv6");
    for (lab, expected) in [
        // A CLB that is to be made: of the Service's first family, where nothing else is said.
        (pods(&[V6]), OF_V6),
        (pods(&[V6, V4]), OF_V6),
        (pods(&[V4, V6]), OF_V4),
        (internal(pods(&[V6, V4])), OF_V4),
        (v4(pods(&[V6, V4])), OF_V4),
        (v6(pods(&[V6, V4])), OF_V6),
        // An IPv6 one reaches IPv4 pods.
        (v6(pods(&[V4])), OF_V4),
        (v6(pods(&[V4, V6])), OF_V4),
        // One that is there stays as it is, whatever is said.
        (on(pods(&[V6, V4]), IpVersion::V4), OF_V4),
        (on(v6(pods(&[V6, V4])), IpVersion::V4), OF_V4),
        (on(v4(pods(&[V6, V4])), IpVersion::V6), OF_V6),
        (on(pods(&[V6]), IpVersion::V6), OF_V6),
        (on(pods(&[V4]), IpVersion::V6), OF_V4),
        // The annotation comes first.
        (
            on(pods(&[V4, V6]), IpVersion::V6).annotated("backend-ip-version", "ipv6"),
            OF_V6,
        ),
        (
            on(pods(&[V6, V4]), IpVersion::V6).annotated("backend-ip-version", "ipv4"),
            OF_V4,
        ),
    ] {
        let service = &lab.service;
        assert_eq!(
            lab.backends(),
            expected,
            "{:?} {:?} on {:?}",
            service.ip_families,
            service.annotations,
            lab.facts.ip_version
        );
    }
}

#[test]
fn pods_of_ipv6_alone_behind_an_ipv4_clb_are_a_mistake() {
    for (lab, why) in [
        (
            pods(&[V6]).annotated("address-type", "intranet"),
            format!("internal (annotation {PREFIX}address-type)"),
        ),
        (
            pods(&[V6]).annotated("ip-version", "ipv4"),
            format!("annotation {PREFIX}ip-version"),
        ),
        (on(pods(&[V6]), IpVersion::V4), "cannot be changed".to_owned()),
        (
            on(pods(&[V6]).annotated("id", "lb-reuse-04"), IpVersion::V4),
            "cannot be changed".to_owned(),
        ),
    ] {
        let problems = lab.problems();
        let [problem] = &problems[..] else {
            panic!("{why}: {problems:?}");
        };
        assert_eq!(problem.place, "spec.ipFamilies");
        assert!(problem.allowed.contains(&why), "{problem}");
        // Each remedy that it names is one.
        let mut both = lab.clone();
        both.service.ip_families = vec![V6, V4];
        assert_eq!(both.problems(), []);
        assert_eq!(lab.annotated("backend-type", "ecs").problems(), []);
    }
    assert_eq!(pods(&[V6]).annotated("id", "lb-reuse-04").problems(), []);
    // Whoever makes slices by hand knows what is in them.
    let by_hand = on(pods(&[V6]), IpVersion::V4).annotated("backend-ip-version", "ipv4");
    assert_eq!(by_hand.problems(), []);
}

/// Instances have no family, so endpoints of any show where they are.
#[test]
fn nodes_are_backends_whatever_the_family() {
    for families in [&[V4][..], &[V6], &[V4, V6], &[V6, V4]] {
        for of_clb in [IpVersion::V4, IpVersion::V6] {
            let mut lab = on(Lab::tcp().annotated("backend-ip-version", "ipv4"), of_clb);
            lab.nodes.remove("vk");
            set_families(&mut lab.service, families);
            lab.service.traffic_policy = TrafficPolicy::Local;
            let expected = ["i-n1:30080=2", "i-n2:30080=1", "i-n4:30080=1"];
            assert_eq!(lab.backends(), expected, "{families:?} on {of_clb}");
        }
    }
}

#[test]
fn pods_on_virtual_nodes_that_the_clb_does_not_reach_are_left_out_and_named() {
    let with = |families: &[IpFamily]| {
        let mut lab = on(Lab::tcp(), IpVersion::V4);
        set_families(&mut lab.service, families);
        lab
    };
    let only_v6 = with(&[V6]);
    assert_eq!(only_v6.backends().len(), 4, "{:?}", only_v6.backends());
    let remarks = only_v6.remarks();
    let named = |remark: &&String| remark.contains("fd00::9:1") && remark.contains("IPv6");
    assert_eq!(remarks.iter().filter(named).count(), 1, "{remarks:?}");
    assert!(with(&[V6, V4]).backends().contains(&"10.0.9.1:80=100".to_owned()));
}

#[test]
fn it_is_said_which_of_two_families_the_clb_has() {
    let said = |of_clb| {
        let remarks = on(pods(&[V6, V4]), of_clb).remarks();
        remarks.iter().any(|remark| remark.contains("of ipv4 here"))
    };
    assert!(said(IpVersion::V4));
    assert!(!said(IpVersion::V6));
}

/// With a mistake pods are followed where only one family can be meant, and all stay where none is known to be meant.
#[test]
fn a_mistake_takes_no_pod_of_the_family_that_the_clb_reaches() {
    let clb = users_clb("lb-reuse-05");
    let followed = |lab: Lab| {
        assert_ne!(lab.problems(), [], "{:?}", lab.service.annotations);
        backends_despite_problems(lab.inputs(), &clb).vgroups
    };
    for value in ["6", "ipv6"] {
        let lab = on(pods(&[V6, V4]), IpVersion::V4).annotated("backend-ip-version", value);
        let groups = followed(lab);
        assert_eq!(groups.len(), 1, "{value}");
        assert_eq!(written(&groups[0].backends), OF_V4, "{value}");
    }
    let unreadable = on(pods(&[V6, V4]), IpVersion::V6).annotated("backend-ip-version", "6");
    assert_eq!(followed(unreadable), []);
    assert_eq!(followed(on(pods(&[V6]), IpVersion::V4)), []);
}
