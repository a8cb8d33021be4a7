//! What the cloud holds: CLBs with their listeners, vServer groups and backends, as the actuator's mirror knows them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

pub use crate::api_text::{AddressType, InstanceChargeType, InternetChargeType, IpVersion, ListenerProtocol};
use crate::attribute::ListenerAttributes;
use crate::identity::{InvalidText, LoadBalancerId, VServerGroupId};
use crate::version::PartVersion;

/// A CLB.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadBalancer {
    /// `LoadBalancerId`.
    pub id: LoadBalancerId,
    /// Version of the instance's own attributes and tags.
    pub version: PartVersion,
    /// `LoadBalancerName`.
    pub name: String,
    /// `Address`.
    pub address: String,
    /// `AddressType`.
    pub address_type: AddressType,
    /// `AddressIPVersion`.
    pub ip_version: IpVersion,
    /// `LoadBalancerStatus`: active, inactive or locked.
    pub status: String,
    /// `LoadBalancerSpec`, as the cloud gives it.
    pub spec: String,
    /// `InstanceChargeType`.
    pub instance_charge_type: InstanceChargeType,
    /// `InternetChargeType`.
    pub internet_charge_type: InternetChargeType,
    /// Mbps; means nothing with paybytraffic.
    pub bandwidth: i32,
    /// `DeleteProtection`.
    pub delete_protection: bool,
    /// `ModificationProtectionStatus` is ConsoleProtection.
    pub modification_protection: bool,
    /// `ResourceGroupId`.
    pub resource_group_id: String,
    /// `VpcId`.
    pub vpc_id: String,
    /// `VSwitchId`.
    pub vswitch_id: String,
    /// `MasterZoneId`.
    pub master_zone_id: String,
    /// `SlaveZoneId`.
    pub slave_zone_id: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Address of an EIP bound to it.
    pub eip_address: Option<String>,
    /// Listeners.
    pub listeners: BTreeMap<ListenerKey, Listener>,
    /// vServer groups.
    pub vgroups: BTreeMap<VServerGroupId, VServerGroup>,
    /// Access control lists that were made for source ranges of Services, by id: those that listeners use, and those that the actuator
    /// made.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub access_lists: BTreeMap<String, AccessList>,
}

/// Two zones of a region that a CLB of a kind can have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ZonePair {
    /// `MasterZoneId`.
    pub master: String,
    /// `SlaveZoneId`.
    pub slave: String,
    /// Of CLBs of this kind.
    pub address_type: AddressType,
    /// Of CLBs of this family.
    pub ip_version: IpVersion,
}

/// An address of a vSwitch that a CLB is to have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StaticAddress {
    /// The vSwitch's VPC: addresses repeat across VPCs.
    pub vpc_id: String,
    /// The vSwitch.
    pub vswitch_id: String,
    /// The address.
    pub address: Ipv4Addr,
}

impl fmt::Display for StaticAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "address {} of vSwitch {}", self.address, self.vswitch_id)
    }
}

/// What has an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressHolder {
    /// A CLB.
    LoadBalancer {
        /// `LoadBalancerId`.
        id: LoadBalancerId,
        /// The value of its tag [`OWNER_TAG`](crate::marks::OWNER_TAG); empty without the tag.
        owner: String,
    },
    /// A network interface, by its id.
    NetworkInterface(String),
}

impl fmt::Display for AddressHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoadBalancer { id, .. } => write!(f, "CLB {id}"),
            Self::NetworkInterface(id) => write!(f, "network interface {id}"),
        }
    }
}

/// What tells the listeners of one CLB apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerKey {
    /// 1 to 65535.
    pub port: u16,
    /// The protocol.
    pub protocol: ListenerProtocol,
}

impl fmt::Display for ListenerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.protocol, self.port)
    }
}

impl std::str::FromStr for ListenerKey {
    type Err = InvalidText;
    fn from_str(text: &str) -> Result<Self, InvalidText> {
        let invalid = || InvalidText {
            what: "listener",
            value: text.to_owned(),
            allowed: "protocol:port, as http:80",
        };
        let (protocol, port) = text.split_once(':').ok_or_else(invalid)?;
        let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(invalid)?;
        Ok(Self {
            port,
            protocol: protocol.parse()?,
        })
    }
}

impl Serialize for ListenerKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ListenerKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// A listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// Its version in the mirror.
    pub version: PartVersion,
    /// A new listener is stopped.
    pub running: bool,
    /// The group that it sends to; none for a forwarding listener.
    pub vgroup: Option<VServerGroupId>,
    /// What is known of its attributes.
    pub attributes: ListenerAttributes,
    /// Extension domains of an HTTPS listener, by domain.
    pub domain_extensions: BTreeMap<String, DomainExtension>,
}

/// A certificate for another domain of an HTTPS listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainExtension {
    /// `DomainExtensionId`.
    pub id: String,
    /// `ServerCertificateId`.
    pub certificate_id: String,
}

/// An access control list of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessList {
    /// Its version in the mirror.
    pub version: PartVersion,
    /// `AclName`, see [`crate::marks::access_list_name`].
    pub name: String,
    /// Who may connect.
    pub entries: BTreeSet<IpNet>,
}

/// A vServer group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VServerGroup {
    /// Its version in the mirror.
    pub version: PartVersion,
    /// `VServerGroupName`.
    pub name: String,
    /// Its backends, of whomever they are.
    pub backends: Vec<Backend>,
}

/// A backend of a vServer group, observed or wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backend {
    /// Where the traffic goes.
    pub target: BackendTarget,
    /// 1 to 65535.
    pub port: u16,
    /// 0 to 100; 0 gets no new connections.
    pub weight: u8,
    /// At most 80 characters; ours says which Service it is for.
    pub description: String,
}

impl Backend {
    /// What tells it from other backends of the group.
    #[must_use]
    pub fn key(&self) -> BackendKey<'_> {
        let server = match &self.target {
            BackendTarget::Instance(id) => Server::Instance(id),
            BackendTarget::Interface { address, .. } => Server::Address(*address),
        };
        BackendKey {
            server,
            port: self.port,
        }
    }
}

/// Where a backend's traffic goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum BackendTarget {
    /// An ECS instance.
    Instance(String),
    /// An address of an elastic network interface.
    Interface {
        /// The pod's address.
        address: IpAddr,
        /// The ENI's id. The planner does not know it of an address it wants to add: the actuator finds it.
        eni: Option<String>,
        /// Whether the cloud calls it an ECI rather than an ENI.
        eci: bool,
    },
}

/// What tells the backends of one group apart. Within a VPC an address belongs to one ENI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BackendKey<'a> {
    /// The server.
    pub server: Server<'a>,
    /// The port.
    pub port: u16,
}

/// The server of a [`BackendKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Server<'a> {
    /// An ECS instance's id.
    Instance(&'a str),
    /// An ENI's address.
    Address(IpAddr),
}
