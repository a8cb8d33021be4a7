//! Starting, stopping and deleting listeners.

use serde_json::json;

use super::{Key, Protocol};
use crate::errors::{self, Answer, ApiError, Refusal};
use crate::input::Input;
use crate::load_balancers::LoadBalancer;
use crate::scope::Scope;

/// StartLoadBalancerListener: only a stopped one.
pub(crate) fn start(scope: &mut Scope<'_>) -> Answer {
    switch(scope, true, errors::LISTENER_CONFIGURING)
}

/// StopLoadBalancerListener: only a running one.
pub(crate) fn stop(scope: &mut Scope<'_>) -> Answer {
    switch(scope, false, errors::LISTENER_STATUS)
}

fn switch(scope: &mut Scope<'_>, on: bool, busy: Refusal) -> Answer {
    let input = scope.input;
    let lb = scope.change_load_balancer(busy)?;
    let key = which(lb, input)?;
    let Some(listener) = lb.listeners.get_mut(&key) else {
        return Err(errors::LISTENER_NOT_FOUND.into());
    };
    if listener.running == on {
        return Err(errors::LISTENER_NOT_ALLOWED.into());
    }
    listener.running = on;
    if on && !lb.switched_off {
        "active".clone_into(&mut lb.load_balancer_status);
    }
    Ok(json!({}))
}

/// DeleteLoadBalancerListener. With the last listener the load balancer becomes inactive.
pub(crate) fn delete(scope: &mut Scope<'_>) -> Answer {
    let input = scope.input;
    let now = scope.now;
    let lb = scope.change_load_balancer(errors::LISTENER_STATUS)?;
    let key = which(lb, input).map_err(|error| match error.code.as_str() {
        "ListenerNotFound" => ApiError::from(errors::LISTENER_RESOURCE_NOT_FOUND),
        _ => error,
    })?;
    let is_target = key.protocol == Protocol::Https
        && lb
            .listeners
            .values()
            .any(|other| other.forwards() && other.integer("ForwardPort") == i64::from(key.port));
    if is_target {
        return Err(errors::FORWARD_EXISTS.into());
    }
    let Some(listener) = lb.listeners.remove(&key) else {
        return Err(errors::LISTENER_NOT_FOUND.into());
    };
    if lb.listeners.is_empty() {
        "inactive".clone_into(&mut lb.load_balancer_status);
    }
    for extension in &listener.domain_extensions {
        scope
            .account
            .domain_extensions
            .remove(&extension.domain_extension_id);
    }
    if let Some(group) = scope.account.vgroups.get_mut(listener.text("VServerGroupId")) {
        group.left_by_listener_at = Some(now);
    }
    Ok(json!({}))
}

/// The listener on `ListenerPort`; with TCP and UDP both there `ListenerProtocol` has to say which.
pub(crate) fn which(lb: &LoadBalancer, input: &Input) -> Result<Key, ApiError> {
    let port = u16::try_from(input.number("ListenerPort")).unwrap_or_default();
    let protocol = input.filled("ListenerProtocol").and_then(Protocol::named);
    let mut found = lb
        .listeners
        .keys()
        .filter(|key| key.port == port && protocol.is_none_or(|protocol| protocol == key.protocol));
    match (found.next(), found.next()) {
        (None, _) => Err(errors::LISTENER_NOT_FOUND.into()),
        (Some(key), None) => Ok(*key),
        (Some(_), Some(_)) => Err(errors::TOO_MANY_LISTENERS.into()),
    }
}
