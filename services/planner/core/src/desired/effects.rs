//! Annotations that are right and do nothing here, each with the reason and, where there is one, the
//! annotation that does it.

use clb_model::cloud::{AddressType, InternetChargeType, ListenerProtocol};

use super::context::Context;
use super::listeners::is_on;
use super::ports::Port;
use super::{VServerGroupIdentity, health_check, load_balancer};
use crate::annotations::health_check as check;
use crate::annotations::instance as clb;
use crate::annotations::listener as lis;
use crate::annotations::reading::without_effect;
use crate::annotations::value::{HealthCheckType, NetworkType, Scheduler, StickySessionType};
use crate::annotations::{Found, Row, Scope, backend, find};
use crate::problem::{Notice, reason};
use crate::settings::BackendType;

/// All remarks on annotations of the Service that do nothing.
pub(super) fn notices(context: &Context<'_>) -> Vec<Notice> {
    let scopes = scopes(context);
    let mut notices: Vec<Notice> = context
        .read
        .found
        .iter()
        .filter_map(|found| {
            let why = why_out_of_scope(context, found, &scopes).or_else(|| why_idle(context, found.row))?;
            Some(without_effect(found.place, &why))
        })
        .collect();
    notices.extend(ports_that_are_not_there(context));
    notices.extend(scheduler_ignores_weights(context));
    notices
}

/// What there is for annotations to act on.
fn scopes(context: &Context<'_>) -> Vec<Scope> {
    let mut scopes = vec![Scope::Status];
    scopes.push(if context.owns_load_balancer() {
        Scope::Instance
    } else {
        Scope::ReusedInstance
    });
    scopes.push(match context.backend_type {
        BackendType::Ecs => Scope::Ecs,
        BackendType::Eni => Scope::Eni,
    });
    if context.has_virtual_node_backends() {
        scopes.push(Scope::Eni);
    }
    if context
        .ports
        .ports
        .iter()
        .any(|port| uses_reused_group(context, port))
    {
        scopes.push(Scope::ReusedGroup);
    }
    scopes.extend(
        context
            .managed_ports()
            .iter()
            .map(|port| Scope::of_listener(port.protocol)),
    );
    scopes
}

/// Whether the port's backends go to a group that `vgroup-port` names, or named when they came.
fn uses_reused_group(context: &Context<'_>, port: &Port<'_>) -> bool {
    context.is_in_kept_group(port)
        || matches!(
            context.vgroup_identity(port),
            Some(VServerGroupIdentity::Reused(_))
        )
}

/// Why an annotation has nothing to act on.
fn why_out_of_scope(context: &Context<'_>, found: &Found<'_>, scopes: &[Scope]) -> Option<String> {
    let row = found.row;
    if row.applies.iter().any(|scope| scopes.contains(scope)) || is_what_happens_anyway(context, found) {
        return None;
    }
    let is_for = row
        .applies
        .iter()
        .map(|scope| scope.describe())
        .collect::<Vec<_>>()
        .join(", ");
    let why = if row.applies.iter().any(|scope| scope.is_listener()) {
        if !context.manages_listeners() {
            return Some(format!(
                "listeners of a reused CLB are managed only with {}: \"true\"",
                clb::FORCE_OVERRIDE.name()
            ));
        }
        let has = listener_kinds(context);
        match row
            .instead
            .and_then(find)
            .filter(|other| other.applies.iter().any(|scope| scopes.contains(scope)))
        {
            Some(other) => format!(
                "it is for {is_for}, and the Service has {has}; use {}",
                other.name()
            ),
            None => format!("it is for {is_for}, and the Service has {has}"),
        }
    } else if row.applies == [Scope::Instance] {
        format!(
            "the Service uses a CLB of yours ({}), and of that it is left alone",
            clb::LOAD_BALANCER_ID.name()
        )
    } else if row.applies == [Scope::ReusedGroup] {
        format!("it is for {is_for} ({})", backend::VGROUP_PORT.name())
    } else {
        format!("it is for {is_for}")
    };
    Some(why)
}

/// `health-check-type: http` on an HTTP listener asks for what the listener does without it.
fn is_what_happens_anyway(context: &Context<'_>, found: &Found<'_>) -> bool {
    found.row.suffix == check::TYPE.suffix
        && found.text == HealthCheckType::Http.as_str()
        && context
            .managed_ports()
            .iter()
            .any(|port| matches!(port.protocol, ListenerProtocol::Http | ListenerProtocol::Https))
}

fn listener_kinds(context: &Context<'_>) -> String {
    let mut kinds: Vec<&str> = context
        .managed_ports()
        .iter()
        .map(|port| Scope::of_listener(port.protocol).describe())
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.join(", ")
}

/// Why an annotation that has something to act on still does nothing: another one switches it off.
fn why_idle(context: &Context<'_>, row: &Row) -> Option<String> {
    let listener = &context.annotations().listener;
    let is = |rows: &[&Row]| rows.iter().any(|candidate| candidate.suffix == row.suffix);
    let needs = |other: &Row, value: &str| Some(format!("it needs {}: \"{value}\"", other.name()));
    if is(&[&lis::ACL_ID, &lis::ACL_TYPE]) && !is_on(listener.acl_status.as_ref()) {
        return needs(&lis::ACL_STATUS, "on");
    }
    if is(&[&lis::STICKY_SESSION_TYPE, &lis::COOKIE, &lis::COOKIE_TIMEOUT])
        && !is_on(listener.sticky_session.as_ref())
    {
        return needs(&lis::STICKY_SESSION, "on");
    }
    let sticky_type = listener.sticky_session_type.as_ref().map(|written| written.value);
    if is(&[&lis::COOKIE]) && sticky_type == Some(StickySessionType::Insert) {
        return needs(&lis::STICKY_SESSION_TYPE, StickySessionType::Server.as_str());
    }
    if is(&[&lis::COOKIE_TIMEOUT]) && sticky_type == Some(StickySessionType::Server) {
        return needs(&lis::STICKY_SESSION_TYPE, StickySessionType::Insert.as_str());
    }
    if is(&[&lis::CONNECTION_DRAIN_TIMEOUT]) && !is_on(listener.connection_drain.as_ref()) {
        return needs(&lis::CONNECTION_DRAIN, "on");
    }
    if is(&[&backend::DEFAULT_WEIGHT]) && context.is_local() {
        return Some("under Local policy the weight of a Node is the number of its pods".to_owned());
    }
    let ports = &context.ports.ports;
    if is(&[&backend::DEFAULT_WEIGHT])
        && context.annotations().backend.weight.is_some()
        && ports.iter().all(|port| uses_reused_group(context, port))
    {
        return Some(format!(
            "the vServer groups are reused ones, in which {} counts",
            backend::WEIGHT.name()
        ));
    }
    if is(&[&clb::EXTERNAL_IP_TYPE]) && context.annotations().instance.hostname.is_some() {
        return Some(format!("the status shows {} alone", clb::HOSTNAME.name()));
    }
    why_idle_instance(context, row).or_else(|| why_idle_check(context, row))
}

fn why_idle_instance(context: &Context<'_>, row: &Row) -> Option<String> {
    let instance = &context.annotations().instance;
    let is = |rows: &[&Row]| rows.iter().any(|candidate| candidate.suffix == row.suffix);
    if !context.owns_load_balancer() {
        return None;
    }
    let internal = load_balancer::address_type(instance) == AddressType::Intranet;
    if is(&[&clb::CHARGE_TYPE, &clb::BANDWIDTH]) && internal {
        return Some("an internal CLB has no Internet traffic to be paid".to_owned());
    }
    let by_bandwidth = load_balancer::internet_charge_type(instance) == InternetChargeType::PayByBandwidth;
    if is(&[&clb::BANDWIDTH]) && !by_bandwidth {
        return Some(format!(
            "it needs {}: \"paybybandwidth\"",
            clb::CHARGE_TYPE.name()
        ));
    }
    if is(&[&clb::VSWITCH_ID]) && !internal {
        return Some(format!("it needs {}: \"intranet\"", clb::ADDRESS_TYPE.name()));
    }
    let network = instance.network_type.as_ref().map(|written| written.value);
    if is(&[&clb::NETWORK_TYPE]) {
        return match (network, internal) {
            (Some(NetworkType::Classic), true) => {
                Some("an internal CLB is always in the cluster's VPC".to_owned())
            }
            (Some(NetworkType::Vpc), false) => Some("an Internet-facing CLB is in no VPC".to_owned()),
            _ => None,
        };
    }
    None
}

/// Whether an attribute of health checks reaches a listener that checks.
fn why_idle_check(context: &Context<'_>, row: &Row) -> Option<String> {
    let attributes = [
        &check::TYPE,
        &check::URI,
        &check::HTTP_CODE,
        &check::DOMAIN,
        &check::CONNECT_TIMEOUT,
        &check::TIMEOUT,
        &check::CONNECT_PORT,
        &check::HEALTHY_THRESHOLD,
        &check::UNHEALTHY_THRESHOLD,
        &check::INTERVAL,
        &check::METHOD,
    ];
    if !attributes.iter().any(|candidate| candidate.suffix == row.suffix) {
        return None;
    }
    let annotations = &context.annotations().health_check;
    let concerned: Vec<&Port<'_>> = context
        .managed_ports()
        .iter()
        .filter(|port| row.applies.contains(&Scope::of_listener(port.protocol)))
        .collect();
    let checking: Vec<ListenerProtocol> = concerned
        .iter()
        .filter(|port| health_check::is_checked(context, port))
        .map(|port| port.protocol)
        .collect();
    if let (Some(first), true) = (concerned.first(), checking.is_empty()) {
        let switch = match first.protocol {
            ListenerProtocol::Tcp | ListenerProtocol::Udp => &check::SWITCH,
            ListenerProtocol::Http | ListenerProtocol::Https => &check::FLAG,
        };
        return Some(format!(
            "the health check is off; it needs {}: \"on\"",
            switch.name()
        ));
    }
    let by_http = [&check::URI, &check::HTTP_CODE, &check::DOMAIN]
        .iter()
        .any(|candidate| candidate.suffix == row.suffix);
    let some_by_http = checking
        .iter()
        .any(|protocol| health_check::checks_by_http(annotations, *protocol));
    (by_http && !checking.is_empty() && !some_by_http)
        .then(|| format!("it needs {}: \"http\"", check::TYPE.name()))
}

/// Items of lists that name ports which the Service does not have: one remark for each list.
fn ports_that_are_not_there(context: &Context<'_>) -> Vec<Notice> {
    let service = context.inputs.service;
    let absent = |number: u16| !service.ports.iter().any(|port| port.port == number);
    let mut notices = Vec::new();
    let mut say = |place: &str, items: Vec<String>| {
        let why = match items.as_slice() {
            [] => return,
            [item] => format!("{item} names a port that the Service does not have"),
            items => format!("{} name ports that the Service does not have", items.join(", ")),
        };
        notices.push(without_effect(place, &why));
    };
    let listener = &context.annotations().listener;
    // Of listeners that are not managed it is said already that no item counts.
    let managed = context.manages_listeners();
    if let Some(written) = listener.protocol_port.as_ref().filter(|_| managed) {
        let items = written.value.iter().filter(|(number, _)| absent(*number));
        let items = items.map(|(number, protocol)| format!("{protocol}:{number}"));
        say(&written.place, items.collect());
    }
    if let Some(written) = listener.forward_port.as_ref().filter(|_| managed) {
        let items = written.value.iter().filter(|(from, _)| absent(*from));
        say(
            &written.place,
            items.map(|(from, to)| format!("{from}:{to}")).collect(),
        );
    }
    if let Some(written) = &context.annotations().backend.vgroup_port {
        let items = written.value.iter().filter(|(number, _)| absent(*number));
        let items = items.map(|(number, group)| format!("{group}:{number}"));
        say(&written.place, items.collect());
    }
    notices
}

/// Under Local policy Nodes weigh as much as they have pods, which only one scheduler looks at. The reference
/// calls it required and leaves it out in its own examples: so it is said, not changed.
fn scheduler_ignores_weights(context: &Context<'_>) -> Option<Notice> {
    let scheduler = context
        .annotations()
        .listener
        .scheduler
        .as_ref()
        .map_or(Scheduler::Rr, |written| written.value);
    let ignored = context.is_local() && scheduler != Scheduler::Wrr && !context.managed_ports().is_empty();
    ignored.then(|| Notice {
        warning: false,
        reason: reason::SCHEDULER_IGNORES_WEIGHTS,
        message: format!(
            "under Local policy the weight of a Node is the number of its pods, which scheduler {} does not \
             look at; {}: \"wrr\" does",
            scheduler.as_str(),
            lis::SCHEDULER.name()
        ),
    })
}
