//! What the simulated cloud has counted and holds.

use std::collections::BTreeMap;
use std::time::Duration;

use clb_processes::Installation;
use cloud_sim::{Account, Call, DEFAULT_ACCOUNT};
use tokio::time::{sleep, timeout};

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// Longer than anything waits that is not stuck: nodes that join are collected for 15 s.
const QUIET: Duration = Duration::from_secs(40);

/// The one account.
pub(crate) fn account(installation: &Installation) -> Account {
    installation.cloud.cloud().account(DEFAULT_ACCOUNT)
}

/// Number of the newest call.
pub(crate) fn last_call(installation: &Installation) -> u64 {
    *installation.cloud.cloud().last_call().borrow()
}

/// Writes after a call.
pub(crate) fn writes_since(installation: &Installation, call: u64) -> Vec<Call> {
    let mut calls = installation.cloud.cloud().calls_since(call);
    calls.retain(|call| call.write);
    calls
}

/// How many calls there are of each action.
pub(crate) fn by_action(calls: &[Call]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts.entry(call.action.clone()).or_default() += 1;
    }
    counts
}

/// Waits until every vServer group has so many backends, or until nothing has been written for a while; returns how many have fewer.
pub(crate) async fn filled(installation: &Installation, backends: usize) -> usize {
    let account = account(installation);
    let mut calls = installation.cloud.cloud().last_call();
    loop {
        let short = groups_with_fewer(&account, backends);
        if short == 0 || timeout(QUIET, calls.changed()).await.is_err() {
            return short;
        }
        // Counting takes longer than a call.
        sleep(LOOK).await;
    }
}

/// vServer groups with fewer backends than that. The lab's own CLBs have none.
fn groups_with_fewer(account: &Account, backends: usize) -> usize {
    let ids = account.load_balancer_ids();
    let load_balancers = ids
        .iter()
        .filter(|id| !id.starts_with("lb-reuse-"))
        .filter_map(|id| account.load_balancer(id));
    let short = load_balancers.map(|load_balancer| {
        let groups = load_balancer["vgroups"].as_object();
        groups
            .into_iter()
            .flat_map(|groups| groups.values())
            .filter(|group| group["servers"].as_array().map_or(0, Vec::len) < backends)
            .count()
    });
    short.sum()
}
