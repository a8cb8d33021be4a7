//! Describing listeners: one with its wrapped lists, or many with their plain ones.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::set::find;
use super::{Key, Listener, Protocol};
use crate::errors::{self, Answer, ApiError};
use crate::load_balancers::LoadBalancer;
use crate::scope::Scope;
use crate::tags;

/// Attributes that stand beside the protocol's own object in DescribeLoadBalancerListeners.
const COMMON: &[&str] = &[
    "AclId",
    "AclStatus",
    "AclType",
    "BackendServerPort",
    "Bandwidth",
    "Description",
    "Scheduler",
    "VServerGroupId",
];
/// Attributes that only DescribeLoadBalancerListeners shows.
const LIST_ONLY: &[&str] = &["HealthCheckHttpVersion"];
/// The same for UDP: no client reads how it drains from the single answer.
const LIST_ONLY_OF_UDP: &[&str] = &["ConnectionDrain", "ConnectionDrainTimeout"];
/// Attributes that only Describe…ListenerAttribute shows.
const SINGLE_ONLY: &[&str] = &["SynProxy"];
/// All that a redirecting listener shows.
const OF_A_FORWARD: &[&str] = &["Description", "ListenerForward", "ForwardPort"];

/// DescribeLoadBalancerTCPListenerAttribute.
pub(crate) fn describe_tcp(scope: &mut Scope<'_>) -> Answer {
    describe(scope, Protocol::Tcp)
}

/// DescribeLoadBalancerUDPListenerAttribute.
pub(crate) fn describe_udp(scope: &mut Scope<'_>) -> Answer {
    describe(scope, Protocol::Udp)
}

/// DescribeLoadBalancerHTTPListenerAttribute.
pub(crate) fn describe_http(scope: &mut Scope<'_>) -> Answer {
    describe(scope, Protocol::Http)
}

/// DescribeLoadBalancerHTTPSListenerAttribute.
pub(crate) fn describe_https(scope: &mut Scope<'_>) -> Answer {
    describe(scope, Protocol::Https)
}

fn describe(scope: &Scope<'_>, protocol: Protocol) -> Answer {
    let lb = scope.load_balancer()?;
    let (key, listener) = find(lb, scope.input, protocol)?;
    let mut body = Map::new();
    body.insert("LoadBalancerId".to_owned(), json!(lb.load_balancer_id));
    body.insert("ListenerPort".to_owned(), json!(key.port));
    body.insert("Status".to_owned(), json!(listener.status()));
    if listener.forwards() {
        body.extend(picked(listener, |name| OF_A_FORWARD.contains(&name)));
        return Ok(Value::Object(body));
    }
    let hidden = if protocol == Protocol::Udp {
        LIST_ONLY_OF_UDP
    } else {
        LIST_ONLY
    };
    body.extend(picked(listener, |name| !hidden.contains(&name)));
    let acls: Vec<&str> = listener.acl_ids().collect();
    body.insert("AclIds".to_owned(), json!({ "AclId": acls }));
    body.insert(
        "Tags".to_owned(),
        json!({ "Tag": tags::rendered(&listener.tags) }),
    );
    match protocol {
        Protocol::Https => {
            body.insert("SecurityStatus".to_owned(), json!("safe"));
            body.insert("Rules".to_owned(), json!({ "Rule": [] }));
            body.insert(
                "DomainExtensions".to_owned(),
                json!({ "DomainExtension": listener.domain_extensions }),
            );
        }
        Protocol::Http => {
            body.insert("SecurityStatus".to_owned(), json!("safe"));
            body.insert("Rules".to_owned(), json!({ "Rule": [] }));
        }
        Protocol::Tcp | Protocol::Udp => {}
    }
    Ok(Value::Object(body))
}

/// DescribeLoadBalancerListeners: those of the load balancers named by `LoadBalancerId.N`, or of all.
pub(crate) fn describe_many(scope: &mut Scope<'_>) -> Answer {
    let input = scope.input;
    let size = input.number("MaxResults");
    let after = input.filled("NextToken").map(parse_token).transpose()?;
    let port = input.integer("ListenerPort");
    let protocol = input.filled("ListenerProtocol").and_then(Protocol::named);
    let description = input.filled("Description");
    let wanted_tags = input.tags("Tag");
    let region = input.filled("RegionId");
    let ids = input.list("LoadBalancerId");
    let in_region = |lb: &&LoadBalancer| region.is_none_or(|region| lb.region_id == region);
    let chosen: Vec<&LoadBalancer> = if ids.is_empty() {
        scope.account.load_balancers.values().filter(in_region).collect()
    } else {
        let named: BTreeSet<&String> = ids.iter().collect();
        named
            .into_iter()
            .filter_map(|id| scope.account.load_balancers.get(id))
            .filter(in_region)
            .collect()
    };
    let listeners = chosen
        .iter()
        .flat_map(|lb| lb.listeners.iter().map(|(key, one)| (*lb, key, one)));
    let found: Vec<(&LoadBalancer, &Key, &Listener)> = listeners
        .filter(|(_, key, listener)| {
            port.is_none_or(|port| port == i64::from(key.port))
                && protocol.is_none_or(|protocol| protocol == key.protocol)
                && description.is_none_or(|text| listener.text("Description").contains(text))
                && tags::match_all(&wanted_tags, &listener.tags)
        })
        .collect();
    let start = after.map_or(0, |(lb_id, after)| {
        found.partition_point(|(lb, key, _)| (&lb.load_balancer_id, **key) <= (&lb_id, after))
    });
    let rows: Vec<Value> = found
        .iter()
        .skip(start)
        .take(size)
        .map(|(lb, key, one)| in_list(lb, key, one))
        .collect();
    let mut body = json!({ "MaxResults": size, "TotalCount": found.len() });
    if let Some((lb, key, _)) = found.get(start + size - 1).filter(|_| found.len() > start + size) {
        body["NextToken"] = json!(format!(
            "{}|{}|{}",
            lb.load_balancer_id,
            key.port,
            key.protocol.name()
        ));
    }
    if !rows.is_empty() {
        body["Listeners"] = Value::Array(rows);
    }
    Ok(body)
}

fn parse_token(token: &str) -> Result<(String, Key), ApiError> {
    let mut parts = token.split('|');
    let parsed = (|| {
        let lb = parts.next()?.to_owned();
        let port = parts.next()?.parse().ok()?;
        let protocol = Protocol::named(parts.next()?)?;
        Some((lb, Key { port, protocol }))
    })();
    parsed.ok_or_else(|| errors::LISTENERS_NEXT_TOKEN.into())
}

fn in_list(lb: &LoadBalancer, key: &Key, listener: &Listener) -> Value {
    let mut row = Map::new();
    row.insert("LoadBalancerId".to_owned(), json!(lb.load_balancer_id));
    row.insert("ListenerPort".to_owned(), json!(key.port));
    row.insert("ListenerProtocol".to_owned(), json!(key.protocol.name()));
    row.insert("Status".to_owned(), json!(listener.status()));
    let config: Map<String, Value> = if listener.forwards() {
        row.insert("Description".to_owned(), json!(listener.text("Description")));
        picked(listener, |name| {
            name != "Description" && OF_A_FORWARD.contains(&name)
        })
        .collect()
    } else {
        let acls: Vec<&str> = listener.acl_ids().collect();
        row.extend(picked(listener, |name| COMMON.contains(&name)));
        row.insert("AclIds".to_owned(), json!(acls));
        let own = picked(listener, |name| {
            !COMMON.contains(&name) && !SINGLE_ONLY.contains(&name)
        });
        own.map(|(name, value)| (name, text_if_boolean(value))).collect()
    };
    row.insert("Tags".to_owned(), json!(tags::rendered(&listener.tags)));
    row.insert(key.protocol.config_name().to_owned(), Value::Object(config));
    Value::Object(row)
}

/// ProxyProtocolV2Enabled is text in the list and a boolean in the single answer.
fn text_if_boolean(value: Value) -> Value {
    match value {
        Value::Bool(flag) => json!(flag.to_string()),
        other => other,
    }
}

fn picked(listener: &Listener, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = (String, Value)> + '_ {
    let chosen: Vec<(String, Value)> = listener
        .attributes
        .iter()
        .filter(|(name, _)| wanted(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    chosen.into_iter()
}
