//! Reads all CLBs of the region in pages: first to fill the mirror, then now and again to find what was changed by others.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use clb_cloud_client::{DescribeEips, DescribeLoadBalancers, LoadBalancerFilter};
use clb_model::LoadBalancerId;
use clb_model::cloud::AddressType;
use tokio::time::Instant;

use super::Mirror;
use super::loader::Wanted;
use crate::cloud::{Backoff, ReadError};

/// A page that cannot be read for so long is trouble that planners are told of.
const PAGE_DEADLINE: Duration = Duration::from_secs(10);

/// Fills the mirror and audits it for ever.
pub(super) async fn run(mirror: &Mirror) {
    let mut backoff = Backoff::new();
    loop {
        let listed = list(mirror).await;
        mirror.report_reading(&listed);
        if let Err(error) = listed {
            mirror.state.lock().set_trouble(Some(error.to_string()));
            tokio::time::sleep(backoff.next_delay()).await;
            continue;
        }
        backoff = Backoff::new();
        {
            let mut state = mirror.state.lock();
            state.set_trouble(None);
            state.all_listed();
        }
        mirror.load.notify_one();
        mirror
            .metrics
            .mirror_audited
            .with_label_values(&[mirror.cloud.region()])
            .set(jiff::Timestamp::now().as_second());
        tokio::time::sleep(mirror.pace.interval).await;
        audit_details(mirror).await;
    }
}

async fn list(mirror: &Mirror) -> Result<(), ReadError> {
    let mut unseen: HashSet<LoadBalancerId> = mirror.state.lock().entries.keys().cloned().collect();
    let mut action = DescribeLoadBalancers {
        filter: LoadBalancerFilter::All,
        page: 1,
    };
    loop {
        let clock = mirror.state.lock().clock();
        let deadline = Instant::now() + PAGE_DEADLINE;
        let page = mirror.cloud.read(&Mirror::asker(), &action, deadline).await?;
        let mut state = mirror.state.lock();
        let mut drift = Vec::new();
        for load_balancer in page.load_balancers {
            unseen.remove(&load_balancer.id);
            if state.put_instance(load_balancer, clock) {
                drift.push("instance");
            }
        }
        mirror.report_size(&state);
        drop(state);
        mirror.report_drift(&drift);
        if !page.more {
            break;
        }
        action.page += 1;
    }
    look_closer(mirror, &unseen);
    list_eips(mirror).await
}

/// One that was on no page may have moved from one page to another meanwhile: only the answer about it alone counts.
fn look_closer(mirror: &Mirror, unseen: &HashSet<LoadBalancerId>) {
    for id in unseen {
        mirror.refresh(id, Wanted::INSTANCE);
    }
}

/// Only internal CLBs have EIPs; where none of those matters nothing is read.
async fn list_eips(mirror: &Mirror) -> Result<(), ReadError> {
    let internal: Vec<LoadBalancerId> = {
        let state = mirror.state.lock();
        let matters = state.entries.iter().filter(|(_, entry)| {
            entry.current.address_type == AddressType::Intranet && state.matters(&entry.current)
        });
        matters.map(|(id, _)| id.clone()).collect()
    };
    if internal.is_empty() {
        return Ok(());
    }
    let mut addresses: HashMap<String, String> = HashMap::new();
    let mut action = DescribeEips { page: 1 };
    loop {
        let deadline = Instant::now() + PAGE_DEADLINE;
        let page = mirror.cloud.read(&Mirror::asker(), &action, deadline).await?;
        addresses.extend(page.eips.into_iter().map(|eip| (eip.load_balancer, eip.address)));
        if !page.more {
            break;
        }
        action.page += 1;
    }
    let mut state = mirror.state.lock();
    for id in internal {
        state.put_eip(&id, addresses.remove(id.as_str()));
    }
    Ok(())
}

/// Has the details of all CLBs that matter read again, a few per second. Those that no longer matter are forgotten.
async fn audit_details(mirror: &Mirror) {
    let known: Vec<LoadBalancerId> = {
        let mut state = mirror.state.lock();
        let (matter, forget): (Vec<_>, Vec<_>) = state
            .entries
            .iter()
            .filter(|(_, entry)| entry.complete)
            .map(|(id, entry)| (id.clone(), state.matters(&entry.current)))
            .partition(|(_, matters)| *matters);
        for (id, _) in forget {
            if let Some(entry) = state.entries.get_mut(&id) {
                entry.complete = false;
            }
        }
        matter.into_iter().map(|(id, _)| id).collect()
    };
    let pause = Duration::from_secs(1) / mirror.pace.rate.max(1);
    for id in known {
        mirror.refresh(&id, Wanted::DETAILS);
        tokio::time::sleep(pause).await;
    }
}
