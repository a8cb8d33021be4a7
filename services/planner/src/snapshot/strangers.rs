//! Watchers of another cluster that come under the id of one which is known: for as long as they keep trying, a line of
//! `/readyz?verbose`, a metric and one line of the log say so. [`super::session`] reports each refusal.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clb_telemetry::Check;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::gate::Refused;

/// A refused watcher tries again within 10 s; after so long without a try it has gone, or was set right.
const QUIET: Duration = Duration::from_secs(60);

/// What refused watchers of one cluster's id came to; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Strangers {
    check: Check,
    refusals: Arc<AtomicU64>,
}

impl Strangers {
    /// Reports to this check.
    pub(crate) fn new(check: Check) -> Self {
        check.ok();
        Self {
            check,
            refusals: Arc::default(),
        }
    }

    /// One was refused. Forgotten when no other comes for [`QUIET`]; that is waited for in `tasks`, until `stop`.
    pub(crate) fn refused(&self, refused: &Refused, tasks: &TaskTracker, stop: &CancellationToken) {
        self.check.failing(&refused.to_string());
        let number = self.refusals.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let (strangers, stop) = (self.clone(), stop.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = sleep(QUIET) => {}
                () = stop.cancelled() => return,
            }
            if strangers.refusals.load(Ordering::Relaxed) == number {
                strangers.check.ok();
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use clb_telemetry::{Health, Kind, Metrics};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_told_while_they_keep_trying_and_does_not_affect_readiness() {
        let health = Health::new(&Metrics::new("planner")).unwrap();
        let strangers = Strangers::new(health.check("cluster/c-1/uid", Kind::Informational));
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let refused = Refused::OtherCluster {
            offered: "u-2".to_owned(),
            known: "u-1".to_owned(),
        };
        for _ in 0..3 {
            strangers.refused(&refused, &tasks, &stop);
            sleep(QUIET / 2).await;
            let report = health.report();
            assert!(
                report.contains("[-]cluster/c-1/uid failed: ") && report.contains("u-2"),
                "{report}"
            );
            assert!(health.is_ready());
        }
        sleep(QUIET).await;
        assert!(
            health.report().contains("[+]cluster/c-1/uid ok"),
            "{}",
            health.report()
        );

        strangers.refused(&refused, &tasks, &stop);
        stop.cancel();
        tasks.close();
        tasks.wait().await;
    }
}
