//! Creations of CLBs that were sent: what nobody knows of them, and for how long a CLB may appear that nobody sees yet. `creation` keeps it.

use std::collections::HashMap;
use std::time::Duration;

use clb_model::operation::NewLoadBalancer;
use clb_model::{ClusterId, LoadBalancerId, ServiceUid};
use parking_lot::Mutex;
use tokio::time::Instant;

/// How long after a creation was sent its CLB may be missing from what the cloud shows. As long as the planner waits for one that was made.
const SHOWN_WITHIN: Duration = Duration::from_secs(60);
/// How long after the start a CLB may appear that the process before this one has asked for. It has sent nothing since it ended.
const OF_A_PREDECESSOR: Duration = Duration::from_secs(20);

/// The last creation of each Service, until its outcome is known and shown.
#[derive(Debug)]
pub(super) struct Creations {
    started: Instant,
    last: Mutex<HashMap<Key, Creation>>,
}

/// For whom a CLB is made.
pub(super) type Key = (ClusterId, ServiceUid);

/// A creation as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) new: NewLoadBalancer,
    pub(super) vswitch_id: Option<String>,
}

#[derive(Debug)]
struct Creation {
    sent: Sent,
    at: Instant,
    /// What came of it; none while nobody knows.
    made: Option<LoadBalancerId>,
}

impl Creations {
    /// None yet; made when the process starts.
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            last: Mutex::default(),
        }
    }

    /// The creation whose outcome nobody knows. The next batch sends it again before it sends anything else.
    pub(super) fn unsettled(&self, key: &Key) -> Option<Sent> {
        let last = self.last.lock();
        let unknown = last.get(key).filter(|creation| creation.made.is_none());
        unknown.map(|creation| creation.sent.clone())
    }

    /// One is sent now.
    pub(super) fn sent(&self, key: Key, sent: &Sent) {
        let now = Instant::now();
        let mut last = self.last.lock();
        last.retain(|_, creation| creation.made.is_none() || now < creation.at + SHOWN_WITHIN);
        let creation = Creation {
            sent: sent.clone(),
            at: now,
            made: None,
        };
        last.insert(key, creation);
    }

    /// The last one made this CLB.
    pub(super) fn made(&self, key: &Key, id: &LoadBalancerId) {
        if let Some(creation) = self.last.lock().get_mut(key) {
            creation.made = Some(id.clone());
        }
    }

    /// The last one made none, or its CLB is gone.
    pub(super) fn settle(&self, key: &Key) {
        self.last.lock().remove(key);
    }

    /// For how long a CLB of the Service may still appear though none is found; none where that is over. `is_shown` says of the one that was
    /// made whether it is known, though it may no longer carry the Service's tag.
    pub(super) fn may_appear_for(
        &self,
        key: &Key,
        was_being_made: bool,
        is_shown: impl Fn(&LoadBalancerId) -> bool,
    ) -> Option<Duration> {
        let last = self.last.lock();
        let unseen = last
            .get(key)
            .filter(|creation| !creation.made.as_ref().is_some_and(is_shown))
            .map(|creation| creation.at + SHOWN_WITHIN);
        let until = unseen.max(was_being_made.then(|| self.started + OF_A_PREDECESSOR))?;
        let time = until.saturating_duration_since(Instant::now());
        (time > Duration::ZERO).then_some(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn key(uid: &str) -> Key {
        (ClusterId::new("c-lab").unwrap(), ServiceUid::new(uid).unwrap())
    }

    fn sent() -> Sent {
        Sent {
            new: sample::new_load_balancer(),
            vswitch_id: None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_sent_may_appear_for_a_minute_whether_or_not_it_was_answered() {
        let creations = Creations::new();
        let id = LoadBalancerId::new("lb-1").unwrap();
        for uid in ["unknown", "made", "refused"] {
            creations.sent(key(uid), &sent());
        }
        creations.made(&key("made"), &id);
        creations.settle(&key("refused"));
        let may_appear = |uid: &str, shown| creations.may_appear_for(&key(uid), false, |_| shown);
        assert_eq!(may_appear("unknown", true), Some(SHOWN_WITHIN));
        assert_eq!(may_appear("made", false), Some(SHOWN_WITHIN));
        assert_eq!(may_appear("made", true), None);
        assert_eq!(may_appear("refused", false), None);
        assert_eq!(may_appear("never-sent", false), None);
        assert_eq!(creations.unsettled(&key("unknown")), Some(sent()));
        assert_eq!(creations.unsettled(&key("made")), None);
        tokio::time::advance(SHOWN_WITHIN).await;
        assert_eq!(may_appear("unknown", false), None);
        assert_eq!(may_appear("made", false), None);
        creations.sent(key("another"), &sent());
        assert_eq!(creations.last.lock().len(), 2, "what was answered is forgotten");
    }

    #[tokio::test(start_paused = true)]
    async fn what_another_process_sent_may_appear_for_a_while_after_the_start() {
        let creations = Creations::new();
        let may_appear = |was_being_made| creations.may_appear_for(&key("u"), was_being_made, |_| false);
        assert_eq!(may_appear(true), Some(OF_A_PREDECESSOR));
        assert_eq!(may_appear(false), None);
        tokio::time::advance(OF_A_PREDECESSOR).await;
        assert_eq!(may_appear(true), None);
    }
}
