//! Whether a listener that is there can become the wanted one, or has to be made anew: what it cannot change are its protocol, what it
//! redirects to, the class of its scheduler, and a health check's port back to that of the backends.

use clb_model::attribute::{AttributeValue, ListenerAttribute, ListenerAttributes};
use clb_model::cloud::{Listener, ListenerKey};

use super::PlanContext;
use super::comparison::{self, forward_target};
use super::forwarding::Action;
use crate::annotations::listener::{FORWARD_PORT, PROTOCOL_PORT, SCHEDULER};
use crate::desired::DesiredListener;

/// What is to be done about a listener of ours in a wanted one's place.
pub(super) fn decide_for<'p>(
    context: PlanContext<'_>,
    wanted: &'p DesiredListener,
    key: ListenerKey,
    listener: &'p Listener,
) -> Action<'p> {
    let recreate = |attributes: ListenerAttributes, reason: String| Action::Recreate {
        old: key,
        listener,
        wanted,
        attributes,
        reason,
    };
    let mut from_scratch = wanted.creation.clone();
    from_scratch.merge(&wanted.named);
    if key.protocol != wanted.key.protocol {
        let opened = if is_guarded(&listener.attributes) && !is_guarded(&from_scratch) {
            "; the listener's access control, which no annotation names any more, ends with it"
        } else {
            ""
        };
        return recreate(
            from_scratch,
            format!(
                "annotation {} makes port {} {} instead of {}{opened}",
                context.name_of(&PROTOCOL_PORT),
                key.port,
                wanted.key.protocol,
                key.protocol
            ),
        );
    }
    let present = forward_target(&listener.attributes);
    let asked = forward_target(&wanted.creation);
    if present != asked {
        let text = |target: Option<ListenerKey>| {
            target.map_or_else(|| "backends".to_owned(), |target| target.to_string())
        };
        return recreate(
            from_scratch,
            format!(
                "annotation {} makes listener {key} send to {} instead of {}",
                context.name_of(&FORWARD_PORT),
                text(asked),
                text(present)
            ),
        );
    }
    if present.is_none()
        && let Some((before, after)) = comparison::scheduler_class_change(&wanted.named, &listener.attributes)
    {
        let reason = format!(
            "annotation {} asks for {after}, and listener {key} cannot change to it from {before}",
            context.name_of(&SCHEDULER)
        );
        let attributes = comparison::for_recreation(
            key.protocol,
            &wanted.creation,
            &wanted.named,
            &listener.attributes,
        );
        return recreate(attributes, reason);
    }
    if let Some(port) = wanted.former_health_check_port
        && comparison::checks_on(&listener.attributes, port)
    {
        let reason = format!(
            "the health check must not ask kube-proxy on healthCheckNodePort {port} any more, and listener {key} cannot go back to the \
             backends' own port"
        );
        let mut kept = listener.attributes.clone();
        kept.remove(ListenerAttribute::HealthCheckConnectPort);
        let attributes = comparison::for_recreation(key.protocol, &wanted.creation, &wanted.named, &kept);
        return recreate(attributes, reason);
    }
    Action::Adjust { wanted, listener }
}

/// Whether an access control list says who may connect.
fn is_guarded(attributes: &ListenerAttributes) -> bool {
    attributes.get(ListenerAttribute::AclStatus) == Some(&AttributeValue::On(true))
}
