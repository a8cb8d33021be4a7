//! Health checks of listeners: which attributes a listener of each protocol gets, by the last table of
//! `compatibility.md`.

use clb_model::attribute::{AttributeValue, ListenerAttribute as Attribute, ListenerAttributes};
use clb_model::cloud::ListenerProtocol;

use super::context::Context;
use super::ports::Port;
use super::{VServerGroupIdentity, standard_fields};
use crate::annotations::health_check::HealthCheckAnnotations;
use crate::annotations::value::HealthCheckType;
use crate::facts::HealthCheckFact;

/// Path at which kube-proxy answers on `healthCheckNodePort`.
const NODE_HEALTH_PATH: &str = "/healthz";
/// The cloud's own path.
const DEFAULT_PATH: &str = "/";

/// Whether a port's listener checks its backends: as the annotation says, else as the one that is there does (a check that was switched
/// stays so without its annotation), else by default: TCP and UDP do, HTTP and HTTPS do not.
pub(super) fn is_checked(context: &Context<'_>, port: &Port<'_>) -> bool {
    let annotations = &context.annotations().health_check;
    let (switch, default) = match port.protocol {
        ListenerProtocol::Tcp | ListenerProtocol::Udp => (&annotations.switch, true),
        ListenerProtocol::Http | ListenerProtocol::Https => (&annotations.flag, false),
    };
    let there = || context.inputs.facts.health_checks.get(&port.key());
    match switch {
        Some(written) => written.value.is_on(),
        None => there().map_or(default, |fact| fact.is_on),
    }
}

/// Whether health checks keep traffic from a port's backends that are down. Where listeners are the user's, those that send to the port's
/// group tell.
pub(super) fn keeps_traffic_off(context: &Context<'_>, port: &Port<'_>) -> bool {
    if context.manages_listeners() {
        return is_checked(context, port);
    }
    let identity = context.vgroup_identity(port);
    let sends_there = |fact: &HealthCheckFact| match (&identity, &fact.vgroup) {
        (Some(VServerGroupIdentity::Own(mark)), Some((_, name))) => name == mark,
        (Some(VServerGroupIdentity::Reused(group)), Some((id, _))) => id == group,
        _ => false,
    };
    let mut facts = context.inputs.facts.health_checks.values();
    !facts.any(|fact| sends_there(fact) && !fact.is_on)
}

/// Whether a listener that checks does so by an HTTP request.
pub(super) fn checks_by_http(annotations: &HealthCheckAnnotations, protocol: ListenerProtocol) -> bool {
    match protocol {
        ListenerProtocol::Udp => false,
        ListenerProtocol::Http | ListenerProtocol::Https => true,
        ListenerProtocol::Tcp => annotations
            .check_type
            .as_ref()
            .is_some_and(|written| written.value == HealthCheckType::Http),
    }
}

/// Adds what the annotations name. Attributes of a check that is off are not sent: the cloud does not keep
/// them all.
pub(super) fn name_attributes(context: &Context<'_>, port: &Port<'_>, attributes: &mut ListenerAttributes) {
    let annotations = &context.annotations().health_check;
    let protocol = port.protocol;
    let switch = match protocol {
        ListenerProtocol::Tcp | ListenerProtocol::Udp => &annotations.switch,
        ListenerProtocol::Http | ListenerProtocol::Https => &annotations.flag,
    };
    if let Some(written) = switch {
        attributes.set(Attribute::HealthCheck, written.value.is_on());
    }
    if !is_checked(context, port) {
        return;
    }
    let mut put = |attribute: Attribute, value: Option<AttributeValue>| {
        if let Some(value) = value
            && attribute.applies_to(protocol)
        {
            attributes.set(attribute, value);
        }
    };
    let number = |number: Option<u32>| number.map(|number| AttributeValue::from(i64::from(number)));
    let check_type = annotations.check_type.as_ref().map(|w| w.value.as_str().into());
    put(Attribute::HealthCheckType, check_type);
    put(
        Attribute::HealthCheckMethod,
        annotations.method.as_ref().map(|w| w.value.as_str().into()),
    );
    put(
        Attribute::HealthCheckConnectPort,
        number(annotations.connect_port.as_ref().map(|w| w.value.get())),
    );
    put(
        Attribute::HealthCheckConnectTimeout,
        number(annotations.connect_timeout.as_ref().map(|w| w.value.get())),
    );
    put(
        Attribute::HealthCheckTimeout,
        number(annotations.timeout.as_ref().map(|w| w.value.get())),
    );
    put(
        Attribute::HealthCheckInterval,
        number(annotations.interval.as_ref().map(|w| w.value.get())),
    );
    put(
        Attribute::HealthyThreshold,
        number(annotations.healthy_threshold.as_ref().map(|w| w.value.get())),
    );
    put(
        Attribute::UnhealthyThreshold,
        number(annotations.unhealthy_threshold.as_ref().map(|w| w.value.get())),
    );
    if checks_by_http(annotations, protocol) {
        put(
            Attribute::HealthCheckUri,
            annotations.uri.as_ref().map(|w| w.value.as_str().into()),
        );
        put(
            Attribute::HealthCheckHttpCode,
            annotations.http_code.as_ref().map(|w| w.value.as_str().into()),
        );
        put(
            Attribute::HealthCheckDomain,
            annotations.domain.as_ref().map(|w| w.value.as_str().into()),
        );
    }
    if let Some(node_port) = node_port(context, port) {
        if Attribute::HealthCheckType.applies_to(protocol) {
            attributes.set(Attribute::HealthCheckType, HealthCheckType::Http.as_str());
        }
        attributes.set(Attribute::HealthCheckUri, NODE_HEALTH_PATH);
        attributes.set(Attribute::HealthCheckConnectPort, i64::from(node_port));
    } else if asked_kube_proxy(context, port) {
        if annotations.check_type.is_none() && Attribute::HealthCheckType.applies_to(protocol) {
            attributes.set(Attribute::HealthCheckType, HealthCheckType::Tcp.as_str());
        }
        if annotations.uri.is_none() && checks_by_http(annotations, protocol) {
            attributes.set(Attribute::HealthCheckUri, DEFAULT_PATH);
        }
    }
}

/// Whether the listener asked kube-proxy and is not to do so any more.
fn asked_kube_proxy(context: &Context<'_>, port: &Port<'_>) -> bool {
    port.protocol != ListenerProtocol::Udp
        && port.forward_to.is_none()
        && standard_fields::remembered_health_check_node_port(context).is_some()
        && node_port(context, port).is_none()
}

/// The port at which the listener asked kube-proxy, where it checks, is not to ask there any more, and no annotation names another.
pub(super) fn former_port(context: &Context<'_>, port: &Port<'_>) -> Option<u16> {
    let annotations = &context.annotations().health_check;
    let named = annotations.connect_port.is_some();
    standard_fields::remembered_health_check_node_port(context)
        .filter(|_| asked_kube_proxy(context, port) && is_checked(context, port) && !named)
}

/// The port on which kube-proxy says by HTTP whether a Node has ready pods, where the settings ask for it and
/// every backend is a Node. An annotation that says how to check goes before.
pub(super) fn node_port(context: &Context<'_>, port: &Port<'_>) -> Option<u16> {
    let settings = context.inputs.cluster;
    if !settings.use_health_check_node_port || !context.is_local() || port.protocol == ListenerProtocol::Udp {
        return None;
    }
    let annotations = &context.annotations().health_check;
    if !is_checked(context, port) {
        return None;
    }
    let said_otherwise =
        annotations.check_type.is_some() || annotations.uri.is_some() || annotations.connect_port.is_some();
    if said_otherwise || context.has_virtual_node_backends() {
        return None;
    }
    context.inputs.service.health_check_node_port
}
