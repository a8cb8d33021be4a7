//! Annotations that are right and do nothing here, a line each: what is said of them.

use clb_model::cluster::TrafficPolicy;

use super::lab::{Lab, PREFIX, tcp_port, udp_port};
use crate::problem::reason;

/// The remark about the annotation, which must be the only one about an annotation.
#[track_caller]
fn remark(lab: &Lab, name: &str) -> String {
    let notices: Vec<_> = lab
        .desired()
        .notices
        .into_iter()
        .filter(|notice| notice.reason == reason::ANNOTATION_WITHOUT_EFFECT)
        .collect();
    assert!(notices.iter().all(|notice| notice.warning));
    let about: Vec<_> = notices
        .iter()
        .filter(|notice| {
            notice
                .message
                .starts_with(&format!("annotation {PREFIX}{name} has no effect"))
        })
        .collect();
    assert_eq!((about.len(), notices.len()), (1, 1), "{name}: {notices:#?}");
    about[0].message.clone()
}

fn udp() -> Lab {
    Lab::with_ports(vec![udp_port(53)])
}

#[test]
fn attributes_of_other_listeners_are_named_with_the_right_one() {
    let cases = [
        (Lab::tcp(), "idle-timeout", "30", "established-timeout"),
        (
            Lab::tcp(),
            "request-timeout",
            "30",
            "HTTP listeners, HTTPS listeners",
        ),
        (Lab::tcp(), "sticky-session", "on", "persistence-timeout"),
        (Lab::tcp(), "health-check-flag", "on", "health-check-switch"),
        (
            Lab::tcp(),
            "health-check-timeout",
            "5",
            "health-check-connect-timeout",
        ),
        (Lab::tcp(), "health-check-method", "get", "TCP listeners"),
        (Lab::tcp(), "xforwardedfor-proto", "on", "TCP listeners"),
        (Lab::tcp(), "cert-id", "cert-a", "HTTPS listeners"),
        (
            Lab::tcp(),
            "tls-cipher-policy",
            "tls_cipher_policy_1_2",
            "HTTPS listeners",
        ),
        (
            Lab::tcp(),
            "domain-extensions",
            "a.example.com:cert-a",
            "HTTPS listeners",
        ),
        (Lab::http(), "http2-enabled", "off", "HTTPS listeners"),
        (Lab::http(), "established-timeout", "60", "idle-timeout"),
        (Lab::http(), "persistence-timeout", "60", "sticky-session"),
        (Lab::http(), "health-check-switch", "on", "health-check-flag"),
        (
            Lab::http(),
            "proxy-protocol",
            "on",
            "TCP listeners, UDP listeners",
        ),
        (
            Lab::http(),
            "connection-drain",
            "off",
            "TCP listeners, UDP listeners",
        ),
        (Lab::http(), "health-check-type", "tcp", "TCP listeners"),
        (udp(), "health-check-type", "http", "TCP listeners"),
        (udp(), "health-check-uri", "/x", "TCP listeners"),
        (udp(), "persistence-timeout", "60", "TCP listeners"),
    ];
    for (lab, name, value, part) in cases {
        let message = remark(&lab.annotated(name, value), name);
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn one_listener_that_an_attribute_is_for_is_enough() {
    let both = Lab::with_ports(vec![tcp_port(80), tcp_port(81)]).annotated("protocol-port", "http:80");
    for (name, value) in [
        ("idle-timeout", "30"),
        ("established-timeout", "60"),
        ("health-check-switch", "off"),
    ] {
        assert_eq!(
            both.clone().annotated(name, value).remarks(),
            Vec::<String>::new(),
            "{name}"
        );
    }
}

#[test]
fn http_checks_say_what_they_need() {
    let on = Lab::http().annotated("health-check-flag", "on");
    assert_eq!(
        on.clone().annotated("health-check-type", "http").remarks(),
        Vec::<String>::new()
    );
    assert_eq!(
        on.annotated("health-check-uri", "/x").remarks(),
        Vec::<String>::new()
    );
    let message = remark(
        &Lab::http().annotated("health-check-uri", "/x"),
        "health-check-uri",
    );
    assert!(message.contains("health-check-flag: \"on\""), "{message}");
    let message = remark(
        &Lab::tcp().annotated("health-check-uri", "/x"),
        "health-check-uri",
    );
    assert!(message.contains("health-check-type: \"http\""), "{message}");
    let http = Lab::tcp()
        .annotated("health-check-type", "http")
        .annotated("health-check-uri", "/x");
    assert_eq!(http.remarks(), Vec::<String>::new());
    let off = Lab::tcp()
        .annotated("health-check-switch", "off")
        .annotated("health-check-interval", "3");
    let message = remark(&off, "health-check-interval");
    assert!(message.contains("health-check-switch: \"on\""), "{message}");
}

#[test]
fn what_another_annotation_switches_off_is_said() {
    let https_sticky = |kind: &str| {
        Lab::http()
            .annotated("sticky-session", "on")
            .annotated("sticky-session-type", kind)
    };
    let local = {
        let mut lab = Lab::tcp().annotated("scheduler", "wrr");
        lab.service.traffic_policy = TrafficPolicy::Local;
        lab
    };
    let internal = Lab::tcp().annotated("address-type", "intranet");
    let cases = [
        (Lab::tcp(), "acl-id", "acl-1", "acl-status: \"on\""),
        (
            Lab::tcp().annotated("acl-status", "off"),
            "acl-type",
            "white",
            "acl-status: \"on\"",
        ),
        (Lab::http(), "cookie-timeout", "60", "sticky-session: \"on\""),
        (
            https_sticky("insert").annotated("cookie-timeout", "60"),
            "cookie",
            "c",
            "\"server\"",
        ),
        (
            https_sticky("server").annotated("cookie", "c"),
            "cookie-timeout",
            "60",
            "\"insert\"",
        ),
        (
            Lab::tcp(),
            "connection-drain-timeout",
            "30",
            "connection-drain: \"on\"",
        ),
        (Lab::tcp(), "bandwidth", "10", "charge-type: \"paybybandwidth\""),
        (internal.clone(), "bandwidth", "10", "internal CLB"),
        (internal.clone(), "charge-type", "paybybandwidth", "internal CLB"),
        (internal, "network-type", "classic", "cluster's VPC"),
        (Lab::tcp(), "network-type", "vpc", "no VPC"),
        (Lab::tcp(), "vswitch-id", "vsw-k", "address-type: \"intranet\""),
        (Lab::tcp(), "weight", "60", "vgroup-port"),
        (local, "default-weight", "60", "number of its pods"),
        (
            Lab::tcp()
                .annotated("id", "lb-reuse-44")
                .annotated("vgroup-port", "rsp-user-44:80")
                .annotated("weight", "60"),
            "default-weight",
            "50",
            "loadbalancer-weight counts",
        ),
        (
            Lab::tcp().annotated("hostname", "www.example.com"),
            "external-ip-type",
            "eip",
            "loadbalancer-hostname alone",
        ),
        (
            Lab::tcp().annotated("backend-type", "eni"),
            "backend-label",
            "a=b",
            "ECS backends",
        ),
        (
            Lab::tcp().annotated("backend-type", "eni"),
            "remove-unscheduled-backend",
            "on",
            "ECS backends",
        ),
        (
            Lab::tcp(),
            "protocol-port",
            "tcp:80,http:81",
            "http:81 names a port",
        ),
        (
            Lab::tcp(),
            "protocol-port",
            "http:81,tcp:80,https:443",
            "http:81, https:443 name ports",
        ),
        (Lab::http(), "forward-port", "81:443", "81:443 names a port"),
        (
            Lab::tcp().annotated("id", "lb-reuse-04"),
            "vgroup-port",
            "rsp-user-04:81",
            "rsp-user-04:81 names a port",
        ),
        (
            Lab::tcp().annotated("id", "lb-reuse-04"),
            "spec",
            "slb.s1.small",
            "CLB of yours",
        ),
        (
            Lab::tcp().annotated("id", "lb-reuse-04"),
            "scheduler",
            "wrr",
            "force-override-listeners: \"true\"",
        ),
    ];
    for (lab, name, value, part) in cases {
        let message = remark(&lab.annotated(name, value), name);
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_tag_annotation_works_on_a_reused_clb() {
    let lab = Lab::tcp()
        .annotated("id", "lb-reuse-04")
        .annotated("additional-resource-tags", "team=web,empty=");
    assert_eq!(lab.remarks(), Vec::<String>::new());
    let tags = lab.desired().named.additional_tags.unwrap();
    assert_eq!(tags.get("team").map(String::as_str), Some("web"));
    assert_eq!(tags.get("empty").map(String::as_str), Some(""));
}

#[test]
fn misspelt_names_get_a_suggestion() {
    let cases = [
        (
            "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-sheduler",
            Some("did you mean service.beta.kubernetes.io/alibaba-cloud-loadbalancer-scheduler?"),
        ),
        (
            "service.beta.kubernetes.io/alicloud-loadbalancer-bandwith",
            Some("did you mean service.beta.kubernetes.io/alicloud-loadbalancer-bandwidth?"),
        ),
        (
            "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-Spec",
            Some("alibaba-cloud-loadbalancer-spec?"),
        ),
        (
            "service.beta.kubernetes.io/backend-tpye",
            Some("did you mean service.beta.kubernetes.io/backend-type?"),
        ),
        (
            "service.beta.kubernetes.io/alibabacloud-loadbalancer-id",
            Some("alibaba-cloud-loadbalancer-id?"),
        ),
        (
            "service.beta.kubernetes.io/alibaba-cloud-something-else-entirely",
            Some("no annotation has a name like it"),
        ),
        ("service.beta.kubernetes.io/aws-load-balancer-type", None),
        ("example.com/alibaba-cloud-loadbalancer-sheduler", None),
    ];
    for (name, part) in cases {
        let mut lab = Lab::tcp();
        lab.service.annotations.insert(name.to_owned(), "x".to_owned());
        let notices = lab.desired().notices;
        match part {
            None => assert_eq!(notices, Vec::new(), "{name}"),
            Some(part) => {
                assert_eq!(notices.len(), 1, "{name}: {notices:?}");
                assert_eq!(notices[0].reason, reason::UNKNOWN_ANNOTATION);
                assert!(notices[0].message.contains(part), "{notices:?}");
            }
        }
    }
}

#[test]
fn an_empty_value_counts_as_none() {
    let message = remark(&Lab::tcp().annotated("scheduler", ""), "scheduler");
    assert!(message.contains("empty"), "{message}");
}

#[test]
fn local_policy_with_an_unweighted_scheduler_is_said_and_left() {
    let mut lab = Lab::tcp();
    lab.service.traffic_policy = TrafficPolicy::Local;
    let notices = lab.desired().notices;
    assert_eq!(notices.len(), 1);
    assert_eq!(
        (notices[0].warning, notices[0].reason),
        (false, reason::SCHEDULER_IGNORES_WEIGHTS)
    );
    assert_eq!(
        lab.clone().annotated("scheduler", "wrr").remarks(),
        Vec::<String>::new()
    );
    assert_eq!(
        lab.annotated("backend-type", "eni").remarks(),
        Vec::<String>::new()
    );
}
