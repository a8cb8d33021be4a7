//! Batches and results.

use clb_model::ClusterId;
use clb_model::operation::*;
use clb_model::version::PlanNumber;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::cloud::{
    address_type, attributes, backend, instance_charge_type, internet_charge_type, ip_version, listener_key,
    load_balancer_id, protocol, range, version, vgroup_id,
};
use super::cluster::{service_key, service_uid, tenure};
use super::{duration, non_empty_text, port, text, texts_by_name};

fn vgroup_ref() -> impl Strategy<Value = VServerGroupRef> {
    prop_oneof![
        vgroup_id().prop_map(VServerGroupRef::Id),
        any::<u32>().prop_map(|id| VServerGroupRef::CreatedBy(OperationId(id))),
    ]
}

fn new_listener() -> impl Strategy<Value = NewListener> {
    (listener_key(), option::of(vgroup_ref()), attributes()).prop_map(|(key, vgroup, attributes)| {
        NewListener {
            key,
            vgroup,
            attributes,
        }
    })
}

fn new_load_balancer() -> impl Strategy<Value = NewLoadBalancer> {
    let kinds = (
        address_type(),
        ip_version(),
        instance_charge_type(),
        internet_charge_type(),
    );
    let optional = vec(option::of(non_empty_text()), 6);
    let rest = (
        option::of(1_u32..),
        vec(text(), 0..3),
        any::<[bool; 2]>(),
        texts_by_name(),
        option::of(load_balancer_id()),
    );
    (text(), kinds, optional, rest).prop_map(
        |(name, kinds, optional, (bandwidth, vswitch_ids, flags, tags, replaces))| {
            let mut optional = optional.into_iter();
            let mut next = || optional.next().unwrap();
            NewLoadBalancer {
                name,
                address_type: kinds.0,
                ip_version: kinds.1,
                instance_charge_type: kinds.2,
                spec: next(),
                internet_charge_type: kinds.3,
                bandwidth,
                vpc_id: next(),
                vswitch_ids,
                address: next(),
                master_zone_id: next(),
                slave_zone_id: next(),
                resource_group_id: next(),
                delete_protection: flags[0],
                modification_protection: flags[1],
                tags,
                replaces,
            }
        },
    )
}

fn load_balancer_change() -> impl Strategy<Value = LoadBalancerChange> {
    prop_oneof![
        text().prop_map(LoadBalancerChange::Name),
        text().prop_map(LoadBalancerChange::Spec),
        (option::of(internet_charge_type()), option::of(1_u32..)).prop_map(|(charge_type, bandwidth)| {
            LoadBalancerChange::InternetSpec {
                charge_type,
                bandwidth,
            }
        }),
        Just(LoadBalancerChange::PayByClcu),
        any::<bool>().prop_map(LoadBalancerChange::DeleteProtection),
        any::<bool>().prop_map(LoadBalancerChange::ModificationProtection),
        texts_by_name().prop_map(LoadBalancerChange::SetTags),
        vec(text(), 0..3).prop_map(LoadBalancerChange::RemoveTags),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let backend_change = prop_oneof![
        Just(BackendChange::Add),
        Just(BackendChange::Remove),
        Just(BackendChange::Set)
    ];
    prop_oneof![
        new_load_balancer().prop_map(|new| Change::CreateLoadBalancer(Box::new(new))),
        load_balancer_change().prop_map(Change::ChangeLoadBalancer),
        Just(Change::DeleteLoadBalancer),
        (text(), vec(backend(), 0..4))
            .prop_map(|(name, backends)| Change::CreateVServerGroup { name, backends }),
        vgroup_id().prop_map(|vgroup| Change::DeleteVServerGroup { vgroup }),
        (vgroup_ref(), backend_change, vec(backend(), 0..4)).prop_map(|(vgroup, change, backends)| {
            Change::ChangeBackends {
                vgroup,
                change,
                backends,
            }
        }),
        new_listener().prop_map(Change::CreateListener),
        (listener_key(), option::of(vgroup_ref()), attributes()).prop_map(
            |(listener, vgroup, attributes)| Change::ChangeListener {
                listener,
                vgroup,
                attributes,
            }
        ),
        listener_key().prop_map(|listener| Change::StartListener { listener }),
        listener_key().prop_map(|listener| Change::DeleteListener { listener }),
        (protocol(), new_listener()).prop_map(|(old, new)| Change::RecreateListener { old, new }),
        (port(), text(), option::of(non_empty_text())).prop_map(|(port, domain, certificate_id)| {
            Change::ChangeDomainExtension {
                port,
                domain,
                certificate_id,
            }
        }),
        (ip_version(), vec(range(), 0..4))
            .prop_map(|(ip_version, entries)| Change::FillAccessList { ip_version, entries }),
        (non_empty_text(), vec(range(), 0..4))
            .prop_map(|(access_list, entries)| Change::TrimAccessList { access_list, entries }),
        Just(Change::DeleteAccessList),
        any::<bool>().prop_map(|was_being_made| Change::FindLoadBalancer { was_being_made }),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let after = vec(any::<u32>().prop_map(OperationId), 0..3);
    (
        any::<u32>(),
        after,
        option::of(version()),
        option::of(duration()),
        text(),
        any::<bool>(),
        change(),
    )
        .prop_map(
            |(id, after, based_on, good_for, reason, confirm, change)| Operation {
                id: OperationId(id),
                after,
                based_on,
                good_for,
                reason,
                confirm,
                change,
            },
        )
}

pub(crate) fn batch() -> impl Strategy<Value = Batch> {
    let priority = prop_oneof![
        Just(Priority::Normal),
        Just(Priority::Backends),
        Just(Priority::Urgent)
    ];
    let cluster = "c-[a-z0-9]{1,8}".prop_map(|id| ClusterId::new(id).unwrap());
    let plan = (tenure(), any::<u64>()).prop_map(|(fencing, counter)| PlanNumber { fencing, counter });
    (
        (cluster, non_empty_text(), service_uid(), service_key(), plan),
        option::of(load_balancer_id()),
        vec(operation(), 0..4),
        priority,
        duration(),
    )
        .prop_map(
            |(identity, load_balancer, operations, priority, deadline)| Batch {
                cluster: identity.0,
                region: identity.1,
                service: identity.2,
                service_key: identity.3,
                plan: identity.4,
                load_balancer,
                operations,
                priority,
                deadline,
            },
        )
}

pub(crate) fn operation_result() -> impl Strategy<Value = OperationResult> {
    let class = prop_oneof![
        Just(ErrorClass::Invalid),
        Just(ErrorClass::Quota),
        Just(ErrorClass::Billing),
        Just(ErrorClass::Gone),
        Just(ErrorClass::Denied),
        Just(ErrorClass::Transient)
    ];
    let error = (class, text(), text(), text()).prop_map(|(class, code, message, request_id)| CloudError {
        class,
        code,
        message,
        request_id,
    });
    let outcome = prop_oneof![
        option::of(non_empty_text()).prop_map(|created| Outcome::Applied { created }),
        option::of(non_empty_text()).prop_map(|found| Outcome::Unchanged { found }),
        duration().prop_map(|retry_after| Outcome::Busy { retry_after }),
        duration().prop_map(|retry_after| Outcome::Throttled { retry_after }),
        error.prop_map(Outcome::Rejected),
        text().prop_map(|by| Outcome::Skipped { by }),
        Just(Outcome::Superseded),
        Just(Outcome::Expired),
        text().prop_map(|reason| Outcome::Unknown { reason }),
        text().prop_map(|part| Outcome::Stale { part }),
    ];
    let left_out = (backend(), text()).prop_map(|(backend, reason)| LeftOutBackend { backend, reason });
    (any::<u32>(), outcome, vec(left_out, 0..3)).prop_map(|(id, outcome, left_out)| OperationResult {
        operation: OperationId(id),
        outcome,
        left_out,
    })
}
