//! Listeners of the model of the cloud.

use std::collections::BTreeMap;

use clb_model::VServerGroupId;
use clb_model::attribute::{ListenerAttribute as A, ListenerAttributes};
use clb_model::cloud::{Listener, ListenerKey, ListenerProtocol, LoadBalancer};
use clb_model::operation::{NewListener, OperationId};
use clb_model::version::PartVersion;

use super::group_id;

fn forward_port(attributes: &ListenerAttributes) -> Option<u16> {
    attributes
        .get(A::ForwardPort)
        .map(|port| port.to_string().parse().unwrap())
}

pub(super) fn create_listener(
    clb: &mut LoadBalancer,
    new: &NewListener,
    created: &BTreeMap<OperationId, String>,
    version: PartVersion,
) {
    let in_the_way = clb
        .listeners
        .keys()
        .find(|key| key.port == new.key.port && key.protocol.transport() == new.key.protocol.transport());
    assert_eq!(in_the_way, None, "the port of {} is taken", new.key);
    for (attribute, _) in new.attributes.iter() {
        assert!(
            attribute.applies_to(new.key.protocol),
            "{attribute:?} on {}",
            new.key
        );
    }
    let forward = forward_port(&new.attributes);
    if let Some(port) = forward {
        let target = ListenerKey {
            port,
            protocol: ListenerProtocol::Https,
        };
        assert!(clb.listeners.contains_key(&target), "{target} is not there");
    }
    let vgroup = new.vgroup.as_ref().map(|vgroup| group_id(vgroup, created));
    assert!(vgroup.iter().all(|id| clb.vgroups.contains_key(id)));
    assert_eq!(vgroup.is_none(), forward.is_some(), "{}", new.key);
    let mut attributes = if forward.is_some() {
        ListenerAttributes::new()
    } else {
        cloud_defaults(new.key.protocol)
    };
    attributes.merge(&new.attributes);
    clb.listeners.insert(
        new.key,
        Listener {
            version,
            running: true,
            vgroup,
            attributes,
            domain_extensions: BTreeMap::new(),
        },
    );
}

pub(super) fn change_listener(
    listener: &mut Listener,
    group: Option<VServerGroupId>,
    attributes: &ListenerAttributes,
) {
    assert!(group.is_some() || !attributes.is_empty(), "an empty change");
    assert_eq!(attributes.get(A::ForwardPort), None, "cannot be changed");
    let class = |text: &str| {
        if text == "wrr" {
            "rr".to_owned()
        } else {
            text.to_owned()
        }
    };
    if let (Some(new), Some(old)) = (
        attributes.text(A::Scheduler),
        listener.attributes.text(A::Scheduler),
    ) {
        assert_eq!(class(new), class(old), "cannot be changed");
    }
    listener.attributes.merge(attributes);
    if group.is_some() {
        listener.vgroup = group;
    }
}

pub(super) fn delete_listener(clb: &mut LoadBalancer, key: ListenerKey) {
    if key.protocol == ListenerProtocol::Https {
        let forwards = clb
            .listeners
            .values()
            .any(|listener| forward_port(&listener.attributes) == Some(key.port));
        assert!(!forwards, "a listener forwards to {key}");
    }
    assert!(clb.listeners.remove(&key).is_some(), "{key} is not there");
}

/// What the cloud says of a listener that was created with nothing.
pub(crate) fn cloud_defaults(protocol: ListenerProtocol) -> ListenerAttributes {
    let common = ListenerAttributes::new()
        .with(A::Scheduler, "wrr")
        .with(A::Bandwidth, -1)
        .with(A::AclStatus, false)
        .with(A::AclType, "")
        .with(A::AclId, "")
        .with(A::HealthCheckInterval, 2)
        .with(A::HealthyThreshold, 3)
        .with(A::UnhealthyThreshold, 3);
    match protocol {
        ListenerProtocol::Tcp => common
            .with(A::HealthCheck, true)
            .with(A::HealthCheckType, "tcp")
            .with(A::HealthCheckUri, "/")
            .with(A::HealthCheckDomain, "")
            .with(A::HealthCheckHttpCode, "http_2xx")
            .with(A::HealthCheckConnectTimeout, 5)
            .with(A::PersistenceTimeout, 0)
            .with(A::EstablishedTimeout, 900)
            .with(A::ConnectionDrain, false)
            .with(A::ProxyProtocol, false),
        ListenerProtocol::Udp => common
            .with(A::HealthCheck, true)
            .with(A::HealthCheckConnectTimeout, 5)
            .with(A::ConnectionDrain, false)
            .with(A::ProxyProtocol, false),
        ListenerProtocol::Http | ListenerProtocol::Https => common
            .with(A::HealthCheck, false)
            .with(A::HealthCheckUri, "/")
            .with(A::HealthCheckDomain, "")
            .with(A::HealthCheckHttpCode, "http_2xx")
            .with(A::HealthCheckMethod, "head")
            .with(A::HealthCheckTimeout, 5)
            .with(A::StickySession, false)
            .with(A::XForwardedFor, true)
            .with(A::XForwardedForProto, false)
            .with(A::XForwardedForSlbPort, false)
            .with(A::XForwardedForClientSrcPort, false)
            .with(A::IdleTimeout, 15)
            .with(A::RequestTimeout, 60)
            .with(A::Gzip, true),
    }
}
