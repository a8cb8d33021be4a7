//! Facts about things that annotations name and that are no part of a CLB.

use std::collections::{BTreeMap, BTreeSet};

use clb_model::cloud::{AddressHolder, IpVersion, StaticAddress, ZonePair};
use clb_model::{ClusterId, LoadBalancerId};
use clb_proto::actuator::v1;

use crate::WireError;
use crate::field::Reader;

const INSPECT_REQUEST: Reader = Reader("InspectRequest");
const STATIC_ADDRESS: Reader = Reader("StaticAddress");

/// What the planner asks about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InspectQuery {
    /// The cluster.
    pub cluster: ClusterId,
    /// The region to look in.
    pub region: String,
    /// Server certificates.
    pub certificate_ids: BTreeSet<String>,
    /// Access control lists.
    pub acl_ids: BTreeSet<String>,
    /// vSwitches.
    pub vswitch_ids: BTreeSet<String>,
    /// Whether the region's pairs of zones are asked for.
    pub zone_pairs: bool,
    /// Addresses that CLBs are to have.
    pub static_addresses: BTreeSet<StaticAddress>,
    /// Whether an answer may leave out what could not be asked.
    pub in_part: bool,
}

/// What is there, by id. What was asked for and is absent does not exist, unless it is among the unanswered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Server certificates.
    pub certificates: BTreeMap<String, CertificateFact>,
    /// Access control lists.
    pub acls: BTreeMap<String, AclFact>,
    /// vSwitches.
    pub vswitches: BTreeMap<String, VSwitchFact>,
    /// The pairs of zones that a CLB can have, if they were asked for.
    pub zone_pairs: BTreeSet<ZonePair>,
    /// Those of the addresses that are taken, with what has them. What was asked for and is absent is free.
    pub held_addresses: BTreeMap<StaticAddress, AddressHolder>,
    /// What could not be asked, and why.
    pub unanswered: BTreeMap<Subject, String>,
}

/// What one call to the cloud tells of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// All server certificates.
    Certificates,
    /// All access control lists.
    AccessControlLists,
    /// The vSwitch of this id.
    VSwitch(String),
    /// The pairs of zones.
    ZonePairs,
    /// All addresses.
    StaticAddresses,
}

/// A server certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CertificateFact {
    /// When it expires, milliseconds since 1970; none when the cloud does not say.
    pub expires_ms: Option<u64>,
}

/// An access control list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AclFact {
    /// The family of its addresses; none when the cloud does not say.
    pub ip_version: Option<IpVersion>,
}

/// A vSwitch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VSwitchFact {
    /// The VPC that it is in.
    pub vpc_id: String,
    /// Its zone.
    pub zone_id: String,
    /// Its IPv4 range in CIDR notation, as the cloud gives it.
    pub cidr: String,
    /// How many addresses are free.
    pub free_addresses: u32,
}

/// For the planner.
#[must_use]
pub fn inspect_query_to_proto(query: &InspectQuery) -> v1::InspectRequest {
    v1::InspectRequest {
        cluster_id: query.cluster.to_string(),
        region: query.region.clone(),
        certificate_ids: query.certificate_ids.iter().cloned().collect(),
        acl_ids: query.acl_ids.iter().cloned().collect(),
        vswitch_ids: query.vswitch_ids.iter().cloned().collect(),
        zone_pairs: query.zone_pairs,
        static_addresses: query.static_addresses.iter().map(address_to_proto).collect(),
        in_part: query.in_part,
    }
}

/// For the actuator.
///
/// # Errors
/// A cluster's id or an address that is none.
pub fn inspect_query_from_proto(message: v1::InspectRequest) -> Result<InspectQuery, WireError> {
    Ok(InspectQuery {
        cluster: INSPECT_REQUEST.text("cluster_id", &message.cluster_id)?,
        region: message.region,
        certificate_ids: message.certificate_ids.into_iter().collect(),
        acl_ids: message.acl_ids.into_iter().collect(),
        vswitch_ids: message.vswitch_ids.into_iter().collect(),
        zone_pairs: message.zone_pairs,
        static_addresses: message
            .static_addresses
            .into_iter()
            .map(address_from_proto)
            .collect::<Result<_, _>>()?,
        in_part: message.in_part,
    })
}

/// For the actuator.
#[must_use]
pub fn facts_to_proto(facts: &Facts) -> v1::InspectResponse {
    v1::InspectResponse {
        certificates: facts
            .certificates
            .iter()
            .map(|(id, fact)| v1::CertificateFact {
                id: id.clone(),
                expires_ms: fact.expires_ms.unwrap_or_default(),
            })
            .collect(),
        acl_ids: facts.acls.keys().cloned().collect(),
        acl_ip_versions: facts
            .acls
            .iter()
            .filter_map(|(id, fact)| Some((id.clone(), fact.ip_version?.as_str().to_owned())))
            .collect(),
        vswitches: facts
            .vswitches
            .iter()
            .map(|(id, fact)| v1::VSwitchFact {
                id: id.clone(),
                vpc_id: fact.vpc_id.clone(),
                zone_id: fact.zone_id.clone(),
                cidr: fact.cidr.clone(),
                free_addresses: fact.free_addresses,
            })
            .collect(),
        zone_pairs: facts
            .zone_pairs
            .iter()
            .map(|pair| v1::ZonePair {
                master_zone_id: pair.master.clone(),
                slave_zone_id: pair.slave.clone(),
                address_type: pair.address_type.as_str().to_owned(),
                ip_version: pair.ip_version.as_str().to_owned(),
            })
            .collect(),
        held_addresses: facts.held_addresses.iter().map(held_to_proto).collect(),
        unanswered: facts.unanswered.iter().map(unanswered_to_proto).collect(),
    }
}

/// For the planner. Every answer is valid.
#[must_use]
pub fn facts_from_proto(message: v1::InspectResponse) -> Facts {
    let acl_ip_versions = message.acl_ip_versions;
    Facts {
        certificates: message
            .certificates
            .into_iter()
            .map(|fact| {
                (
                    fact.id,
                    CertificateFact {
                        expires_ms: (fact.expires_ms != 0).then_some(fact.expires_ms),
                    },
                )
            })
            .collect(),
        acls: message
            .acl_ids
            .into_iter()
            .map(|id| {
                let ip_version = acl_ip_versions.get(&id).and_then(|version| version.parse().ok());
                (id, AclFact { ip_version })
            })
            .collect(),
        vswitches: message
            .vswitches
            .into_iter()
            .map(|fact| {
                (
                    fact.id,
                    VSwitchFact {
                        vpc_id: fact.vpc_id,
                        zone_id: fact.zone_id,
                        cidr: fact.cidr,
                        free_addresses: fact.free_addresses,
                    },
                )
            })
            .collect(),
        // A kind of CLB that this planner does not know is none that it would create.
        zone_pairs: message
            .zone_pairs
            .into_iter()
            .filter_map(|pair| {
                Some(ZonePair {
                    address_type: pair.address_type.parse().ok()?,
                    ip_version: pair.ip_version.parse().ok()?,
                    master: pair.master_zone_id,
                    slave: pair.slave_zone_id,
                })
            })
            .collect(),
        held_addresses: message
            .held_addresses
            .into_iter()
            .filter_map(held_from_proto)
            .collect(),
        // What this planner does not know it has not asked.
        unanswered: message
            .unanswered
            .into_iter()
            .filter_map(|unanswered| Some((subject_from_proto(unanswered.subject?), unanswered.reason)))
            .collect(),
    }
}

fn unanswered_to_proto((subject, reason): (&Subject, &String)) -> v1::Unanswered {
    use v1::unanswered::Subject as Proto;
    let subject = match subject {
        Subject::Certificates => Proto::Certificates(true),
        Subject::AccessControlLists => Proto::Acls(true),
        Subject::VSwitch(id) => Proto::VswitchId(id.clone()),
        Subject::ZonePairs => Proto::ZonePairs(true),
        Subject::StaticAddresses => Proto::StaticAddresses(true),
    };
    v1::Unanswered {
        subject: Some(subject),
        reason: reason.clone(),
    }
}

fn subject_from_proto(subject: v1::unanswered::Subject) -> Subject {
    use v1::unanswered::Subject as Proto;
    match subject {
        Proto::Certificates(_) => Subject::Certificates,
        Proto::Acls(_) => Subject::AccessControlLists,
        Proto::VswitchId(id) => Subject::VSwitch(id),
        Proto::ZonePairs(_) => Subject::ZonePairs,
        Proto::StaticAddresses(_) => Subject::StaticAddresses,
    }
}

fn address_to_proto(address: &StaticAddress) -> v1::StaticAddress {
    v1::StaticAddress {
        vpc_id: address.vpc_id.clone(),
        vswitch_id: address.vswitch_id.clone(),
        address: address.address.to_string(),
    }
}

fn address_from_proto(message: v1::StaticAddress) -> Result<StaticAddress, WireError> {
    Ok(StaticAddress {
        address: message
            .address
            .parse()
            .map_err(|_| STATIC_ADDRESS.invalid("address", &message.address, "an IPv4 address"))?,
        vpc_id: message.vpc_id,
        vswitch_id: message.vswitch_id,
    })
}

fn held_to_proto((address, holder): (&StaticAddress, &AddressHolder)) -> v1::HeldAddress {
    let mut message = v1::HeldAddress {
        address: Some(address_to_proto(address)),
        ..v1::HeldAddress::default()
    };
    match holder {
        AddressHolder::LoadBalancer { id, owner } => {
            message.load_balancer_id = id.to_string();
            message.load_balancer_owner.clone_from(owner);
        }
        AddressHolder::NetworkInterface(id) => message.network_interface_id.clone_from(id),
    }
    message
}

/// None where it cannot be told which address is meant: then the cloud refuses it to whom it does not belong.
fn held_from_proto(message: v1::HeldAddress) -> Option<(StaticAddress, AddressHolder)> {
    let address = address_from_proto(message.address?).ok()?;
    let holder = match message.load_balancer_id.parse::<LoadBalancerId>() {
        Ok(id) => AddressHolder::LoadBalancer {
            id,
            owner: message.load_balancer_owner,
        },
        Err(_) => AddressHolder::NetworkInterface(message.network_interface_id),
    };
    Some((address, holder))
}
