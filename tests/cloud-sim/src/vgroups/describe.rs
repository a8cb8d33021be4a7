//! DescribeVServerGroups and DescribeVServerGroupAttribute.

use serde_json::{Value, json};

use super::{Backend, group};
use crate::errors::Answer;
use crate::scope::Scope;
use crate::tags;

/// DescribeVServerGroups.
pub(crate) fn describe_many(scope: &mut Scope<'_>) -> Answer {
    let input = scope.input;
    let lb = scope.load_balancer()?;
    let wanted_tags = input.tags("Tag");
    let name = input.filled("Description");
    let (with_listeners, with_rules) = (input.is_true("IncludeListener"), input.is_true("IncludeRule"));
    let groups = lb
        .vgroups
        .iter()
        .filter_map(|id| scope.account.vgroups.get(id))
        .filter(|group| {
            tags::match_all(&wanted_tags, &group.tags) && name.is_none_or(|part| group.name.contains(part))
        });
    let rows: Vec<Value> = groups
        .map(|group| {
            let mut related = json!({});
            if with_listeners {
                let users = lb
                    .listeners
                    .iter()
                    .filter(|(_, one)| one.text("VServerGroupId") == group.id);
                let users: Vec<Value> = users
                    .map(|(key, _)| json!({ "Port": key.port, "Protocol": key.protocol.name() }))
                    .collect();
                related["Listeners"] = json!({ "Listener": users });
            }
            if with_rules {
                related["Rules"] = json!({ "Rule": [] });
            }
            json!({
                "VServerGroupId": group.id,
                "VServerGroupName": group.name,
                "CreateTime": group.create_time.strftime("%Y-%m-%dT%H:%MZ").to_string(),
                "ServerCount": group.servers.len(),
                "AssociatedObjects": related,
                "Tags": { "Tag": tags::rendered(&group.tags) },
            })
        })
        .collect();
    Ok(json!({ "VServerGroups": { "VServerGroup": rows } }))
}

/// DescribeVServerGroupAttribute.
pub(crate) fn describe_one(scope: &mut Scope<'_>) -> Answer {
    let group = group(scope)?;
    Ok(json!({
        "VServerGroupId": group.id,
        "VServerGroupName": group.name,
        "LoadBalancerId": group.load_balancer_id,
        "CreateTime": group.create_time.strftime("%Y-%m-%dT%H:%MZ").to_string(),
        "BackendServers": rendered(&group.servers),
        "Tags": { "Tag": tags::rendered(&group.tags) },
    }))
}

/// Backends as Describe shows them.
fn rendered(backends: &[Backend]) -> Value {
    shown(backends, |row, backend| {
        row["Description"] = json!(backend.description);
        row["ServerIp"] = json!(backend.server_ip);
    })
}

/// Backends as the answers to changes show them: without addresses.
pub(super) fn acknowledged(backends: &[Backend]) -> Value {
    shown(backends, |row, backend| {
        row["Description"] = json!(backend.description)
    })
}

/// Backends as the answer to a removal shows them: without descriptions too.
pub(super) fn left(backends: &[Backend]) -> Value {
    shown(backends, |_, _| {})
}

fn shown(backends: &[Backend], complete: impl Fn(&mut Value, &Backend)) -> Value {
    let rows = backends.iter().map(|backend| {
        let mut row = json!({
            "ServerId": backend.server_id,
            "Port": backend.port,
            "Weight": backend.weight,
            "Type": backend.kind,
        });
        complete(&mut row, backend);
        row
    });
    json!({ "BackendServer": rows.collect::<Vec<Value>>() })
}
