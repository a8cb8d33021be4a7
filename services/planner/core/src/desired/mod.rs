//! From a Service, the cluster's Nodes and settings to the CLB that it should have. [`crate::step()`] calls
//! [`desired()`] and gives the result to [`crate::plan`].

//!
//! [`context`] reads the annotations and resolves the ports; [`checks`] finds every mistake, [`effects`]
//! everything that does nothing, [`questions`] what must be asked; [`load_balancer`], [`listeners`] (with
//! [`health_check`]) and [`vgroups`] (with [`backends`], [`endpoints`], [`families`], [`nodes`], [`weights`]) build the
//! parts; [`readiness_gates`] says which pods wait for theirs.

mod backends;
mod checks;
mod context;
mod despite;
mod effects;
mod endpoints;
mod examples;
mod families;
mod health_check;
mod listeners;
mod load_balancer;
mod nodes;
mod ports;
mod questions;
mod readiness_gates;
mod standard_fields;
mod vgroups;
mod vswitches;
mod weights;
mod zones;

#[cfg(test)]
pub(crate) mod tests;

pub use despite::{Followed, backends_despite_problems};
pub(crate) use families::one_address;
pub use standard_fields::FieldsInForce;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use clb_model::attribute::ListenerAttributes;
use clb_model::cloud::{
    AddressType, Backend, InstanceChargeType, InternetChargeType, IpVersion, ListenerKey,
};
use clb_model::cluster::{Node, PodRef, Service};
use clb_model::operation::NewLoadBalancer;
use clb_model::{LoadBalancerId, VServerGroupId};
use ipnet::IpNet;
use serde::Serialize;

use crate::facts::{CloudFacts, Question};
use crate::problem::{Notice, Problem};
use crate::settings::ClusterSettings;
use context::Context;

/// What [`desired()`] reads.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The cluster's settings.
    pub cluster: &'a ClusterSettings,
    /// The Service with its endpoints.
    pub service: &'a Service,
    /// All Nodes of the cluster, by name.
    pub nodes: &'a BTreeMap<String, Node>,
    /// What has been asked of the cloud so far, and what the Service's CLB shows
    /// ([`CloudFacts::with_observed`]).
    pub facts: &'a CloudFacts,
    /// Milliseconds since 1970.
    pub now_ms: u64,
}

/// What came of a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// The CLB that it should have, and remarks.
    Desired(Box<Desired>),
    /// Every mistake at once.
    Problems(Vec<Problem>),
    /// Nothing is known to be wrong, but these answers are needed first.
    Questions(BTreeSet<Question>),
}

/// The CLB that a Service should have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Desired {
    /// Which CLB it is.
    pub source: Source,
    /// Parameters of its creation, all defaults filled in. Not used for a reused CLB.
    pub creation: NewLoadBalancer,
    /// Attributes that an annotation names; only these are compared and changed later.
    pub named: NamedAttributes,
    /// The vServer groups, ordered by identity.
    pub vgroups: Vec<DesiredVServerGroup>,
    /// The listeners, ordered by key. Empty where listeners are not ours to manage.
    pub listeners: Vec<DesiredListener>,
    /// What the Service's status says once the CLB is there.
    pub status: StatusWish,
    /// `preserve-lb-on-delete` has a value.
    pub preserve_on_delete: bool,
    /// Pods that wait for our readiness gate, ordered by UID.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gated_pods: Vec<GatedPod>,
    /// `spec.loadBalancerSourceRanges`, ordered; empty when everyone may connect, or when they are not to be
    /// honoured yet on a CLB that Alibaba's controller made.
    pub source_ranges: Vec<IpNet>,
    /// What fields of the Service put on its listeners.
    #[serde(skip_serializing_if = "FieldsInForce::is_empty")]
    pub fields_in_force: FieldsInForce,
    /// Remarks: annotations without effect and the like, ordered.
    pub notices: Vec<Notice>,
    /// When the same inputs give another result (milliseconds since 1970): a Node's grace time ends, a
    /// certificate expires.
    pub wake_at_ms: Option<u64>,
}

/// Which CLB a Service uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Source {
    /// One of its own, that we create and delete.
    Own,
    /// A user's, named by the annotation `…-id`; never deleted.
    Reused {
        /// The annotation's value.
        id: LoadBalancerId,
        /// `force-override-listeners: "true"`: listeners on the Service's ports are ours to manage.
        override_listeners: bool,
    },
}

/// Attributes of the CLB itself that annotations name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct NamedAttributes {
    /// `…-name`.
    pub name: Option<String>,
    /// `…-spec`.
    pub spec: Option<String>,
    /// `…-instance-charge-type`.
    pub instance_charge_type: Option<InstanceChargeType>,
    /// `…-charge-type`.
    pub internet_charge_type: Option<InternetChargeType>,
    /// `…-bandwidth`, Mbps.
    pub bandwidth: Option<u32>,
    /// `…-delete-protection`.
    pub delete_protection: Option<bool>,
    /// `…-modification-protection`.
    pub modification_protection: Option<bool>,
    /// `…-additional-resource-tags`: replaces every tag but ours and those that begin with `acs:`.
    pub additional_tags: Option<BTreeMap<String, String>>,
    /// `…-address-type`; cannot change.
    pub address_type: Option<AddressType>,
    /// `…-ip-version`; cannot change.
    pub ip_version: Option<IpVersion>,
    /// `…-network-type`, where it is that of the address type; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_type: Option<String>,
    /// `…-vswitch-id`; cannot change.
    pub vswitch_id: Option<String>,
    /// `…-ip`; cannot change.
    pub address: Option<String>,
    /// `…-master-zoneid`; cannot change.
    pub master_zone_id: Option<String>,
    /// `…-slave-zoneid`; cannot change.
    pub slave_zone_id: Option<String>,
    /// `…-resource-group-id`; cannot change.
    pub resource_group_id: Option<String>,
}

/// How a vServer group is found on the CLB.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum VServerGroupIdentity {
    /// Ours: by its name, which is our mark.
    Own(String),
    /// A user's, named by `vgroup-port`.
    Reused(VServerGroupId),
}

/// A vServer group and the backends of this Service in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DesiredVServerGroup {
    /// Which group.
    pub identity: VServerGroupIdentity,
    /// The mark of our backends: their description. In a group that others share, only backends that carry it
    /// are ours.
    pub mark: String,
    /// Our backends, ordered by key.
    pub backends: Vec<Backend>,
    /// Backends that stay, with this weight, where they are attached, and are not added where they are not,
    /// ordered by key: a Node within its grace time (KEP-3458), or with weight 0 one that is about to go.
    pub if_present: Vec<Backend>,
    /// `ignore-weight-update: "on"`: the weight of a backend that is there stays.
    pub ignore_weight: bool,
    /// Nothing says any more what backends weigh: one that is there and not drained keeps its weight until it is to be drained.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub keeps_weights: bool,
    /// The user's own annotations left no backend: the group may become empty though endpoints are ready.
    pub may_become_empty: bool,
    /// How many endpoints are ready for it; the guard against emptying it by mistake.
    pub ready_endpoints: usize,
    /// Nodes or pods that it should send to cannot be backends; an event says which and why.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unusable: bool,
}

/// A listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DesiredListener {
    /// Port and protocol.
    pub key: ListenerKey,
    /// The group that it sends to; none for a forwarding listener.
    pub vgroup: Option<VServerGroupIdentity>,
    /// Attributes of its creation: what annotations name and our defaults.
    pub creation: ListenerAttributes,
    /// Attributes that annotations name, and the description: compared and changed later.
    pub named: ListenerAttributes,
    /// Certificates by extension domain; none when the annotation is not there.
    pub domain_extensions: Option<BTreeMap<String, String>>,
    /// The `healthCheckNodePort` at which it must not ask any more. The cloud cannot take a port back, so a listener that has it is
    /// created anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub former_health_check_port: Option<u16>,
}

/// What the status of the Service says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct StatusWish {
    /// `…-hostname`: only this is shown.
    pub hostname: Option<String>,
    /// `external-ip-type: eip`: the EIP's address instead of the CLB's.
    pub eip: bool,
    /// `ipMode: Proxy`.
    pub ip_mode_proxy: bool,
}

/// A pod that waits for our readiness gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GatedPod {
    /// The pod.
    pub pod: PodRef,
    /// All of these make it registered.
    pub needs: Vec<(VServerGroupIdentity, Registration)>,
}

/// What of a group shows that a pod's traffic can reach it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Registration {
    /// The group itself: under Cluster policy every backend leads to every pod.
    Group,
    /// The pod's Node is a backend.
    Instance {
        /// The ECS instance.
        id: String,
        /// The node port.
        port: u16,
    },
    /// The pod itself is a backend.
    Address {
        /// Its address.
        address: IpAddr,
        /// The port to which it listens.
        port: u16,
    },
}

/// What the Service asks for, or everything that is wrong with it. What only the cloud knows is asked first,
/// so that a person is told of all mistakes at once.
#[must_use]
pub fn desired(inputs: Inputs<'_>) -> Wish {
    let context = Context::new(inputs);
    let open = inputs.facts.unanswered(&questions::questions(&context));
    if !open.is_empty() {
        return Wish::Questions(open);
    }
    let problems = checks::problems(&context);
    if !problems.is_empty() {
        return Wish::Problems(problems);
    }
    let groups = vgroups::groups(&context);
    let mut notices = context.read.notices.clone();
    notices.extend(effects::notices(&context));
    notices.extend(load_balancer::notices(&context));
    notices.extend(standard_fields::notices(&context));
    notices.extend(groups.notices);
    notices.sort();
    notices.dedup();
    let expiry = questions::next_expiry_ms(&context);
    Wish::Desired(Box::new(Desired {
        creation: load_balancer::creation(&context),
        named: load_balancer::named(&context),
        vgroups: groups.groups,
        listeners: listeners::listeners(&context),
        status: load_balancer::status(&context),
        preserve_on_delete: context.annotations().instance.preserve.is_some(),
        gated_pods: readiness_gates::gated_pods(&context),
        source_ranges: standard_fields::source_ranges(&context),
        fields_in_force: standard_fields::in_force(&context),
        notices,
        wake_at_ms: groups.wake_at_ms.into_iter().chain(expiry).min(),
        source: context.source,
    }))
}
