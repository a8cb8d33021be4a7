//! What goes wrong while a sequence of changes runs.

use std::fmt;
use std::time::Duration;

use clb_e2e::load_balancer_of;
use cloud_sim::{Circumstances, Fault, FaultKind};

use crate::lab::Lab;
use crate::moments::fewest;

/// Kinds of calls that change backends or what listeners send to.
const WRITES: [&str; 4] = ["Add*", "Remove*", "Set*", "Create*"];
/// Those of them that are throttled; each time the next call of the kind waits for seconds.
const THROTTLED: [&str; 2] = ["Add*", "Set*"];

/// A trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// None.
    Nothing,
    /// Each write takes long, and its CLB refuses others meanwhile.
    SlowCloud,
    /// Writes are throttled after each change.
    Throttling,
    /// Writes are carried out and their answers lost.
    LostAnswers,
    /// The planner starts anew after each change.
    PlannerRestarts,
    /// The watcher starts anew after each change.
    WatcherRestarts,
    /// All three services do.
    AllRestart,
}

impl fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&format!("{self:?}").to_lowercase())
    }
}

impl Trouble {
    pub(crate) const ALL: [Self; 7] = [
        Self::Nothing,
        Self::SlowCloud,
        Self::Throttling,
        Self::LostAnswers,
        Self::PlannerRestarts,
        Self::WatcherRestarts,
        Self::AllRestart,
    ];

    /// Before the first change.
    pub(crate) fn begin(self, lab: &Lab) {
        if self == Self::SlowCloud {
            lab.stage
                .world
                .cloud
                .cloud()
                .change_circumstances(|circumstances| circumstances.write_time = Duration::from_millis(300));
        }
    }

    /// Right after a change, while it is on its way.
    pub(crate) async fn strike(self, lab: &mut Lab) -> anyhow::Result<()> {
        let fault = |kind: FaultKind, kinds: &[&str]| {
            for writes in kinds {
                let cloud = lab.stage.world.cloud.cloud();
                cloud.order_fault(Fault::next(kind.clone()).of(writes));
            }
        };
        let services = &mut lab.stage.world.services;
        match self {
            Self::Nothing | Self::SlowCloud => {}
            Self::Throttling => fault(FaultKind::Throttle, &THROTTLED),
            Self::LostAnswers => fault(FaultKind::ResetAfter, &WRITES),
            Self::PlannerRestarts => {
                // Some of what is to be done is done by then.
                tokio::time::sleep(Duration::from_millis(250)).await;
                if let Some(planner) = services.planner.take() {
                    planner.stop().await;
                }
                services.start_planner().await?;
            }
            Self::WatcherRestarts => {
                tokio::time::sleep(Duration::from_millis(250)).await;
                if let Some(watcher) = services.watchers[0].take() {
                    watcher.stop().await;
                }
                services.start_watcher(0).await?;
            }
            Self::AllRestart => {
                tokio::time::sleep(Duration::from_millis(250)).await;
                services.restart().await?;
            }
        }
        Ok(())
    }

    /// After the last change.
    pub(crate) fn end(self, lab: &Lab) {
        let cloud = lab.stage.world.cloud.cloud();
        cloud.clear_faults();
        let usual = Circumstances::default().write_time;
        cloud.change_circumstances(|circumstances| circumstances.write_time = usual);
    }
}

/// Checks that a Service's listener tcp/80 had a backend at every moment since a call.
pub(crate) fn never_empty(lab: &Lab, uid: &str, since: u64, trouble: Trouble) {
    let load_balancer = load_balancer_of(&lab.stage, uid);
    let id = load_balancer["LoadBalancerId"].as_str().unwrap_or_default();
    let calls = lab.stage.world.cloud.cloud().calls();
    let changes = calls.iter().filter(|call| call.applied && call.number > since);
    let changes: Vec<_> = changes
        .map(|call| (call.number, &call.action, &call.parameters))
        .collect();
    assert!(
        fewest(&calls, id, since, |_, _| true) > 0,
        "{trouble}: there was a moment without a backend since call {since}, among {changes:#?}"
    );
}
