//! How long it takes from a change of an EndpointSlice to the first write of the cloud.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Context as _;
use clb_processes::Installation;
use tokio::time::{Instant, timeout};

use crate::print::{percentiles, say};
use crate::{cloud, objects, planner};

/// The watcher collects changes of endpoints for this long.
const COLLECTED: Duration = Duration::from_millis(100);
/// A write that is not there by then is not coming.
const PATIENCE: Duration = Duration::from_secs(60);
/// A pod that is there from the beginning, beside those that are added.
const FIRST_POD: u16 = 1;
/// More would cost a second call; the oldest goes instead.
const PODS: usize = 10;

/// Adds pods to a Service with ENI backends, one after the other. `others` Services are there besides.
pub(crate) async fn measure(installation: &Installation, others: usize, changes: u16) -> anyhow::Result<()> {
    let account = cloud::account(installation);
    let cluster = installation.kube.cluster();
    let mut pods: Vec<Ipv4Addr> = vec![objects::pod(&account, FIRST_POD)];
    cluster.create(&objects::eni_service("eni"))?;
    cluster.create(&objects::slice("eni", &pods))?;
    planner::converged(&installation.services, others + 1).await?;

    let mut times = Vec::new();
    for number in 1..=changes {
        let last = cloud::last_call(installation);
        // The address is new: its ENI has to be looked up first.
        pods.push(objects::pod(&account, FIRST_POD + number));
        if pods.len() > PODS {
            pods.remove(0);
        }
        let changed = Instant::now();
        cluster.update(&objects::slice("eni", &pods))?;
        times.push(first_write(installation, last, changed).await?);
        planner::converged(&installation.services, others + 1).await?;
    }
    let write_time = cloud_sim::Circumstances::default().write_time;
    let floor = COLLECTED + write_time;
    say(&format!(
        "first write after a change of endpoints, {changes} changes (floor {} ms: collecting, one write):",
        floor.as_millis()
    ));
    percentiles(times, floor);
    Ok(())
}

/// The time from `changed` until the first write after call number `last` was answered.
async fn first_write(installation: &Installation, last: u64, changed: Instant) -> anyhow::Result<Duration> {
    let mut calls = installation.cloud.cloud().last_call();
    let written = async {
        loop {
            calls.borrow_and_update();
            if !cloud::writes_since(installation, last).is_empty() {
                return Ok(changed.elapsed());
            }
            calls.changed().await?;
        }
    };
    timeout(PATIENCE, written)
        .await
        .context("no write after a change of endpoints")?
}
