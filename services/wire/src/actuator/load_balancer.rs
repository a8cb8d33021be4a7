//! `LoadBalancer`, as the mirror holds it.

use std::collections::BTreeMap;

use clb_model::cloud::{AccessList, LoadBalancer, VServerGroup};
use clb_model::{LoadBalancerId, VServerGroupId};
use clb_proto::actuator::v1;
use ipnet::IpNet;

use super::backend::{backends_from_proto, backends_to_proto, required_version, version_to_proto};
use super::listener::{listener_from_proto, listener_to_proto};
use crate::WireError;
use crate::field::{Reader, non_empty};

const LOAD_BALANCER: Reader = Reader("LoadBalancer");
const ACCESS_LIST: Reader = Reader("AccessList");
const VSERVER_GROUP: Reader = Reader("VServerGroup");

/// For the actuator.
#[must_use]
pub fn load_balancer_to_proto(load_balancer: &LoadBalancer) -> v1::LoadBalancer {
    v1::LoadBalancer {
        id: load_balancer.id.to_string(),
        version: Some(version_to_proto(load_balancer.version)),
        name: load_balancer.name.clone(),
        address: load_balancer.address.clone(),
        address_type: load_balancer.address_type.to_string(),
        ip_version: load_balancer.ip_version.to_string(),
        status: load_balancer.status.clone(),
        spec: load_balancer.spec.clone(),
        instance_charge_type: load_balancer.instance_charge_type.to_string(),
        internet_charge_type: load_balancer.internet_charge_type.to_string(),
        bandwidth: load_balancer.bandwidth,
        delete_protection: load_balancer.delete_protection,
        modification_protection: load_balancer.modification_protection,
        resource_group_id: load_balancer.resource_group_id.clone(),
        vpc_id: load_balancer.vpc_id.clone(),
        vswitch_id: load_balancer.vswitch_id.clone(),
        master_zone_id: load_balancer.master_zone_id.clone(),
        slave_zone_id: load_balancer.slave_zone_id.clone(),
        tags: load_balancer.tags.clone(),
        listeners: load_balancer
            .listeners
            .iter()
            .map(|(key, listener)| listener_to_proto(*key, listener))
            .collect(),
        vgroups: load_balancer
            .vgroups
            .iter()
            .map(|(id, vgroup)| vgroup_to_proto(id, vgroup))
            .collect(),
        eip_address: load_balancer.eip_address.clone().unwrap_or_default(),
        access_lists: load_balancer
            .access_lists
            .iter()
            .map(|(id, list)| v1::AccessList {
                id: id.clone(),
                version: Some(version_to_proto(list.version)),
                name: list.name.clone(),
                entries: list.entries.iter().map(ToString::to_string).collect(),
            })
            .collect(),
    }
}

/// For the planner. Attributes of listeners whose names it does not know are left out: a newer actuator may report more.
///
/// # Errors
/// A value that is none of its kind, a part without a version, two parts of one name.
pub fn load_balancer_from_proto(message: v1::LoadBalancer) -> Result<LoadBalancer, WireError> {
    let mut listeners = BTreeMap::new();
    for listener in message.listeners {
        let (key, listener) = listener_from_proto(listener)?;
        if listeners.insert(key, listener).is_some() {
            return Err(LOAD_BALANCER.invalid("listeners", key, "one listener per port and protocol"));
        }
    }
    let mut vgroups = BTreeMap::new();
    for vgroup in message.vgroups {
        let (id, vgroup) = vgroup_from_proto(vgroup)?;
        if vgroups.insert(id.clone(), vgroup).is_some() {
            return Err(LOAD_BALANCER.invalid("vgroups", id, "one group per id"));
        }
    }
    let mut access_lists = BTreeMap::new();
    for list in message.access_lists {
        let (id, list) = access_list_from_proto(list)?;
        if access_lists.insert(id.clone(), list).is_some() {
            return Err(LOAD_BALANCER.invalid("access_lists", id, "one list per id"));
        }
    }
    Ok(LoadBalancer {
        id: LOAD_BALANCER.text::<LoadBalancerId>("id", &message.id)?,
        version: required_version(LOAD_BALANCER, message.version)?,
        name: message.name,
        address: message.address,
        address_type: LOAD_BALANCER.text("address_type", &message.address_type)?,
        ip_version: LOAD_BALANCER.text("ip_version", &message.ip_version)?,
        status: message.status,
        spec: message.spec,
        instance_charge_type: LOAD_BALANCER.text("instance_charge_type", &message.instance_charge_type)?,
        internet_charge_type: LOAD_BALANCER.text("internet_charge_type", &message.internet_charge_type)?,
        bandwidth: message.bandwidth,
        delete_protection: message.delete_protection,
        modification_protection: message.modification_protection,
        resource_group_id: message.resource_group_id,
        vpc_id: message.vpc_id,
        vswitch_id: message.vswitch_id,
        master_zone_id: message.master_zone_id,
        slave_zone_id: message.slave_zone_id,
        tags: message.tags,
        eip_address: non_empty(message.eip_address),
        listeners,
        vgroups,
        access_lists,
    })
}

fn access_list_from_proto(message: v1::AccessList) -> Result<(String, AccessList), WireError> {
    let list = AccessList {
        version: required_version(ACCESS_LIST, message.version)?,
        name: message.name,
        entries: ranges_from_proto(ACCESS_LIST, &message.entries)?,
    };
    Ok((message.id, list))
}

/// Ranges in CIDR notation.
pub(super) fn ranges_from_proto<C: FromIterator<IpNet>>(
    reader: Reader,
    ranges: &[String],
) -> Result<C, WireError> {
    ranges
        .iter()
        .map(|range| {
            range
                .parse()
                .map_err(|_| reader.invalid("entries", range, "an address range in CIDR notation"))
        })
        .collect()
}

fn vgroup_to_proto(id: &VServerGroupId, vgroup: &VServerGroup) -> v1::VServerGroup {
    v1::VServerGroup {
        id: id.to_string(),
        name: vgroup.name.clone(),
        version: Some(version_to_proto(vgroup.version)),
        backends: backends_to_proto(&vgroup.backends),
    }
}

fn vgroup_from_proto(message: v1::VServerGroup) -> Result<(VServerGroupId, VServerGroup), WireError> {
    let id = VSERVER_GROUP.text("id", &message.id)?;
    let vgroup = VServerGroup {
        version: required_version(VSERVER_GROUP, message.version)?,
        name: message.name,
        backends: backends_from_proto(message.backends)?,
    };
    Ok((id, vgroup))
}
