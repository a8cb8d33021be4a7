//! Access control lists and their entries.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::account::{Owner, Tags};
use crate::errors::{self, Answer, ApiError};
use crate::listeners::users_of_acl;
use crate::scope::Scope;
use crate::tags;

/// An access control list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccessControlList {
    /// Its id.
    pub acl_id: String,
    /// Its name.
    pub acl_name: String,
    /// `ipv4` or `ipv6`.
    #[serde(rename = "AddressIPVersion", default = "ipv4")]
    pub address_ip_version: String,
    /// Its resource group.
    #[serde(default)]
    pub resource_group_id: String,
    /// Its entries, in the order of addition.
    #[serde(rename = "AclEntrys", default)]
    pub entries: Vec<AclEntry>,
    /// When it was made.
    #[serde(default = "Timestamp::now")]
    pub create_time: Timestamp,
    /// Its tags.
    #[serde(rename = "tags", default)]
    pub tags: Tags,
    /// Who made it.
    #[serde(rename = "owner", default)]
    pub owner: Owner,
}

fn ipv4() -> String {
    "ipv4".to_owned()
}

impl AccessControlList {
    /// An IPv4 list of the user with these ranges.
    pub fn new(acl_id: &str, acl_name: &str, ranges: &[&str]) -> Self {
        let entry = |range: &&str| AclEntry {
            ip: (*range).to_owned(),
            comment: String::new(),
        };
        AccessControlList {
            acl_id: acl_id.to_owned(),
            acl_name: acl_name.to_owned(),
            address_ip_version: ipv4(),
            resource_group_id: "rg-default".to_owned(),
            entries: ranges.iter().map(entry).collect(),
            create_time: Timestamp::now(),
            tags: Tags::new(),
            owner: Owner::User,
        }
    }
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AclEntry {
    /// A range, `10.0.0.0/8`.
    #[serde(rename = "AclEntryIP")]
    pub ip: String,
    /// What people wrote beside it.
    #[serde(rename = "AclEntryComment", default)]
    pub comment: String,
}

/// An entry as calls write it.
#[derive(Debug, Deserialize)]
struct SentEntry {
    entry: String,
    #[serde(default)]
    comment: String,
}

/// CreateAccessControlList.
pub(crate) fn create(scope: &mut Scope<'_>) -> Answer {
    if scope.account.acls.len() >= scope.quotas.acls {
        return Err(errors::ACL_QUOTA.into());
    }
    let id = scope.new_id("acl-bp1");
    let acl = AccessControlList {
        acl_id: id.clone(),
        acl_name: scope.input.text_or_empty("AclName").to_owned(),
        address_ip_version: scope.input.text_or_empty("AddressIPVersion").to_owned(),
        resource_group_id: scope
            .input
            .filled("ResourceGroupId")
            .unwrap_or("rg-default")
            .to_owned(),
        entries: Vec::new(),
        create_time: scope.time,
        tags: scope.input.new_tags("Tag"),
        owner: scope.owner,
    };
    scope.account.acls.insert(id.clone(), acl);
    Ok(json!({ "AclId": id }))
}

/// DeleteAccessControlList: not while a listener uses it.
pub(crate) fn delete(scope: &mut Scope<'_>) -> Answer {
    let id = find(scope)?.acl_id.clone();
    if users_of_acl(scope.account, &id).next().is_some() {
        return Err(errors::ACL_IN_USE.into());
    }
    scope.account.acls.remove(&id);
    Ok(json!({}))
}

/// SetAccessControlListAttribute.
pub(crate) fn set_attribute(scope: &mut Scope<'_>) -> Answer {
    let name = scope.input.text_or_empty("AclName").to_owned();
    find(scope)?.acl_name = name;
    Ok(json!({}))
}

/// AddAccessControlListEntry.
pub(crate) fn add_entries(scope: &mut Scope<'_>) -> Answer {
    let sent = parse(scope)?;
    let quota = scope.quotas.acl_entries;
    let acl = find(scope)?;
    let version = if acl.address_ip_version == "ipv6" { 6 } else { 4 };
    let mut entries = acl.entries.clone();
    for one in sent {
        let ip = normalized(&one.entry, version)?;
        if entries.iter().any(|known| known.ip == ip) {
            continue;
        }
        entries.push(AclEntry {
            ip,
            comment: one.comment,
        });
    }
    if entries.len() > quota {
        return Err(errors::ACL_ENTRY_QUOTA.into());
    }
    acl.entries = entries;
    Ok(json!({}))
}

/// RemoveAccessControlListEntry. What is not there is ignored.
pub(crate) fn remove_entries(scope: &mut Scope<'_>) -> Answer {
    let sent = parse(scope)?;
    let acl = find(scope)?;
    let version = if acl.address_ip_version == "ipv6" { 6 } else { 4 };
    let gone: Vec<String> = sent
        .iter()
        .map(|one| normalized(&one.entry, version))
        .collect::<Result<_, _>>()?;
    acl.entries.retain(|entry| !gone.contains(&entry.ip));
    Ok(json!({}))
}

/// DescribeAccessControlLists.
pub(crate) fn describe_many(scope: &mut Scope<'_>) -> Answer {
    let input = scope.input;
    let name = input.filled("AclName");
    let version = input.filled("AddressIPVersion");
    let group = input.filled("ResourceGroupId");
    let wanted_tags = input.tags("Tag");
    let found: Vec<&AccessControlList> = scope
        .account
        .acls
        .values()
        .filter(|acl| {
            name.is_none_or(|part| acl.acl_name.contains(part))
                && version.is_none_or(|wanted| wanted == acl.address_ip_version)
                && group.is_none_or(|wanted| wanted == acl.resource_group_id)
                && tags::match_all(&wanted_tags, &acl.tags)
        })
        .collect();
    let (page, size) = (input.number("PageNumber"), input.number("PageSize"));
    let rows: Vec<Value> = found
        .iter()
        .skip((page - 1) * size)
        .take(size)
        .map(|acl| common(acl))
        .collect();
    Ok(json!({
        "Count": rows.len(),
        "Acls": { "Acl": rows },
        "PageNumber": page,
        "PageSize": size,
        "TotalCount": found.len(),
    }))
}

/// DescribeAccessControlListAttribute: a page of entries, and the listeners that use the list.
pub(crate) fn describe_one(scope: &mut Scope<'_>) -> Answer {
    let acl = find(scope)?.clone();
    let comment = scope.input.filled("AclEntryComment");
    let entries: Vec<&AclEntry> = acl
        .entries
        .iter()
        .filter(|entry| comment.is_none_or(|part| entry.comment.contains(part)))
        .collect();
    let (page, size) = (scope.input.number("Page").max(1), scope.input.number("PageSize"));
    let users = users_of_acl(scope.account, &acl.acl_id).map(|(lb, key, listener)| {
        json!({
            "LoadBalancerId": lb.load_balancer_id,
            "ListenerPort": key.port,
            "Protocol": key.protocol.name(),
            "AclType": listener.text("AclType"),
        })
    });
    let mut body = common(&acl);
    body["RelatedListeners"] = json!({ "RelatedListener": users.collect::<Vec<Value>>() });
    body["TotalAclEntry"] = json!(entries.len());
    let shown: Vec<&&AclEntry> = entries.iter().skip((page - 1) * size).take(size).collect();
    body["AclEntrys"] = json!({ "AclEntry": shown });
    Ok(body)
}

fn common(acl: &AccessControlList) -> Value {
    json!({
        "AclId": acl.acl_id,
        "AclName": acl.acl_name,
        "AddressIPVersion": acl.address_ip_version,
        "CreateTime": acl.create_time.strftime("%Y-%m-%dT%H:%MZ").to_string(),
        "ResourceGroupId": acl.resource_group_id,
        "Tags": { "Tag": tags::rendered(&acl.tags) },
    })
}

fn find<'a>(scope: &'a mut Scope<'_>) -> Result<&'a mut AccessControlList, ApiError> {
    let id = scope.input.text_or_empty("AclId");
    scope
        .account
        .acls
        .get_mut(id)
        .ok_or_else(|| errors::ACL_NOT_FOUND.into())
}

fn parse(scope: &Scope<'_>) -> Result<Vec<SentEntry>, ApiError> {
    let Some(text) = scope.input.filled("AclEntrys") else {
        return Err(errors::missing_parameter("AclEntrys"));
    };
    let sent: Vec<SentEntry> =
        serde_json::from_str(text).map_err(|_| ApiError::from(errors::ACL_ENTRY_INVALID))?;
    if sent.is_empty() || sent.len() > scope.quotas.acl_entries_per_call {
        return Err(errors::ACL_ENTRY_INVALID.into());
    }
    Ok(sent)
}

/// A range as the list keeps it: a single address gets its full prefix.
fn normalized(text: &str, version: u8) -> Result<String, ApiError> {
    let net = match text.parse::<IpNet>() {
        Ok(net) => net,
        Err(_) => text
            .parse::<IpAddr>()
            .map(IpNet::from)
            .map_err(|_| ApiError::from(errors::ACL_ENTRY_INVALID))?,
    };
    if matches!(net, IpNet::V4(_)) == (version == 6) {
        return Err(errors::ACL_ENTRY_INVALID.into());
    }
    Ok(net.to_string())
}
