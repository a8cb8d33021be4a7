//! A CLB for unit tests, and one to be made.

use std::collections::BTreeMap;

use clb_model::LoadBalancerId;
use clb_model::cloud::{AddressType, InstanceChargeType, InternetChargeType, IpVersion, LoadBalancer};
use clb_model::operation::NewLoadBalancer;
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

/// An Internet-facing CLB to be made.
pub(crate) fn new_load_balancer() -> NewLoadBalancer {
    NewLoadBalancer {
        name: "a".to_owned(),
        address_type: AddressType::Internet,
        ip_version: IpVersion::V4,
        instance_charge_type: InstanceChargeType::PayByClcu,
        spec: None,
        internet_charge_type: InternetChargeType::PayByTraffic,
        bandwidth: None,
        vpc_id: None,
        vswitch_ids: Vec::new(),
        address: None,
        master_zone_id: None,
        slave_zone_id: None,
        resource_group_id: None,
        delete_protection: true,
        modification_protection: true,
        tags: Default::default(),
        replaces: None,
    }
}
