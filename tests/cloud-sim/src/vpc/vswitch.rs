//! vSwitches and the addresses that they give out.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use crate::account::Tags;
use crate::errors::{self, ApiError};

/// A vSwitch.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VSwitch {
    /// Its id.
    #[serde(rename = "VSwitchId")]
    pub vswitch_id: String,
    /// Its name.
    #[serde(rename = "VSwitchName", default)]
    pub vswitch_name: String,
    /// The VPC it is part of.
    pub vpc_id: String,
    /// Where it is.
    pub region_id: String,
    /// Where in the region it is.
    pub zone_id: String,
    /// Its range.
    pub cidr_block: Ipv4Net,
    /// How many addresses it has left.
    pub available_ip_address_count: u32,
    /// Its resource group.
    #[serde(default)]
    pub resource_group_id: String,
    /// Its tags.
    #[serde(rename = "tags", default)]
    pub tags: Tags,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    taken: BTreeSet<Ipv4Addr>,
}

impl VSwitch {
    /// A vSwitch with every usable address of its range free: all but the first and the last three.
    pub fn new(vswitch_id: &str, vpc_id: &str, zone_id: &str, cidr_block: Ipv4Net) -> Self {
        let size = 1_u64 << (32 - u32::from(cidr_block.prefix_len()));
        let region_id = zone_id.rsplit_once('-').map_or(zone_id, |(region, _)| region);
        VSwitch {
            vswitch_id: vswitch_id.to_owned(),
            vswitch_name: String::new(),
            vpc_id: vpc_id.to_owned(),
            region_id: region_id.to_owned(),
            zone_id: zone_id.to_owned(),
            cidr_block,
            available_ip_address_count: u32::try_from(size.saturating_sub(4)).unwrap_or(u32::MAX),
            resource_group_id: String::new(),
            tags: Tags::new(),
            taken: BTreeSet::new(),
        }
    }

    /// The same with this many addresses left.
    pub fn with_free_addresses(mut self, count: u32) -> Self {
        self.available_ip_address_count = count;
        self
    }

    /// Takes `wanted`, or any free address.
    ///
    /// # Errors
    /// No address left, or `wanted` is outside the range or not free.
    pub(crate) fn take(&mut self, wanted: Option<Ipv4Addr>) -> Result<Ipv4Addr, ApiError> {
        let address = match wanted {
            Some(address) if !self.usable().contains(&u32::from(address)) => {
                return Err(errors::ADDRESS_INVALID.into());
            }
            Some(address) if self.taken.contains(&address) => return Err(errors::ADDRESS_TAKEN.into()),
            Some(address) if self.available_ip_address_count > 0 => address,
            None if self.available_ip_address_count > 0 => self.highest_free()?,
            _ => return Err(errors::VSWITCH_FULL.into()),
        };
        self.available_ip_address_count -= 1;
        self.taken.insert(address);
        Ok(address)
    }

    /// Returns an address.
    pub(crate) fn give_back(&mut self, address: Ipv4Addr) {
        if self.taken.remove(&address) {
            self.available_ip_address_count += 1;
        }
    }

    /// The addresses of the range that the cloud does not keep for itself: all but the first and the last three.
    fn usable(&self) -> RangeInclusive<u32> {
        let first = u32::from(self.cidr_block.network()).saturating_add(1);
        first..=u32::from(self.cidr_block.broadcast()).saturating_sub(3)
    }

    /// Load balancers get addresses from the end of the range, away from nodes and pods, which tests number
    /// from its start.
    fn highest_free(&self) -> Result<Ipv4Addr, ApiError> {
        let free = self
            .usable()
            .rev()
            .map(Ipv4Addr::from)
            .find(|address| !self.taken.contains(address));
        free.ok_or_else(|| errors::VSWITCH_FULL.into())
    }
}
