//! Changing the attributes of a listener. What a call leaves out stays as it is.

use serde_json::json;

use super::check::{check, check_group};
use super::{Key, Listener, Protocol};
use crate::errors::{self, Answer, ApiError, Refusal};
use crate::input::Input;
use crate::load_balancers::LoadBalancer;
use crate::scope::Scope;

/// SetLoadBalancerTCPListenerAttribute.
pub(crate) fn set_tcp(scope: &mut Scope<'_>) -> Answer {
    set(scope, Protocol::Tcp)
}

/// SetLoadBalancerUDPListenerAttribute.
pub(crate) fn set_udp(scope: &mut Scope<'_>) -> Answer {
    set(scope, Protocol::Udp)
}

/// SetLoadBalancerHTTPListenerAttribute.
pub(crate) fn set_http(scope: &mut Scope<'_>) -> Answer {
    set(scope, Protocol::Http)
}

/// SetLoadBalancerHTTPSListenerAttribute.
pub(crate) fn set_https(scope: &mut Scope<'_>) -> Answer {
    set(scope, Protocol::Https)
}

/// What a change answers while the load balancer is being configured.
const BUSY: Refusal = errors::SERVICE_IS_CONFIGURING;

fn set(scope: &mut Scope<'_>, protocol: Protocol) -> Answer {
    let action = scope.action;
    let input = scope.input;
    scope.change_load_balancer(BUSY)?;
    let lb = scope.load_balancer()?;
    let (key, before) = find(lb, input, protocol)?;
    let mut after = before.clone();
    after.apply(action, input);
    check_scheduler(protocol, before.text("Scheduler"), after.text("Scheduler"))?;
    match input.text("VServerGroup") {
        Some("on") => {
            let group = input.filled("VServerGroupId");
            let group = group.ok_or_else(|| ApiError::from(errors::GROUP_ID_MISSING))?;
            check_group(scope.account, lb, group)?;
            after.attributes.insert("VServerGroupId".to_owned(), json!(group));
            after.attributes.insert("BackendServerPort".to_owned(), json!(0));
        }
        Some(_) if !before.text("VServerGroupId").is_empty() => return Err(errors::GROUP_IN_USE.into()),
        // A group without VServerGroup=on is not looked at.
        _ => {}
    }
    if input.text("MasterSlaveServerGroup") == Some("on") {
        return Err(errors::MASTER_SLAVE_GROUP.into());
    }
    check(scope.account, scope.quotas, action, lb, &key, &after)?;
    if input.is_true("DryRun") {
        scope.changes = None;
        return Ok(json!({}));
    }
    scope.change_load_balancer(BUSY)?.listeners.insert(key, after);
    Ok(json!({}))
}

/// The listener of that protocol on the port of the call.
pub(super) fn find<'a>(
    lb: &'a LoadBalancer,
    input: &Input,
    protocol: Protocol,
) -> Result<(Key, &'a Listener), ApiError> {
    let port = u16::try_from(input.number("ListenerPort")).unwrap_or_default();
    let key = Key { port, protocol };
    if let Some(listener) = lb.listeners.get(&key) {
        return Ok((key, listener));
    }
    let other = lb.listeners.keys().any(|key| key.port == port);
    Err(if other {
        errors::LISTENER_PROTOCOL
    } else {
        errors::LISTENER_NOT_FOUND
    }
    .into())
}

/// Between round robin and hashing there is no way but a new listener; TCP has none between hashes either.
fn check_scheduler(protocol: Protocol, before: &str, after: &str) -> Result<(), ApiError> {
    let hashes = |scheduler: &str| matches!(scheduler, "sch" | "tch" | "qch");
    let moved = before != after;
    let stays = hashes(before) == hashes(after) && !(protocol == Protocol::Tcp && hashes(before) && moved);
    if moved && !stays {
        Err(errors::SCHEDULER_CHANGE.into())
    } else {
        Ok(())
    }
}
