//! The watcher's epoch, which orders the watchers of one cluster: the planner refuses an older one than it has seen.

use clb_model::version::Tenure;

/// Where the epoch comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Epoch(Tenure);

impl Epoch {
    /// Of a watcher that is alone in its cluster and holds no Lease: a later start is newer.
    pub(crate) fn of_process_start() -> Self {
        let now = jiff::Timestamp::now().as_millisecond();
        Self(Tenure {
            // The clock is not before 1970.
            lease_created_ms: u64::try_from(now).unwrap_or_default(),
            acquisitions: 1,
        })
    }

    /// For Hello.
    pub(crate) fn tenure(self) -> Tenure {
        self.0
    }
}
