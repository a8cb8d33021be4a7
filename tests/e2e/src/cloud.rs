//! What the cloud says, in the names that Describe uses.

use cloud_sim::DEFAULT_ACCOUNT;
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
    assert_eq!(
        found.len(),
        1,
        "exactly one CLB for the Service {uid}, not {found:#?}"
    );
    found.remove(0)
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
