//! Extension domains: further certificates of an HTTPS listener, by server name.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::errors::{self, Answer, ApiError};
use crate::listeners::{Key, Listener, Protocol};
use crate::scope::Scope;

/// One extension domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DomainExtension {
    pub domain: String,
    pub domain_extension_id: String,
    pub server_certificate_id: String,
}

/// CreateDomainExtension.
pub(crate) fn create(scope: &mut Scope<'_>) -> Answer {
    let input = scope.input;
    let certificate = certificate(scope)?;
    let id = scope.new_id("de-bp1");
    let quota = scope.quotas.domain_extensions;
    let lb = scope.change_load_balancer(errors::DOMAIN_EXTENSION_PROCESSING)?;
    let lb_id = lb.load_balancer_id.clone();
    let port = u16::try_from(input.number("ListenerPort")).unwrap_or_default();
    let key = Key {
        port,
        protocol: Protocol::Https,
    };
    let Some(listener) = lb.listeners.get_mut(&key) else {
        return Err(errors::LISTENER_NOT_FOUND.into());
    };
    let domain = input.text_or_empty("Domain").to_owned();
    if listener
        .domain_extensions
        .iter()
        .any(|other| other.domain == domain)
    {
        return Err(errors::DOMAIN_EXISTS.into());
    }
    if listener.domain_extensions.len() >= quota {
        return Err(errors::DOMAIN_EXTENSION_QUOTA.into());
    }
    listener.domain_extensions.push(DomainExtension {
        domain,
        domain_extension_id: id.clone(),
        server_certificate_id: certificate,
    });
    scope.account.domain_extensions.insert(id.clone(), (lb_id, key));
    Ok(json!({ "DomainExtensionId": id, "ListenerPort": port }))
}

/// SetDomainExtensionAttribute.
pub(crate) fn set_attribute(scope: &mut Scope<'_>) -> Answer {
    let (id, _, _) = find(scope, errors::DOMAIN_EXTENSION_ID)?;
    let certificate = certificate(scope)?;
    let listener = change_listener(scope)?;
    if let Some(found) = listener
        .domain_extensions
        .iter_mut()
        .find(|one| one.domain_extension_id == id)
    {
        found.server_certificate_id = certificate;
    }
    Ok(json!({}))
}

/// DeleteDomainExtension.
pub(crate) fn delete(scope: &mut Scope<'_>) -> Answer {
    let (id, _, _) = find(scope, errors::DOMAIN_EXTENSION_ID)?;
    let listener = change_listener(scope)?;
    listener
        .domain_extensions
        .retain(|one| one.domain_extension_id != id);
    scope.account.domain_extensions.remove(&id);
    Ok(json!({}))
}

/// DescribeDomainExtensions.
pub(crate) fn describe_many(scope: &mut Scope<'_>) -> Answer {
    let lb = scope.load_balancer()?;
    let port = u16::try_from(scope.input.number("ListenerPort")).unwrap_or_default();
    let Some(listener) = lb.listeners.get(&Key {
        port,
        protocol: Protocol::Https,
    }) else {
        return Err(errors::LISTENER_NOT_FOUND.into());
    };
    let wanted = scope.input.filled("DomainExtensionId");
    let found = listener.domain_extensions.iter();
    let rows: Vec<&DomainExtension> = found
        .filter(|one| wanted.is_none_or(|id| one.domain_extension_id == id))
        .collect();
    if rows.is_empty() && wanted.is_some() {
        return Err(errors::DOMAIN_EXTENSION_NOT_FOUND.into());
    }
    Ok(json!({ "DomainExtensions": { "DomainExtension": rows } }))
}

/// DescribeDomainExtensionAttribute.
pub(crate) fn describe_one(scope: &mut Scope<'_>) -> Answer {
    let (id, lb, key) = find(scope, errors::DOMAIN_EXTENSION_NOT_FOUND)?;
    let listener = scope.load_balancer_by_id(&lb)?.listeners.get(&key);
    let found = listener.and_then(|one| {
        one.domain_extensions
            .iter()
            .find(|one| one.domain_extension_id == id)
    });
    let found = found.ok_or_else(|| ApiError::from(errors::DOMAIN_EXTENSION_NOT_FOUND))?;
    let mut body: Value = json!(found);
    body["LoadBalancerId"] = json!(lb);
    body["ListenerPort"] = json!(key.port);
    Ok(body)
}

fn find(scope: &Scope<'_>, unknown: errors::Refusal) -> Result<(String, String, Key), ApiError> {
    let id = scope.input.text_or_empty("DomainExtensionId");
    let (lb, key) = scope
        .account
        .domain_extensions
        .get(id)
        .ok_or_else(|| ApiError::from(unknown))?;
    Ok((id.to_owned(), lb.clone(), *key))
}

fn change_listener<'a>(scope: &'a mut Scope<'_>) -> Result<&'a mut Listener, ApiError> {
    let (_, lb, key) = find(scope, errors::DOMAIN_EXTENSION_ID)?;
    let lb = scope.change_load_balancer_by_id(&lb, errors::DOMAIN_EXTENSION_STATUS)?;
    lb.listeners
        .get_mut(&key)
        .ok_or_else(|| errors::LISTENER_NOT_FOUND.into())
}

fn certificate(scope: &Scope<'_>) -> Result<String, ApiError> {
    let Some(id) = scope.input.filled("ServerCertificateId") else {
        return Err(errors::DOMAIN_CERTIFICATE_MISSING.into());
    };
    if !scope.account.certificates.contains_key(id) {
        return Err(errors::DOMAIN_CERTIFICATE.into());
    }
    Ok(id.to_owned())
}
