//! Rows that the listener actions share, grouped as the documentation groups them.

use super::{Charset, Kind, Parameter};
use crate::errors;

const ON_OFF: Kind = Kind::OneOf(&["on", "off"]);
const PORT: Kind = Kind::Integer { min: 1, max: 65535 };
const HTTP_CODES: Kind = Kind::CommaListOf(&["http_2xx", "http_3xx", "http_4xx", "http_5xx"]);
const PROTOCOL: Kind = Kind::OneOf(&["tcp", "udp", "http", "https"]);

const fn switch(name: &'static str) -> Parameter {
    Parameter::optional(name, ON_OFF).attribute()
}

const fn whole(name: &'static str, min: i64, max: i64) -> Parameter {
    Parameter::optional(name, Kind::Integer { min, max }).attribute()
}

/// A listener's place; `ListenerPort` names it.
pub(super) const PLACE: &[Parameter] = &[
    Parameter::optional("RegionId", Kind::Region),
    Parameter::required("LoadBalancerId", Kind::Text),
    Parameter::required("ListenerPort", PORT).refuse(errors::LISTENER_PORT),
];

/// Which of two listeners on one port is meant.
pub(super) const WHICH: &[Parameter] = &[Parameter::optional("ListenerProtocol", PROTOCOL)];

/// Tags given with the creation.
pub(super) const TAGS: &[Parameter] = &[Parameter::optional("Tag", Kind::Tags)];

/// What only a creation takes: where the traffic goes.
pub(super) const NEW_TARGET: &[Parameter] = &[
    Parameter::optional("BackendServerPort", PORT).attribute(),
    Parameter::optional("VServerGroupId", Kind::Text),
];

/// What only a change takes: `VServerGroup=on` makes `VServerGroupId` count.
pub(super) const CHANGED_TARGET: &[Parameter] = &[
    Parameter::optional("VServerGroup", ON_OFF),
    Parameter::optional("VServerGroupId", Kind::Text),
    Parameter::optional("DryRun", Kind::Boolean),
];

/// Access control.
pub(super) const ACCESS: &[Parameter] = &[
    switch("AclStatus").or("off"),
    Parameter::when(
        "AclType",
        &[("AclStatus", "on")],
        Kind::OneOf(&["white", "black"]),
    )
    .attribute(),
    Parameter::when("AclId", &[("AclStatus", "on")], Kind::Text).attribute(),
];

/// What every listener has.
pub(super) const COMMON: &[Parameter] = &[
    Parameter::optional(
        "Description",
        Kind::Chars {
            min: 1,
            max: 256,
            charset: Charset::Description,
        },
    )
    .attribute(),
    whole("HealthCheckConnectPort", 1, 65535),
];

/// Bandwidth where a creation has to name it (TCP, UDP and HTTPS).
pub(super) const BANDWIDTH_REQUIRED: &[Parameter] =
    &[Parameter::required("Bandwidth", Kind::Bandwidth { max: 5120 })
        .attribute()
        .refuse(errors::LISTENER_BANDWIDTH)];

/// Bandwidth where it has a default (HTTP).
pub(super) const BANDWIDTH: &[Parameter] = &[Parameter::optional("Bandwidth", Kind::Bandwidth { max: 5120 })
    .attribute()
    .or("-1")
    .refuse(errors::LISTENER_BANDWIDTH)];

/// Thresholds of a health check.
pub(super) const THRESHOLDS: &[Parameter] = &[
    whole("HealthyThreshold", 2, 10).or("3"),
    whole("UnhealthyThreshold", 2, 10).or("3"),
];

/// Thresholds in the change of a UDP listener, where 1 is allowed.
pub(super) const WIDE_THRESHOLDS: &[Parameter] = &[
    whole("HealthyThreshold", 1, 10),
    whole("UnhealthyThreshold", 1, 10),
];

/// The check's interval as TCP and UDP creations spell it.
pub(super) const INTERVAL_LOWER: &[Parameter] =
    &[
        Parameter::optional("healthCheckInterval", Kind::Integer { min: 1, max: 50 })
            .describes_as("HealthCheckInterval")
            .or("2"),
    ];

/// The check's interval as everything else spells it.
pub(super) const INTERVAL: &[Parameter] = &[whole("HealthCheckInterval", 1, 50).or("2")];

/// What TCP and UDP share.
pub(super) const LAYER_4: &[Parameter] = &[
    Parameter::optional("HealthCheckSwitch", ON_OFF)
        .describes_as("HealthCheck")
        .or("on"),
    whole("HealthCheckConnectTimeout", 1, 300).or("5"),
    switch("ConnectionDrain").or("off"),
    Parameter::when(
        "ConnectionDrainTimeout",
        &[("ConnectionDrain", "on")],
        Kind::Integer { min: 10, max: 900 },
    )
    .attribute(),
    Parameter::optional("ProxyProtocolV2Enabled", Kind::Boolean)
        .attribute()
        .or("false"),
    Parameter::optional("MasterSlaveServerGroupId", Kind::Text),
];

/// What only TCP has.
pub(super) const TCP: &[Parameter] = &[
    Parameter::optional("Scheduler", Kind::OneOf(&["wrr", "rr", "sch", "tch"]))
        .attribute()
        .or("wrr"),
    whole("PersistenceTimeout", 0, 3600).or("0"),
    whole("EstablishedTimeout", 10, 900).or("900"),
    Parameter::optional("HealthCheckType", Kind::OneOf(&["tcp", "http"]))
        .attribute()
        .or("tcp"),
];

/// What only the change of a TCP listener takes.
pub(super) const TCP_CHANGE: &[Parameter] = &[
    Parameter::optional("SynProxy", Kind::OneOf(&["enable", "disable"])).attribute(),
    Parameter::optional("MasterSlaveServerGroup", ON_OFF),
];

/// What only UDP has.
pub(super) const UDP: &[Parameter] = &[
    Parameter::optional("Scheduler", Kind::OneOf(&["wrr", "rr", "sch", "tch", "qch"]))
        .attribute()
        .or("wrr"),
    Parameter::optional(
        "healthCheckReq",
        Kind::Chars {
            min: 1,
            max: 64,
            charset: Charset::Any,
        },
    )
    .describes_as("HealthCheckReq")
    .refuse(errors::HEALTH_CHECK_REQ),
    Parameter::optional(
        "healthCheckExp",
        Kind::Chars {
            min: 1,
            max: 64,
            charset: Charset::Any,
        },
    )
    .describes_as("HealthCheckExp")
    .refuse(errors::HEALTH_CHECK_EXP),
];

/// What only the change of a UDP listener takes.
pub(super) const UDP_CHANGE: &[Parameter] = &[Parameter::optional("MasterSlaveServerGroup", ON_OFF)];

/// An HTTP health check (TCP listeners have it too).
pub(super) const HTTP_CHECK: &[Parameter] = &[
    Parameter::optional(
        "HealthCheckDomain",
        Kind::Chars {
            min: 1,
            max: 80,
            charset: Charset::Domain,
        },
    )
    .attribute(),
    Parameter::optional(
        "HealthCheckURI",
        Kind::Chars {
            min: 1,
            max: 80,
            charset: Charset::Path,
        },
    )
    .attribute()
    .or("/"),
    Parameter::optional("HealthCheckHttpCode", HTTP_CODES)
        .attribute()
        .or("http_2xx"),
];

/// What HTTP and HTTPS share.
pub(super) const LAYER_7: &[Parameter] = &[
    Parameter::required("HealthCheck", ON_OFF).attribute(),
    Parameter::optional("HealthCheckMethod", Kind::OneOf(&["head", "get"]))
        .attribute()
        .or("head"),
    whole("HealthCheckTimeout", 1, 300).or("5"),
    Parameter::optional("Scheduler", Kind::OneOf(&["wrr", "rr"]))
        .attribute()
        .or("wrr"),
    switch("Gzip").or("on"),
    whole("IdleTimeout", 1, 60).or("15").refuse(errors::IDLE_TIMEOUT),
    whole("RequestTimeout", 1, 180)
        .or("60")
        .refuse(errors::REQUEST_TIMEOUT),
    switch("StickySession").or("off"),
    Parameter::when(
        "StickySessionType",
        &[("StickySession", "on")],
        Kind::OneOf(&["insert", "server"]),
    )
    .attribute(),
    Parameter::when(
        "CookieTimeout",
        &[("StickySession", "on"), ("StickySessionType", "insert")],
        Kind::Integer { min: 1, max: 86400 },
    )
    .attribute(),
    Parameter::when(
        "Cookie",
        &[("StickySession", "on"), ("StickySessionType", "server")],
        Kind::Chars {
            min: 1,
            max: 200,
            charset: Charset::Cookie,
        },
    )
    .attribute(),
    switch("XForwardedFor").or("on"),
    switch("XForwardedFor_ClientSrcPort").or("off"),
    switch("XForwardedFor_proto").or("off"),
    switch("XForwardedFor_SLBID").or("off"),
    switch("XForwardedFor_SLBIP").or("off"),
    switch("XForwardedFor_SLBPORT").or("off"),
];

/// What only the creation of an HTTP listener takes.
pub(super) const HTTP_NEW: &[Parameter] = &[
    switch("ListenerForward").or("off"),
    Parameter::when("ForwardPort", &[("ListenerForward", "on")], PORT)
        .attribute()
        .refuse(errors::FORWARD_PORT),
];

/// What only HTTPS has.
pub(super) const HTTPS: &[Parameter] = &[
    Parameter::optional("ServerCertificateId", Kind::Text).attribute(),
    Parameter::optional("CACertificateId", Kind::Text).attribute(),
    switch("EnableHttp2").or("on"),
    Parameter::optional("TLSCipherPolicy", Kind::TlsPolicy)
        .attribute()
        .or("tls_cipher_policy_1_0"),
];

/// The rows of a change: nothing is mandatory and nothing has a default, because what is left out stays.
pub(super) fn of_a_change(groups: &[&[Parameter]]) -> Vec<Parameter> {
    let mut rows = groups.concat();
    for row in &mut rows {
        row.default = None;
        if row.presence == super::Presence::Required && row.attribute.is_some() {
            row.presence = super::Presence::Optional;
        }
    }
    rows
}
