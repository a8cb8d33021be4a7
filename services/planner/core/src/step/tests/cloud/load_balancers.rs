//! The CLB itself: its creation and its changes, with what the cloud refuses.

use std::collections::BTreeMap;

use clb_model::LoadBalancerId;
use clb_model::cloud::{
    AddressType, Backend, BackendTarget, InstanceChargeType, InternetChargeType, IpVersion, LoadBalancer,
};
use clb_model::operation::{LoadBalancerChange, NewLoadBalancer};
use clb_model::version::PartVersion;

/// What the cloud shows as specification of a CLB that is paid by use.
const SPEC_BY_CLCU: &str = "slb.lcu.elastic";
/// What the cloud shows as bandwidth, Mbps, where traffic is paid and it means nothing.
const BANDWIDTH_BY_TRAFFIC: i32 = 5120;

#[track_caller]
pub(super) fn new_load_balancer(
    id: &LoadBalancerId,
    new: &NewLoadBalancer,
    version: PartVersion,
) -> LoadBalancer {
    let number = version.number;
    assert!(
        new.instance_charge_type == InstanceChargeType::PayBySpec
            || (new.internet_charge_type == InternetChargeType::PayByTraffic && new.spec.is_none()),
        "Instance.InternetChargeTypeNotAllowed: {new:?}"
    );
    assert!(
        new.address_type == AddressType::Internet || new.ip_version == IpVersion::V4,
        "InvalidParameter.Mismatch: {new:?}"
    );
    LoadBalancer {
        id: id.clone(),
        version,
        name: new.name.clone(),
        address: new.address.clone().unwrap_or_else(|| format!("47.0.0.{number}")),
        address_type: new.address_type,
        ip_version: new.ip_version,
        status: "active".to_owned(),
        spec: new.spec.clone().unwrap_or_else(|| SPEC_BY_CLCU.to_owned()),
        instance_charge_type: new.instance_charge_type,
        internet_charge_type: new.internet_charge_type,
        bandwidth: new
            .bandwidth
            .map_or(BANDWIDTH_BY_TRAFFIC, |mbps| i32::try_from(mbps).unwrap()),
        delete_protection: new.delete_protection,
        modification_protection: new.modification_protection,
        resource_group_id: new
            .resource_group_id
            .clone()
            .unwrap_or_else(|| "rg-default".to_owned()),
        vpc_id: new.vpc_id.clone().unwrap_or_default(),
        vswitch_id: new.vswitch_ids.first().cloned().unwrap_or_default(),
        master_zone_id: new
            .master_zone_id
            .clone()
            .unwrap_or_else(|| "cn-hangzhou-h".to_owned()),
        slave_zone_id: new
            .slave_zone_id
            .clone()
            .unwrap_or_else(|| "cn-hangzhou-j".to_owned()),
        tags: new.tags.clone(),
        access_lists: BTreeMap::new(),
        eip_address: None,
        listeners: BTreeMap::new(),
        vgroups: BTreeMap::new(),
    }
}

#[track_caller]
pub(super) fn change_load_balancer(clb: &mut LoadBalancer, change: &LoadBalancerChange) {
    let by_use = clb.instance_charge_type == InstanceChargeType::PayByClcu;
    match change {
        LoadBalancerChange::Name(name) => clb.name.clone_from(name),
        LoadBalancerChange::Spec(spec) => {
            assert!(!by_use, "OperationDenied.PayByCLCU: {change:?}");
            clb.spec.clone_from(spec);
        }
        LoadBalancerChange::InternetSpec {
            charge_type,
            bandwidth,
        } => {
            assert!(!by_use, "OperationDenied.PayByCLCU: {change:?}");
            assert_eq!(
                clb.address_type,
                AddressType::Internet,
                "ActionNotAllowed: {change:?}"
            );
            change_payment_of_traffic(clb, *charge_type, *bandwidth);
        }
        LoadBalancerChange::PayByClcu => {
            assert!(!by_use, "it is paid so already");
            assert_eq!(
                clb.internet_charge_type,
                InternetChargeType::PayByTraffic,
                "Instance.InternetChargeTypeNotAllowed"
            );
            clb.instance_charge_type = InstanceChargeType::PayByClcu;
            clb.spec = SPEC_BY_CLCU.to_owned();
        }
        LoadBalancerChange::DeleteProtection(on) => clb.delete_protection = *on,
        LoadBalancerChange::ModificationProtection(on) => clb.modification_protection = *on,
        LoadBalancerChange::SetTags(tags) => {
            clb.tags
                .extend(tags.iter().map(|(key, value)| (key.clone(), value.clone())));
            assert!(clb.tags.len() <= 20, "too many tags");
        }
        LoadBalancerChange::RemoveTags(keys) => {
            for key in keys {
                assert!(clb.tags.remove(key).is_some(), "tag {key} is not there");
            }
        }
    }
}

#[track_caller]
fn change_payment_of_traffic(
    clb: &mut LoadBalancer,
    charge_type: Option<InternetChargeType>,
    bandwidth: Option<u32>,
) {
    let charge_type = charge_type.unwrap_or(clb.internet_charge_type);
    let changes = charge_type != clb.internet_charge_type;
    clb.bandwidth = match (charge_type, bandwidth) {
        (InternetChargeType::PayByTraffic, _) => BANDWIDTH_BY_TRAFFIC,
        (InternetChargeType::PayByBandwidth, Some(mbps)) => i32::try_from(mbps).unwrap(),
        (InternetChargeType::PayByBandwidth, None) => {
            assert!(
                !changes,
                "InvalidParameter.Bandwidth: none with the new charge type"
            );
            clb.bandwidth
        }
    };
    clb.internet_charge_type = charge_type;
}

/// A CLB with an IPv4 address reaches no IPv6 backend.
#[track_caller]
pub(super) fn check_families(clb: &LoadBalancer, backends: &[Backend]) {
    for backend in backends {
        if let BackendTarget::Interface { address, .. } = &backend.target {
            assert!(
                address.is_ipv4() || clb.ip_version == IpVersion::V6,
                "LBNotSupportIpv6Backend: {backend:?}"
            );
        }
    }
}
