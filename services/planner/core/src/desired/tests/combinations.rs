//! Mistakes that annotations make together, a line each: where it is, what stands there, what the message
//! says.

use std::collections::BTreeSet;

use clb_model::cloud::IpVersion;
use clb_model::cluster::{TargetPort, Transport};

use super::lab::{Lab, PREFIX, tcp_port, udp_port};
use super::manifest::service_port;
use crate::annotations::find;
use crate::desired::{Wish, desired};
use crate::facts::{AccessControlList, Question};

/// One mistake: the place without the prefix, its value, a part of what is allowed.
type Mistake = (&'static str, &'static str, &'static str);

#[track_caller]
fn expect(lab: &Lab, mistakes: &[Mistake]) {
    let problems = lab.problems();
    let found: Vec<(&str, &str)> = problems
        .iter()
        .map(|problem| {
            (
                problem.place.strip_prefix(PREFIX).unwrap_or(&problem.place),
                problem.value.as_str(),
            )
        })
        .collect();
    let expected: Vec<(&str, &str)> = mistakes
        .iter()
        .map(|(place, value, _)| (*place, *value))
        .collect();
    assert_eq!(found, expected, "{problems:#?}");
    for (problem, (_, _, allowed)) in problems.iter().zip(mistakes) {
        assert!(problem.allowed.contains(allowed), "{problem:#?}");
        // Whoever writes what the example says has mended it, and an example of an annotation is one.
        if let Some(row) = find(&problem.place) {
            let right = (row.accepts)(&problem.example) || names_another(&problem.example);
            assert!(right, "{problem:#?}");
        }
    }
}

/// Whether an example is the right value of another annotation, as `name: "value"`.
fn names_another(example: &str) -> bool {
    example
        .split_once(": \"")
        .and_then(|(name, value)| Some((find(name)?, value.split_once('"')?.0)))
        .is_some_and(|(row, value)| (row.accepts)(value))
}

#[test]
fn the_charge_types_fit_each_other() {
    let by_use = Lab::tcp().annotated("instance-charge-type", "PayByCLCU");
    expect(&by_use, &[]);
    expect(
        &by_use.clone().annotated("spec", "slb.s1.small"),
        &[("instance-charge-type", "PayByCLCU", "PayBySpec with spec")],
    );
    expect(
        &by_use.annotated("charge-type", "paybybandwidth"),
        &[("instance-charge-type", "PayByCLCU", "pays by traffic only")],
    );
}

#[test]
fn a_static_address_is_for_an_internal_clb_inside_its_vswitch() {
    let address = Lab::tcp().annotated("ip", "10.0.250.8");
    expect(
        &address,
        &[
            ("address-type", "", "intranet"),
            ("vswitch-id", "", "needs the vSwitch"),
        ],
    );
    expect(
        &address
            .clone()
            .annotated("vswitch-id", "vsw-k")
            .annotated("address-type", "internet"),
        &[("ip", "10.0.250.8", "only with loadbalancer-address-type intranet")],
    );
    let internal = address.annotated("address-type", "intranet");
    expect(&internal, &[("vswitch-id", "", "needs the vSwitch")]);
    expect(&internal.clone().annotated("vswitch-id", "vsw-k"), &[]);
    expect(
        &internal.annotated("vswitch-id", "vsw-j"),
        &[("ip", "10.0.250.8", "vsw-j (10.1.0.0/16)")],
    );
}

#[test]
fn an_internal_clb_is_ipv4_and_has_a_vswitch() {
    let internal = Lab::tcp().annotated("address-type", "intranet");
    expect(
        &internal.clone().annotated("ip-version", "ipv6"),
        &[("ip-version", "ipv6", "Internet-facing")],
    );
    let mut without = internal;
    without.cluster.vswitches.clear();
    expect(&without, &[("vswitch-id", "", "none is configured")]);
    expect(&without.annotated("vswitch-id", "vsw-k"), &[]);
}

#[test]
fn zones_go_together() {
    expect(
        &Lab::tcp().annotated("master-zoneid", "cn-hangzhou-k"),
        &[("slave-zoneid", "", "go together")],
    );
    expect(
        &Lab::tcp().annotated("slave-zoneid", "cn-hangzhou-k"),
        &[("master-zoneid", "", "go together")],
    );
}

#[test]
fn zones_are_of_the_region_and_differ() {
    let zones = |master: &str, slave: &str| {
        Lab::tcp()
            .annotated("master-zoneid", master)
            .annotated("slave-zoneid", slave)
    };
    let (j, k) = ("cn-hangzhou-j", "cn-hangzhou-k");
    expect(&zones(k, j), &[]);
    expect(&zones(k, k), &[("slave-zoneid", k, "another zone than")]);
    let elsewhere = zones("cn-beijing-a", k);
    let allowed = "a primary zone for an internet CLB of ipv4 in cn-hangzhou: cn-hangzhou-j, cn-hangzhou-k";
    expect(&elsewhere, &[("master-zoneid", "cn-beijing-a", allowed)]);
    let allowed =
        "a secondary zone to cn-hangzhou-k for an internet CLB of ipv4 in cn-hangzhou: cn-hangzhou-j";
    expect(
        &zones(k, "cn-hangzhou-z"),
        &[("slave-zoneid", "cn-hangzhou-z", allowed)],
    );
    let ipv6 = zones(j, k).annotated("ip-version", "ipv6");
    expect(
        &ipv6,
        &[("master-zoneid", j, "CLB of ipv6 in cn-hangzhou: cn-hangzhou-k")],
    );

    let mut unknown = zones("cn-beijing-a", k);
    unknown.facts.zone_pairs = None;
    let Wish::Questions(questions) = desired(unknown.inputs()) else {
        panic!("zones are asked for first");
    };
    assert_eq!(questions, [Question::ZonePairs].into());
    unknown.facts.zone_pairs = Some(BTreeSet::new());
    expect(&unknown, &[]);
}

#[test]
fn what_is_about_a_reused_clb_needs_its_id() {
    let override_only = Lab::tcp().annotated("force-override-listeners", "true");
    expect(&override_only, &[("id", "", "force-override-listeners is for")]);
    expect(&override_only.annotated("id", "lb-reuse-05"), &[]);
    expect(&Lab::tcp().annotated("force-override-listeners", "false"), &[]);
    let group = Lab::tcp().annotated("vgroup-port", "rsp-user-44:80");
    expect(&group, &[("id", "", "vgroup-port is for")]);
    expect(&group.annotated("id", "lb-reuse-44"), &[]);
}

#[test]
fn the_controllers_own_tags_cannot_be_given() {
    for tag in [
        "kubernetes.do.not.delete",
        "ack.aliyun.com",
        "kubernetes.reused.by.user",
    ] {
        let problems = Lab::tcp()
            .annotated("additional-resource-tags", &format!("{tag}=x"))
            .problems();
        assert_eq!(problems.len(), 1, "{tag}: {problems:?}");
        assert!(problems[0].allowed.contains(tag), "{problems:?}");
    }
}

#[test]
fn https_needs_a_certificate_that_is_there_and_valid() {
    let without = Lab::with_ports(vec![tcp_port(443)]).annotated("protocol-port", "https:443");
    expect(&without, &[("cert-id", "", "the https listener on port 443")]);
    // Not two mistakes for one: it is there, though it cannot be an id.
    expect(
        &without.clone().annotated("cert-id", "<your-cert-id>"),
        &[("cert-id", "<your-cert-id>", "letters, digits")],
    );
    let mut unknown = without.annotated("cert-id", "cert-x");
    unknown.facts.certificates.insert("cert-x".to_owned(), None);
    expect(&unknown, &[("cert-id", "cert-x", "does not exist")]);
    let mut expired = Lab::https();
    expired.facts.certificates.insert(
        "cert-a".to_owned(),
        Some(crate::facts::Certificate {
            expires_ms: Some(super::lab::NOW_MS),
        }),
    );
    expect(&expired, &[("cert-id", "cert-a", "has expired")]);
    let mut extension = Lab::https().annotated("domain-extensions", "a.example.com:cert-x");
    extension.facts.certificates.insert("cert-x".to_owned(), None);
    expect(
        &extension,
        &[(
            "domain-extensions",
            "a.example.com:cert-x",
            "cert-x does not exist",
        )],
    );
}

#[test]
fn an_access_control_list_needs_its_id_and_type_and_must_be_there() {
    let on = Lab::tcp().annotated("acl-status", "on");
    expect(
        &on,
        &[("acl-id", "", "acl-status on"), ("acl-type", "", "acl-status on")],
    );
    expect(
        &on.clone().annotated("acl-id", "acl-1"),
        &[("acl-type", "", "white or black")],
    );
    let both = on.annotated("acl-type", "white");
    expect(
        &both.clone().annotated("acl-id", "acl-1,acl-2"),
        &[("acl-id", "acl-1,acl-2", "one access control list")],
    );
    let mut unknown = both.annotated("acl-id", "acl-x");
    unknown
        .facts
        .access_control_lists
        .insert("acl-x".to_owned(), None);
    expect(&unknown, &[("acl-id", "acl-x", "does not exist")]);
    let mut of_family = |version| {
        let list = AccessControlList {
            ip_version: Some(version),
        };
        unknown
            .facts
            .access_control_lists
            .insert("acl-x".to_owned(), Some(list));
        unknown.clone()
    };
    expect(&of_family(IpVersion::V4), &[]);
    let other = of_family(IpVersion::V6);
    expect(&other, &[("acl-id", "acl-x", "a list of ipv4 addresses")]);
    expect(&other.annotated("ip-version", "ipv6"), &[]);
    // What the CLB has counts before what an annotation says: it cannot change.
    let mut there = of_family(IpVersion::V4);
    there.facts.ip_version = Some(IpVersion::V6);
    expect(&there, &[("acl-id", "acl-x", "a list of ipv6 addresses")]);
    expect(&Lab::tcp().annotated("acl-status", "off"), &[]);
}

#[test]
fn a_sticky_session_needs_its_type_and_what_the_type_needs() {
    let on = Lab::http().annotated("sticky-session", "on");
    expect(&on, &[("sticky-session-type", "", "sticky-session on")]);
    let insert = on.clone().annotated("sticky-session-type", "insert");
    expect(&insert, &[("cookie-timeout", "", "insert needs it")]);
    expect(&insert.annotated("cookie-timeout", "1800"), &[]);
    let server = on.annotated("sticky-session-type", "server");
    expect(&server, &[("cookie", "", "server needs it")]);
    expect(&server.annotated("cookie", "my-cookie"), &[]);
    expect(&Lab::http().annotated("sticky-session", "off"), &[]);
}

#[test]
fn draining_needs_its_timeout() {
    let on = Lab::tcp().annotated("connection-drain", "on");
    expect(&on, &[("connection-drain-timeout", "", "connection-drain on")]);
    expect(&on.annotated("connection-drain-timeout", "30"), &[]);
}

#[test]
fn a_redirect_goes_from_http_to_https_of_the_same_service() {
    let two = Lab::with_ports(vec![tcp_port(80), tcp_port(443)])
        .annotated("cert-id", "cert-a")
        .annotated("forward-port", "80:443");
    expect(&two.clone().annotated("protocol-port", "https:443,http:80"), &[]);
    expect(
        &two.clone().annotated("protocol-port", "http:80"),
        &[("forward-port", "80:443", "port 443 to be an https listener")],
    );
    expect(
        &two.clone().annotated("protocol-port", "https:443"),
        &[("forward-port", "80:443", "port 80 to be an http listener")],
    );
    expect(
        &two.clone()
            .annotated("forward-port", "80:8443")
            .annotated("protocol-port", "https:443,http:80"),
        &[("forward-port", "80:8443", "port 8443 to be an https listener")],
    );
    expect(
        &two,
        &[(
            "forward-port",
            "80:443",
            "port 80 to be an http listener and port 443 to be an https listener",
        )],
    );
    expect(
        &two.clone()
            .annotated("protocol-port", "http:80,https:443")
            .annotated("forward-port", "80:443,443:80"),
        &[(
            "forward-port",
            "80:443,443:80",
            "port 443 to be an http listener and port 80 to be an https listener",
        )],
    );
    // Which listeners there are nobody knows.
    expect(
        &two.annotated("protocol-port", "https:443;http:80"),
        &[("protocol-port", "https:443;http:80", "with commas between")],
    );
}

#[test]
fn hashing_schedulers_are_for_tcp_and_udp() {
    for scheduler in ["sch", "tch"] {
        expect(&Lab::tcp().annotated("scheduler", scheduler), &[]);
        let problems = Lab::http().annotated("scheduler", scheduler).problems();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].value, scheduler);
        assert!(problems[0].allowed.contains("rr or wrr"), "{problems:?}");
    }
}

#[test]
fn protocols_fit_the_ports() {
    expect(
        &Lab::with_ports(vec![udp_port(53)]).annotated("protocol-port", "http:53"),
        &[("protocol-port", "http:53", "http needs a port of protocol TCP")],
    );
    expect(
        &Lab::with_ports(vec![tcp_port(80), udp_port(80)]).annotated("protocol-port", "http:80,udp:80"),
        &[],
    );
    let sctp = service_port("sctp", Transport::Sctp, 132, TargetPort::Number(132));
    expect(
        &Lab::with_ports(vec![tcp_port(80), sctp]),
        &[("spec.ports[1].protocol", "SCTP", "TCP or UDP")],
    );
}

#[test]
fn nodes_are_reached_on_node_ports() {
    let mut lab = Lab::tcp();
    lab.service.node_ports = false;
    lab.service.ports[0].node_port = None;
    expect(
        &lab,
        &[(
            "spec.allocateLoadBalancerNodePorts",
            "false",
            "port 80 has no node port",
        )],
    );
    expect(&lab.annotated("backend-type", "eni"), &[]);
}

#[test]
fn ipv6_pods_need_an_ipv6_clb() {
    let lab = Lab::tcp()
        .annotated("backend-type", "eni")
        .annotated("backend-ip-version", "ipv6");
    expect(&lab, &[("backend-ip-version", "ipv6", "ip-version ipv6")]);
    expect(&lab.clone().annotated("ip-version", "ipv6"), &[]);
    // What the CLB has counts, on a user's too.
    let mut reused = lab.annotated("id", "lb-reuse-04");
    expect(&reused, &[]);
    reused.facts.ip_version = Some(IpVersion::V6);
    expect(&reused, &[]);
    reused.facts.ip_version = Some(IpVersion::V4);
    expect(&reused, &[("backend-ip-version", "ipv6", "ipv4, or ipv6 with")]);
}

#[test]
fn a_vswitch_must_be_there_and_of_the_clusters_vpc() {
    let mut lab = Lab::tcp()
        .annotated("address-type", "intranet")
        .annotated("vswitch-id", "vsw-x");
    lab.facts.vswitches.insert("vsw-x".to_owned(), None);
    expect(&lab, &[("vswitch-id", "vsw-x", "does not exist")]);
    let elsewhere = crate::facts::VSwitchFact {
        vpc_id: "vpc-other".to_owned(),
        cidr: None,
    };
    lab.facts.vswitches.insert("vsw-x".to_owned(), Some(elsewhere));
    expect(&lab, &[("vswitch-id", "vsw-x", "this one is of vpc-other")]);
}

#[test]
fn every_mistake_is_found_at_once() {
    let mut lab = Lab::with_ports(vec![tcp_port(80), tcp_port(443)])
        .annotated("protocol-port", "http:80,https:443")
        .annotated("idle-timeout", "61")
        .annotated("scheduler", "tch")
        .annotated("sticky-session", "on")
        .annotated("cert-id", "cert-x")
        .annotated("acl-status", "maybe")
        .annotated("spec", "slb.s9.huge");
    lab.facts.certificates.insert("cert-x".to_owned(), None);
    expect(
        &lab,
        &[
            ("acl-status", "maybe", "on or off"),
            ("cert-id", "cert-x", "does not exist"),
            ("idle-timeout", "61", "1 to 60"),
            ("scheduler", "tch", "rr or wrr"),
            ("spec", "slb.s9.huge", "slb.s1.small"),
            ("sticky-session-type", "", "insert or server"),
        ],
    );
}

#[test]
fn a_reused_clb_without_override_needs_nothing_for_listeners_or_creation() {
    let lab = Lab::with_ports(vec![tcp_port(443)])
        .annotated("id", "lb-reuse-04")
        .annotated("protocol-port", "https:443")
        .annotated("acl-status", "on")
        .annotated("ip", "10.0.0.9");
    expect(&lab, &[]);
}
