//! How fresh what is known of a cluster is, and whether it is frozen: while it is, nothing is removed for it.
//!
//! Owned by the cluster's task, told by the sessions.

use std::time::Duration;

use tokio::time::Instant;

/// One watcher goes, the next one comes: that much time without any is usual.
const HANDOVER: Duration = Duration::from_secs(3);

/// How fresh one cluster is.
#[derive(Debug)]
pub(crate) struct Freshness {
    limit: Duration,
    committed: bool,
    stream: Option<Stream>,
}

#[derive(Debug)]
struct Stream {
    /// The watcher and we agree on what the cluster holds.
    in_step: bool,
    heard: Instant,
    /// As of `heard`.
    stalest_watch: Duration,
}

/// Why nothing is removed for a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Frozen {
    /// Its first snapshot has not been committed: nothing is written for it either.
    NeverCommitted,
    /// No watcher is connected.
    Disconnected,
    /// A watcher is connected, and its full snapshot is under way.
    Resyncing,
    /// The watcher, or its own watches, have been silent for too long.
    Stale,
}

impl std::fmt::Display for Frozen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NeverCommitted => {
                "no full snapshot has been committed yet; nothing is written for the cluster"
            }
            Self::Disconnected => "no watcher is connected; nothing is removed for the cluster",
            Self::Resyncing => "a full snapshot is under way; nothing is removed for the cluster",
            Self::Stale => "the watcher's own watches are stale; nothing is removed for the cluster",
        })
    }
}

impl Freshness {
    /// A cluster that has not been heard of; stale after `limit`.
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            limit,
            committed: false,
            stream: None,
        }
    }

    /// A watcher has connected, and either goes on where the last one stopped or begins anew.
    pub(crate) fn connected(&mut self, resumed: bool, now: Instant) {
        self.stream = Some(Stream {
            in_step: resumed,
            heard: now,
            stalest_watch: Duration::ZERO,
        });
    }

    /// The stream has ended.
    pub(crate) fn disconnected(&mut self) {
        self.stream = None;
    }

    /// A full snapshot has been committed.
    pub(crate) fn committed(&mut self, now: Instant) {
        self.committed = true;
        if let Some(stream) = &mut self.stream {
            stream.in_step = true;
            stream.heard = now;
        }
    }

    /// The planner has lost its place in the stream.
    pub(crate) fn lost(&mut self) {
        if let Some(stream) = &mut self.stream {
            stream.in_step = false;
        }
    }

    /// The watcher spoke; heartbeats say how old its stalest watch is.
    pub(crate) fn heard(&mut self, stalest_watch: Option<Duration>, now: Instant) {
        if let Some(stream) = &mut self.stream {
            stream.heard = now;
            if let Some(age) = stalest_watch {
                stream.stalest_watch = age;
            }
        }
    }

    /// Why the cluster is frozen; none when it is not.
    pub(crate) fn frozen(&self, now: Instant) -> Option<Frozen> {
        match &self.stream {
            _ if !self.committed => Some(Frozen::NeverCommitted),
            None => Some(Frozen::Disconnected),
            Some(stream) if !stream.in_step => Some(Frozen::Resyncing),
            Some(stream) if stream.age(now) > self.limit => Some(Frozen::Stale),
            Some(_) => None,
        }
    }

    /// When it will be stale if nothing is heard until then.
    pub(crate) fn deadline(&self, now: Instant) -> Option<Instant> {
        let stream = self.stream.as_ref()?;
        let left = self.limit.saturating_sub(stream.stalest_watch);
        // Stale is "older than", so the moment after.
        Some(stream.heard + left + Duration::from_millis(1)).filter(|due| *due > now)
    }

    /// How long it may be frozen for this reason before that is worth a warning.
    pub(crate) fn patience(&self, reason: &Frozen) -> Duration {
        match reason {
            Frozen::NeverCommitted => self.limit,
            Frozen::Disconnected | Frozen::Resyncing => HANDOVER.min(self.limit),
            Frozen::Stale => Duration::ZERO,
        }
    }

    /// Whether a watcher is connected.
    pub(crate) fn is_connected(&self) -> bool {
        self.stream.is_some()
    }

    /// Whether a full snapshot has ever been committed.
    pub(crate) fn is_committed(&self) -> bool {
        self.committed
    }

    /// Age of the stalest watch; none without a stream.
    pub(crate) fn age(&self, now: Instant) -> Option<Duration> {
        self.stream.as_ref().map(|stream| stream.age(now))
    }
}

impl Stream {
    fn age(&self, now: Instant) -> Duration {
        self.stalest_watch + now.duration_since(self.heard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_cluster_is_frozen_until_committed_and_when_silent_or_gone() {
        let start = Instant::now();
        let mut freshness = Freshness::new(30 * SECOND);
        assert_eq!(freshness.frozen(start), Some(Frozen::NeverCommitted));
        freshness.connected(false, start);
        assert_eq!(freshness.frozen(start), Some(Frozen::NeverCommitted));
        freshness.committed(start);
        assert_eq!(freshness.frozen(start + 30 * SECOND), None);
        assert_eq!(freshness.frozen(start + 31 * SECOND), Some(Frozen::Stale));

        freshness.heard(Some(25 * SECOND), start + 31 * SECOND);
        assert_eq!(freshness.frozen(start + 36 * SECOND), None);
        assert_eq!(freshness.frozen(start + 37 * SECOND), Some(Frozen::Stale));
        freshness.heard(Some(25 * SECOND), start + 31 * SECOND);
        let deadline = freshness.deadline(start + 31 * SECOND).unwrap();
        assert_eq!(freshness.frozen(deadline), Some(Frozen::Stale));

        freshness.disconnected();
        assert_eq!(freshness.frozen(start), Some(Frozen::Disconnected));
        freshness.connected(false, start);
        assert_eq!(freshness.frozen(start), Some(Frozen::Resyncing));
        freshness.connected(true, start);
        assert_eq!(freshness.frozen(start), None);
        freshness.lost();
        assert_eq!(freshness.frozen(start), Some(Frozen::Resyncing));
    }

    #[tokio::test(start_paused = true)]
    async fn a_delta_does_not_make_the_watchers_own_watches_younger() {
        let start = Instant::now();
        let mut freshness = Freshness::new(30 * SECOND);
        freshness.connected(false, start);
        freshness.committed(start);
        freshness.heard(Some(20 * SECOND), start);
        freshness.heard(None, start + 5 * SECOND);
        assert_eq!(freshness.frozen(start + 16 * SECOND), Some(Frozen::Stale));
    }
}
