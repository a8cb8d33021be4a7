//! What only the cloud knows: certificates, access control lists, vSwitches, CLBs and groups that are not there, or are not what they
//! should be.

use super::table::{Mistake, TCP, TLS, WEB};

/// An address that an interface has.
pub(crate) const HELD_ADDRESS: &str = "10.0.250.77";

/// Names of things that do not exist. `cert-old` has expired, `vsw-other` is of another VPC, an interface has
/// [`HELD_ADDRESS`]; the test makes them.
pub(crate) const UNKNOWN: &[Mistake] = &[
    Mistake {
        ports: TLS,
        annotations: &[("protocol-port", "https:443"), ("cert-id", "cert-nowhere")],
        at: "cert-id",
        value: "cert-nowhere",
        allowed: "does not exist in this region",
    },
    Mistake {
        ports: TLS,
        annotations: &[("protocol-port", "https:443"), ("cert-id", "cert-old")],
        at: "cert-id",
        value: "cert-old",
        allowed: "has expired",
    },
    Mistake {
        ports: TLS,
        annotations: &[
            ("protocol-port", "https:443"),
            ("cert-id", "cert-a"),
            (
                "domain-extensions",
                "a.example.com:cert-b,b.example.com:cert-nowhere",
            ),
        ],
        at: "domain-extensions",
        value: "a.example.com:cert-b,b.example.com:cert-nowhere",
        allowed: "certificate cert-nowhere does not exist",
    },
    Mistake {
        ports: TCP,
        annotations: &[
            ("acl-status", "on"),
            ("acl-id", "acl-nowhere"),
            ("acl-type", "black"),
        ],
        at: "acl-id",
        value: "acl-nowhere",
        allowed: "does not exist in this region",
    },
    // The lab's lists hold IPv4 addresses.
    Mistake {
        ports: TCP,
        annotations: &[
            ("ip-version", "ipv6"),
            ("acl-status", "on"),
            ("acl-id", "acl-1"),
            ("acl-type", "white"),
        ],
        at: "acl-id",
        value: "acl-1",
        allowed: "a list of ipv6 addresses",
    },
    Mistake {
        ports: TCP,
        annotations: &[("address-type", "intranet"), ("vswitch-id", "vsw-nowhere")],
        at: "vswitch-id",
        value: "vsw-nowhere",
        allowed: "vsw-nowhere does not exist in this region, for example vsw-",
    },
    Mistake {
        ports: TCP,
        annotations: &[("address-type", "intranet"), ("vswitch-id", "vsw-other")],
        at: "vswitch-id",
        value: "vsw-other",
        allowed: "the cluster's VPC vpc-lab",
    },
    Mistake {
        ports: TCP,
        annotations: &[
            ("address-type", "intranet"),
            ("vswitch-id", "vsw-k"),
            ("ip", HELD_ADDRESS),
        ],
        at: "ip",
        value: HELD_ADDRESS,
        allowed: "an address of vSwitch vsw-k (10.0.0.0/16) that nothing else has; network interface eni-holder has this one, for example 10.0.",
    },
    Mistake {
        ports: TCP,
        annotations: &[
            ("master-zoneid", "cn-beijing-a"),
            ("slave-zoneid", "cn-hangzhou-j"),
        ],
        at: "master-zoneid",
        value: "cn-beijing-a",
        allowed: "a primary zone for an internet CLB of ipv4 in cn-hangzhou: cn-hangzhou-",
    },
    Mistake {
        ports: TCP,
        annotations: &[
            ("master-zoneid", "cn-hangzhou-k"),
            ("slave-zoneid", "cn-nowhere-a"),
        ],
        at: "slave-zoneid",
        value: "cn-nowhere-a",
        allowed: "a secondary zone to cn-hangzhou-k",
    },
    Mistake {
        ports: TCP,
        annotations: &[("id", "lb-nowhere")],
        at: "id",
        value: "lb-nowhere",
        allowed: "does not exist in this region",
    },
    Mistake {
        ports: TCP,
        annotations: &[("id", "lb-nowhere"), ("force-override-listeners", "true")],
        at: "id",
        value: "lb-nowhere",
        allowed: "does not exist in this region",
    },
    Mistake {
        ports: TCP,
        annotations: &[("id", "lb-reuse-44"), ("vgroup-port", "rsp-nowhere:80")],
        at: "vgroup-port",
        value: "rsp-nowhere:80",
        allowed: "rsp-nowhere is not there, for example rsp-user-44:80",
    },
    // One group is there, the other is not: nothing is done for either.
    Mistake {
        ports: WEB,
        annotations: &[
            ("id", "lb-reuse-44"),
            ("vgroup-port", "rsp-user-44:443,rsp-nowhere:80"),
        ],
        at: "vgroup-port",
        value: "rsp-user-44:443,rsp-nowhere:80",
        allowed: "lb-reuse-44",
    },
];
