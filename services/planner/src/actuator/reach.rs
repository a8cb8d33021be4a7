//! Whether the actuator can be reached, for all clusters together: said once, shown in `/readyz?verbose`.

use std::collections::BTreeMap;
use std::sync::Arc;

use clb_model::ClusterId;
use clb_telemetry::Check;
use parking_lot::Mutex;

/// The actuator's health check, fed by the mirror streams of all clusters; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Reach {
    check: Check,
    address: String,
    failing: Arc<Mutex<BTreeMap<ClusterId, String>>>,
}

impl Reach {
    /// Reports to this check; the actuator is at `address`.
    pub(crate) fn new(check: Check, address: impl Into<String>) -> Self {
        Self {
            check,
            address: address.into(),
            failing: Arc::default(),
        }
    }

    /// A cluster's stream is up and complete.
    pub(crate) fn ok(&self, cluster: &ClusterId) {
        let mut failing = self.failing.lock();
        failing.remove(cluster);
        self.report(&failing);
    }

    /// A cluster's stream is not.
    pub(crate) fn failing(&self, cluster: &ClusterId, reason: String) {
        let mut failing = self.failing.lock();
        failing.insert(cluster.clone(), reason);
        self.report(&failing);
    }

    fn report(&self, failing: &BTreeMap<ClusterId, String>) {
        if failing.is_empty() {
            self.check.ok();
            return;
        }
        let reasons: Vec<_> = failing
            .iter()
            .map(|(cluster, reason)| format!("for cluster {cluster}: {reason}"))
            .collect();
        self.check.failing(&format!(
            "the actuator at {}: {}",
            self.address,
            reasons.join("; ")
        ));
    }
}
