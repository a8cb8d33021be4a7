//! DescribeLoadBalancers and DescribeLoadBalancerAttribute, which show the same things differently.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::LoadBalancer;
use crate::errors::{self, Answer};
use crate::scope::Scope;
use crate::tags;

/// Rows of a call that asks for no page.
const DEFAULT_PAGE_SIZE: usize = 10;
/// Most ids, names or tags in a filter.
const MOST_IN_A_FILTER: usize = 10;

/// A text of a load balancer.
type Field = fn(&LoadBalancer) -> &str;

/// DescribeLoadBalancers: one page, filtered. Several tags in `Tags` mean any of them; several `Tag.N` all.
pub(crate) fn describe_many(scope: &mut Scope<'_>) -> Answer {
    let input = scope.input;
    let ids = input.comma_list("LoadBalancerId");
    let names = input.comma_list("LoadBalancerName");
    if ids.len() > MOST_IN_A_FILTER || names.len() > MOST_IN_A_FILTER {
        return Err(errors::INVALID_PARAMETER.into());
    }
    let any_of = input
        .filled("Tags")
        .map(tags::parse_filter)
        .transpose()?
        .unwrap_or_default();
    if any_of.len() > MOST_IN_A_FILTER {
        return Err(errors::INVALID_TAG.into());
    }
    let all_of = input.tags("Tag");
    // PageSize counts only beside PageNumber.
    let page = input
        .integer("PageNumber")
        .map_or(1, |_| input.number("PageNumber"));
    let size = match (input.integer("PageNumber"), input.integer("PageSize")) {
        (Some(_), Some(_)) => input.number("PageSize"),
        _ => DEFAULT_PAGE_SIZE,
    };
    let by_value = [
        ("Address", (|lb| &lb.address) as Field),
        ("AddressIPVersion", |lb| &lb.address_ip_version),
        ("AddressType", |lb| &lb.address_type),
        ("InternetChargeType", |lb| &lb.internet_charge_type),
        ("LoadBalancerStatus", |lb| &lb.load_balancer_status),
        ("MasterZoneId", |lb| &lb.master_zone_id),
        ("SlaveZoneId", |lb| &lb.slave_zone_id),
        ("PayType", |lb| &lb.pay_type),
        ("RegionId", |lb| &lb.region_id),
        ("ResourceGroupId", |lb| &lb.resource_group_id),
        ("VpcId", |lb| &lb.vpc_id),
        ("VSwitchId", |lb| &lb.vswitch_id),
    ];
    // Looked up once: an account has thousands of load balancers, and each call scans them.
    let wanted: Vec<(Field, &str)> = by_value
        .into_iter()
        .filter_map(|(name, value)| Some((value, input.filled(name)?)))
        .collect();
    let network = input.filled("NetworkType").map(str::to_lowercase);
    let server = input.filled("ServerId");
    let server_address = input.filled("ServerIntranetAddress");
    let matches = |lb: &&LoadBalancer| {
        (ids.is_empty() || ids.contains(&lb.load_balancer_id.as_str()))
            && (names.is_empty() || names.contains(&lb.load_balancer_name.as_str()))
            && wanted.iter().all(|(value, wanted)| value(lb) == *wanted)
            && network.as_ref().is_none_or(|wanted| *wanted == lb.network_type)
            && (any_of.is_empty() || any_of.iter().any(|tag| tag.is_on(&lb.tags)))
            && tags::match_all(&all_of, &lb.tags)
            && server.is_none_or(|id| has_backend(scope, lb, |server, _| server == id))
            && server_address.is_none_or(|ip| has_backend(scope, lb, |_, address| address == ip))
    };
    let found: Vec<&LoadBalancer> = scope.account.load_balancers.values().filter(matches).collect();
    let rows: Vec<Value> = found
        .iter()
        .skip((page - 1) * size)
        .take(size)
        .map(|lb| in_list(lb))
        .collect();
    Ok(json!({
        "LoadBalancers": { "LoadBalancer": rows },
        "PageNumber": page,
        "PageSize": size,
        "TotalCount": found.len(),
    }))
}

/// Whether `test` holds for the server id and the address of a backend.
fn has_backend(scope: &Scope<'_>, lb: &LoadBalancer, test: impl Fn(&str, &str) -> bool) -> bool {
    let groups = lb.vgroups.iter().filter_map(|id| scope.account.vgroups.get(id));
    groups.flat_map(|group| &group.servers).any(|backend| {
        let instance = scope.account.instances.get(&backend.server_id);
        let own = instance
            .and_then(|instance| instance.private_ips.first())
            .map(ToString::to_string);
        test(&backend.server_id, own.as_deref().unwrap_or(&backend.server_ip))
    })
}

/// A row of DescribeLoadBalancers: the charge type is a number, times end with the minute.
fn in_list(lb: &LoadBalancer) -> Value {
    let mut row = common(lb);
    row["CreateTime"] = json!(minutes(lb.create_time));
    row["InternetChargeType"] = json!(if lb.internet_charge_type == "paybybandwidth" {
        "3"
    } else {
        "4"
    });
    row["InternetChargeTypeAlias"] = json!(lb.internet_charge_type);
    row
}

/// DescribeLoadBalancerAttribute.
pub(crate) fn describe_one(scope: &mut Scope<'_>) -> Answer {
    let lb = scope.load_balancer()?;
    let ports: Vec<u16> = lb.listeners.keys().map(|key| key.port).collect();
    let misspelt: Vec<Value> = lb
        .listeners
        .keys()
        .map(|key| json!({ "ListenerPort": key.port, "ListenerProtocal": key.protocol.name() }))
        .collect();
    let protocols: Vec<Value> = lb
        .listeners
        .iter()
        .map(|(key, listener)| {
            let mut row = json!({
                "ListenerPort": key.port,
                "ListenerProtocol": key.protocol.name(),
                "Description": listener.text("Description"),
            });
            if listener.forwards() {
                row["ListenerForward"] = json!("on");
                row["ForwardPort"] = json!(listener.integer("ForwardPort"));
            }
            row
        })
        .collect();
    let mut body = common(lb);
    body["CreateTime"] = json!(seconds(lb.create_time));
    body["InternetChargeType"] = json!(lb.internet_charge_type);
    body["EndTime"] = json!("2999-09-08T16:00:00Z");
    body["EndTimeStamp"] = json!(32_493_801_600_000_i64);
    body["BackendServers"] = json!({ "BackendServer": [] });
    body["ListenerPorts"] = json!({ "ListenerPort": ports });
    body["ListenerPortsAndProtocal"] = json!({ "ListenerPortAndProtocal": misspelt });
    body["ListenerPortsAndProtocol"] = json!({ "ListenerPortAndProtocol": protocols });
    Ok(body)
}

fn common(lb: &LoadBalancer) -> Value {
    json!({
        "LoadBalancerId": lb.load_balancer_id,
        "LoadBalancerName": lb.load_balancer_name,
        "LoadBalancerStatus": lb.load_balancer_status,
        "LoadBalancerSpec": lb.load_balancer_spec,
        "Address": lb.address,
        "AddressIPVersion": lb.address_ip_version,
        "AddressType": lb.address_type,
        "Bandwidth": lb.bandwidth,
        "CreateTimeStamp": lb.create_time.as_millisecond(),
        "DeleteProtection": lb.delete_protection,
        "InstanceChargeType": lb.instance_charge_type,
        "MasterZoneId": lb.master_zone_id,
        "SlaveZoneId": lb.slave_zone_id,
        "ModificationProtectionReason": lb.modification_protection_reason,
        "ModificationProtectionStatus": lb.modification_protection_status,
        "NetworkType": lb.network_type,
        "PayType": lb.pay_type,
        "RegionId": lb.region_id,
        "RegionIdAlias": lb.region_id,
        "ResourceGroupId": lb.resource_group_id,
        "VSwitchId": lb.vswitch_id,
        "VpcId": lb.vpc_id,
        "Tags": { "Tag": tags::rendered(&lb.tags) },
    })
}

fn minutes(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%MZ").to_string()
}

fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
