//! CLBs of which a read in the background brought less than was wanted. Each is read again after a pause, once however often that was
//! asked for; and by itself after it failed, because one that must not be read spoils the answer about those that it is read with.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use clb_model::LoadBalancerId;

use super::Mirror;
use super::loader::Wanted;

/// Until what could not be taken over is read again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// The pause after many failures in a row.
const LONGEST: Duration = Duration::from_secs(60);

/// The CLBs of which something is missing.
#[derive(Debug, Default)]
pub(super) struct Unread(BTreeMap<LoadBalancerId, Missing>);

#[derive(Debug, Default)]
struct Missing {
    wanted: Wanted,
    /// The end of its pause is awaited.
    paused: bool,
    /// In a row.
    failures: u32,
}

impl Unread {
    /// Whether it is not to be read together with others.
    pub(super) fn is_alone(&self, id: &LoadBalancerId) -> bool {
        self.0.get(id).is_some_and(|missing| missing.failures > 0)
    }

    /// It was written while it was read. Returns the pause, unless one has begun already.
    pub(super) fn overtaken(&mut self, id: &LoadBalancerId, wanted: Wanted) -> Option<Duration> {
        let missing = self.0.entry(id.clone()).or_default();
        missing.failures = 0;
        missing.pause(wanted).then_some(AGAIN_AFTER)
    }

    /// It could not be read, which may have been for its own sake. Returns the pause, unless one has begun already.
    pub(super) fn failed(
        &mut self,
        id: &LoadBalancerId,
        wanted: Wanted,
        by_itself: bool,
    ) -> Option<Duration> {
        let missing = self.0.entry(id.clone()).or_default();
        if by_itself {
            missing.failures = missing.failures.saturating_add(1);
        }
        let doubled = 1_u32.checked_shl(missing.failures.saturating_sub(1));
        let pause = AGAIN_AFTER.saturating_mul(doubled.unwrap_or(u32::MAX));
        missing.pause(wanted).then_some(pause.min(LONGEST))
    }

    /// It was read.
    pub(super) fn succeeded(&mut self, id: &LoadBalancerId) {
        if let Some(missing) = self.0.get_mut(id) {
            missing.failures = 0;
            if !missing.paused {
                self.0.remove(id);
            }
        }
    }

    /// Its pause is over: what is to be read now.
    fn resume(&mut self, id: &LoadBalancerId) -> Option<Wanted> {
        let missing = self.0.get_mut(id)?;
        missing.paused = false;
        let wanted = std::mem::take(&mut missing.wanted);
        if missing.failures == 0 {
            self.0.remove(id);
        }
        Some(wanted)
    }

    /// It is not there any more.
    pub(super) fn forget(&mut self, id: &LoadBalancerId) {
        self.0.remove(id);
    }
}

impl Missing {
    /// Whether the pause begins only now.
    fn pause(&mut self, wanted: Wanted) -> bool {
        self.wanted = self.wanted.and(wanted);
        !std::mem::replace(&mut self.paused, true)
    }
}

impl Mirror {
    /// Has what is missing of a CLB read after its pause.
    pub(super) fn read_unread_after(self: &Arc<Self>, id: LoadBalancerId, pause: Duration) {
        let mirror = Arc::clone(self);
        self.tasks.spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(pause) => {
                    let wanted = mirror.state.lock().unread.resume(&id);
                    if let Some(wanted) = wanted {
                        mirror.refresh(&id, wanted);
                    }
                }
                () = mirror.stop.cancelled() => {}
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> LoadBalancerId {
        LoadBalancerId::new("lb-1").unwrap()
    }

    #[test]
    fn a_clb_that_fails_is_read_alone_after_pauses_that_grow() {
        let mut unread = Unread::default();
        assert!(!unread.is_alone(&id()));
        let mut pauses = Vec::new();
        for _ in 0..40 {
            pauses.extend(unread.failed(&id(), Wanted::DETAILS, true));
            assert_eq!(
                unread.failed(&id(), Wanted::INSTANCE, false),
                None,
                "one pause at a time"
            );
            assert_eq!(unread.resume(&id()), Some(Wanted::ALL));
            assert!(unread.is_alone(&id()));
        }
        assert_eq!(pauses[..3], [1, 2, 4].map(Duration::from_secs));
        assert_eq!(pauses[39], LONGEST);
        unread.succeeded(&id());
        assert!(!unread.is_alone(&id()));
        assert_eq!(unread.failed(&id(), Wanted::DETAILS, true), Some(AGAIN_AFTER));
    }

    #[test]
    fn what_is_missing_outlives_the_success_of_another_part() {
        let mut unread = Unread::default();
        assert_eq!(unread.overtaken(&id(), Wanted::DETAILS), Some(AGAIN_AFTER));
        assert!(!unread.is_alone(&id()), "its neighbours are not at risk");
        unread.succeeded(&id());
        assert_eq!(unread.resume(&id()), Some(Wanted::DETAILS));
        assert_eq!(unread.resume(&id()), None);
    }

    #[test]
    fn trouble_of_the_cloud_as_a_whole_leaves_clbs_together() {
        let mut unread = Unread::default();
        assert_eq!(unread.failed(&id(), Wanted::DETAILS, false), Some(AGAIN_AFTER));
        assert!(!unread.is_alone(&id()));
        unread.forget(&id());
        assert_eq!(unread.resume(&id()), None);
    }
}
