//! Creating, renaming and deleting groups, and changing weights.

use serde_json::json;

use super::backends::attach;
use super::describe::acknowledged;
use super::parse::parse;
use super::{VServerGroup, change_group, count_out, group, put_back};
use crate::errors::{self, Answer};
use crate::scope::Scope;

/// CreateVServerGroup.
pub(crate) fn create(scope: &mut Scope<'_>) -> Answer {
    let input = scope.input;
    let most = scope.quotas.backends_per_call;
    let named = input
        .text("BackendServers")
        .map(|text| parse(text, most))
        .transpose()?
        .unwrap_or_default();
    let id = scope.new_id("rsp-bp1");
    let lb = scope.change_load_balancer(errors::VGROUP_PROCESSING)?;
    let mut group = VServerGroup {
        name: input.filled("VServerGroupName").unwrap_or(&id).to_owned(),
        load_balancer_id: lb.load_balancer_id.clone(),
        servers: Vec::new(),
        tags: input.new_tags("Tag"),
        owner: scope.owner,
        create_time: scope.time,
        left_by_listener_at: None,
        id: id.clone(),
    };
    attach(scope, &mut group, &named)?;
    let body = json!({ "VServerGroupId": id, "BackendServers": acknowledged(&group.servers) });
    scope
        .change_load_balancer(errors::VGROUP_PROCESSING)?
        .vgroups
        .insert(id);
    put_back(scope, group);
    Ok(body)
}

/// SetVServerGroupAttribute: the name, and weight and description of backends that are there. It neither adds
/// nor removes, and a weight that is left out means 100.
pub(crate) fn set_attribute(scope: &mut Scope<'_>) -> Answer {
    let input = scope.input;
    let name = input.filled("VServerGroupName");
    if name.is_none() && input.filled("BackendServers").is_none() {
        return Err(errors::GROUP_ATTRIBUTE_MISSING.into());
    }
    let most = scope.quotas.backends_per_call;
    let named = input
        .filled("BackendServers")
        .map(|text| parse(text, most))
        .transpose()?
        .unwrap_or_default();
    let mut group = change_group(scope, errors::VGROUP_PROCESSING)?;
    if let Some(name) = name {
        name.clone_into(&mut group.name);
    }
    for one in &named {
        for backend in group.servers.iter_mut().filter(|backend| one.means(backend)) {
            backend.weight = one.weight.unwrap_or(100);
            if let Some(description) = &one.description {
                backend.description.clone_from(description);
            }
        }
    }
    let body = json!({
        "VServerGroupId": group.id,
        "VServerGroupName": group.name,
        "BackendServers": acknowledged(&group.servers),
    });
    put_back(scope, group);
    Ok(body)
}

/// DeleteVServerGroup: refused while a listener uses the group, and for a while after the last one went.
pub(crate) fn delete(scope: &mut Scope<'_>) -> Answer {
    let found = group(scope)?;
    let (id, lb_id) = (found.id.clone(), found.load_balancer_id.clone());
    let released = found
        .left_by_listener_at
        .is_none_or(|left| left + scope.release_time <= scope.now);
    let lb = scope.change_load_balancer_by_id(&lb_id, errors::VGROUP_PROCESSING)?;
    if lb
        .listeners
        .values()
        .any(|listener| listener.text("VServerGroupId") == id)
        || !released
    {
        return Err(errors::GROUP_HAS_LISTENER.into());
    }
    lb.vgroups.remove(&id);
    if let Some(group) = scope.account.vgroups.remove(&id) {
        count_out(&mut scope.account.attachments, &group.servers);
    }
    super::backends::settle_vpc(scope.account, &lb_id);
    Ok(json!({}))
}
