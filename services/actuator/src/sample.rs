//! A CLB for unit tests.

use std::collections::BTreeMap;

use clb_model::LoadBalancerId;
use clb_model::cloud::{AddressType, InstanceChargeType, InternetChargeType, IpVersion, LoadBalancer};
use clb_model::version::PartVersion;

/// An Internet-facing CLB of cluster `c-lab` with nothing on it.
pub(crate) fn load_balancer(id: &str) -> LoadBalancer {
    LoadBalancer {
        id: LoadBalancerId::new(id).unwrap(),
        version: PartVersion::default(),
        name: format!("name-of-{id}"),
        address: "47.0.0.1".to_owned(),
        address_type: AddressType::Internet,
        ip_version: IpVersion::V4,
        status: "active".to_owned(),
        spec: String::new(),
        instance_charge_type: InstanceChargeType::PayBySpec,
        internet_charge_type: InternetChargeType::PayByTraffic,
        bandwidth: 5120,
        delete_protection: false,
        modification_protection: false,
        resource_group_id: String::new(),
        vpc_id: String::new(),
        vswitch_id: String::new(),
        master_zone_id: String::new(),
        slave_zone_id: String::new(),
        tags: [("ack.aliyun.com".to_owned(), "c-lab".to_owned())].into(),
        access_lists: BTreeMap::new(),
        eip_address: None,
        listeners: Default::default(),
        vgroups: Default::default(),
    }
}
