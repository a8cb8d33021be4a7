//! Network interfaces, found by id or by address.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::account::Tags;

/// An elastic network interface (ENI).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct NetworkInterface {
    /// Its id.
    pub network_interface_id: String,
    /// The instance it is attached to; empty if none.
    #[serde(default)]
    pub instance_id: String,
    /// `InUse`, `Available` …
    #[serde(default = "in_use")]
    pub status: String,
    /// `Primary`, `Secondary`, `Member` or `Trunk`.
    #[serde(rename = "Type", default = "secondary")]
    pub kind: String,
    /// Where it is.
    pub region_id: String,
    /// Where in the region it is.
    pub zone_id: String,
    /// The VPC it is in.
    pub vpc_id: String,
    /// The vSwitch it is in.
    #[serde(rename = "VSwitchId")]
    pub vswitch_id: String,
    /// Its IPv4 addresses, the primary one first.
    #[serde(default)]
    pub private_ips: Vec<IpAddr>,
    /// Its IPv6 addresses.
    #[serde(default)]
    pub ipv6_addresses: Vec<IpAddr>,
    /// Its tags.
    #[serde(rename = "tags", default)]
    pub tags: Tags,
}

fn in_use() -> String {
    "InUse".to_owned()
}

fn secondary() -> String {
    "Secondary".to_owned()
}

impl NetworkInterface {
    /// A secondary interface in use, with these addresses of either version.
    pub fn new(id: &str, vpc_id: &str, vswitch_id: &str, zone_id: &str, addresses: &[IpAddr]) -> Self {
        let region_id = zone_id.rsplit_once('-').map_or(zone_id, |(region, _)| region);
        let (v4, v6) = addresses.iter().partition(|address| address.is_ipv4());
        NetworkInterface {
            network_interface_id: id.to_owned(),
            instance_id: String::new(),
            status: in_use(),
            kind: secondary(),
            region_id: region_id.to_owned(),
            zone_id: zone_id.to_owned(),
            vpc_id: vpc_id.to_owned(),
            vswitch_id: vswitch_id.to_owned(),
            private_ips: v4,
            ipv6_addresses: v6,
            tags: Tags::new(),
        }
    }

    /// Its first address.
    pub fn primary_address(&self) -> Option<&IpAddr> {
        self.private_ips.first().or(self.ipv6_addresses.first())
    }

    /// Whether the address is one of its own.
    pub fn has_address(&self, address: &IpAddr) -> bool {
        self.private_ips.contains(address) || self.ipv6_addresses.contains(address)
    }
}

/// All interfaces of an account, with an index by address: a cluster has tens of thousands of pods.
#[derive(Debug, Clone, Default)]
pub(crate) struct NetworkInterfaces {
    by_id: BTreeMap<String, NetworkInterface>,
    /// Addresses repeat across VPCs.
    by_address: HashMap<IpAddr, BTreeSet<String>>,
}

impl NetworkInterfaces {
    /// Adds one, or replaces the one with its id.
    pub(crate) fn insert(&mut self, interface: NetworkInterface) {
        self.remove(&interface.network_interface_id);
        for address in interface.private_ips.iter().chain(&interface.ipv6_addresses) {
            self.by_address
                .entry(*address)
                .or_default()
                .insert(interface.network_interface_id.clone());
        }
        self.by_id
            .insert(interface.network_interface_id.clone(), interface);
    }

    /// Removes one.
    pub(crate) fn remove(&mut self, id: &str) -> Option<NetworkInterface> {
        let removed = self.by_id.remove(id)?;
        for address in removed.private_ips.iter().chain(&removed.ipv6_addresses) {
            if let Some(ids) = self.by_address.get_mut(address) {
                ids.remove(id);
                if ids.is_empty() {
                    self.by_address.remove(address);
                }
            }
        }
        Some(removed)
    }

    /// The one with that id.
    pub(crate) fn get(&self, id: &str) -> Option<&NetworkInterface> {
        self.by_id.get(id)
    }

    /// All of them, by id.
    pub(crate) fn values(&self) -> impl Iterator<Item = &NetworkInterface> {
        self.by_id.values()
    }

    /// Those that have any of the addresses, by id.
    pub(crate) fn with_addresses(&self, addresses: &[IpAddr]) -> Vec<&NetworkInterface> {
        let ids: BTreeSet<&String> = addresses
            .iter()
            .filter_map(|address| self.by_address.get(address))
            .flatten()
            .collect();
        ids.into_iter().filter_map(|id| self.by_id.get(id)).collect()
    }
}
