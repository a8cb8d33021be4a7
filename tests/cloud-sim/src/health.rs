//! DescribeHealthStatus.

use serde_json::{Value, json};

use crate::errors::Answer;
use crate::listeners::which;
use crate::scope::Scope;

/// The health of every backend of the named listener, or of all running ones: what the library was told of
/// the server, else `normal`; `unavailable` without a health check.
pub(crate) fn describe_health_status(scope: &mut Scope<'_>) -> Answer {
    let lb = scope.load_balancer()?;
    let only = match scope.input.integer("ListenerPort") {
        Some(_) => Some(which(lb, scope.input)?),
        None => None,
    };
    let mut rows: Vec<Value> = Vec::new();
    for (key, listener) in &lb.listeners {
        if only.is_some_and(|only| only != *key) || !listener.running {
            continue;
        }
        let Some(group) = scope.account.vgroups.get(listener.text("VServerGroupId")) else {
            continue;
        };
        let checked = listener.text("HealthCheck") == "on";
        rows.extend(group.servers.iter().map(|backend| {
            let told = scope.account.health.get(&backend.server_id).map(String::as_str);
            let own = scope.account.instances.get(&backend.server_id);
            let own = own
                .and_then(|instance| instance.private_ips.first())
                .map(ToString::to_string);
            let address = if backend.server_ip.is_empty() {
                own
            } else {
                Some(backend.server_ip.clone())
            };
            json!({
                "ListenerPort": key.port,
                "Protocol": key.protocol.name(),
                "Port": backend.port,
                "ServerId": backend.server_id,
                "ServerIp": address.unwrap_or_default(),
                "ServerHealthStatus": if checked { told.unwrap_or("normal") } else { "unavailable" },
            })
        }));
    }
    Ok(json!({ "BackendServers": { "BackendServer": rows } }))
}
