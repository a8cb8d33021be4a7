//! VPC: networks, their vSwitches and elastic addresses.

mod describe;
mod vswitch;

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};

use crate::account::Tags;

pub(crate) use describe::{describe_eip_addresses, describe_vpcs, describe_vswitches};
pub use vswitch::VSwitch;

/// A VPC.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Vpc {
    /// Its id.
    pub vpc_id: String,
    /// Its name.
    #[serde(default)]
    pub vpc_name: String,
    /// Where it is.
    pub region_id: String,
    /// Its primary range.
    pub cidr_block: Ipv4Net,
    /// Further ranges.
    #[serde(default)]
    pub secondary_cidr_blocks: Vec<IpNet>,
    /// Its resource group.
    #[serde(default)]
    pub resource_group_id: String,
    /// Its tags.
    #[serde(rename = "tags", default)]
    pub tags: Tags,
}

impl Vpc {
    /// A VPC in that region with one range.
    pub fn new(vpc_id: &str, region_id: &str, cidr_block: Ipv4Net) -> Self {
        Vpc {
            vpc_id: vpc_id.to_owned(),
            vpc_name: String::new(),
            region_id: region_id.to_owned(),
            cidr_block,
            secondary_cidr_blocks: Vec::new(),
            resource_group_id: String::new(),
            tags: Tags::new(),
        }
    }
}

/// An elastic address.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Eip {
    /// Its id.
    pub allocation_id: String,
    /// The address.
    pub ip_address: String,
    /// Where it is.
    pub region_id: String,
    /// What it is bound to; empty if nothing.
    #[serde(default)]
    pub instance_id: String,
    /// `SlbInstance`, `EcsInstance` …; empty if not bound.
    #[serde(default)]
    pub instance_type: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its resource group.
    #[serde(default)]
    pub resource_group_id: String,
    /// Its tags.
    #[serde(rename = "tags", default)]
    pub tags: Tags,
}
