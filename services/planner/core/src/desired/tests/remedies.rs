//! The example in a mistake is one that would work on the Service at hand, and what does not exist comes with what would be right.

use super::lab::{Lab, PREFIX, tcp_port, udp_port};
use crate::problem::Problem;

/// The mistakes' examples by the place without the prefix.
fn examples(lab: &Lab) -> Vec<(String, String)> {
    let short = |place: &str| place.strip_prefix(PREFIX).unwrap_or(place).to_owned();
    lab.problems()
        .into_iter()
        .map(|problem| (short(&problem.place), problem.example))
        .collect()
}

#[track_caller]
fn gives(lab: &Lab, place: &str, example: &str) {
    assert_eq!(examples(lab), [(place.to_owned(), example.to_owned())]);
}

#[track_caller]
fn only(lab: &Lab) -> Problem {
    let mut problems = lab.problems();
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.remove(0)
}

fn web() -> Lab {
    Lab::with_ports(vec![tcp_port(80), tcp_port(443)])
}

#[test]
fn a_static_address_is_of_its_vswitch_and_not_one_that_the_cloud_keeps() {
    let internal = |vswitch: &str, address: &str| {
        Lab::tcp()
            .annotated("address-type", "intranet")
            .annotated("vswitch-id", vswitch)
            .annotated("ip", address)
    };
    for kept in ["10.0.0.0", "10.0.255.253", "10.0.255.254", "10.0.255.255"] {
        let lab = internal("vsw-k", kept);
        assert!(
            only(&lab).allowed.contains("vsw-k (10.0.0.0/16)"),
            "{:?}",
            lab.problems()
        );
        gives(&lab, "ip", "10.0.128.10");
    }
    for free in ["10.0.0.1", "10.0.255.252", "10.0.128.10"] {
        assert_eq!(internal("vsw-k", free).problems(), []);
    }
    gives(&internal("vsw-j", "10.0.250.8"), "ip", "10.1.128.10");
    gives(&internal("vsw-k", "10.0.250"), "ip", "10.0.128.10");
    let mut small = internal("vsw-k", "10.2.0.0");
    if let Some(Some(known)) = small.facts.vswitches.get_mut("vsw-k") {
        known.cidr = Some("10.2.0.0/29".parse().unwrap());
    }
    gives(&small, "ip", "10.2.0.4");
}

#[test]
fn an_address_of_an_internet_facing_clb_is_not_its_own_example() {
    let lab = Lab::tcp()
        .annotated("address-type", "internet")
        .annotated("vswitch-id", "vsw-k")
        .annotated("ip", "10.0.250.9");
    gives(&lab, "ip", &format!("{PREFIX}address-type: \"intranet\""));
}

#[test]
fn a_redirect_that_lacks_its_listeners_leads_to_protocol_port() {
    let forward = |lab: Lab| lab.annotated("forward-port", "80:443");
    let both = format!("{PREFIX}protocol-port: \"https:443,http:80\"");
    gives(
        &forward(web().annotated("cert-id", "cert-a")),
        "forward-port",
        &both,
    );
    gives(
        &forward(web()),
        "forward-port",
        &format!("{both} and {PREFIX}cert-id"),
    );
    // What else the list says stays.
    let mut more = web().annotated("cert-id", "cert-a");
    more.service.ports.push(tcp_port(8080));
    gives(
        &forward(more.annotated("protocol-port", "http:8080,tcp:443")),
        "forward-port",
        &format!("{PREFIX}protocol-port: \"https:443,http:80,http:8080\""),
    );
    // The target is another port than the one that is there.
    let elsewhere = web()
        .annotated("protocol-port", "http:80,https:443")
        .annotated("cert-id", "cert-a")
        .annotated("forward-port", "80:8443");
    gives(&elsewhere, "forward-port", "80:443");
    let none = Lab::tcp().annotated("cert-id", "cert-a");
    gives(
        &forward(none),
        "forward-port",
        &format!("a port 443 in spec.ports and {both}"),
    );
}

#[test]
fn lists_of_ports_have_the_services_ports_in_their_examples() {
    let list = |lab: Lab, value: &str| lab.annotated("protocol-port", value);
    gives(&list(Lab::tcp(), "udp:80"), "protocol-port", "http:80");
    gives(&list(web(), "http=80"), "protocol-port", "http:80,tcp:443");
    let certified = web().annotated("cert-id", "cert-a");
    gives(&list(certified, "http=80"), "protocol-port", "http:80,https:443");
    let dns = Lab::with_ports(vec![udp_port(53)]);
    gives(&list(dns, "http:53"), "protocol-port", "udp:53");
    gives(
        &Lab::tcp()
            .annotated("id", "lb-1")
            .annotated("vgroup-port", "rsp-a"),
        "vgroup-port",
        "rsp-bp1mvtrjb9zc0:80",
    );
    let redirects = web()
        .annotated("protocol-port", "http:80,https:443")
        .annotated("cert-id", "cert-a");
    gives(
        &redirects.annotated("forward-port", "80"),
        "forward-port",
        "80:443",
    );
}

#[test]
fn what_does_not_exist_comes_with_what_would_be_right() {
    let internal = Lab::tcp().annotated("address-type", "intranet");
    let mut lab = internal.annotated("vswitch-id", "vsw-x");
    lab.facts.vswitches.insert("vsw-x".to_owned(), None);
    assert_eq!(
        only(&lab).to_string(),
        format!(
            "{PREFIX}vswitch-id: \"vsw-x\" is not valid: a vSwitch of the cluster's VPC vpc-lab in cn-hangzhou, for instance one that is \
             configured for the cluster (vsw-k, vsw-j); vsw-x does not exist in this region, for example vsw-k"
        )
    );
    let mut lab = Lab::https().annotated("cert-id", "cert-x");
    lab.facts.certificates.insert("cert-x".to_owned(), None);
    assert!(
        only(&lab).allowed.starts_with(
            "server certificates of region cn-hangzhou that are valid; certificate cert-x does not exist"
        ),
        "{:?}",
        lab.problems()
    );
    let mut lab = Lab::tcp()
        .annotated("acl-status", "on")
        .annotated("acl-type", "white")
        .annotated("acl-id", "acl-x");
    lab.facts.access_control_lists.insert("acl-x".to_owned(), None);
    assert!(
        only(&lab)
            .allowed
            .starts_with("an access control list of region cn-hangzhou; acl-x does not exist"),
        "{:?}",
        lab.problems()
    );
}

#[test]
fn a_zone_that_is_missing_is_one_that_goes_with_the_other() {
    gives(
        &Lab::tcp().annotated("master-zoneid", "cn-hangzhou-j"),
        "slave-zoneid",
        "cn-hangzhou-k",
    );
    gives(
        &Lab::tcp().annotated("slave-zoneid", "cn-hangzhou-k"),
        "master-zoneid",
        "cn-hangzhou-j",
    );
}

#[test]
fn every_mistake_in_source_ranges_has_an_example() {
    let ranges = |ranges: &[&str]| {
        let mut lab = Lab::tcp();
        lab.service.source_ranges = ranges.iter().map(|&range| range.to_owned()).collect();
        lab
    };
    let place = "spec.loadBalancerSourceRanges";
    gives(&ranges(&["2001:db8::/32"]), place, "10.0.0.0/8");
    gives(
        &ranges(&["10.0.0.0/8"]).annotated("ip-version", "ipv6"),
        place,
        "2001:db8::/32",
    );
    gives(
        &ranges(&["10.0.0.0/8", "192.168.0.0/16"])
            .annotated("acl-status", "on")
            .annotated("acl-id", "acl-1")
            .annotated("acl-type", "white"),
        place,
        "10.0.0.0/8,192.168.0.0/16 without loadbalancer-acl-status, loadbalancer-acl-id, loadbalancer-acl-type",
    );
    let mut many = ranges(&["10.0.0.0/24", "10.0.1.0/24"]);
    many.cluster.quotas.entries_per_access_list = 1;
    gives(&many, place, "10.0.0.0/8 in place of the ranges in it");
}
