//! One stream per cluster: a newer watcher takes over from the one before, an older epoch is refused. Shared by the sessions of one
//! cluster.

use clb_model::version::Tenure;
use clb_wire::snapshot::Hello;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::staging::Ledger;

/// Decides who speaks for a cluster.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The cluster of the first watcher that was let in. Until the process ends, since a snapshot of another cluster would take every
    /// Service of the first for gone.
    cluster_uid: Option<String>,
    newest: Option<Tenure>,
    streams: u64,
    current: Option<CancellationToken>,
    /// What the last stream left, for the next one to go on from.
    ledger: Option<Ledger>,
}

/// A stream that may speak.
#[derive(Debug)]
pub(crate) struct Admission {
    /// Numbers the streams of a cluster; the cluster's task takes only what the newest says.
    pub(crate) stream: u64,
    /// Cancelled when another takes over.
    pub(crate) replaced: CancellationToken,
    /// The place to go on from, when this watcher can.
    pub(crate) ledger: Option<Ledger>,
}

/// A stream of an older epoch than one already heard: a watcher that has lost its Lease and does not know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "epoch {}/{} is older than {}/{}, which has been heard already: another watcher holds the cluster's Lease",
    .offered.lease_created_ms, .offered.acquisitions, .newest.lease_created_ms, .newest.acquisitions
)]
pub(crate) struct OlderEpoch {
    offered: Tenure,
    newest: Tenure,
}

/// Why a stream is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// It is behind.
    #[error(transparent)]
    OlderEpoch(#[from] OlderEpoch),
    /// Two clusters with the same id in their watchers' settings, or a cluster that was made anew.
    #[error(
        "the watcher is in the cluster with UID {offered}, but this cluster id was first used by the cluster with UID {known}: give each cluster an id of its own. If the cluster was made anew under the same id, restart the planner"
    )]
    OtherCluster {
        /// The watcher's.
        offered: String,
        /// The one that counts.
        known: String,
    },
}

impl Gate {
    /// Lets a stream in and ends the one before.
    ///
    /// # Errors
    /// Another cluster than the first, or an epoch older than one already heard.
    pub(crate) fn admit(&self, hello: &Hello) -> Result<Admission, Refused> {
        let mut inner = self.inner.lock();
        // The epochs of two clusters cannot be compared.
        if let Some(known) = inner
            .cluster_uid
            .as_ref()
            .filter(|known| **known != hello.cluster_uid)
        {
            return Err(Refused::OtherCluster {
                offered: hello.cluster_uid.clone(),
                known: known.clone(),
            });
        }
        if let Some(newest) = inner.newest.filter(|newest| hello.epoch < *newest) {
            return Err(OlderEpoch {
                offered: hello.epoch,
                newest,
            }
            .into());
        }
        inner.cluster_uid.get_or_insert_with(|| hello.cluster_uid.clone());
        inner.newest = Some(hello.epoch);
        inner.streams += 1;
        let replaced = CancellationToken::new();
        if let Some(before) = inner.current.replace(replaced.clone()) {
            before.cancel();
        }
        // Only the exact place will do: what was acknowledged and what the watcher believes to be acknowledged are then the same.
        let ledger = inner.ledger.take().filter(|ledger| {
            hello.resume.is_some_and(|point| {
                point.epoch == hello.epoch
                    && point.epoch == ledger.epoch()
                    && point.sequence == ledger.sequence()
            })
        });
        Ok(Admission {
            stream: inner.streams,
            replaced,
            ledger,
        })
    }

    /// A stream has ended; if it was still the newest, the next may go on from its place.
    pub(crate) fn leave(&self, stream: u64, ledger: Option<Ledger>) {
        let mut inner = self.inner.lock();
        if inner.streams == stream {
            inner.current = None;
            inner.ledger = ledger;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::staging::Staging;
    use clb_proto::snapshot::v1;
    use clb_wire::digest::SetDigest;
    use clb_wire::snapshot::ResumePoint;

    fn tenure(acquisitions: u64) -> Tenure {
        Tenure {
            lease_created_ms: 1,
            acquisitions,
        }
    }

    fn hello(acquisitions: u64, resume: Option<u64>) -> Hello {
        Hello {
            cluster_uid: "u".to_owned(),
            instance: "i".to_owned(),
            epoch: tenure(acquisitions),
            protocols: 1..=1,
            resume: resume.map(|sequence| ResumePoint {
                epoch: tenure(acquisitions),
                sequence,
            }),
        }
    }

    fn empty_ledger(acquisitions: u64, sequence: u64) -> Option<Ledger> {
        let commit = v1::SnapshotCommit {
            count: 0,
            digest: SetDigest::default().to_bytes(),
        };
        let committed = Staging::begin(tenure(acquisitions), sequence).commit(&commit);
        Some(committed.unwrap().ledger)
    }

    #[test]
    fn an_older_epoch_is_refused_and_a_newer_one_takes_over() {
        let gate = Gate::default();
        let first = gate.admit(&hello(2, None)).unwrap();
        gate.admit(&hello(1, None)).unwrap_err();
        assert!(!first.replaced.is_cancelled());
        let second = gate.admit(&hello(3, None)).unwrap();
        assert!(first.replaced.is_cancelled());
        assert!(second.stream > first.stream);
    }

    #[test]
    fn another_cluster_under_the_same_id_is_refused_whatever_its_epoch() {
        let gate = Gate::default();
        let first = gate.admit(&hello(2, None)).unwrap();
        for acquisitions in 1..=3 {
            let other = Hello {
                cluster_uid: "other".to_owned(),
                ..hello(acquisitions, None)
            };
            let refused = gate.admit(&other).unwrap_err();
            assert!(
                matches!(&refused, Refused::OtherCluster { offered, known } if offered == "other" && known == "u")
            );
        }
        assert!(!first.replaced.is_cancelled());
        gate.leave(first.stream, None);
        gate.admit(&hello(2, None)).unwrap();
    }

    #[test]
    fn the_same_watcher_goes_on_only_from_the_exact_place() {
        let gate = Gate::default();
        for (left_at, resumes_at, expected) in [(7, Some(7), true), (7, Some(6), false), (7, None, false)] {
            let before = gate.admit(&hello(1, None)).unwrap();
            gate.leave(before.stream, empty_ledger(1, left_at));
            assert_eq!(
                gate.admit(&hello(1, resumes_at)).unwrap().ledger.is_some(),
                expected
            );
        }
    }

    #[test]
    fn a_stream_that_was_replaced_leaves_nothing_behind() {
        let gate = Gate::default();
        let old = gate.admit(&hello(1, None)).unwrap();
        let new = gate.admit(&hello(1, None)).unwrap();
        gate.leave(old.stream, empty_ledger(1, 7));
        gate.leave(new.stream, None);
        assert!(gate.admit(&hello(1, Some(7))).unwrap().ledger.is_none());
    }
}
