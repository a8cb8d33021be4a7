//! How long ago each watch was last heard of, and whether the API server answers at all.
//!
//! kube's watcher keeps bookmarks to itself and says nothing when a watch is opened again, so the age is taken from the HTTP
//! responses ([`crate::watch_layer`]): every part of a watch's body and every accepted list or watch counts. A quiet watch is
//! closed by the server after `kubernetes.watch_timeout` and opened again, which is the longest that a healthy one is silent.

use std::collections::BTreeMap;
use std::time::Duration;

use clb_telemetry::Check;
use parking_lot::Mutex;
use tokio::time::Instant;

/// What is watched, by its name in the API's paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Watched {
    /// Services.
    Services,
    /// Nodes.
    Nodes,
    /// EndpointSlices.
    EndpointSlices,
    /// Pods, for their readiness gates.
    Pods,
}

impl Watched {
    /// Everything that is watched.
    pub(crate) const ALL: [Self; 4] = [Self::Services, Self::Nodes, Self::EndpointSlices, Self::Pods];

    /// The resource's name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Services => "services",
            Self::Nodes => "nodes",
            Self::EndpointSlices => "endpointslices",
            Self::Pods => "pods",
        }
    }

    /// Which list or watch of all namespaces a path is for.
    pub(crate) fn of_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|watched| {
            path.strip_suffix(watched.as_str()).is_some_and(|group| {
                group.ends_with("/api/v1/") || group.ends_with("/apis/discovery.k8s.io/v1/")
            })
        })
    }
}

#[derive(Debug)]
struct Heard {
    at: Instant,
    trouble: Option<String>,
}

/// The state of the connection to the API server, in the check `kubernetes`: well while every watch is.
#[derive(Debug)]
pub(crate) struct ApiHealth {
    check: Check,
    watches: Mutex<BTreeMap<Watched, Heard>>,
}

impl ApiHealth {
    /// For these watches. Nothing has been heard yet; ages count from now.
    pub(crate) fn new(check: Check, watched: &[Watched]) -> Self {
        let at = Instant::now();
        let heard = |watched: &Watched| {
            (
                *watched,
                Heard {
                    at,
                    trouble: Some("not read yet".to_owned()),
                },
            )
        };
        Self {
            check,
            watches: Mutex::new(watched.iter().map(heard).collect()),
        }
    }

    /// The API server has said something on this watch.
    pub(crate) fn heard(&self, watched: Watched) {
        let mut watches = self.watches.lock();
        watches.insert(
            watched,
            Heard {
                at: Instant::now(),
                trouble: None,
            },
        );
        if watches.values().all(|heard| heard.trouble.is_none()) {
            self.check.ok();
        }
    }

    /// A list or a watch has failed.
    pub(crate) fn failed(&self, watched: Watched, reason: &str) {
        let mut watches = self.watches.lock();
        if let Some(heard) = watches.get_mut(&watched) {
            heard.trouble = Some(reason.to_owned());
        }
        self.check.failing(reason);
    }

    /// Something else than a watch has failed, before there are any.
    pub(crate) fn failed_before_watching(&self, reason: &str) {
        self.check.failing(reason);
    }

    /// Time since the stalest watch was last heard of.
    pub(crate) fn stalest(&self) -> Duration {
        let watches = self.watches.lock();
        watches
            .values()
            .map(|heard| heard.at.elapsed())
            .max()
            .unwrap_or_default()
    }

    /// Says in the check that a watch is silent for longer than a healthy one can be.
    pub(crate) fn judge_silence(&self, longest: Duration) {
        let silent = self
            .watches
            .lock()
            .iter()
            .filter(|(_, heard)| heard.trouble.is_none())
            .map(|(watched, heard)| (*watched, heard.at.elapsed()))
            .find(|(_, age)| *age > longest);
        if let Some((watched, age)) = silent {
            let reason = format!("nothing heard of {} for {} s", watched.as_str(), age.as_secs());
            self.failed(watched, &reason);
        }
    }
}

#[cfg(test)]
mod tests {
    use clb_telemetry::{Health, Kind, Metrics};

    use super::*;

    #[test]
    fn paths_of_lists_and_watches_are_known_those_of_single_objects_are_not() {
        for (path, expected) in [
            ("/api/v1/services", Some(Watched::Services)),
            ("/prefix/api/v1/nodes", Some(Watched::Nodes)),
            (
                "/apis/discovery.k8s.io/v1/endpointslices",
                Some(Watched::EndpointSlices),
            ),
            ("/api/v1/pods", Some(Watched::Pods)),
            ("/api/v1/namespaces/default/services", None),
            ("/api/v1/namespaces/default/services/nodes", None),
            ("/api/v1/nodes/services", None),
        ] {
            assert_eq!(Watched::of_path(path), expected, "{path}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_stalest_watch_counts_and_all_must_be_well() {
        let health = Health::new(&Metrics::new("watcher")).unwrap();
        let api = ApiHealth::new(
            health.check("kubernetes", Kind::Informational),
            &[Watched::Services, Watched::Nodes, Watched::EndpointSlices],
        );
        api.heard(Watched::Services);
        api.heard(Watched::Nodes);
        assert!(health.report().contains("[-]kubernetes"));
        tokio::time::advance(Duration::from_secs(7)).await;
        api.heard(Watched::EndpointSlices);
        assert!(health.report().contains("[+]kubernetes ok"));
        assert_eq!(api.stalest(), Duration::from_secs(7));

        api.failed(Watched::Nodes, "connection refused");
        api.heard(Watched::Services);
        assert!(health.report().contains("connection refused"));
        api.heard(Watched::Nodes);
        assert!(health.report().contains("[+]kubernetes ok"));
        assert_eq!(api.stalest(), Duration::ZERO);

        tokio::time::advance(Duration::from_secs(100)).await;
        api.judge_silence(Duration::from_secs(90));
        assert!(health.report().contains("nothing heard of services for 100 s"));
    }
}
