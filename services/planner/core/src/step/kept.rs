//! What an annotation asks for and cannot have, because the Service has a CLB already: the annotation `…-id` does not move it to another.

use std::borrow::Cow;

use clb_model::LoadBalancerId;
use clb_model::attribute::ListenerAttribute;
use clb_model::cloud::LoadBalancer;
use clb_model::cluster::Service;
use clb_model::marks::listener_mark;

use super::StepInputs;
use crate::annotations::Row;
use crate::annotations::backend::{VGROUP_PORT, WEIGHT};
use crate::annotations::instance::{FORCE_OVERRIDE, LOAD_BALANCER_ID};
use crate::desired::{Desired, Source};
use crate::find::{Found, Owner, annotated_id, former_ids, labelled_id};

/// A CLB that the Service is known to have had: the label survives an emptied status, the condition a change of type.
pub(super) fn former(service: &Service) -> Option<LoadBalancerId> {
    labelled_id(service).or_else(|| former_ids(service).into_iter().next())
}

/// Where the Service has a CLB already, the annotation that names one cannot move it to another: the Service as it is in force, and the
/// remark that says so.
pub(super) fn in_force(
    inputs: StepInputs<'_>,
    desired: &Desired,
    found: Found<'_>,
) -> Option<(Service, String)> {
    let id = &found.load_balancer.id;
    let annotated = annotated_id(inputs.service);
    let set = |service: &mut Service, row: &Row, value: Option<&str>| {
        for name in row.names() {
            service.annotations.remove(&name);
        }
        if let Some(value) = value {
            service.annotations.insert(row.name(), value.to_owned());
        }
    };
    let mut service = Cow::Borrowed(inputs.service);
    match (found.owner, &desired.source) {
        (Owner::Service, Source::Own) => return None,
        (Owner::User, Source::Reused { id: asked, .. }) if asked == id => return None,
        (Owner::Service, Source::Reused { .. }) => {
            for row in [&LOAD_BALANCER_ID, &FORCE_OVERRIDE, &VGROUP_PORT, &WEIGHT] {
                set(service.to_mut(), row, None);
            }
        }
        (Owner::User, Source::Reused { .. }) => {
            set(service.to_mut(), &LOAD_BALANCER_ID, Some(id.as_str()));
        }
        (Owner::User, Source::Own) => {
            set(service.to_mut(), &LOAD_BALANCER_ID, Some(id.as_str()));
            if has_our_listeners(inputs, found.load_balancer) {
                set(service.to_mut(), &FORCE_OVERRIDE, Some("true"));
            }
        }
    }
    let asked = annotated.map_or_else(
        || "no longer names a CLB".to_owned(),
        |annotated| format!("names CLB {annotated}"),
    );
    Some((
        service.into_owned(),
        format!(
            "annotation {} {asked}, but the Service uses CLB {id}, which cannot be changed: it stays there. Delete the Service and \
             create it again to move it",
            LOAD_BALANCER_ID.name_in(&inputs.service.annotations)
        ),
    ))
}

/// Whether a listener of the CLB carries the Service's mark.
pub(super) fn has_our_listeners(inputs: StepInputs<'_>, load_balancer: &LoadBalancer) -> bool {
    load_balancer.listeners.iter().any(|(key, listener)| {
        let mark = listener_mark(key.port, &inputs.service.key, &inputs.cluster.id);
        listener.attributes.text(ListenerAttribute::Description) == Some(mark.as_str())
    })
}
