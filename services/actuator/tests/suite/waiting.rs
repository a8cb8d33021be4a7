//! Waiting for what has to be so before a test goes on, instead of for a time.

use std::time::Duration;

use crate::lab::{Lab, PATIENCE};

/// How often something is looked at.
const LOOK: Duration = Duration::from_millis(2);

impl Lab {
    /// Waits until each fault that was ordered has come: where it holds or stalls a call, that one is under way then.
    pub(crate) async fn faults_have_come(&self) {
        let come = || self.sim.cloud().pending_faults().is_empty();
        until("no fault is to come", come).await;
    }

    /// Waits until the cloud has carried out a call of this action.
    pub(crate) async fn has_called(&self, action: &str) {
        until(&format!("{action} was called"), || self.calls(action) > 0).await;
    }

    /// Waits until the actuator has taken so many batches that have not ended.
    pub(crate) async fn batches_run(&self, count: usize) {
        let sample = format!("\nclb_actuator_batches_running {count}\n");
        let there = || self.metrics.render().unwrap().contains(&sample);
        until(&format!("{count} batches run"), there).await;
    }
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(LOOK).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, wait).await;
    assert!(waited.is_ok(), "not so in time: {what}");
}
