//! Compares the attributes of a listener: only what an annotation names, and of that only what has an effect.

use clb_model::attribute::{AttributeValue, ListenerAttribute, ListenerAttributes};
use clb_model::cloud::{ListenerKey, ListenerProtocol};

use ListenerAttribute as A;

/// The named attributes to set on a listener that is there.
pub(super) fn changes(
    protocol: ListenerProtocol,
    named: &ListenerAttributes,
    observed: &ListenerAttributes,
) -> ListenerAttributes {
    let mut result = ListenerAttributes::new();
    for (attribute, wanted) in named.iter() {
        if attribute.applies_to(protocol)
            && has_effect(attribute, protocol, named, observed)
            && !is_same(attribute, wanted, observed.get(attribute))
        {
            result.set(attribute, wanted.clone());
        }
    }
    complete(protocol, named, observed, &mut result);
    result
}

/// The cloud wants some attributes together: an access control list or a sticky session is switched on with all that belongs to it.
fn complete(
    protocol: ListenerProtocol,
    named: &ListenerAttributes,
    observed: &ListenerAttributes,
    changes: &mut ListenerAttributes,
) {
    for family in FAMILIES {
        if !family.iter().any(|attribute| changes.get(*attribute).is_some()) {
            continue;
        }
        for attribute in *family {
            if attribute.applies_to(protocol)
                && has_effect(*attribute, protocol, named, observed)
                && changes.get(*attribute).is_none()
                && let Some(value) = effective(*attribute, named, observed)
            {
                changes.set(*attribute, value.clone());
            }
        }
    }
}

const FAMILIES: &[&[ListenerAttribute]] = &[
    &[A::AclStatus, A::AclType, A::AclId],
    &[
        A::StickySession,
        A::StickySessionType,
        A::Cookie,
        A::CookieTimeout,
    ],
    &[A::ConnectionDrain, A::ConnectionDrainTimeout],
];

/// The attributes of a listener that replaces one of the same protocol: what was there stays, also what was set by hand or named by an
/// annotation that is gone; what an annotation names wins.
pub(super) fn for_recreation(
    protocol: ListenerProtocol,
    creation: &ListenerAttributes,
    named: &ListenerAttributes,
    observed: &ListenerAttributes,
) -> ListenerAttributes {
    let mut result = creation.clone();
    for (attribute, value) in observed.iter() {
        let empty = matches!(value, AttributeValue::Text(text) if text.is_empty());
        if !empty
            && attribute.applies_to(protocol)
            && attribute != A::ForwardPort
            && has_effect(attribute, protocol, named, observed)
        {
            result.set(attribute, value.clone());
        }
    }
    result.merge(named);
    result
}

/// Schedulers between which a listener can change without being created anew.
fn scheduler_class(scheduler: &str) -> &str {
    match scheduler {
        "rr" | "wrr" => "rr, wrr",
        other => other,
    }
}

/// Whether the named scheduler is of another class than the observed one: (observed, named).
pub(super) fn scheduler_class_change<'a>(
    named: &'a ListenerAttributes,
    observed: &'a ListenerAttributes,
) -> Option<(&'a str, &'a str)> {
    let wanted = named.text(A::Scheduler)?;
    let present = observed.text(A::Scheduler)?;
    (scheduler_class(wanted) != scheduler_class(present)).then_some((present, wanted))
}

/// Whether health checks ask on that port instead of the backends' own.
pub(super) fn checks_on(attributes: &ListenerAttributes, port: u16) -> bool {
    attributes.get(A::HealthCheckConnectPort) == Some(&AttributeValue::from(i64::from(port)))
}

/// The HTTPS port that a forwarding listener redirects to.
pub(super) fn forward_port(attributes: &ListenerAttributes) -> Option<u16> {
    match attributes.get(A::ForwardPort) {
        Some(AttributeValue::Number(port)) => u16::try_from(*port).ok().filter(|port| *port > 0),
        _ => None,
    }
}

/// The listener that a forwarding listener redirects to.
pub(super) fn forward_target(attributes: &ListenerAttributes) -> Option<ListenerKey> {
    forward_port(attributes).map(|port| ListenerKey {
        port,
        protocol: ListenerProtocol::Https,
    })
}

fn effective<'a>(
    attribute: ListenerAttribute,
    named: &'a ListenerAttributes,
    observed: &'a ListenerAttributes,
) -> Option<&'a AttributeValue> {
    named.get(attribute).or_else(|| observed.get(attribute))
}

/// Whether the attribute means anything beside the others. One that does not is neither sent nor compared: the cloud may drop it, and it
/// would be sent again for ever.
fn has_effect(
    attribute: ListenerAttribute,
    protocol: ListenerProtocol,
    named: &ListenerAttributes,
    observed: &ListenerAttributes,
) -> bool {
    let is_on =
        |switch: ListenerAttribute| effective(switch, named, observed) != Some(&AttributeValue::On(false));
    let text_is_not = |attribute: ListenerAttribute, other: &str| !matches!(effective(attribute, named, observed), Some(AttributeValue::Text(text)) if text == other);
    match attribute {
        A::AclType | A::AclId => is_on(A::AclStatus),
        A::HealthCheckUri | A::HealthCheckDomain | A::HealthCheckHttpCode
            if protocol == ListenerProtocol::Tcp =>
        {
            is_on(A::HealthCheck) && text_is_not(A::HealthCheckType, "tcp")
        }
        A::HealthCheckType
        | A::HealthCheckUri
        | A::HealthCheckDomain
        | A::HealthCheckHttpCode
        | A::HealthCheckMethod
        | A::HealthCheckReq
        | A::HealthCheckExp
        | A::HealthCheckConnectPort
        | A::HealthCheckConnectTimeout
        | A::HealthCheckTimeout
        | A::HealthCheckInterval
        | A::HealthyThreshold
        | A::UnhealthyThreshold => is_on(A::HealthCheck),
        A::StickySessionType => is_on(A::StickySession),
        A::Cookie => is_on(A::StickySession) && text_is_not(A::StickySessionType, "insert"),
        A::CookieTimeout => is_on(A::StickySession) && text_is_not(A::StickySessionType, "server"),
        A::ConnectionDrainTimeout => is_on(A::ConnectionDrain),
        _ => true,
    }
}

fn is_same(attribute: ListenerAttribute, wanted: &AttributeValue, observed: Option<&AttributeValue>) -> bool {
    match (attribute, wanted, observed) {
        // A set of codes: the cloud may give them in another order.
        (A::HealthCheckHttpCode, AttributeValue::Text(wanted), Some(AttributeValue::Text(observed))) => {
            codes(wanted) == codes(observed)
        }
        // What is empty may be left out of an answer.
        (_, AttributeValue::Text(wanted), None) => wanted.is_empty(),
        _ => observed == Some(wanted),
    }
}

fn codes(text: &str) -> Vec<&str> {
    let mut codes: Vec<&str> = text.split(',').map(str::trim).collect();
    codes.sort_unstable();
    codes
}
