//! The actions on listeners.

use super::listener_rows as rows;
use super::slb_rows::{MAYBE_REGION, read, write};
use super::{Action, Charset, Kind, Parameter};
use crate::errors;
use crate::{health, listeners};

const DESCRIBE: &[Parameter] = &[
    MAYBE_REGION,
    Parameter::optional(
        "LoadBalancerId",
        Kind::List {
            max: 10,
            too_many: errors::LISTENERS_ID_SIZE,
        },
    ),
    Parameter::optional("ListenerProtocol", Kind::OneOf(&["tcp", "udp", "http", "https"])),
    Parameter::optional("ListenerPort", Kind::Integer { min: 1, max: 65535 }).refuse(errors::LISTENER_PORT),
    Parameter::optional(
        "Description",
        Kind::Chars {
            min: 0,
            max: 256,
            charset: Charset::Any,
        },
    ),
    Parameter::optional("MaxResults", Kind::Integer { min: 1, max: 100 }).or("20"),
    Parameter::optional("NextToken", Kind::Text),
    Parameter::optional("Tag", Kind::Tags),
];

const HEALTH: &[Parameter] = &[
    MAYBE_REGION,
    Parameter::required("LoadBalancerId", Kind::Text),
    Parameter::optional("ListenerPort", Kind::Integer { min: 1, max: 65535 }).refuse(errors::LISTENER_PORT),
];

/// The actions of this module.
pub(super) fn actions() -> Vec<Action> {
    let mut actions = vec![
        write(
            "StartLoadBalancerListener",
            listeners::start,
            &[rows::PLACE, rows::WHICH],
        ),
        write(
            "StopLoadBalancerListener",
            listeners::stop,
            &[rows::PLACE, rows::WHICH],
        ),
        write(
            "DeleteLoadBalancerListener",
            listeners::delete,
            &[rows::PLACE, rows::WHICH],
        ),
        read(
            "DescribeLoadBalancerListeners",
            listeners::describe_many,
            &[DESCRIBE],
        ),
        read(
            "DescribeLoadBalancerTCPListenerAttribute",
            listeners::describe_tcp,
            &[rows::PLACE],
        ),
        read(
            "DescribeLoadBalancerUDPListenerAttribute",
            listeners::describe_udp,
            &[rows::PLACE],
        ),
        read(
            "DescribeLoadBalancerHTTPListenerAttribute",
            listeners::describe_http,
            &[rows::PLACE],
        ),
        read(
            "DescribeLoadBalancerHTTPSListenerAttribute",
            listeners::describe_https,
            &[rows::PLACE],
        ),
        read(
            "DescribeHealthStatus",
            health::describe_health_status,
            &[HEALTH, rows::WHICH],
        ),
    ];
    actions.extend(creations());
    actions.extend(changes());
    actions
}

fn creations() -> [Action; 4] {
    let every = [
        rows::PLACE,
        rows::TAGS,
        rows::NEW_TARGET,
        rows::ACCESS,
        rows::COMMON,
        rows::THRESHOLDS,
    ];
    let create = |name, run, own: &[&[Parameter]]| write(name, run, &[&every, own].concat());
    [
        create(
            "CreateLoadBalancerTCPListener",
            listeners::create_tcp,
            &[
                rows::BANDWIDTH_REQUIRED,
                rows::LAYER_4,
                rows::INTERVAL_LOWER,
                rows::TCP,
                rows::HTTP_CHECK,
            ],
        ),
        create(
            "CreateLoadBalancerUDPListener",
            listeners::create_udp,
            &[
                rows::BANDWIDTH_REQUIRED,
                rows::LAYER_4,
                rows::INTERVAL_LOWER,
                rows::UDP,
            ],
        ),
        create(
            "CreateLoadBalancerHTTPListener",
            listeners::create_http,
            &[
                rows::BANDWIDTH,
                rows::LAYER_7,
                rows::INTERVAL,
                rows::HTTP_CHECK,
                rows::HTTP_NEW,
            ],
        ),
        create(
            "CreateLoadBalancerHTTPSListener",
            listeners::create_https,
            &[
                rows::BANDWIDTH_REQUIRED,
                rows::LAYER_7,
                rows::INTERVAL,
                rows::HTTP_CHECK,
                rows::HTTPS,
            ],
        ),
    ]
}

fn changes() -> [Action; 4] {
    let every = [
        rows::PLACE,
        rows::CHANGED_TARGET,
        rows::ACCESS,
        rows::COMMON,
        rows::INTERVAL,
        rows::BANDWIDTH,
    ];
    let change =
        |name, run, own: &[&[Parameter]]| write(name, run, &[&rows::of_a_change(&[&every, own].concat())]);
    [
        change(
            "SetLoadBalancerTCPListenerAttribute",
            listeners::set_tcp,
            &[
                rows::THRESHOLDS,
                rows::LAYER_4,
                rows::TCP,
                rows::TCP_CHANGE,
                rows::HTTP_CHECK,
            ],
        ),
        change(
            "SetLoadBalancerUDPListenerAttribute",
            listeners::set_udp,
            &[rows::WIDE_THRESHOLDS, rows::LAYER_4, rows::UDP, rows::UDP_CHANGE],
        ),
        change(
            "SetLoadBalancerHTTPListenerAttribute",
            listeners::set_http,
            &[rows::THRESHOLDS, rows::LAYER_7, rows::HTTP_CHECK],
        ),
        change(
            "SetLoadBalancerHTTPSListenerAttribute",
            listeners::set_https,
            &[rows::THRESHOLDS, rows::LAYER_7, rows::HTTP_CHECK, rows::HTTPS],
        ),
    ]
}
