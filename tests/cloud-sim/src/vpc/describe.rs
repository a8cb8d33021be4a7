//! DescribeVpcs, DescribeVSwitches, DescribeEipAddresses.

use serde_json::{Value, json};

use crate::account::Tags;
use crate::errors::Answer;
use crate::scope::Scope;

/// DescribeVpcs.
pub(crate) fn describe_vpcs(scope: &mut Scope<'_>) -> Answer {
    let ids = scope.input.comma_list("VpcId");
    let name = scope.input.filled("VpcName");
    let group = scope.input.filled("ResourceGroupId");
    let region = scope.input.text_or_empty("RegionId");
    let found = scope.account.vpcs.values().filter(|vpc| {
        vpc.region_id == region
            && (ids.is_empty() || ids.contains(&vpc.vpc_id.as_str()))
            && name.is_none_or(|wanted| wanted == vpc.vpc_name)
            && group.is_none_or(|wanted| wanted == vpc.resource_group_id)
    });
    let rows = found.map(|vpc| {
        let inside = scope
            .account
            .vswitches
            .values()
            .filter(|vswitch| vswitch.vpc_id == vpc.vpc_id);
        let vswitches: Vec<&str> = inside.map(|vswitch| vswitch.vswitch_id.as_str()).collect();
        let secondary: Vec<String> = vpc
            .secondary_cidr_blocks
            .iter()
            .map(ToString::to_string)
            .collect();
        json!({
            "VpcId": vpc.vpc_id,
            "VpcName": vpc.vpc_name,
            "RegionId": vpc.region_id,
            "CidrBlock": vpc.cidr_block.to_string(),
            "SecondaryCidrBlocks": { "SecondaryCidrBlock": secondary },
            "UserCidrs": { "UserCidr": [] },
            "VSwitchIds": { "VSwitchId": vswitches },
            "Status": "Available",
            "IsDefault": false,
            "ResourceGroupId": vpc.resource_group_id,
            "Tags": { "Tag": key_value(&vpc.tags) },
        })
    });
    Ok(page(scope, "Vpcs", "Vpc", rows.collect()))
}

/// DescribeVSwitches.
pub(crate) fn describe_vswitches(scope: &mut Scope<'_>) -> Answer {
    let ids = scope.input.comma_list("VSwitchId");
    let filters = ["VpcId", "ZoneId", "VSwitchName", "ResourceGroupId", "RegionId"];
    let found = scope.account.vswitches.values().filter(|vswitch| {
        let values = [
            &vswitch.vpc_id,
            &vswitch.zone_id,
            &vswitch.vswitch_name,
            &vswitch.resource_group_id,
            &vswitch.region_id,
        ];
        (ids.is_empty() || ids.contains(&vswitch.vswitch_id.as_str()))
            && filters
                .iter()
                .zip(values)
                .all(|(name, value)| scope.input.filled(name).is_none_or(|wanted| wanted == value))
    });
    let rows = found.map(|vswitch| {
        json!({
            "VSwitchId": vswitch.vswitch_id,
            "VSwitchName": vswitch.vswitch_name,
            "VpcId": vswitch.vpc_id,
            "ZoneId": vswitch.zone_id,
            "CidrBlock": vswitch.cidr_block.to_string(),
            "AvailableIpAddressCount": vswitch.available_ip_address_count,
            "Status": "Available",
            "IsDefault": false,
            "ResourceGroupId": vswitch.resource_group_id,
            "Tags": { "Tag": key_value(&vswitch.tags) },
        })
    });
    Ok(page(scope, "VSwitches", "VSwitch", rows.collect()))
}

/// DescribeEipAddresses.
pub(crate) fn describe_eip_addresses(scope: &mut Scope<'_>) -> Answer {
    let ids = scope.input.comma_list("AllocationId");
    let addresses = scope.input.comma_list("EipAddress");
    let instance = scope.input.filled("AssociatedInstanceId");
    let kind = scope.input.filled("AssociatedInstanceType");
    let group = scope.input.filled("ResourceGroupId");
    let status = scope.input.filled("Status");
    let region = scope.input.text_or_empty("RegionId");
    let found = scope.account.eips.values().filter(|eip| {
        eip.region_id == region
            && (ids.is_empty() || ids.contains(&eip.allocation_id.as_str()))
            && (addresses.is_empty() || addresses.contains(&eip.ip_address.as_str()))
            && instance.is_none_or(|wanted| wanted == eip.instance_id)
            && kind.is_none_or(|wanted| wanted == eip.instance_type)
            && group.is_none_or(|wanted| wanted == eip.resource_group_id)
            && status.is_none_or(|wanted| wanted == eip_status(&eip.instance_id))
    });
    let rows = found.map(|eip| {
        json!({
            "AllocationId": eip.allocation_id,
            "IpAddress": eip.ip_address,
            "RegionId": eip.region_id,
            "InstanceId": eip.instance_id,
            "InstanceType": eip.instance_type,
            "InstanceRegionId": if eip.instance_id.is_empty() { "" } else { &eip.region_id },
            "Name": eip.name,
            "Status": eip_status(&eip.instance_id),
            "Bandwidth": "5",
            "InternetChargeType": "PayByTraffic",
            "ChargeType": "PostPaid",
            "ResourceGroupId": eip.resource_group_id,
            "Tags": { "Tag": key_value(&eip.tags) },
        })
    });
    Ok(page(scope, "EipAddresses", "EipAddress", rows.collect()))
}

fn eip_status(instance: &str) -> &'static str {
    if instance.is_empty() { "Available" } else { "InUse" }
}

/// VPC writes tags as Key and Value where SLB writes TagKey and TagValue.
fn key_value(tags: &Tags) -> Vec<Value> {
    tags.iter()
        .map(|(key, value)| json!({ "Key": key, "Value": value }))
        .collect()
}

fn page(scope: &Scope<'_>, list: &str, item: &str, rows: Vec<Value>) -> Value {
    let (number, size) = (
        scope.input.number("PageNumber").max(1),
        scope.input.number("PageSize"),
    );
    let total = rows.len();
    let shown: Vec<Value> = rows.into_iter().skip((number - 1) * size).take(size).collect();
    json!({ list: { item: shown }, "PageNumber": number, "PageSize": size, "TotalCount": total })
}
