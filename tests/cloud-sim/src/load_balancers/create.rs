//! CreateLoadBalancer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::json;

use super::{BANDWIDTH_BY_TRAFFIC, LoadBalancer, SPEC_BY_CLCU};
use crate::errors::{self, Answer, ApiError};
use crate::input::Input;
use crate::scope::Scope;
use crate::zones;

/// Creates a CLB, or repeats the answer to an earlier use of the same ClientToken.
pub(crate) fn create(scope: &mut Scope<'_>) -> Answer {
    let input = scope.input;
    if let Some(answer) = scope.account.client_tokens.replay(input, scope.now)? {
        return Ok(answer);
    }
    if scope.account.load_balancers.len() >= scope.quotas.load_balancers {
        return Err(errors::OVER_QUOTA.into());
    }
    let (master_zone_id, slave_zone_id) = zones_for(input)?;
    let charge = Charge::of(input)?;
    let network = Network::of(scope)?;
    if network.address_type == "intranet" && charge.internet == "paybybandwidth" {
        return Err(errors::INTERNET_CHARGE_TYPE.into());
    }
    let reason = input.text_or_empty("ModificationProtectionReason").to_owned();
    let status = input.text_or_empty("ModificationProtectionStatus").to_owned();
    if status != "ConsoleProtection" && !reason.is_empty() {
        return Err(errors::PROTECTION_REASON.into());
    }
    let address = network.take_address(scope)?;
    let id = scope.new_id("lb-bp1");
    let name = input
        .filled("LoadBalancerName")
        .map_or_else(|| format!("auto_named_{id}"), str::to_owned);
    let lb = LoadBalancer {
        load_balancer_id: id.clone(),
        address,
        address_ip_version: input.text_or_empty("AddressIPVersion").to_owned(),
        address_type: network.address_type.to_owned(),
        bandwidth: charge.bandwidth,
        create_time: scope.time,
        delete_protection: input.text_or_empty("DeleteProtection").to_owned(),
        instance_charge_type: charge.instance,
        internet_charge_type: charge.internet,
        load_balancer_name: name,
        load_balancer_spec: charge.spec,
        load_balancer_status: "active".to_owned(),
        master_zone_id,
        slave_zone_id,
        modification_protection_reason: reason,
        modification_protection_status: status,
        network_type: if network.vswitch_id.is_empty() {
            "classic"
        } else {
            "vpc"
        }
        .to_owned(),
        pay_type: input.text_or_empty("PayType").to_owned(),
        region_id: input.text_or_empty("RegionId").to_owned(),
        resource_group_id: input.filled("ResourceGroupId").unwrap_or("rg-default").to_owned(),
        vswitch_id: network.vswitch_id,
        vpc_id: network.vpc_id,
        tags: input.new_tags("Tag"),
        owner: scope.owner,
        listeners: Default::default(),
        vgroups: Default::default(),
        backend_vpc: None,
        configuring_until: None,
        switched_off: false,
    };
    let answer = json!({
        "LoadBalancerId": lb.load_balancer_id,
        "LoadBalancerName": lb.load_balancer_name,
        "Address": lb.address,
        "AddressIPVersion": lb.address_ip_version,
        "NetworkType": lb.network_type,
        "VpcId": lb.vpc_id,
        "VSwitchId": lb.vswitch_id,
        "ResourceGroupId": lb.resource_group_id,
        "OrderId": 0,
    });
    scope.account.load_balancers.insert(id.clone(), lb);
    scope.account.client_tokens.remember(input, &answer, scope.now);
    scope.changes = Some(id);
    Ok(answer)
}

/// Primary and secondary zone: as asked for, else the region's first two.
fn zones_for(input: &Input) -> Result<(String, String), ApiError> {
    let known = zones::zones_of(input.text_or_empty("RegionId"));
    let chosen = |name: &str, taken: Option<&String>| match input.filled(name) {
        Some(zone) if known.iter().any(|other| other == zone) => Ok(zone.to_owned()),
        Some(_) => Err(ApiError::from(errors::ZONE_UNAVAILABLE)),
        None => Ok(known
            .iter()
            .find(|zone| Some(*zone) != taken)
            .cloned()
            .unwrap_or_default()),
    };
    let asked_slave = input.filled("SlaveZoneId").map(str::to_owned);
    let master = chosen("MasterZoneId", asked_slave.as_ref())?;
    let slave = chosen("SlaveZoneId", Some(&master))?;
    if master == slave {
        return Err(errors::ZONE_UNAVAILABLE.into());
    }
    Ok((master, slave))
}

/// How the instance is billed.
struct Charge {
    instance: String,
    internet: String,
    spec: String,
    bandwidth: i64,
}

impl Charge {
    fn of(input: &Input) -> Result<Self, ApiError> {
        let instance = input.text_or_empty("InstanceChargeType").to_owned();
        let internet = input.text_or_empty("InternetChargeType").to_owned();
        let by_use = instance == "PayByCLCU";
        if by_use && internet != "paybytraffic" {
            return Err(errors::INTERNET_CHARGE_TYPE.into());
        }
        let spec = match input.filled("LoadBalancerSpec") {
            _ if by_use => SPEC_BY_CLCU,
            Some(spec) => spec,
            None => return Err(errors::SHARED_SPEC_DISCONTINUED.into()),
        };
        let bandwidth = match (internet.as_str(), input.integer("Bandwidth")) {
            ("paybybandwidth", Some(wanted)) if wanted > 0 => wanted,
            ("paybybandwidth", _) => 1,
            _ => BANDWIDTH_BY_TRAFFIC,
        };
        Ok(Charge {
            spec: spec.to_owned(),
            instance,
            internet,
            bandwidth,
        })
    }
}

/// Where the instance's address comes from.
struct Network {
    address_type: &'static str,
    vpc_id: String,
    vswitch_id: String,
}

impl Network {
    fn of(scope: &Scope<'_>) -> Result<Self, ApiError> {
        let input = scope.input;
        let vswitch_id = input.filled("VSwitchId");
        let intranet = match input.filled("AddressType") {
            Some(address_type) => address_type == "intranet",
            None => vswitch_id.is_some(),
        };
        if !intranet {
            if input.filled("Address").is_some() {
                return Err(errors::ADDRESS_INVALID.into());
            }
            return Ok(Network {
                address_type: "internet",
                vpc_id: String::new(),
                vswitch_id: String::new(),
            });
        }
        if input.text("AddressIPVersion") == Some("ipv6") {
            return Err(errors::IPV6_INTRANET.into());
        }
        if let Some(vpc) = input.filled("VpcId")
            && !scope.account.vpcs.contains_key(vpc)
        {
            return Err(errors::VPC_NOT_FOUND.into());
        }
        let Some(vswitch_id) = vswitch_id else {
            return Err(errors::VSWITCH_MISSING.into());
        };
        let vswitch = scope.account.vswitches.get(vswitch_id);
        let Some(vswitch) = vswitch.filter(|vswitch| {
            vswitch.region_id == input.text_or_empty("RegionId")
                && input.filled("VpcId").is_none_or(|vpc| vswitch.vpc_id == vpc)
        }) else {
            return Err(errors::VSWITCH_NOT_FOUND.into());
        };
        Ok(Network {
            address_type: "intranet",
            vpc_id: vswitch.vpc_id.clone(),
            vswitch_id: vswitch_id.to_owned(),
        })
    }

    fn take_address(&self, scope: &mut Scope<'_>) -> Result<String, ApiError> {
        if self.address_type == "internet" {
            scope.account.addresses_given += 1;
            let ipv6 = scope.input.text("AddressIPVersion") == Some("ipv6");
            return Ok(internet_address(scope.account.addresses_given, ipv6));
        }
        let wanted = match scope.input.filled("Address") {
            Some(text) => Some(
                text.parse()
                    .map_err(|_| ApiError::from(errors::ADDRESS_INVALID))?,
            ),
            None => None,
        };
        if let Some(wanted) = wanted {
            let interfaces = &scope.account.network_interfaces;
            let holders = interfaces.with_addresses(&[IpAddr::V4(wanted)]);
            if holders.iter().any(|holder| holder.vswitch_id == self.vswitch_id) {
                return Err(errors::ADDRESS_TAKEN.into());
            }
        }
        let vswitch = scope.account.vswitches.get_mut(&self.vswitch_id);
        let vswitch = vswitch.ok_or_else(|| ApiError::from(errors::VSWITCH_NOT_FOUND))?;
        Ok(vswitch.take(wanted)?.to_string())
    }
}

/// The `number`th address of the simulated internet: 47.96.0.0/12 or 2408:4005:1000::/48.
fn internet_address(number: u32, ipv6: bool) -> String {
    if ipv6 {
        let base = u128::from(Ipv6Addr::new(0x2408, 0x4005, 0x1000, 0, 0, 0, 0, 0));
        IpAddr::from(Ipv6Addr::from(base + u128::from(number))).to_string()
    } else {
        let base = u32::from(Ipv4Addr::new(47, 96, 0, 0));
        // The last number of an address that people see is neither 0 nor 255.
        IpAddr::from(Ipv4Addr::from(base + number / 254 * 256 + number % 254 + 1)).to_string()
    }
}
