//! The numbers that tell newer from older: watcher epochs, fencing tokens, plan numbers, versions in the mirror.

use serde::{Deserialize, Serialize};

/// Orders the holders of a Lease: its creation time first (a Lease that was deleted and made anew is newer), then a count raised
/// at every acquisition. A watcher's epoch and a planner's fencing token are both made this way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Tenure {
    /// Creation time of the Lease, milliseconds since 1970.
    pub lease_created_ms: u64,
    /// How often the Lease was acquired, this time included.
    pub acquisitions: u64,
}

/// Orders the plans for one (cluster, Service UID).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct PlanNumber {
    /// The planner's fencing token.
    pub fencing: Tenure,
    /// Counts the plans of one holder.
    pub counter: u64,
}

/// Orders the states of one part of a CLB (the instance, a listener, a vServer group) in the actuator's mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct PartVersion {
    /// Which actuator held the mirror.
    pub term: u64,
    /// Raised at every change within a term.
    pub number: u64,
}
