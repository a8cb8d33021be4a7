//! What has to hold for a listener as it would be after a creation or a change.

use super::{Key, Listener, Protocol};
use crate::account::AccountState;
use crate::catalog::{Action, missing_condition};
use crate::errors::{self, ApiError};
use crate::load_balancers::LoadBalancer;
use crate::quotas::Quotas;
use crate::zones::BUILT_IN_TLS_POLICIES;

/// Checks a listener against everything that it refers to.
///
/// # Errors
/// The refusal that the first thing wrong draws.
pub(super) fn check(
    account: &AccountState,
    quotas: &Quotas,
    action: &Action,
    lb: &LoadBalancer,
    key: &Key,
    listener: &Listener,
) -> Result<(), ApiError> {
    let attribute = |name: &str| {
        let row = action.parameters.iter().find(|row| row.name == name)?;
        let value = listener.attributes.get(row.attribute?)?;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    if let Some(row) = missing_condition(action, attribute) {
        return Err(errors::missing_parameter(row.name));
    }
    check_acls(account, quotas, lb, key, listener)?;
    if lb
        .bandwidth_left(Some(key))
        .is_some_and(|left| listener.integer("Bandwidth") > left)
    {
        return Err(errors::LISTENER_BANDWIDTH.into());
    }
    match key.protocol {
        Protocol::Https => check_tls(account, listener),
        Protocol::Http if listener.forwards() => check_forward(lb, key, listener),
        _ => Ok(()),
    }
}

/// A vServer group has to be there and of the same load balancer.
pub(super) fn check_group(account: &AccountState, lb: &LoadBalancer, group: &str) -> Result<(), ApiError> {
    if lb.vgroups.contains(group) {
        return Ok(());
    }
    let of_another = account.vgroups.contains_key(group);
    Err(if of_another {
        errors::GROUP_OF_ANOTHER
    } else {
        errors::GROUP_NOT_FOUND
    }
    .into())
}

fn check_acls(
    account: &AccountState,
    quotas: &Quotas,
    lb: &LoadBalancer,
    key: &Key,
    listener: &Listener,
) -> Result<(), ApiError> {
    if listener.acl_ids().count() > quotas.acls_per_listener {
        return Err(errors::ACL_ATTACHED_QUOTA.into());
    }
    for id in listener.acl_ids() {
        let acl = account
            .acls
            .get(id)
            .ok_or_else(|| ApiError::from(errors::ACL_NOT_FOUND))?;
        if acl.address_ip_version != lb.address_ip_version {
            return Err(errors::ACL_IP_VERSION.into());
        }
        let has_it = lb
            .listeners
            .get(key)
            .is_some_and(|before| before.acl_ids().any(|other| other == id));
        if !has_it && users_of_acl(account, id).count() >= quotas.listeners_per_acl {
            return Err(errors::ACL_LISTENER_QUOTA.into());
        }
    }
    Ok(())
}

/// The listeners that an access control list is attached to.
pub(crate) fn users_of_acl<'a>(
    account: &'a AccountState,
    id: &'a str,
) -> impl Iterator<Item = (&'a LoadBalancer, &'a Key, &'a Listener)> {
    account.load_balancers.values().flat_map(move |lb| {
        let attached = lb
            .listeners
            .iter()
            .filter(move |(_, one)| one.acl_ids().any(|acl| acl == id));
        attached.map(move |(key, listener)| (lb, key, listener))
    })
}

fn check_tls(account: &AccountState, listener: &Listener) -> Result<(), ApiError> {
    let certificate = listener.text("ServerCertificateId");
    if certificate.is_empty() {
        return Err(errors::CERTIFICATE_EMPTY.into());
    }
    let ca = listener.text("CACertificateId");
    if !account.certificates.contains_key(certificate)
        || !(ca.is_empty() || account.ca_certificates.contains_key(ca))
    {
        return Err(errors::CERTIFICATE_NOT_FOUND.into());
    }
    let policy = listener.text("TLSCipherPolicy");
    if !BUILT_IN_TLS_POLICIES.contains(&policy) && !account.tls_policies.contains(policy) {
        return Err(errors::TLS_POLICY_NOT_FOUND.into());
    }
    Ok(())
}

fn check_forward(lb: &LoadBalancer, key: &Key, listener: &Listener) -> Result<(), ApiError> {
    let port = u16::try_from(listener.integer("ForwardPort")).unwrap_or_default();
    let target = Key {
        port,
        protocol: Protocol::Https,
    };
    if port == key.port || !lb.listeners.contains_key(&target) {
        return Err(errors::FORWARD_PORT.into());
    }
    Ok(())
}
