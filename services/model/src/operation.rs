//! Batches of operations that the planner gives to the actuator, and their results.

use std::collections::BTreeMap;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::attribute::ListenerAttributes;
use crate::cloud::{
    AddressType, Backend, InstanceChargeType, InternetChargeType, IpVersion, ListenerKey, ListenerProtocol,
};
use crate::identity::{ClusterId, LoadBalancerId, ServiceKey, ServiceUid, VServerGroupId};
use crate::version::{PartVersion, PlanNumber};

/// Operations for one Service's part of one CLB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The cluster.
    pub cluster: ClusterId,
    /// The region that the CLB is in.
    pub region: String,
    /// The Service.
    pub service: ServiceUid,
    /// For logs and messages.
    pub service_key: ServiceKey,
    /// An older number than the last seen for this Service is refused.
    pub plan: PlanNumber,
    /// None when the batch creates the CLB.
    pub load_balancer: Option<LoadBalancerId>,
    /// Each after those that it depends on.
    pub operations: Vec<Operation>,
    /// How urgent it is.
    pub priority: Priority,
    /// How long it may wait and run.
    pub deadline: Duration,
}

/// How urgent a batch is; later ones go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Priority {
    /// Creations and changes of settings.
    Normal,
    /// Changes of backends.
    Backends,
    /// Backends that are gone.
    Urgent,
}

/// Names an operation within its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OperationId(pub u32);

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Unique in its batch.
    pub id: OperationId,
    /// Must have succeeded before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<OperationId>,
    /// The state of the part that this was planned from; none for what is created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub based_on: Option<PartVersion>,
    /// For operations that take something away: how long they are good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good_for: Option<Duration>,
    /// Why, in words.
    pub reason: String,
    /// Backends that it adds count only once the cloud shows them, because somebody is told that they take traffic.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub confirm: bool,
    /// What to do.
    pub change: Change,
}

/// What an operation does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Create the CLB.
    CreateLoadBalancer(Box<NewLoadBalancer>),
    /// Change one of its own attributes.
    ChangeLoadBalancer(LoadBalancerChange),
    /// Switch its deletion protection off and delete it, with all that is on it.
    DeleteLoadBalancer,
    /// Create a vServer group with its backends.
    CreateVServerGroup {
        /// `VServerGroupName`.
        name: String,
        /// Cut into calls of 20.
        backends: Vec<Backend>,
    },
    /// Delete a vServer group.
    DeleteVServerGroup {
        /// The group.
        vgroup: VServerGroupId,
    },
    /// Change backends of a group.
    ChangeBackends {
        /// The group.
        vgroup: VServerGroupRef,
        /// How.
        change: BackendChange,
        /// Cut into calls of 20.
        backends: Vec<Backend>,
    },
    /// Create a listener and start it.
    CreateListener(NewListener),
    /// Change a listener.
    ChangeListener {
        /// The listener.
        listener: ListenerKey,
        /// Its new group; none when it stays.
        vgroup: Option<VServerGroupRef>,
        /// What changes.
        attributes: ListenerAttributes,
    },
    /// Start a stopped listener.
    StartListener {
        /// The listener.
        listener: ListenerKey,
    },
    /// Delete a listener.
    DeleteListener {
        /// The listener.
        listener: ListenerKey,
    },
    /// Replace a listener by a new one on the same port; once started it is finished.
    RecreateListener {
        /// Protocol of the one that goes.
        old: ListenerProtocol,
        /// The one that comes.
        new: NewListener,
    },
    /// Add, change or remove an extension domain.
    ChangeDomainExtension {
        /// Port of the HTTPS listener.
        port: u16,
        /// The domain.
        domain: String,
        /// None removes the domain.
        certificate_id: Option<String>,
    },
    /// See that the Service's access control list is there and holds these entries. Listeners refer to it by its name
    /// ([`crate::marks::access_list_name`]) in `AclId`, since its id is not known before.
    FillAccessList {
        /// The family of all entries.
        ip_version: IpVersion,
        /// Those that are missing are added, in calls of 50.
        entries: Vec<IpNet>,
    },
    /// Take entries out of the Service's access control list.
    TrimAccessList {
        /// `AclId`.
        access_list: String,
        /// Cut into calls of 50.
        entries: Vec<IpNet>,
    },
    /// Delete the Service's access control list. It is found by its name; there need be no CLB any more.
    DeleteAccessList,
    /// Say whether the Service has a CLB, or may still get one by what was sent before this batch. Unchanged with its id, or without any.
    FindLoadBalancer {
        /// A creation was under way as far as the planner can tell, of which an actuator that was restarted since knows nothing.
        was_being_made: bool,
    },
}

/// Parameters of a new CLB.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewLoadBalancer {
    /// `LoadBalancerName`.
    pub name: String,
    /// `AddressType`.
    pub address_type: AddressType,
    /// `AddressIPVersion`.
    pub ip_version: IpVersion,
    /// `InstanceChargeType`.
    pub instance_charge_type: InstanceChargeType,
    /// `LoadBalancerSpec`; none with PayByCLCU.
    pub spec: Option<String>,
    /// `InternetChargeType`.
    pub internet_charge_type: InternetChargeType,
    /// Mbps, with paybybandwidth.
    pub bandwidth: Option<u32>,
    /// `VpcId` of an internal CLB.
    pub vpc_id: Option<String>,
    /// Tried in this order, the next one when one has no free address.
    pub vswitch_ids: Vec<String>,
    /// A static address.
    pub address: Option<String>,
    /// `MasterZoneId`.
    pub master_zone_id: Option<String>,
    /// `SlaveZoneId`.
    pub slave_zone_id: Option<String>,
    /// `ResourceGroupId`.
    pub resource_group_id: Option<String>,
    /// `DeleteProtection`.
    pub delete_protection: bool,
    /// `ModificationProtectionStatus` ConsoleProtection.
    pub modification_protection: bool,
    /// Tags, given with the creation.
    pub tags: BTreeMap<String, String>,
    /// A CLB of this Service that is known to be gone; part of the ClientToken.
    pub replaces: Option<LoadBalancerId>,
}

/// A change to one of the CLB's own attributes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LoadBalancerChange {
    /// `SetLoadBalancerName`.
    Name(String),
    /// `ModifyLoadBalancerInstanceSpec`.
    Spec(String),
    /// `ModifyLoadBalancerInternetSpec`.
    InternetSpec {
        /// None when it stays.
        charge_type: Option<InternetChargeType>,
        /// Mbps; none when it stays.
        bandwidth: Option<u32>,
    },
    /// `ModifyLoadBalancerInstanceChargeType` to PayByCLCU: there is no way back.
    PayByClcu,
    /// `SetLoadBalancerDeleteProtection`.
    DeleteProtection(bool),
    /// `SetLoadBalancerModificationProtection`: ConsoleProtection or none.
    ModificationProtection(bool),
    /// `TagResources`.
    SetTags(BTreeMap<String, String>),
    /// `UntagResources`.
    RemoveTags(Vec<String>),
}

/// A group that is there, or one that an operation of the same batch creates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum VServerGroupRef {
    /// It is there.
    Id(VServerGroupId),
    /// That operation creates it.
    CreatedBy(OperationId),
}

/// How backends change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BackendChange {
    /// They come.
    Add,
    /// They go; only their identity counts.
    Remove,
    /// Their weight or description changes.
    Set,
}

/// A listener to create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewListener {
    /// Port and protocol.
    pub key: ListenerKey,
    /// None for a forwarding listener.
    pub vgroup: Option<VServerGroupRef>,
    /// What the cloud is told; the rest gets its defaults.
    pub attributes: ListenerAttributes,
}

/// The result of one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationResult {
    /// The operation.
    pub operation: OperationId,
    /// How it ended.
    pub outcome: Outcome,
    /// Backends that held up no other.
    pub left_out: Vec<LeftOutBackend>,
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The cloud was changed.
    Applied {
        /// Id of the CLB or group that was created.
        created: Option<String>,
    },
    /// The cloud was already as wanted.
    Unchanged {
        /// Id of the CLB or group that was found instead of being created.
        found: Option<String>,
    },
    /// The CLB was busy until the deadline.
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
    /// The account's limit was used up until the deadline.
    Throttled {
        /// When to try again.
        retry_after: Duration,
    },
    /// The cloud refused.
    Rejected(CloudError),
    /// It depends on something that did not succeed.
    Skipped {
        /// On what.
        by: String,
    },
    /// A newer plan took its place.
    Superseded,
    /// It was no longer good, or the deadline was over.
    Expired,
    /// Sent, and nobody knows what became of it.
    Unknown {
        /// What went wrong.
        reason: String,
    },
    /// The part changed since it was planned: plan again.
    Stale {
        /// What changed.
        part: String,
    },
}

impl Outcome {
    /// Whether what depends on it may go on.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        matches!(self, Self::Applied { .. } | Self::Unchanged { .. })
    }
}

/// The code of a refusal that is the actuator's own: its configuration does not let the cluster use what the operation names.
pub const ACTUATOR_CONFIGURATION: &str = "ActuatorConfiguration";

/// What the cloud answered when it refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudError {
    /// What kind of error it is.
    pub class: ErrorClass,
    /// `Code`.
    pub code: String,
    /// `Message`, without secrets.
    pub message: String,
    /// `RequestId`.
    pub request_id: String,
}

/// Kinds of refusals, see `cloud-api.md`'s classes of error; busy and throttled are outcomes of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// The request is wrong: a person must change something.
    Invalid,
    /// A quota is used up.
    Quota,
    /// The account cannot pay.
    Billing,
    /// What it is about does not exist.
    Gone,
    /// The credentials are wrong or lack a permission.
    Denied,
    /// The service had a fault.
    Transient,
}

/// A backend that could not be used while the others could.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOutBackend {
    /// The backend.
    pub backend: Backend,
    /// Why.
    pub reason: String,
}
