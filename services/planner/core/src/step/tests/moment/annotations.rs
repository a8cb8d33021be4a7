//! Random annotations: every one of the table, with values that are right by themselves; whether they fit together is not looked at.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::USERS;
use crate::annotations;

/// Names without their prefix, and values.
const ANNOTATIONS: &[(&str, &[&str])] = &[
    // Listeners.
    ("scheduler", &["rr", "wrr", "sch", "tch"]),
    (
        "protocol-port",
        &[
            "http:80,https:443",
            "https:443",
            "http:80",
            "tcp:80",
            "http:80,http:443",
            "http:80,https:8080,https:443",
            "https:80,http:443",
        ],
    ),
    ("cert-id", &["cert-a", "cert-b"]),
    ("forward-port", &["80:443", "80:8080", "443:80"]),
    (
        "domain-extensions",
        &[
            "a.example.com:cert-b",
            "a.example.com:cert-c,b.example.com:cert-a",
            "*.example.com:cert-a,a.example.com:cert-a,b.example.com:cert-b,c.example.com:cert-c",
        ],
    ),
    (
        "tls-cipher-policy",
        &["tls_cipher_policy_1_0", "tls_cipher_policy_1_2_strict_with_1_3"],
    ),
    ("http2-enabled", &["on", "off"]),
    ("idle-timeout", &["10", "20"]),
    ("request-timeout", &["1", "180"]),
    ("established-timeout", &["10", "900"]),
    ("persistence-timeout", &["0", "1800"]),
    ("xforwardedfor-proto", &["on", "off"]),
    ("xforwardedfor-slbport", &["on", "off"]),
    ("xforwardedfor-clientsrcport", &["on", "off"]),
    ("acl-status", &["on", "off"]),
    ("acl-id", &["acl-1", "acl-2"]),
    ("acl-type", &["white", "black"]),
    ("sticky-session", &["on", "off"]),
    ("sticky-session-type", &["insert", "server"]),
    ("cookie-timeout", &["100"]),
    ("cookie", &["my-cookie"]),
    ("connection-drain", &["on", "off"]),
    ("connection-drain-timeout", &["30", "900"]),
    ("proxy-protocol", &["on", "off"]),
    // Health checks.
    ("health-check-switch", &["on", "off"]),
    ("health-check-flag", &["on", "off"]),
    ("health-check-type", &["tcp", "http"]),
    ("health-check-uri", &["/", "/test/index.html"]),
    ("health-check-httpcode", &["http_4xx", "http_3xx,http_2xx"]),
    ("health-check-domain", &["www.example.com", "$_ip"]),
    ("health-check-method", &["head", "get"]),
    ("health-check-connect-timeout", &["1", "300"]),
    ("health-check-timeout", &["1", "300"]),
    ("health-check-connect-port", &["8080"]),
    ("health-check-interval", &["3", "9"]),
    ("healthy-threshold", &["2", "10"]),
    ("unhealthy-threshold", &["2", "10"]),
    // The CLB itself.
    ("name", &["web-a", "web-b"]),
    ("spec", &["slb.s1.small", "slb.s2.small"]),
    ("instance-charge-type", &["PayBySpec", "PayByCLCU"]),
    ("charge-type", &["paybytraffic", "paybybandwidth"]),
    ("bandwidth", &["10", "20"]),
    ("delete-protection", &["on", "off"]),
    ("modification-protection", &["ConsoleProtection", "NonProtection"]),
    (
        "additional-resource-tags",
        &["a=1", "a=2,b=3", "team=shop", "a=,b=,c="],
    ),
    ("address-type", &["internet", "intranet"]),
    ("vswitch-id", &["vsw-k", "vsw-j"]),
    ("ip", &["10.0.0.9"]),
    ("ip-version", &["ipv4", "ipv6"]),
    ("network-type", &["classic", "vpc"]),
    ("master-zoneid", &["cn-hangzhou-h", "cn-hangzhou-k"]),
    ("slave-zoneid", &["cn-hangzhou-j"]),
    ("resource-group-id", &["rg-default", "rg-lab"]),
    // Reuse.
    ("id", &[USERS]),
    ("force-override-listeners", &["true", "false"]),
    (
        "vgroup-port",
        &[
            "rsp-user-05:443",
            "rsp-user-05:80",
            "rsp-user-05:80,rsp-user-05:443",
        ],
    ),
    ("weight", &["0", "1", "60"]),
    // Backends.
    ("backend-type", &["ecs", "eni"]),
    ("default-weight", &["0", "50"]),
    ("ignore-weight-update", &["on", "off"]),
    ("remove-unscheduled-backend", &["on", "off"]),
    (
        "backend-label",
        &[
            "failure-domain.beta.kubernetes.io/zone=cn-hangzhou-k",
            "no-node=has-it",
        ],
    ),
    ("backend-ip-version", &["ipv4", "ipv6"]),
    // The status, and what becomes of the CLB.
    ("hostname", &["www.example.com"]),
    ("external-ip-type", &["eip"]),
    ("preserve-lb-on-delete", &["true", "false"]),
];

/// What makes a feature work only together with others, so that chance alone seldom hits it.
const TOGETHER: &[&[(&str, &str)]] = &[
    &[
        ("protocol-port", "http:80,https:443"),
        ("cert-id", "cert-a"),
        ("forward-port", "80:443"),
    ],
    &[
        ("protocol-port", "http:80,https:8080,https:443"),
        ("cert-id", "cert-b"),
        ("forward-port", "80:8080"),
    ],
    &[
        ("protocol-port", "https:443"),
        ("cert-id", "cert-a"),
        ("domain-extensions", "a.example.com:cert-b,b.example.com:cert-c"),
    ],
    &[
        ("protocol-port", "https:443"),
        ("cert-id", "cert-c"),
        ("domain-extensions", "b.example.com:cert-a,c.example.com:cert-c"),
    ],
    &[("id", USERS)],
    &[("id", USERS), ("force-override-listeners", "true")],
    &[
        ("id", USERS),
        ("force-override-listeners", "true"),
        ("vgroup-port", "rsp-user-05:80"),
        ("weight", "60"),
    ],
    &[("acl-status", "on"), ("acl-id", "acl-1"), ("acl-type", "white")],
    &[
        ("protocol-port", "http:80"),
        ("sticky-session", "on"),
        ("sticky-session-type", "server"),
        ("cookie", "my-cookie"),
    ],
    &[
        ("address-type", "intranet"),
        ("vswitch-id", "vsw-k"),
        ("ip", "10.0.0.9"),
    ],
    &[("charge-type", "paybybandwidth"), ("bandwidth", "10")],
    &[("connection-drain", "on"), ("connection-drain-timeout", "30")],
];

/// An annotation without its prefix, with its value.
pub(super) type Annotation = (&'static str, String);

fn owned(pairs: &[(&'static str, &str)]) -> Vec<Annotation> {
    pairs
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect()
}

/// Some of them by chance, with some that belong together.
pub(super) fn annotations() -> impl Strategy<Value = Vec<Annotation>> {
    let by_chance = subsequence(ANNOTATIONS.to_vec(), 0..14).prop_flat_map(|rows| {
        rows.into_iter()
            .map(|(name, values)| (Just(name), select(values).prop_map(str::to_owned)))
            .collect::<Vec<_>>()
    });
    (by_chance, subsequence(TOGETHER.to_vec(), 0..3)).prop_map(|(mut chosen, together)| {
        for pairs in together {
            chosen.retain(|(name, _)| !pairs.iter().any(|(other, _)| other == name));
            chosen.extend(owned(pairs));
        }
        chosen
    })
}

#[test]
fn every_annotation_of_the_table_comes_with_values_that_it_takes() {
    for row in annotations::table() {
        let name = row.suffix.strip_prefix("loadbalancer-").unwrap_or(row.suffix);
        let (_, values) = ANNOTATIONS
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap_or_else(|| panic!("{name} never comes"));
        for value in *values {
            assert!((row.accepts)(value), "{name}: {value}");
        }
    }
    assert_eq!(ANNOTATIONS.len(), annotations::table().count());
}
