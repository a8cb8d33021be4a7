//! Every annotation of the table, once where it acts and once where it does not: nothing is said of the first, one Warning of the second.

use clb_model::cluster::TrafficPolicy;

use super::lab::{Lab, tcp_port, udp_port};
use crate::annotations::{Scope, row::Row, table};
use crate::problem::reason;

fn short(row: &Row) -> &str {
    row.suffix.trim_start_matches("loadbalancer-")
}

/// What a row's annotation needs beside it.
fn companions(row: &Row) -> &'static [(&'static str, &'static str)] {
    match short(row) {
        "vswitch-id" | "network-type" => &[("address-type", "intranet")],
        "ip" => &[("address-type", "intranet"), ("vswitch-id", "vsw-k")],
        "bandwidth" => &[("charge-type", "paybybandwidth")],
        "master-zoneid" => &[("slave-zoneid", "cn-hangzhou-j")],
        "slave-zoneid" => &[("master-zoneid", "cn-hangzhou-k")],
        "force-override-listeners" => &[("id", "lb-reuse-04")],
        "vgroup-port" => &[("id", "lb-reuse-04")],
        "weight" => &[("id", "lb-reuse-04"), ("vgroup-port", "rsp-a:80")],
        "acl-status" => &[("acl-id", "acl-1"), ("acl-type", "white")],
        "acl-id" => &[("acl-status", "on"), ("acl-type", "white")],
        "acl-type" => &[("acl-status", "on"), ("acl-id", "acl-1")],
        "sticky-session" => &[("sticky-session-type", "insert"), ("cookie-timeout", "60")],
        "sticky-session-type" => &[("sticky-session", "on"), ("cookie-timeout", "60")],
        "cookie-timeout" => &[("sticky-session", "on"), ("sticky-session-type", "insert")],
        "cookie" => &[("sticky-session", "on"), ("sticky-session-type", "server")],
        "connection-drain" => &[("connection-drain-timeout", "30")],
        "connection-drain-timeout" => &[("connection-drain", "on")],
        "health-check-timeout" | "health-check-method" => &[("health-check-flag", "on")],
        "backend-ip-version" => &[("backend-type", "eni"), ("ip-version", "ipv6")],
        _ => &[],
    }
}

/// A value with which it acts, where that is not its example.
fn value(row: &Row) -> &'static str {
    match short(row) {
        // On an HTTP listener http is what it does anyway.
        "health-check-type" => "tcp",
        "acl-id" => "acl-1",
        "cert-id" => "cert-b",
        "domain-extensions" => "a.example.com:cert-b",
        "vgroup-port" => "rsp-a:80",
        "vswitch-id" => "vsw-k",
        "ip" => "10.0.250.8",
        _ => row.example,
    }
}

/// A Service with a listener of every kind in which the annotation acts.
fn acting(row: &Row) -> Lab {
    let web = Lab::with_ports(vec![tcp_port(80), tcp_port(443), tcp_port(9000), udp_port(53)])
        .annotated("protocol-port", "http:80,https:443")
        .annotated("cert-id", "cert-a");
    let by_http = Lab::tcp().annotated("health-check-type", "http");
    let lab = match short(row) {
        "health-check-uri" | "health-check-httpcode" | "health-check-domain" => by_http,
        _ if row.applies.iter().any(|scope| scope.is_listener()) => web,
        _ => Lab::tcp(),
    };
    with(lab, row)
}

/// With the row's annotation and what it needs.
fn with(lab: Lab, row: &Row) -> Lab {
    companions(row)
        .iter()
        .fold(lab, |lab, (name, value)| lab.annotated(name, value))
        .annotated(short(row), value(row))
}

/// A Service on which the annotation does nothing; none where it acts on every Service.
fn idle(row: &Row) -> Option<Lab> {
    let reused = Lab::tcp().annotated("id", "lb-reuse-04");
    let lab = match short(row) {
        "external-ip-type" => Lab::tcp().annotated("hostname", "www.example.com"),
        "default-weight" => {
            let mut lab = Lab::tcp();
            lab.service.traffic_policy = TrafficPolicy::Local;
            lab
        }
        "force-override-listeners" => return Some(Lab::tcp().annotated(short(row), "false")),
        // What asks for a user's CLB makes the Service use one; the rest is for every Service.
        "id"
        | "vgroup-port"
        | "additional-resource-tags"
        | "preserve-lb-on-delete"
        | "hostname"
        | "backend-type"
        | "ignore-weight-update" => return None,
        _ if row.applies.contains(&Scope::Ecs) => Lab::tcp().annotated("backend-type", "eni"),
        _ if row.applies == [Scope::Eni] => {
            let mut lab = Lab::tcp();
            lab.nodes.remove("vk");
            lab
        }
        _ => reused,
    };
    Some(lab.annotated(short(row), value(row)))
}

fn warnings(lab: &Lab, row: &Row) -> Vec<String> {
    let place = format!("annotation {} ", row.name());
    let notices = lab.desired().notices.into_iter();
    notices
        .filter(|notice| notice.warning && notice.reason == reason::ANNOTATION_WITHOUT_EFFECT)
        .map(|notice| notice.message)
        .filter(|message| message.starts_with(&place))
        .collect()
}

#[test]
fn nothing_is_said_of_an_annotation_where_it_acts() {
    for row in table() {
        assert_eq!(
            warnings(&acting(row), row),
            Vec::<String>::new(),
            "{}",
            row.suffix
        );
    }
}

#[test]
fn what_does_nothing_is_said_of_every_annotation() {
    let mut always_act = Vec::new();
    for row in table() {
        match idle(row) {
            None => always_act.push(short(row)),
            Some(lab) => assert_eq!(
                warnings(&lab, row).len(),
                1,
                "{}: {:?}",
                row.suffix,
                lab.remarks()
            ),
        }
    }
    assert_eq!(always_act.len(), 7, "{always_act:?}");
}

#[test]
fn an_attribute_acts_on_each_kind_of_listener_that_the_table_names_and_on_no_other() {
    let kinds = [
        (Scope::Tcp, Lab::tcp()),
        (Scope::Udp, Lab::with_ports(vec![udp_port(80)])),
        (Scope::Http, Lab::http()),
        (
            Scope::Https,
            Lab::tcp()
                .annotated("protocol-port", "https:80")
                .annotated("cert-id", "cert-a"),
        ),
    ];
    let rows = table().filter(|row| row.applies.iter().any(|scope| scope.is_listener()));
    // What names ports is about them; a hashing scheduler, a redirect and an HTTP check have tests of their own.
    for row in rows.filter(|row| !["protocol-port", "forward-port"].contains(&short(row))) {
        for (scope, lab) in &kinds {
            let checking = lab
                .clone()
                .annotated("health-check-flag", "on")
                .annotated("health-check-type", "http");
            let said = warnings(&with(checking, row), row);
            assert_eq!(
                said.is_empty(),
                row.applies.contains(scope),
                "{} {scope:?} {said:?}",
                row.suffix
            );
        }
    }
}
