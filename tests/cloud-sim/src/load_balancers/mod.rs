//! CLB instances: what one is and the actions on it.

mod change;
mod create;
mod describe;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::account::{Owner, Tags};
use crate::listeners::{Key, Listener};

pub(crate) use change::{
    delete, modify_charge_type, modify_internet_spec, modify_spec, set_delete_protection,
    set_modification_protection, set_name, set_status, take_out,
};
pub(crate) use create::create;
pub(crate) use describe::{describe_many, describe_one};

/// What Describe shows as the bandwidth of an instance that is billed by traffic.
const BANDWIDTH_BY_TRAFFIC: i64 = 5120;
/// What Describe shows as the specification of an instance that is billed by use.
const SPEC_BY_CLCU: &str = "slb.lcu.elastic";

/// One CLB. Field names are those of `DescribeLoadBalancerAttribute`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct LoadBalancer {
    #[serde(default)]
    pub load_balancer_id: String,
    pub address: String,
    #[serde(rename = "AddressIPVersion")]
    pub address_ip_version: String,
    pub address_type: String,
    pub bandwidth: i64,
    #[serde(default = "Timestamp::now")]
    pub create_time: Timestamp,
    pub delete_protection: String,
    pub instance_charge_type: String,
    pub internet_charge_type: String,
    pub load_balancer_name: String,
    pub load_balancer_spec: String,
    pub load_balancer_status: String,
    pub master_zone_id: String,
    pub slave_zone_id: String,
    pub modification_protection_reason: String,
    pub modification_protection_status: String,
    pub network_type: String,
    pub pay_type: String,
    pub region_id: String,
    pub resource_group_id: String,
    #[serde(rename = "VSwitchId")]
    pub vswitch_id: String,
    pub vpc_id: String,
    #[serde(rename = "tags", default)]
    pub tags: Tags,
    #[serde(rename = "owner", default)]
    pub owner: Owner,
    #[serde(skip)]
    pub listeners: BTreeMap<Key, Listener>,
    /// Ids of its vServer groups.
    #[serde(skip)]
    pub vgroups: BTreeSet<String>,
    /// The VPC of its backends, while it has any.
    #[serde(skip)]
    pub backend_vpc: Option<String>,
    /// Until when a change is being carried out.
    #[serde(skip)]
    pub configuring_until: Option<Instant>,
    /// Whether the user switched it off, so that a started listener does not switch it on again.
    #[serde(skip)]
    pub switched_off: bool,
}

impl LoadBalancer {
    /// The VPC that a backend has to be in, if that is settled.
    pub(crate) fn required_vpc(&self) -> Option<&str> {
        if self.vpc_id.is_empty() {
            self.backend_vpc.as_deref()
        } else {
            Some(&self.vpc_id)
        }
    }

    /// What is left of the bandwidth for a listener, when the instance is billed by bandwidth.
    pub(crate) fn bandwidth_left(&self, except: Option<&Key>) -> Option<i64> {
        if self.internet_charge_type != "paybybandwidth" || self.address_type != "internet" {
            return None;
        }
        let others = self.listeners.iter().filter(|(key, _)| Some(*key) != except);
        let used: i64 = others
            .map(|(_, listener)| listener.integer("Bandwidth").max(0))
            .sum();
        Some(self.bandwidth - used)
    }
}
