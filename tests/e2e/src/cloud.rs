//! What the cloud says, in the names that Describe uses.

use cloud_sim::DEFAULT_ACCOUNT;
use kube::ResourceExt;
use serde_json::Value;

use crate::Stage;

/// The ids of the CLBs that are not the lab user's own.
#[must_use]
pub fn our_load_balancers(stage: &Stage) -> Vec<String> {
    let account = stage.world.cloud.cloud().account(DEFAULT_ACCOUNT);
    account
        .load_balancer_ids()
        .into_iter()
        .filter(|id| !id.starts_with("lb-reuse-"))
        .collect()
}

/// The CLB whose tag says that it is for the Service with this UID.
///
/// # Panics
/// When there is none or more than one: there must never be two.
#[must_use]
pub fn load_balancer_of(stage: &Stage, uid: &str) -> Value {
    find_load_balancer(stage, uid).unwrap_or_else(|| panic!("no CLB for the Service {uid}"))
}

/// The same, or none.
///
/// # Panics
/// When there is more than one.
#[must_use]
pub fn find_load_balancer(stage: &Stage, uid: &str) -> Option<Value> {
    let name: String = std::iter::once('a')
        .chain(uid.chars().filter(|c| *c != '-'))
        .take(32)
        .collect();
    let account = stage.world.cloud.cloud().account(DEFAULT_ACCOUNT);
    let mut found: Vec<Value> = account
        .load_balancer_ids()
        .iter()
        .filter_map(|id| account.load_balancer(id))
        .filter(|load_balancer| load_balancer["tags"]["kubernetes.do.not.delete"] == name.as_str())
        .collect();
    assert!(
        found.len() <= 1,
        "more than one CLB for the Service {uid}: {found:#?}"
    );
    found.pop()
}

/// The UID of an object.
#[must_use]
pub fn uid_of(object: &impl ResourceExt) -> String {
    object.uid().unwrap_or_default()
}

/// One listener of a CLB, as `http/80`.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn listener<'a>(load_balancer: &'a Value, name: &str) -> &'a Value {
    let listener = &load_balancer["listeners"][name];
    assert!(listener.is_object(), "no listener {name} on {load_balancer:#}");
    listener
}

/// The listeners of a CLB, as `http/80`, in order.
#[must_use]
pub fn listeners(load_balancer: &Value) -> Vec<&str> {
    names(&load_balancer["listeners"])
}

/// The names of its vServer groups, in order.
#[must_use]
pub fn vgroup_names(load_balancer: &Value) -> Vec<&str> {
    names(&load_balancer["vgroups"])
}

fn names(map: &Value) -> Vec<&str> {
    let map = map.as_object();
    let mut names: Vec<&str> = map.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names
}

/// The ids of the servers in a CLB's only vServer group, in order.
///
/// # Panics
/// When it has none or several.
#[must_use]
pub fn backend_instances(load_balancer: &Value) -> Vec<&str> {
    let groups: Vec<&Value> = load_balancer["vgroups"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(_, group)| group)
        .collect();
    let [group] = groups[..] else {
        panic!("one vServer group, not {groups:#?}")
    };
    let servers = group["servers"].as_array().into_iter().flatten();
    let mut ids: Vec<&str> = servers.map(|server| text(server, "ServerId")).collect();
    ids.sort_unstable();
    ids
}

/// A field with a text; empty where there is none.
#[must_use]
pub fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or_default()
}
