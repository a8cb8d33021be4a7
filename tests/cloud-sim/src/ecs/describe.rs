//! DescribeInstances and DescribeNetworkInterfaces, which answer with 10 rows unless asked for more.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::{Instance, NetworkInterface};
use crate::errors::{self, Answer, ApiError};
use crate::scope::Scope;
use crate::tags;

/// Rows of a call that names no size.
const DEFAULT_ROWS: usize = 10;
/// Most ids in `InstanceIds`.
const MOST_IDS: usize = 100;

/// DescribeInstances.
pub(crate) fn describe_instances(scope: &mut Scope<'_>) -> Answer {
    let input = scope.input;
    let ids = json_list(scope, "InstanceIds")?;
    let addresses = json_list(scope, "PrivateIpAddresses")?;
    let wanted_tags = input.tags("Tag");
    let region = input.text_or_empty("RegionId");
    let filters = ["VpcId", "VSwitchId", "ZoneId", "Status", "InstanceName"];
    let matches = |one: &&Instance| {
        let values = [
            &one.vpc_id,
            &one.vswitch_id,
            &one.zone_id,
            &one.status,
            &one.instance_name,
        ];
        !one.is_container
            && one.region_id == region
            && filters
                .iter()
                .zip(values)
                .all(|(name, value)| input.filled(name).is_none_or(|wanted| wanted == value))
            && addresses
                .as_ref()
                .is_none_or(|wanted| one.private_ips.iter().any(|ip| wanted.contains(&ip.to_string())))
            && tags::match_all(&wanted_tags, &one.tags)
    };
    let instances = &scope.account.instances;
    let found: Vec<&Instance> = match &ids {
        Some(ids) => ids
            .iter()
            .filter_map(|id| instances.get(id))
            .filter(matches)
            .collect(),
        None => instances.values().filter(matches).collect(),
    };
    let (rows, mut body) = page(scope, &found)?;
    let rows: Vec<Value> = rows.iter().map(|instance| instance_row(instance)).collect();
    body["Instances"] = json!({ "Instance": rows });
    Ok(body)
}

fn instance_row(instance: &Instance) -> Value {
    let primary = instance
        .private_ips
        .first()
        .map(ToString::to_string)
        .unwrap_or_default();
    let sets: Vec<Value> = instance
        .private_ips
        .iter()
        .enumerate()
        .map(|(at, ip)| json!({ "PrivateIpAddress": ip.to_string(), "Primary": at == 0 }))
        .collect();
    json!({
        "InstanceId": instance.instance_id,
        "InstanceName": instance.instance_name,
        "HostName": instance.instance_name,
        "Status": instance.status,
        "RegionId": instance.region_id,
        "ZoneId": instance.zone_id,
        "InstanceNetworkType": "vpc",
        "InstanceType": "ecs.g7.xlarge",
        "VpcAttributes": {
            "VpcId": instance.vpc_id,
            "VSwitchId": instance.vswitch_id,
            "NatIpAddress": "",
            "PrivateIpAddress": { "IpAddress": [primary] },
        },
        "NetworkInterfaces": { "NetworkInterface": [{
            "NetworkInterfaceId": format!("eni-{}", instance.instance_id.trim_start_matches("i-")),
            "PrimaryIpAddress": primary,
            "Type": "Primary",
            "PrivateIpSets": { "PrivateIpSet": sets },
        }] },
        "InnerIpAddress": { "IpAddress": [] },
        "PublicIpAddress": { "IpAddress": [] },
        "Tags": { "Tag": tags::rendered(&instance.tags) },
    })
}

/// DescribeNetworkInterfaces. Several addresses mean any of them; they repeat across VPCs.
pub(crate) fn describe_network_interfaces(scope: &mut Scope<'_>) -> Answer {
    let input = scope.input;
    let parse = |name: &str| -> Result<Vec<IpAddr>, ApiError> {
        input
            .list(name)
            .iter()
            .map(|text| text.parse().map_err(|_| errors::invalid_parameter(name)))
            .collect()
    };
    let mut addresses = parse("PrivateIpAddress")?;
    addresses.extend(parse("Ipv6Address")?);
    let ids = input.list("NetworkInterfaceId");
    let wanted_tags = input.tags("Tag");
    let region = input.text_or_empty("RegionId");
    let filters = ["VpcId", "VSwitchId", "InstanceId", "Type", "Status"];
    let matches = |one: &&NetworkInterface| {
        let values = [
            &one.vpc_id,
            &one.vswitch_id,
            &one.instance_id,
            &one.kind,
            &one.status,
        ];
        one.region_id == region
            && (ids.is_empty() || ids.contains(&one.network_interface_id))
            && filters
                .iter()
                .zip(values)
                .all(|(name, value)| input.filled(name).is_none_or(|wanted| wanted == value))
            && tags::match_all(&wanted_tags, &one.tags)
    };
    let interfaces = &scope.account.network_interfaces;
    let found: Vec<&NetworkInterface> = if addresses.is_empty() {
        interfaces.values().filter(matches).collect()
    } else {
        interfaces
            .with_addresses(&addresses)
            .into_iter()
            .filter(matches)
            .collect()
    };
    let (rows, mut body) = page(scope, &found)?;
    let rows: Vec<Value> = rows.iter().map(|interface| interface_row(interface)).collect();
    body["NetworkInterfaceSets"] = json!({ "NetworkInterfaceSet": rows });
    Ok(body)
}

fn interface_row(interface: &NetworkInterface) -> Value {
    let v4: Vec<Value> = interface
        .private_ips
        .iter()
        .enumerate()
        .map(|(at, ip)| json!({ "PrivateIpAddress": ip.to_string(), "Primary": at == 0 }))
        .collect();
    let v6: Vec<Value> = interface
        .ipv6_addresses
        .iter()
        .map(|ip| json!({ "Ipv6Address": ip.to_string() }))
        .collect();
    json!({
        "NetworkInterfaceId": interface.network_interface_id,
        "InstanceId": interface.instance_id,
        "Status": interface.status,
        "Type": interface.kind,
        "VpcId": interface.vpc_id,
        "VSwitchId": interface.vswitch_id,
        "ZoneId": interface.zone_id,
        "PrivateIpAddress": interface.private_ips.first().map(ToString::to_string).unwrap_or_default(),
        "PrivateIpSets": { "PrivateIpSet": v4 },
        "Ipv6Sets": { "Ipv6Set": v6 },
        "Tags": { "Tag": tags::rendered(&interface.tags) },
    })
}

fn json_list(scope: &Scope<'_>, name: &str) -> Result<Option<Vec<String>>, ApiError> {
    let Some(text) = scope.input.filled(name) else {
        return Ok(None);
    };
    let list: Vec<String> = serde_json::from_str(text).map_err(|_| errors::invalid_parameter(name))?;
    if list.len() > MOST_IDS {
        return Err(errors::invalid_parameter(name));
    }
    Ok(Some(list))
}

/// The rows to show, and the fields that say so: by MaxResults and NextToken, or by PageNumber and PageSize.
fn page<'a, T>(scope: &Scope<'_>, found: &'a [T]) -> Result<(&'a [T], Value), ApiError> {
    let input = scope.input;
    if input.filled("MaxResults").is_some() || input.filled("NextToken").is_some() {
        let size = if input.filled("MaxResults").is_some() {
            input.number("MaxResults")
        } else {
            DEFAULT_ROWS
        };
        let start: usize = match input.filled("NextToken") {
            None => 0,
            Some(token) => token
                .parse()
                .map_err(|_| errors::invalid_parameter("NextToken"))?,
        };
        let start = start.min(found.len());
        let end = (start + size).min(found.len());
        let next = if end < found.len() {
            end.to_string()
        } else {
            String::new()
        };
        return Ok((
            &found[start..end],
            json!({ "NextToken": next, "TotalCount": found.len() }),
        ));
    }
    let number = input.number("PageNumber").max(1);
    let size = if input.filled("PageSize").is_some() {
        input.number("PageSize")
    } else {
        DEFAULT_ROWS
    };
    let start = ((number - 1) * size).min(found.len());
    let end = (start + size).min(found.len());
    let body = json!({ "PageNumber": number, "PageSize": size, "TotalCount": found.len(), "NextToken": "" });
    Ok((&found[start..end], body))
}
