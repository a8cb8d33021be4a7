//! The CLB itself: its creation, and those of its attributes that annotations name.

use clb_model::LoadBalancerId;
use clb_model::cloud::{AddressType, LoadBalancer};
use clb_model::events::reason::ANNOTATION_CHANGED;
use clb_model::operation::{Change, LoadBalancerChange, OperationId};

use super::draft::{Draft, Proposal};
use super::{PlanContext, payment, tags};
use crate::annotations::value::NetworkType;
use crate::annotations::{Row, instance as clb};
use crate::desired::{Desired, NamedAttributes};

/// Plans the creation, on which everything else of the plan depends.
pub(super) fn plan_creation(
    draft: &mut Draft,
    desired: &Desired,
    replaces: Option<LoadBalancerId>,
) -> OperationId {
    let mut creation = desired.creation.clone();
    creation.replaces = replaces;
    let reason = match &creation.replaces {
        None => "the Service has no CLB yet".to_owned(),
        Some(gone) => format!("the Service's former CLB {gone} is gone"),
    };
    draft.add_harmless(Proposal::new(
        Change::CreateLoadBalancer(Box::new(creation)),
        reason,
    ))
}

/// Plans the changes of what annotations name, and says what cannot be changed.
pub(super) fn plan_changes(
    draft: &mut Draft,
    context: PlanContext<'_>,
    desired: &Desired,
    observed: &LoadBalancer,
) {
    let named = &desired.named;
    let mut change = |change: LoadBalancerChange, reason: String| {
        draft.add_harmless(
            Proposal::new(Change::ChangeLoadBalancer(change), reason).based_on(observed.version),
        );
    };
    if let Some(name) = named.name.as_ref().filter(|name| **name != observed.name) {
        change(
            LoadBalancerChange::Name(name.clone()),
            asks(context, &clb::NAME, name, &observed.name),
        );
    }
    if let Some(on) = named
        .delete_protection
        .filter(|on| *on != observed.delete_protection)
    {
        change(
            LoadBalancerChange::DeleteProtection(on),
            asks(context, &clb::DELETE_PROTECTION, on_off(on), on_off(!on)),
        );
    }
    if let Some(on) = named
        .modification_protection
        .filter(|on| *on != observed.modification_protection)
    {
        let text = |on| if on { "ConsoleProtection" } else { "NonProtection" };
        change(
            LoadBalancerChange::ModificationProtection(on),
            asks(context, &clb::MODIFICATION_PROTECTION, text(on), text(!on)),
        );
    }
    payment::plan(draft, context, desired, observed);
    tags::plan(draft, context, desired, observed);
    say_what_cannot_change(draft, context, named, observed);
}

fn say_what_cannot_change(
    draft: &mut Draft,
    context: PlanContext<'_>,
    named: &NamedAttributes,
    observed: &LoadBalancer,
) {
    let address_type_differs = named
        .address_type
        .is_some_and(|wanted| wanted != observed.address_type);
    if let Some(wanted) = named.address_type.filter(|_| address_type_differs) {
        cannot_change(
            draft,
            context,
            observed,
            &clb::ADDRESS_TYPE,
            wanted.as_str(),
            observed.address_type.as_str(),
        );
    }
    if let Some(wanted) = named.ip_version.filter(|wanted| *wanted != observed.ip_version) {
        cannot_change(
            draft,
            context,
            observed,
            &clb::IP_VERSION,
            wanted.as_str(),
            observed.ip_version.as_str(),
        );
    }
    // An internal CLB is in the cluster's VPC, an Internet-facing one in none.
    let network_type = match observed.address_type {
        AddressType::Internet => NetworkType::Classic,
        AddressType::Intranet => NetworkType::Vpc,
    };
    let network_type = network_type.as_str().to_owned();
    let texts = [
        (&clb::MASTER_ZONE, &named.master_zone_id, &observed.master_zone_id),
        (&clb::SLAVE_ZONE, &named.slave_zone_id, &observed.slave_zone_id),
        (
            &clb::RESOURCE_GROUP,
            &named.resource_group_id,
            &observed.resource_group_id,
        ),
        (&clb::NETWORK_TYPE, &named.network_type, &network_type),
    ];
    for (annotation, wanted, present) in texts {
        if let Some(wanted) = wanted.as_ref().filter(|wanted| *wanted != present) {
            cannot_change(draft, context, observed, annotation, wanted, present);
        }
    }
    // An Internet-facing CLB has neither; that its address type cannot change says it all.
    if observed.address_type == AddressType::Intranet {
        let of_vswitch = [
            (&clb::VSWITCH_ID, &named.vswitch_id, &observed.vswitch_id),
            (&clb::ADDRESS, &named.address, &observed.address),
        ];
        for (annotation, wanted, present) in of_vswitch {
            if let Some(wanted) = wanted.as_ref().filter(|wanted| *wanted != present) {
                cannot_change(draft, context, observed, annotation, wanted, present);
            }
        }
    }
}

/// Says that an attribute that an annotation names stays as it was made.
pub(super) fn cannot_change(
    draft: &mut Draft,
    context: PlanContext<'_>,
    observed: &LoadBalancer,
    annotation: &Row,
    wanted: &str,
    present: &str,
) {
    draft.notice(
        true,
        ANNOTATION_CHANGED,
        format!(
            "annotation {} asks for {wanted}, but CLB {} has {present}; this cannot be changed after its creation, so it stays: create \
             another Service to have it",
            context.name_of(annotation),
            observed.id
        ),
    );
}

/// Why a change is planned.
pub(super) fn asks(
    context: PlanContext<'_>,
    annotation: &Row,
    wanted: impl std::fmt::Display,
    present: impl std::fmt::Display,
) -> String {
    let annotation = context.name_of(annotation);
    format!("annotation {annotation} asks for {wanted}, the CLB has {present}")
}

fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
