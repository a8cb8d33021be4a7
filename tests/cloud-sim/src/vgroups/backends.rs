//! Adding, removing and exchanging the backends of a group.

use std::collections::HashMap;

use serde_json::json;

use super::describe::{acknowledged, left};
use super::parse::{Named, parse};
use super::{Backend, VServerGroup, change_group, put_back};
use crate::account::AccountState;
use crate::errors::{self, Answer, ApiError};
use crate::load_balancers::LoadBalancer;
use crate::scope::Scope;

/// AddVServerGroupBackendServers. A backend that is there already, or twice in the call, is ignored.
pub(crate) fn add_backends(scope: &mut Scope<'_>) -> Answer {
    let named = parse(
        scope.input.text_or_empty("BackendServers"),
        scope.quotas.backends_per_call,
    )?;
    let mut group = change_group(scope, errors::SERVICE_GROUP_PROCESSING)?;
    attach(scope, &mut group, &named)?;
    Ok(answer(scope, group))
}

/// RemoveVServerGroupBackendServers. What is not in the group is ignored.
pub(crate) fn remove_backends(scope: &mut Scope<'_>) -> Answer {
    let named = parse(
        scope.input.text_or_empty("BackendServers"),
        scope.quotas.backends_per_call,
    )?;
    let mut group = change_group(scope, errors::BACKEND_CONFIGURING)?;
    detach(&mut group, &named);
    let body = json!({ "VServerGroupId": group.id, "BackendServers": left(&group.servers) });
    put_back(scope, group);
    Ok(body)
}

/// ModifyVServerGroupBackendServers: takes the old ones out and puts the new ones in.
pub(crate) fn modify_backends(scope: &mut Scope<'_>) -> Answer {
    let most = scope.quotas.backends_per_call;
    let list = |name: &str| scope.input.filled(name).map(|text| parse(text, most)).transpose();
    let old = list("OldBackendServers")?.unwrap_or_default();
    let new = list("NewBackendServers")?.unwrap_or_default();
    for (at, one) in new.iter().enumerate() {
        let same = |other: &Named| {
            other
                .to_backend(scope.owner)
                .is_same(&one.to_backend(scope.owner))
        };
        if new.iter().skip(at + 1).any(same) {
            return Err(errors::BACKENDS_DUPLICATED.into());
        }
    }
    let mut group = change_group(scope, errors::OPERATION_BUSY)?;
    detach(&mut group, &old);
    attach(scope, &mut group, &new)?;
    Ok(answer(scope, group))
}

fn answer(scope: &mut Scope<'_>, group: VServerGroup) -> serde_json::Value {
    let body = json!({ "VServerGroupId": group.id, "BackendServers": acknowledged(&group.servers) });
    put_back(scope, group);
    body
}

fn detach(group: &mut VServerGroup, named: &[Named]) {
    group
        .servers
        .retain(|backend| !named.iter().any(|one| one.means(backend)));
}

/// Puts backends into a group that is not stored yet.
///
/// # Errors
/// A server that does not exist, does not run or is in another network; a quota.
pub(super) fn attach(scope: &Scope<'_>, group: &mut VServerGroup, named: &[Named]) -> Result<(), ApiError> {
    let lb = scope.load_balancer_by_id(&group.load_balancer_id)?;
    let mut vpc = lb.required_vpc().map(str::to_owned);
    let mut added: HashMap<&str, usize> = HashMap::new();
    for one in named {
        let mut backend = one.to_backend(scope.owner);
        let server_vpc = resolve(scope.account, lb, &mut backend)?;
        if group.servers.iter().any(|other| other.is_same(&backend)) {
            continue;
        }
        if *vpc.get_or_insert_with(|| server_vpc.clone()) != server_vpc {
            return Err(errors::NETWORK_CONFLICT.into());
        }
        if backend.kind == "ecs" {
            *added.entry(&one.server_id).or_default() += 1;
        }
        group.servers.push(backend);
    }
    let before = scope
        .account
        .vgroups
        .get(&group.id)
        .map_or(0, |group| group.servers.len());
    let others = backends_of(scope.account, lb).count().saturating_sub(before);
    if others + group.servers.len() > scope.quotas.backends {
        return Err(errors::BACKEND_QUOTA.into());
    }
    for (server, count) in added {
        let attached = scope.account.attachments.get(server).copied().unwrap_or_default();
        if attached.saturating_add(count) > scope.quotas.attachments {
            return Err(errors::ATTACHMENT_QUOTA.into());
        }
    }
    Ok(())
}

/// Looks a backend's server up, completes its address and returns the VPC that it is in.
fn resolve(account: &AccountState, lb: &LoadBalancer, backend: &mut Backend) -> Result<String, ApiError> {
    if backend.kind == "eni" {
        let eni = account.network_interfaces.get(&backend.server_id);
        let missing = || {
            errors::ENI_NOT_FOUND.because(format!(
                "The specified enis {} does not exist.",
                backend.server_id
            ))
        };
        let eni = eni.ok_or_else(missing)?;
        if backend.server_ip.is_empty() {
            backend.server_ip = eni.primary_address().map(|ip| ip.to_string()).unwrap_or_default();
        }
        let Ok(address) = backend.server_ip.parse() else {
            return Err(errors::BACKENDS_MALFORMED.into());
        };
        if !eni.has_address(&address) {
            return Err(errors::SERVER_IP_CONFLICT.into());
        }
        if address.is_ipv6() && lb.address_ip_version != "ipv6" {
            return Err(errors::IPV6_BACKEND.into());
        }
        return Ok(eni.vpc_id.clone());
    }
    let instance = account.instances.get(&backend.server_id);
    let instance = instance.filter(|instance| instance.is_container == (backend.kind == "eci"));
    let instance = instance.ok_or_else(|| ApiError::from(errors::SERVER_NOT_FOUND))?;
    if instance.status != "Running" {
        return Err(errors::SERVER_NOT_RUNNING.into());
    }
    if backend.kind == "eci" && backend.server_ip.is_empty() {
        backend.server_ip = instance
            .private_ips
            .first()
            .map(ToString::to_string)
            .unwrap_or_default();
    }
    Ok(instance.vpc_id.clone())
}

/// All backends of a load balancer, over its groups.
fn backends_of<'a>(account: &'a AccountState, lb: &'a LoadBalancer) -> impl Iterator<Item = &'a Backend> {
    lb.vgroups
        .iter()
        .filter_map(|id| account.vgroups.get(id))
        .flat_map(|group| &group.servers)
}

/// Notes which VPC the backends of a load balancer are in: its first backend decides, until none is left.
pub(crate) fn settle_vpc(account: &mut AccountState, lb_id: &str) {
    let Some(lb) = account.load_balancers.get(lb_id) else {
        return;
    };
    let vpc = backends_of(account, lb).find_map(|backend| {
        let eni = account
            .network_interfaces
            .get(&backend.server_id)
            .map(|eni| &eni.vpc_id);
        eni.or_else(|| {
            account
                .instances
                .get(&backend.server_id)
                .map(|instance| &instance.vpc_id)
        })
        .cloned()
    });
    if let Some(lb) = account.load_balancers.get_mut(lb_id) {
        lb.backend_vpc = vpc;
    }
}
