//! TagResources, UntagResources and ListTagResources, for every kind of resource.

use serde_json::{Value, json};

use super::match_all;
use crate::account::{AccountState, Tags};
use crate::errors::{self, Answer, ApiError};
use crate::listeners::{Key, Protocol};
use crate::scope::Scope;

/// Rows of a page of ListTagResources.
const PAGE: usize = 50;

/// TagResources: all or nothing.
pub(crate) fn tag_resources(scope: &mut Scope<'_>) -> Answer {
    let new = scope.input.new_tags("Tag");
    let kind = scope.input.text_or_empty("ResourceType");
    let ids = scope.input.list("ResourceId");
    for id in &ids {
        let tags = find(scope.account, kind, id)?;
        let added = new.keys().filter(|key| !tags.contains_key(*key)).count();
        if tags.len() + added > scope.quotas.tags {
            return Err(errors::TAG_QUOTA.into());
        }
    }
    for id in &ids {
        find(scope.account, kind, id)?.extend(new.clone());
    }
    Ok(json!({}))
}

/// UntagResources: the named keys, or every tag when none is named.
pub(crate) fn untag_resources(scope: &mut Scope<'_>) -> Answer {
    let keys = scope.input.list("TagKey");
    let kind = scope.input.text_or_empty("ResourceType");
    let ids = scope.input.list("ResourceId");
    for id in &ids {
        find(scope.account, kind, id)?;
    }
    for id in &ids {
        find(scope.account, kind, id)?.retain(|key, _| !keys.is_empty() && !keys.contains(key));
    }
    Ok(json!({}))
}

/// ListTagResources: the tags of resources, or the resources that have all of the given tags.
pub(crate) fn list_tag_resources(scope: &mut Scope<'_>) -> Answer {
    let kind = scope.input.text_or_empty("ResourceType");
    let ids = scope.input.list("ResourceId");
    let wanted = scope.input.tags("Tag");
    if ids.is_empty() && wanted.is_empty() {
        return Err(errors::TAG_OR_RESOURCE.into());
    }
    let start: usize = match scope.input.filled("NextToken") {
        None => 0,
        Some(token) => token.parse().map_err(|_| ApiError::from(errors::NEXT_TOKEN))?,
    };
    let mut rows = Vec::new();
    let mut push = |id: &str, tags: &Tags| {
        if match_all(&wanted, tags) {
            rows.extend(tags.iter().map(|(key, value)| {
                json!({ "ResourceId": id, "ResourceType": kind, "TagKey": key, "TagValue": value })
            }));
        }
    };
    if ids.is_empty() {
        for (id, tags) in all(scope.account, kind) {
            push(&id, tags);
        }
    } else {
        for id in &ids {
            // An id that does not exist has no tags; only changes ask for existence.
            if let Ok(tags) = find(scope.account, kind, id) {
                push(id, tags);
            }
        }
    }
    let end = start.saturating_add(PAGE);
    let next = if end < rows.len() {
        end.to_string()
    } else {
        String::new()
    };
    let shown: Vec<Value> = rows.into_iter().skip(start).take(PAGE).collect();
    Ok(json!({ "TagResources": { "TagResource": shown }, "NextToken": next }))
}

/// The tags of a resource. Listeners go by `<load balancer>_<protocol>_<port>`.
fn find<'a>(account: &'a mut AccountState, kind: &str, id: &str) -> Result<&'a mut Tags, ApiError> {
    let found = match kind {
        "instance" => account.load_balancers.get_mut(id).map(|lb| &mut lb.tags),
        "vservergroup" => account.vgroups.get_mut(id).map(|group| &mut group.tags),
        "acl" => account.acls.get_mut(id).map(|acl| &mut acl.tags),
        "certificate" => match account.certificates.get_mut(id) {
            Some(certificate) => Some(&mut certificate.tags),
            None => account
                .ca_certificates
                .get_mut(id)
                .map(|certificate| &mut certificate.tags),
        },
        "listener" => listener_id(id).and_then(|(lb, key)| {
            let listener = account.load_balancers.get_mut(lb)?.listeners.get_mut(&key)?;
            Some(&mut listener.tags)
        }),
        _ => None,
    };
    found.ok_or_else(|| errors::RESOURCE_NOT_FOUND.into())
}

fn listener_id(id: &str) -> Option<(&str, Key)> {
    let (rest, port) = id.rsplit_once('_')?;
    let (lb, protocol) = rest.rsplit_once('_')?;
    Some((
        lb,
        Key {
            port: port.parse().ok()?,
            protocol: Protocol::named(protocol)?,
        },
    ))
}

fn all<'a>(account: &'a AccountState, kind: &str) -> Vec<(String, &'a Tags)> {
    match kind {
        "instance" => account
            .load_balancers
            .iter()
            .map(|(id, lb)| (id.clone(), &lb.tags))
            .collect(),
        "vservergroup" => account
            .vgroups
            .iter()
            .map(|(id, group)| (id.clone(), &group.tags))
            .collect(),
        "acl" => account
            .acls
            .iter()
            .map(|(id, acl)| (id.clone(), &acl.tags))
            .collect(),
        "certificate" => {
            let both = account.certificates.iter().chain(&account.ca_certificates);
            both.map(|(id, certificate)| (id.clone(), &certificate.tags))
                .collect()
        }
        "listener" => {
            let listeners = account.load_balancers.iter().flat_map(|(lb, found)| {
                found.listeners.iter().map(move |(key, listener)| {
                    (
                        format!("{lb}_{}_{}", key.protocol.name(), key.port),
                        &listener.tags,
                    )
                })
            });
            listeners.collect()
        }
        _ => Vec::new(),
    }
}
