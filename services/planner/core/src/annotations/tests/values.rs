//! For each annotation of the table texts that it takes and texts that it refuses.

use std::collections::BTreeMap;

use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

use crate::annotations::{read, table};

struct Case {
    suffix: &'static str,
    valid: &'static [&'static str],
    invalid: &'static [&'static str],
}

const fn case(
    suffix: &'static str,
    valid: &'static [&'static str],
    invalid: &'static [&'static str],
) -> Case {
    Case {
        suffix,
        valid,
        invalid,
    }
}

const SWITCH: &[&str] = &["on", "off"];
const NO_SWITCH: &[&str] = &[
    "On", "OFF", "true", "1", "yes", "enabled", " on", "on ", "on\n", "on,off",
];
/// What people write for a number, and is none.
const NO_NUMBER: &[&str] = &[
    " 5",
    "5 ",
    "5\n",
    "+5",
    "-5",
    "5.0",
    "5,0",
    "1e1",
    "0x5",
    "1_0",
    "five",
    "5s",
    "5%",
    "\u{0665}",
    "on",
    "99999999999999999999",
];
/// What people write for one id, and is none.
const NO_ID: &[&str] = &[
    "<your-id>",
    "${ID}",
    "a b",
    " a",
    "a ",
    "a\n",
    "a,b",
    "a;b",
    "a:b",
    "a=b",
    "a/b",
    "a***",
    "\u{4e2d}",
];

/// All but the prefix `loadbalancer-`.
const CASES: &[Case] = &[
    case(
        "address-type",
        &["internet", "intranet"],
        &["Internet", "public", "intranet "],
    ),
    case(
        "vswitch-id",
        &["vsw-k", "vsw-bp1s5fnvk4gn2tws0abcd"],
        &["<your-vswitch-id>", "vsw-a,vsw-b", "${YOUR_VSWITCH_ID}"],
    ),
    case(
        "ip",
        &["192.168.0.1", "10.0.250.8"],
        &[
            "192.168.x.x",
            "10.0.0",
            "fd00::1",
            "10.0.0.256",
            "10.0.0.1/24",
            "010.0.0.1",
            " 10.0.0.1",
            "10.0.0.1,10.0.0.2",
            "0.0.0.0",
            "127.0.0.1",
            "169.254.0.1",
            "224.0.0.1",
            "255.255.255.255",
        ],
    ),
    case("ip-version", &["ipv4", "ipv6"], &["IPv4", "4", "dual"]),
    case("network-type", &["classic", "vpc"], &["VPC", "none"]),
    case(
        "instance-charge-type",
        &["PayBySpec", "PayByCLCU"],
        &["paybyspec", "PayByClcu", "PayByLcu"],
    ),
    case(
        "spec",
        &[
            "slb.s1.small",
            "slb.s2.small",
            "slb.s2.medium",
            "slb.s3.small",
            "slb.s3.medium",
            "slb.s3.large",
        ],
        &["slb.s9.huge", "s1.small", "slb.s1.Small"],
    ),
    case(
        "charge-type",
        &["paybytraffic", "paybybandwidth"],
        &["PayByTraffic", "traffic"],
    ),
    case(
        "bandwidth",
        &["1", "50", "5120"],
        &["0", "5121", "-1", "+5", "5.5", "50M", "1e3", " 5"],
    ),
    case(
        "id",
        &["lb-bp1ids9hmq5924m6uk5w1", "lb-reuse-04"],
        &["<your-clb-instance-id>", "lb a", "lb-a,lb-b", "lb-***"],
    ),
    case(
        "force-override-listeners",
        &["true", "false"],
        &["True", "on", "1"],
    ),
    case(
        "master-zoneid",
        &["cn-hangzhou-k"],
        &["cn hangzhou", "cn-hangzhou-k,cn-hangzhou-j"],
    ),
    case("slave-zoneid", &["cn-hangzhou-j"], &["<zone>"]),
    case(
        "additional-resource-tags",
        &[
            "Key1=Value1,Key2=Value2",
            "a=",
            "a=b, c=d",
            "a=b=c",
            "\u{6807}\u{7b7e}=\u{503c}",
        ],
        &[
            "Key1",
            "=v",
            "a=b,",
            "a=b,a=c",
            "aliyun=x",
            "acs:x=y",
            "Acs:x=y",
            "AliYun=x",
            "a=acs:b",
            "a=HTTPS://b",
            "a=http://b",
            "a=b\nc",
            "a=b,,c=d",
        ],
    ),
    case(
        "name",
        &["your-svc-name", "ab", "a.b_c-1", "\u{8d1f}\u{8f7d}-1"],
        &["a", "1ab", "-ab", "a b", "a/b", "\u{e9}tat"],
    ),
    case(
        "resource-group-id",
        &["rg-lab", "rg-acfmxazb4ph6aiy"],
        &["rg lab", "<rg>"],
    ),
    case("delete-protection", SWITCH, NO_SWITCH),
    case(
        "modification-protection",
        &["ConsoleProtection", "NonProtection"],
        &["consoleProtection", "on", "None"],
    ),
    case("preserve-lb-on-delete", &["true", "false", "x", " "], &[""]),
    case(
        "hostname",
        &["www.example.com", "localhost", "a-1.b"],
        &[
            "WWW.example.com",
            "<your-service-hostname>",
            "a..b",
            "-a.b",
            "a_b.c",
            "1.2.3.4",
            "a.",
        ],
    ),
    case("external-ip-type", &["eip"], &["EIP", "clb"]),
    case(
        "protocol-port",
        &["http:80", "https:443,http:80", "tcp:80,udp:80", "udp:53"],
        &[
            "http",
            "80:http",
            "http:0",
            "http:65536",
            "HTTP:80",
            "http:80,",
            "http:80 ,https:443",
            "http:80,tcp:80",
            "grpc:80",
            "http:80;https:443",
            "http:+80",
        ],
    ),
    case(
        "scheduler",
        &["rr", "wrr", "sch", "tch"],
        &["RR", "wlc", "qch", "random"],
    ),
    case("acl-status", SWITCH, NO_SWITCH),
    case(
        "acl-id",
        &["acl-1", "acl-bp1l0kk4gxce43kze0abc"],
        &["acl-1,acl-2", "<your-acl-id>"],
    ),
    case("acl-type", &["white", "black"], &["White", "allow"]),
    case(
        "persistence-timeout",
        &["0", "1800", "3600"],
        &["3601", "-1", "1h"],
    ),
    case("sticky-session", SWITCH, NO_SWITCH),
    case(
        "sticky-session-type",
        &["insert", "server"],
        &["Insert", "rewrite"],
    ),
    case("cookie-timeout", &["1", "86400"], &["0", "86401"]),
    case(
        "cookie",
        &["my-cookie", "JSESSIONID", "a_1"],
        &["$a", "a,b", "a;b", "a b", "a=b"],
    ),
    case(
        "forward-port",
        &["80:443", "80:443,8080:8443", "80:443,8080:443"],
        &["80", "80:0", "http:https", "80:443,80:8443", "80-443"],
    ),
    case(
        "cert-id",
        &["cert-a", "1234567890123456_16c2f1ab3cd_12345678_87654321"],
        &["<your-cert-id>", "a,b", "a b"],
    ),
    case(
        "domain-extensions",
        &[
            "example.com:cert-1",
            "a.example.com:cert-b,b.example.com:cert-c",
            "*.example.com:c",
            "A.example.COM:c",
        ],
        &[
            "example.com",
            "example.com:",
            ":cert",
            "a.com:x,a.com:y",
            "a.com:x,A.com:y",
            "<domain-1>:<cert-id-1>",
            "a_b.com:x",
            "*:x",
        ],
    ),
    case(
        "tls-cipher-policy",
        &[
            "tls_cipher_policy_1_0",
            "tls_cipher_policy_1_1",
            "tls_cipher_policy_1_2",
            "tls_cipher_policy_1_2_strict",
            "tls_cipher_policy_1_2_strict_with_1_3",
        ],
        &["tls_cipher_policy_1_3", "TLSv1.2"],
    ),
    case("proxy-protocol", SWITCH, NO_SWITCH),
    case("connection-drain", SWITCH, NO_SWITCH),
    case("connection-drain-timeout", &["10", "30", "900"], &["9", "901"]),
    case("xforwardedfor-proto", SWITCH, NO_SWITCH),
    case("xforwardedfor-slbport", SWITCH, NO_SWITCH),
    case("xforwardedfor-clientsrcport", SWITCH, NO_SWITCH),
    case("idle-timeout", &["1", "60"], &["0", "61", "15s"]),
    case("request-timeout", &["1", "180"], &["0", "181"]),
    case("established-timeout", &["10", "900"], &["9", "901"]),
    case("http2-enabled", SWITCH, NO_SWITCH),
    case("health-check-switch", SWITCH, NO_SWITCH),
    case("health-check-flag", SWITCH, NO_SWITCH),
    case("health-check-type", &["tcp", "http"], &["TCP", "udp", "https"]),
    case(
        "health-check-uri",
        &["/", "/test/index.html", "/a?b=c&d_e", "/%20"],
        &["test", "", "/a b", "http://a/b", "/\u{e9}"],
    ),
    case(
        "health-check-httpcode",
        &["http_2xx", "http_4xx", "http_2xx,http_3xx,http_4xx,http_5xx"],
        &[
            "200",
            "http_1xx",
            "http_2xx, http_3xx",
            "http_2xx,http_2xx",
            "http_2xx,",
        ],
    ),
    case(
        "health-check-domain",
        &["$_ip", "www.example.com", "Example-1"],
        &["a_b", "$ip", "a b", "*.example.com"],
    ),
    case("health-check-connect-timeout", &["1", "300"], &["0", "301"]),
    case("health-check-timeout", &["1", "300"], &["0", "301"]),
    case(
        "health-check-connect-port",
        &["1", "8080", "65535"],
        &["0", "65536", "-520"],
    ),
    case("healthy-threshold", &["2", "10"], &["1", "11"]),
    case("unhealthy-threshold", &["2", "10"], &["1", "11"]),
    case("health-check-interval", &["1", "50"], &["0", "51"]),
    case("health-check-method", &["head", "get"], &["HEAD", "post"]),
    case(
        "backend-label",
        &[
            "a=b",
            "failure-domain.beta.kubernetes.io/zone=cn-hangzhou-k",
            "a=b,c=d",
            "a=",
        ],
        &[
            "a", "=b", "a=b,", ",a=b", "a in (b)", "a!=b", "a=b,a=c", "a==b", "a = b", "a=b, c=d", "a=b;c=d",
            "-a=b", "a=b-", "/a=b", "a/=b", "a/b/c=d", "A_b/c=d",
        ],
    ),
    case("remove-unscheduled-backend", SWITCH, NO_SWITCH),
    case(
        "vgroup-port",
        &["rsp-user-44:443", "rsp-a:80,rsp-b:443", "rsp-a:80,rsp-a:81"],
        &["rsp-a", "443:rsp-a", "rsp-a:0", "rsp-a:80,rsp-b:80", ":80"],
    ),
    case("weight", &["0", "60", "100"], &["101", "-1", "50%"]),
    case("default-weight", &["0", "100"], &["101"]),
    case("ignore-weight-update", SWITCH, NO_SWITCH),
    case("backend-ip-version", &["ipv4", "ipv6"], &["6"]),
];

const BACKEND_TYPE: Case = case("backend-type", &["ecs", "eni"], &["ECS", "pod", "ip"]);

#[test]
fn each_annotation_takes_and_refuses_what_it_should() {
    let mut suffixes: Vec<String> = CASES
        .iter()
        .map(|case| format!("loadbalancer-{}", case.suffix))
        .collect();
    suffixes.push(BACKEND_TYPE.suffix.to_owned());
    let mut known: Vec<String> = table().map(|row| row.suffix.to_owned()).collect();
    suffixes.sort();
    known.sort();
    assert_eq!(
        suffixes, known,
        "each row of the table has one case and each case a row"
    );
    for case in CASES.iter().chain([&BACKEND_TYPE]) {
        let row = table()
            .find(|row| row.suffix.trim_start_matches("loadbalancer-") == case.suffix)
            .unwrap();
        for text in case.valid {
            assert!((row.accepts)(text), "{} should take {text:?}", case.suffix);
        }
        for text in case.invalid {
            assert!(!(row.accepts)(text), "{} should refuse {text:?}", case.suffix);
        }
    }
}

#[test]
fn every_number_and_every_id_is_one() {
    for row in table() {
        let wrong = match row.kind {
            "number" => NO_NUMBER,
            "id" => NO_ID,
            "switch" => NO_SWITCH,
            _ => &[],
        };
        for text in wrong {
            assert!(!(row.accepts)(text), "{} should refuse {text:?}", row.suffix);
        }
    }
    let kinds = |kind: &str| table().filter(|row| row.kind == kind).count();
    assert_eq!((kinds("number"), kinds("id"), kinds("switch")), (15, 7, 13));
}

proptest! {
    /// Whatever stands there is read or told, and nothing that is read has what no value of the cloud's has.
    #[test]
    fn any_text_is_read_or_told(text in "\\PC{0,12}|[ -~]{0,40}|[a-z0-9:=,./ -]{1,30}") {
        for row in table() {
            let annotations = BTreeMap::from([(row.name(), text.clone())]);
            let read = read(&annotations);
            let accepted = (row.accepts)(&text);
            if text.is_empty() {
                prop_assert!(read.problems.is_empty());
                prop_assert_eq!(read.notices.len(), usize::from(!row.may_be_empty));
                continue;
            }
            prop_assert_eq!(read.problems.is_empty(), accepted, "{}: {:?}", row.suffix, text);
            if let Some(problem) = read.problems.first() {
                prop_assert!((row.accepts)(&problem.example));
                prop_assert_eq!((&problem.place, &problem.value), (&row.name(), &text));
            } else if row.suffix != "loadbalancer-preserve-lb-on-delete" {
                let within = if row.kind == "list of key=value" { "" } else { " <>\"" };
                let unfit = |c: char| c.is_control() || within.contains(c);
                prop_assert!(!text.contains(unfit), "{}: {:?}", row.suffix, text);
            }
        }
    }
}

#[test]
fn lengths_are_limited() {
    let accepts = |suffix: &str, text: String| {
        let row = table().find(|row| row.suffix == suffix).unwrap();
        (row.accepts)(&text)
    };
    for (suffix, most) in [
        ("loadbalancer-name", 128),
        ("loadbalancer-cookie", 200),
        ("loadbalancer-health-check-domain", 80),
        ("loadbalancer-cert-id", 128),
    ] {
        assert!(accepts(suffix, "a".repeat(most)), "{suffix}");
        assert!(!accepts(suffix, "a".repeat(most + 1)), "{suffix}");
    }
    let uri = |length: usize| format!("/{}", "a".repeat(length - 1));
    assert!(accepts("loadbalancer-health-check-uri", uri(80)));
    assert!(!accepts("loadbalancer-health-check-uri", uri(81)));
    let tags = |key: usize, value: usize| format!("{}={}", "k".repeat(key), "v".repeat(value));
    assert!(accepts("loadbalancer-additional-resource-tags", tags(64, 128)));
    assert!(!accepts("loadbalancer-additional-resource-tags", tags(65, 1)));
    assert!(!accepts("loadbalancer-additional-resource-tags", tags(1, 129)));
    let label = |key: usize, value: usize| format!("{}={}", "k".repeat(key), "v".repeat(value));
    assert!(accepts("loadbalancer-backend-label", label(63, 63)));
    assert!(!accepts("loadbalancer-backend-label", label(64, 1)));
    assert!(!accepts("loadbalancer-backend-label", label(1, 64)));
    let host = |label: usize| format!("{}.com", "a".repeat(label));
    assert!(accepts("loadbalancer-hostname", host(63)));
    assert!(!accepts("loadbalancer-hostname", host(64)));
}
