//! How listener attributes are called on the wire: the one place for the API's quirks. Names and kinds are those of
//! [`ListenerAttribute`]; here is only where an action departs from them.

use clb_model::attribute::{AttributeKind, AttributeValue, ListenerAttribute, ListenerAttributes};
use clb_model::cloud::ListenerProtocol;

use crate::action::Parameters;
use crate::answer::Node;

use ListenerAttribute as A;

/// The parameter that carries an attribute, in `Create…Listener` (`create`) or `Set…ListenerAttribute`.
#[must_use]
pub fn wire_name(attribute: ListenerAttribute, protocol: ListenerProtocol, create: bool) -> &'static str {
    let is_layer_4 = matches!(protocol, ListenerProtocol::Tcp | ListenerProtocol::Udp);
    match attribute {
        A::HealthCheck if is_layer_4 => "HealthCheckSwitch",
        A::HealthCheckInterval if is_layer_4 && create => "healthCheckInterval",
        A::HealthCheckReq => "healthCheckReq",
        A::HealthCheckExp => "healthCheckExp",
        other => other.name(),
    }
}

/// Attributes for which the documentation of `Set…ListenerAttribute` lists a default: leaving them out might reset them, so their
/// known value is sent beside whatever changes. The certificate is among them because an empty one is refused.
pub const BOUND_BY_SET: &[ListenerAttribute] = &[
    A::PersistenceTimeout,
    A::HealthCheck,
    A::ProxyProtocol,
    A::IdleTimeout,
    A::RequestTimeout,
    A::XForwardedFor,
    A::HealthCheckHttpCode,
    A::ServerCertificateId,
];

/// Whether `Set…` of the protocol must repeat it. HTTP and HTTPS switch health checks with a parameter that has no default.
fn is_bound(attribute: ListenerAttribute, protocol: ListenerProtocol) -> bool {
    let is_layer_7 = matches!(protocol, ListenerProtocol::Http | ListenerProtocol::Https);
    match attribute {
        A::HealthCheck => !is_layer_7,
        A::HealthCheckHttpCode => is_layer_7,
        other => BOUND_BY_SET.contains(&other),
    }
}

/// What a creation must carry and a caller may not have named.
pub(crate) fn required_on_create(
    protocol: ListenerProtocol,
    attributes: &ListenerAttributes,
) -> ListenerAttributes {
    let mut required = ListenerAttributes::new();
    match protocol {
        ListenerProtocol::Tcp | ListenerProtocol::Udp => required.set(A::Bandwidth, -1),
        ListenerProtocol::Http => {
            required.set(A::HealthCheck, false);
            required.set(A::StickySession, false);
        }
        ListenerProtocol::Https => {
            required.set(A::Bandwidth, -1);
            required.set(A::HealthCheck, false);
            required.set(A::StickySession, false);
        }
    }
    required.merge(attributes);
    required
}

/// Adds the parameters of a creation.
pub(crate) fn set_for_create(
    parameters: &mut Parameters,
    protocol: ListenerProtocol,
    attributes: &ListenerAttributes,
) {
    let all = required_on_create(protocol, attributes);
    for (attribute, value) in all.iter().filter(|(attribute, _)| attribute.applies_to(protocol)) {
        if attribute == A::ForwardPort {
            parameters.set("ListenerForward", "on");
        }
        parameters.set(wire_name(attribute, protocol, true), wire_value(attribute, value));
    }
}

/// Adds the parameters of a change: what changes, what the API couples to it, and what it might reset.
pub(crate) fn set_for_change(
    parameters: &mut Parameters,
    protocol: ListenerProtocol,
    changed: &ListenerAttributes,
    current: &ListenerAttributes,
) {
    let mut after = current.clone();
    after.merge(changed);
    for (attribute, value) in after.iter() {
        let is_sent = changed.get(attribute).is_some()
            || is_bound(attribute, protocol)
            || is_coupled(attribute, changed, &after);
        // Forwarding cannot be changed by Set: such a listener is made anew.
        if is_sent && attribute != A::ForwardPort && attribute.applies_to(protocol) {
            parameters.set(
                wire_name(attribute, protocol, false),
                wire_value(attribute, value),
            );
        }
    }
}

/// Attributes that the API takes only together: a switch and what is required while it is on.
fn is_coupled(
    attribute: ListenerAttribute,
    changed: &ListenerAttributes,
    after: &ListenerAttributes,
) -> bool {
    const GROUPS: &[(ListenerAttribute, &[ListenerAttribute])] = &[
        (A::AclStatus, &[A::AclType, A::AclId]),
        (
            A::StickySession,
            &[A::StickySessionType, A::Cookie, A::CookieTimeout],
        ),
        (A::ConnectionDrain, &[A::ConnectionDrainTimeout]),
    ];
    let Some((switch, dependents)) = GROUPS
        .iter()
        .find(|(switch, dependents)| *switch == attribute || dependents.contains(&attribute))
    else {
        return false;
    };
    let touched = changed.get(*switch).is_some() || dependents.iter().any(|one| changed.get(*one).is_some());
    let on = after.get(*switch) == Some(&AttributeValue::On(true));
    let fits = match attribute {
        A::Cookie => after.text(A::StickySessionType) == Some("server"),
        A::CookieTimeout => after.text(A::StickySessionType) == Some("insert"),
        _ => true,
    };
    touched && fits && (on || attribute == *switch)
}

fn wire_value(attribute: ListenerAttribute, value: &AttributeValue) -> String {
    match (attribute.kind(), value) {
        (AttributeKind::Boolean, AttributeValue::On(on)) => on.to_string(),
        _ => value.to_string(),
    }
}

/// Reads the attributes of a listener as `DescribeLoadBalancerListeners` (details in `TCPListenerConfig` and its like) or
/// `Describe…ListenerAttribute` (flat) give them. What is absent or cannot be read is unknown.
pub(crate) fn read(listener: Node<'_>, protocol: ListenerProtocol) -> ListenerAttributes {
    let details = listener.object(match protocol {
        ListenerProtocol::Tcp => "TCPListenerConfig",
        ListenerProtocol::Udp => "UDPListenerConfig",
        ListenerProtocol::Http => "HTTPListenerConfig",
        ListenerProtocol::Https => "HTTPSListenerConfig",
    });
    let text = |name: &str| {
        listener
            .text(name)
            .or_else(|| details.and_then(|details| details.text(name)))
    };
    let is_forwarding = text("ListenerForward").as_deref() == Some("on");
    ListenerAttribute::ALL
        .iter()
        .filter(|attribute| attribute.applies_to(protocol))
        .filter_map(|attribute| {
            let found = match attribute {
                A::ForwardPort if !is_forwarding => None,
                A::HealthCheck => text("HealthCheck").or_else(|| text("HealthCheckSwitch")),
                A::AclId => text("AclId").or_else(|| acl_ids(listener)),
                other => text(other.name()),
            }?;
            let value = AttributeValue::parse(*attribute, &found).ok()?;
            // 0 and the old -520 stand for "the backend's own port".
            let is_unset =
                *attribute == A::HealthCheckConnectPort && matches!(value, AttributeValue::Number(..=0));
            (!is_unset).then_some((*attribute, value))
        })
        .collect()
}

fn acl_ids(listener: Node<'_>) -> Option<String> {
    let ids: Vec<&str> = listener
        .items("AclIds", "AclId")
        .filter_map(|id| id.0.as_str())
        .collect();
    (!ids.is_empty()).then(|| ids.join(","))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn created(protocol: ListenerProtocol, attributes: &ListenerAttributes) -> Parameters {
        let mut parameters = Parameters::default();
        set_for_create(&mut parameters, protocol, attributes);
        parameters
    }

    #[test]
    fn creation_sends_what_each_protocol_requires() {
        let none = ListenerAttributes::new();
        assert_eq!(created(ListenerProtocol::Tcp, &none).get("Bandwidth"), Some("-1"));
        assert_eq!(created(ListenerProtocol::Http, &none).get("Bandwidth"), None);
        assert_eq!(
            created(ListenerProtocol::Http, &none).get("HealthCheck"),
            Some("off")
        );
        assert_eq!(
            created(ListenerProtocol::Https, &none).get("StickySession"),
            Some("off")
        );
    }

    #[test]
    fn tcp_and_udp_have_names_of_their_own() {
        let attributes = ListenerAttributes::new()
            .with(A::HealthCheck, true)
            .with(A::HealthCheckInterval, 5)
            .with(A::ProxyProtocol, true);
        let parameters = created(ListenerProtocol::Tcp, &attributes);
        assert_eq!(parameters.get("HealthCheckSwitch"), Some("on"));
        assert_eq!(parameters.get("healthCheckInterval"), Some("5"));
        assert_eq!(parameters.get("ProxyProtocolV2Enabled"), Some("true"));
        assert_eq!(
            wire_name(A::HealthCheckInterval, ListenerProtocol::Tcp, false),
            "HealthCheckInterval"
        );
        assert_eq!(
            wire_name(A::HealthCheck, ListenerProtocol::Http, true),
            "HealthCheck"
        );
    }

    #[test]
    fn a_forwarding_listener_is_switched_to_forwarding() {
        let attributes = ListenerAttributes::new().with(A::ForwardPort, 443);
        let parameters = created(ListenerProtocol::Http, &attributes);
        assert_eq!(parameters.get("ListenerForward"), Some("on"));
        assert_eq!(parameters.get("ForwardPort"), Some("443"));
    }

    #[test]
    fn a_change_repeats_what_set_might_reset() {
        let current = ListenerAttributes::new()
            .with(A::IdleTimeout, 20)
            .with(A::RequestTimeout, 70)
            .with(A::XForwardedFor, false)
            .with(A::Gzip, true)
            .with(A::HealthCheck, true);
        let changed = ListenerAttributes::new().with(A::RequestTimeout, 90);
        let mut parameters = Parameters::default();
        set_for_change(&mut parameters, ListenerProtocol::Http, &changed, &current);
        assert_eq!(parameters.get("IdleTimeout"), Some("20"));
        assert_eq!(parameters.get("RequestTimeout"), Some("90"));
        assert_eq!(parameters.get("XForwardedFor"), Some("off"));
        assert_eq!(parameters.get("Gzip"), None);
        assert_eq!(parameters.get("HealthCheck"), None);
    }

    #[test]
    fn what_the_api_couples_goes_together() {
        let current = ListenerAttributes::new()
            .with(A::StickySession, true)
            .with(A::StickySessionType, "insert")
            .with(A::CookieTimeout, 100)
            .with(A::Cookie, "old");
        let changed = ListenerAttributes::new().with(A::CookieTimeout, 200);
        let mut parameters = Parameters::default();
        set_for_change(&mut parameters, ListenerProtocol::Http, &changed, &current);
        assert_eq!(parameters.get("StickySession"), Some("on"));
        assert_eq!(parameters.get("StickySessionType"), Some("insert"));
        assert_eq!(parameters.get("CookieTimeout"), Some("200"));
        assert_eq!(parameters.get("Cookie"), None);
    }

    #[test]
    fn both_shapes_of_answers_are_read() {
        let bulk = json!({"ListenerPort": 80, "ListenerProtocol": "tcp", "Scheduler": "rr", "AclIds": ["acl-1"],
            "TCPListenerConfig": {"ProxyProtocolV2Enabled": "true", "HealthCheckConnectPort": -520, "HealthCheck": "on"}});
        let single = json!({"ListenerPort": 80, "Scheduler": "rr", "AclId": "acl-1", "ProxyProtocolV2Enabled": true,
            "HealthCheck": "on"});
        let expected = ListenerAttributes::new()
            .with(A::Scheduler, "rr")
            .with(A::AclId, "acl-1")
            .with(A::HealthCheck, true)
            .with(A::ProxyProtocol, true);
        assert_eq!(read(Node(&bulk), ListenerProtocol::Tcp), expected);
        assert_eq!(read(Node(&single), ListenerProtocol::Tcp), expected);
    }
}
