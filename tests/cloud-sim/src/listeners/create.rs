//! Creating listeners. A new listener is stopped.

use serde_json::json;

use super::check::{check, check_group};
use super::{Key, Listener, Protocol};
use crate::errors::{self, Answer};
use crate::scope::Scope;

/// CreateLoadBalancerTCPListener.
pub(crate) fn create_tcp(scope: &mut Scope<'_>) -> Answer {
    create(scope, Protocol::Tcp)
}

/// CreateLoadBalancerUDPListener.
pub(crate) fn create_udp(scope: &mut Scope<'_>) -> Answer {
    create(scope, Protocol::Udp)
}

/// CreateLoadBalancerHTTPListener.
pub(crate) fn create_http(scope: &mut Scope<'_>) -> Answer {
    create(scope, Protocol::Http)
}

/// CreateLoadBalancerHTTPSListener.
pub(crate) fn create_https(scope: &mut Scope<'_>) -> Answer {
    create(scope, Protocol::Https)
}

fn create(scope: &mut Scope<'_>, protocol: Protocol) -> Answer {
    let action = scope.action;
    let input = scope.input;
    scope.change_load_balancer(errors::LISTENER_PROCESSING)?;
    let lb = scope.load_balancer()?;
    let port = u16::try_from(input.number("ListenerPort")).unwrap_or_default();
    let key = Key { port, protocol };
    let taken = Protocol::ALL
        .into_iter()
        .filter(|other| protocol.shares_ports_with(*other))
        .any(|other| {
            lb.listeners.contains_key(&Key {
                port,
                protocol: other,
            })
        });
    if taken {
        return Err(errors::LISTENER_EXISTS.into());
    }
    if lb.listeners.len() >= scope.quotas.listeners {
        return Err(errors::LISTENER_QUOTA.into());
    }
    if input.filled("MasterSlaveServerGroupId").is_some() {
        return Err(errors::MASTER_SLAVE_GROUP.into());
    }
    let mut listener = Listener::new(protocol, scope.owner);
    listener.apply(action, input);
    if let Some(group) = input.filled("VServerGroupId") {
        check_group(scope.account, lb, group)?;
        listener
            .attributes
            .insert("VServerGroupId".to_owned(), json!(group));
    } else if input.text("BackendServerPort").is_none() && !listener.forwards() {
        return Err(errors::BACKEND_PORT_OR_GROUP.into());
    }
    check(scope.account, scope.quotas, action, lb, &key, &listener)?;
    listener.tags = input.new_tags("Tag");
    scope
        .change_load_balancer(errors::LISTENER_PROCESSING)?
        .listeners
        .insert(key, listener);
    Ok(json!({}))
}
