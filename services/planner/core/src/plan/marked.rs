//! Whose a listener, a group or a backend is, by the marks of `compatibility.md`, "Names and marks".

use clb_model::attribute::ListenerAttribute;
use clb_model::cloud::{Backend, Listener, LoadBalancer, VServerGroup};
use clb_model::marks;

use super::PlanContext;

/// Who marked a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Marked {
    /// This Service.
    Ours,
    /// Another Service, in words.
    Other(String),
    /// Nobody.
    Nobody,
}

/// Whether the text is a mark of this Service on a vServer group or a backend, for whatever port.
pub(super) fn is_our_vgroup_mark(context: PlanContext<'_>, text: &str) -> bool {
    let mut segments = text.split('/');
    match (segments.next(), segments.next()) {
        (Some("k8s"), Some(port)) if !port.is_empty() => {
            marks::vgroup_mark(port, &context.service.key, &context.cluster.id) == text
        }
        _ => false,
    }
}

/// Whether the backend carries our mark.
pub(super) fn is_our_backend(context: PlanContext<'_>, backend: &Backend) -> bool {
    is_our_vgroup_mark(context, &backend.description)
}

/// Whether the group's name is our mark.
pub(super) fn is_our_vgroup(context: PlanContext<'_>, vgroup: &VServerGroup) -> bool {
    is_our_vgroup_mark(context, &vgroup.name)
}

/// Who marked the listener. One whose description was changed by hand is still ours while it sends to a group of ours.
pub(super) fn listener_owner(
    context: PlanContext<'_>,
    load_balancer: &LoadBalancer,
    listener: &Listener,
) -> Marked {
    let description = description(listener);
    // The port in a mark is not compared: a text that names this Service is not another's.
    if is_our_listener_mark(context, description) {
        return Marked::Ours;
    }
    if marked_port(description).is_some() {
        return Marked::Other(marking_service(description));
    }
    let sends_to_our_group = listener
        .vgroup
        .as_ref()
        .and_then(|id| load_balancer.vgroups.get(id))
        .is_some_and(|vgroup| is_our_vgroup(context, vgroup));
    if sends_to_our_group {
        Marked::Ours
    } else {
        Marked::Nobody
    }
}

/// Whether the listener carries our mark.
pub(super) fn is_our_listener(context: PlanContext<'_>, listener: &Listener) -> bool {
    is_our_listener_mark(context, description(listener))
}

fn description(listener: &Listener) -> &str {
    listener
        .attributes
        .text(ListenerAttribute::Description)
        .unwrap_or_default()
}

/// Whether the text is a mark of this Service on a listener.
fn is_our_listener_mark(context: PlanContext<'_>, description: &str) -> bool {
    marked_port(description).is_some_and(|port| {
        description == marks::listener_mark(port, &context.service.key, &context.cluster.id)
    })
}

/// The port in a listener's description of the form `k8s/<port>/<service>/<namespace>/<cluster id>`.
fn marked_port(description: &str) -> Option<u16> {
    match description.split('/').collect::<Vec<_>>().as_slice() {
        ["k8s", port, _, _, _] => port.parse().ok(),
        _ => None,
    }
}

/// The Service that such a description names, in words.
fn marking_service(description: &str) -> String {
    match description.split('/').collect::<Vec<_>>().as_slice() {
        [_, _, service, namespace, cluster] => format!("Service {namespace}/{service} of cluster {cluster}"),
        _ => description.to_owned(),
    }
}
