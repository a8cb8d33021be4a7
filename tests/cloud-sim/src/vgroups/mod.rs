//! vServer groups: what one is and the actions on it.

mod backends;
mod change;
mod describe;
mod parse;

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::account::{Owner, Tags};
use crate::errors::{self, ApiError, Refusal};
use crate::scope::Scope;

pub(crate) use backends::settle_vpc;
pub(crate) use backends::{add_backends, modify_backends, remove_backends};
pub(crate) use change::{create, delete, set_attribute};
pub(crate) use describe::{describe_many, describe_one};

/// One backend of a group. Field names are those of Describe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Backend {
    pub server_id: String,
    pub port: u16,
    pub weight: u8,
    #[serde(rename = "Type")]
    pub kind: String,
    #[serde(default)]
    pub server_ip: String,
    #[serde(default)]
    pub description: String,
    #[serde(rename = "owner", default)]
    pub owner: Owner,
}

impl Backend {
    /// Whether both mean the same backend: ENIs and container instances are told apart by address too.
    fn is_same(&self, other: &Backend) -> bool {
        self.server_id == other.server_id
            && self.port == other.port
            && (self.kind == "ecs" || self.server_ip == other.server_ip)
    }
}

/// One vServer group.
#[derive(Debug, Clone)]
pub(crate) struct VServerGroup {
    pub id: String,
    pub name: String,
    pub load_balancer_id: String,
    pub servers: Vec<Backend>,
    pub tags: Tags,
    pub owner: Owner,
    pub create_time: Timestamp,
    /// When a listener that used it was deleted last: the release lags behind.
    pub left_by_listener_at: Option<Instant>,
}

/// Counts backends that came as attachments of their ECS instances.
pub(crate) fn count_in(attachments: &mut HashMap<String, usize>, backends: &[Backend]) {
    for backend in backends.iter().filter(|backend| backend.kind == "ecs") {
        *attachments.entry(backend.server_id.clone()).or_default() += 1;
    }
}

/// Counts backends that went.
pub(crate) fn count_out(attachments: &mut HashMap<String, usize>, backends: &[Backend]) {
    for backend in backends.iter().filter(|backend| backend.kind == "ecs") {
        if let Some(count) = attachments.get_mut(&backend.server_id) {
            *count = count.saturating_sub(1);
        }
    }
}

/// The group that `VServerGroupId` names.
fn group<'a>(scope: &'a Scope<'_>) -> Result<&'a VServerGroup, ApiError> {
    let found = scope
        .account
        .vgroups
        .get(scope.input.text_or_empty("VServerGroupId"));
    found.ok_or_else(|| errors::GROUP_NOT_FOUND.into())
}

/// The group that `VServerGroupId` names, taken out to be changed and put back with `put_back`.
fn change_group(scope: &mut Scope<'_>, busy: Refusal) -> Result<VServerGroup, ApiError> {
    let copy = group(scope)?.clone();
    scope.change_load_balancer_by_id(&copy.load_balancer_id, busy)?;
    Ok(copy)
}

/// Stores a changed group and brings the counts that depend on it up to date.
fn put_back(scope: &mut Scope<'_>, group: VServerGroup) {
    let account = &mut *scope.account;
    if let Some(before) = account.vgroups.get(&group.id) {
        count_out(&mut account.attachments, &before.servers);
    }
    count_in(&mut account.attachments, &group.servers);
    let lb_id = group.load_balancer_id.clone();
    account.vgroups.insert(group.id.clone(), group);
    backends::settle_vpc(account, &lb_id);
}
