//! Listeners: what the annotations name of each, and the defaults of its creation.

use clb_model::attribute::{AttributeValue, ListenerAttribute as Attribute, ListenerAttributes};
use clb_model::cloud::ListenerProtocol;
use clb_model::marks;

use super::context::Context;
use super::ports::Port;
use super::{DesiredListener, health_check, standard_fields};
use crate::annotations::listener::ListenerAnnotations;
use crate::annotations::value::{StickySessionType, Switch};
use crate::annotations::{Written, value};

/// The cloud's word for no limit.
const UNLIMITED: i64 = -1;

/// The listeners that are ours to manage, ordered by key.
pub(super) fn listeners(context: &Context<'_>) -> Vec<DesiredListener> {
    context
        .managed_ports()
        .iter()
        .map(|port| listener(context, port))
        .collect()
}

fn listener(context: &Context<'_>, port: &Port<'_>) -> DesiredListener {
    let named = named(context, port);
    let mut creation = creation_defaults(port.protocol);
    creation.merge(&named);
    let domain_extensions = context
        .annotations()
        .listener
        .domain_extensions
        .as_ref()
        .filter(|_| port.protocol == ListenerProtocol::Https)
        .map(|written| {
            written
                .value
                .as_map()
                .iter()
                .map(|(domain, certificate)| (domain.clone(), certificate.as_str().to_owned()))
                .collect()
        });
    DesiredListener {
        key: port.key(),
        vgroup: match port.forward_to {
            Some(_) => None,
            None => context.vgroup_identity(port),
        },
        creation,
        former_health_check_port: health_check::former_port(context, port),
        named,
        domain_extensions,
    }
}

/// `compatibility.md`, "Defaults on creation". What is not here gets the cloud's own default.
fn creation_defaults(protocol: ListenerProtocol) -> ListenerAttributes {
    let defaults = ListenerAttributes::new().with(Attribute::Scheduler, value::Scheduler::Rr.as_str());
    match protocol {
        ListenerProtocol::Tcp | ListenerProtocol::Udp => defaults.with(Attribute::Bandwidth, UNLIMITED),
        ListenerProtocol::Http => defaults
            .with(Attribute::HealthCheck, false)
            .with(Attribute::StickySession, false),
        ListenerProtocol::Https => defaults
            .with(Attribute::Bandwidth, UNLIMITED)
            .with(Attribute::HealthCheck, false)
            .with(Attribute::StickySession, false),
    }
}

/// What is compared and changed later.
fn named(context: &Context<'_>, port: &Port<'_>) -> ListenerAttributes {
    let mark = marks::listener_mark(port.spec.port, context.service_key(), &context.inputs.cluster.id);
    let mut named = ListenerAttributes::new().with(Attribute::Description, mark);
    if let Some(target) = port.forward_to {
        // A redirecting listener has nothing else that could be asked for.
        named.set(Attribute::ForwardPort, i64::from(target));
        return named;
    }
    name_attributes(&context.annotations().listener, port.protocol, &mut named);
    if named.get(Attribute::PersistenceTimeout).is_none()
        && port.protocol == ListenerProtocol::Tcp
        && let Some(seconds) = standard_fields::persistence_seconds(context)
    {
        named.set(Attribute::PersistenceTimeout, i64::from(seconds));
    }
    health_check::name_attributes(context, port, &mut named);
    named
}

/// Adds what the annotations name and a listener of the protocol has.
fn name_attributes(
    annotations: &ListenerAnnotations,
    protocol: ListenerProtocol,
    named: &mut ListenerAttributes,
) {
    let mut put = |attribute: Attribute, value: Option<AttributeValue>| {
        if let Some(value) = value
            && attribute.applies_to(protocol)
        {
            named.set(attribute, value);
        }
    };
    put(
        Attribute::Scheduler,
        annotations.scheduler.as_ref().map(|w| w.value.as_str().into()),
    );
    put(
        Attribute::PersistenceTimeout,
        annotations
            .persistence_timeout
            .as_ref()
            .map(|w| number(w.value.get())),
    );
    put(
        Attribute::EstablishedTimeout,
        annotations
            .established_timeout
            .as_ref()
            .map(|w| number(w.value.get())),
    );
    put(
        Attribute::IdleTimeout,
        annotations.idle_timeout.as_ref().map(|w| number(w.value.get())),
    );
    put(
        Attribute::RequestTimeout,
        annotations
            .request_timeout
            .as_ref()
            .map(|w| number(w.value.get())),
    );
    put(
        Attribute::ProxyProtocol,
        switch(annotations.proxy_protocol.as_ref()),
    );
    put(
        Attribute::XForwardedForProto,
        switch(annotations.xforwardedfor_proto.as_ref()),
    );
    put(
        Attribute::XForwardedForSlbPort,
        switch(annotations.xforwardedfor_slbport.as_ref()),
    );
    put(
        Attribute::XForwardedForClientSrcPort,
        switch(annotations.xforwardedfor_clientsrcport.as_ref()),
    );
    put(Attribute::Http2, switch(annotations.http2_enabled.as_ref()));
    put(
        Attribute::TlsCipherPolicy,
        annotations
            .tls_cipher_policy
            .as_ref()
            .map(|w| w.value.as_str().into()),
    );
    put(
        Attribute::ServerCertificateId,
        annotations.cert_id.as_ref().map(|w| w.value.as_str().into()),
    );
    put(Attribute::AclStatus, switch(annotations.acl_status.as_ref()));
    if is_on(annotations.acl_status.as_ref()) {
        put(
            Attribute::AclId,
            annotations.acl_id.as_ref().map(|w| w.value.as_str().into()),
        );
        put(
            Attribute::AclType,
            annotations.acl_type.as_ref().map(|w| w.value.as_str().into()),
        );
    }
    put(
        Attribute::ConnectionDrain,
        switch(annotations.connection_drain.as_ref()),
    );
    if is_on(annotations.connection_drain.as_ref()) {
        let seconds = annotations
            .connection_drain_timeout
            .as_ref()
            .map(|w| number(w.value.get()));
        put(Attribute::ConnectionDrainTimeout, seconds);
    }
    put(
        Attribute::StickySession,
        switch(annotations.sticky_session.as_ref()),
    );
    if is_on(annotations.sticky_session.as_ref())
        && let Some(kind) = annotations.sticky_session_type.as_ref().map(|w| w.value)
    {
        put(Attribute::StickySessionType, Some(kind.as_str().into()));
        match kind {
            StickySessionType::Insert => {
                put(
                    Attribute::CookieTimeout,
                    annotations.cookie_timeout.as_ref().map(|w| number(w.value.get())),
                );
            }
            StickySessionType::Server => {
                put(
                    Attribute::Cookie,
                    annotations.cookie.as_ref().map(|w| w.value.as_str().into()),
                );
            }
        }
    }
}

/// Whether a switch is there and on.
pub(super) fn is_on(switch: Option<&Written<Switch>>) -> bool {
    switch.is_some_and(|written| written.value.is_on())
}

fn switch(written: Option<&Written<Switch>>) -> Option<AttributeValue> {
    written.map(|written| written.value.is_on().into())
}

fn number(number: u32) -> AttributeValue {
    i64::from(number).into()
}
