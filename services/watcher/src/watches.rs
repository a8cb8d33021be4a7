//! Keeps the stores in step with the API server: one task per kind, which lists, watches, and after an error waits and tries again,
//! for ever.

use std::collections::HashSet;
use std::fmt::Debug;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use futures::StreamExt;
use kube::runtime::watcher;
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::api_error::describe;
use crate::freshness::{ApiHealth, Watched};
use crate::metrics::WatcherMetrics;
use crate::stores::{Store, object_name};

/// Pods in one answer of a list.
const PODS_PER_PAGE: u32 = 500;

/// Errors that are further apart than this have nothing to do with each other.
const UNRELATED: Duration = Duration::from_secs(120);

/// What the watch of every kind needs.
#[derive(Clone)]
pub(crate) struct Watches {
    /// The client with [`crate::watch_layer`].
    pub(crate) client: Client,
    /// Where failures go.
    pub(crate) health: Arc<ApiHealth>,
    /// Where failures are counted.
    pub(crate) metrics: WatcherMetrics,
    /// After this the server ends a watch; it is opened again.
    pub(crate) timeout: Duration,
}

impl Watches {
    /// Watches one kind in all namespaces until the future is dropped. `ready` hears when the first list is complete.
    pub(crate) async fn run<K, S>(self, watched: Watched, store: Arc<S>, ready: oneshot::Sender<()>)
    where
        K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
        S: Store<K>,
    {
        let mut listed: HashSet<_> = HashSet::new();
        let mut ready = Some(ready);
        let mut retry = Retry::default();
        loop {
            let api: Api<K> = Api::all(self.client.clone());
            let mut events = pin!(watcher::watcher(api, self.config(watched)));
            while let Some(event) = events.next().await {
                match event {
                    Ok(watcher::Event::Init) => listed.clear(),
                    Ok(watcher::Event::InitApply(object)) => {
                        listed.insert(object_name(&object));
                        store.apply(&object);
                    }
                    Ok(watcher::Event::InitDone) => {
                        store.retain(&listed);
                        listed = HashSet::new();
                        // Whoever waited for it may be gone already, when the service is stopping.
                        let _ = ready.take().map(|ready| ready.send(()));
                    }
                    Ok(watcher::Event::Apply(object)) => store.apply(&object),
                    Ok(watcher::Event::Delete(object)) => store.remove(&object_name(&object)),
                    Err(error) => {
                        let must_relist = self.report(watched, &error);
                        tokio::time::sleep(retry.after_error()).await;
                        if must_relist {
                            break;
                        }
                    }
                }
            }
        }
    }

    fn config(&self, watched: Watched) -> watcher::Config {
        let config = watcher::Config {
            // One answer, not pages of 500: the API server has it in its watch cache.
            page_size: None,
            // The newest state rather than any that a cache holds: a relist must not take us back in time.
            list_semantic: watcher::ListSemantic::MostRecent,
            // Works with every version; a streamed list needs a server with WatchList, and kube has no way back.
            initial_list_strategy: watcher::InitialListStrategy::ListWatch,
            timeout: Some(u32::try_from(self.timeout.as_secs()).unwrap_or(u32::MAX)),
            ..watcher::Config::default()
        };
        match watched {
            Watched::Services | Watched::Nodes | Watched::EndpointSlices => config,
            // There are many more of them, and next to none is kept: pages keep the answers small, and what has not begun or is over
            // does not travel at all. A pod that waits for a gate has ready containers, so it runs.
            Watched::Pods => config.page_size(PODS_PER_PAGE).fields("status.phase=Running"),
        }
    }

    /// Returns whether only a new list helps: kube makes one itself after a 410 inside a watch, but not after one instead of a watch.
    fn report(&self, watched: Watched, error: &watcher::Error) -> bool {
        self.metrics.watch_errors(watched.as_str());
        let (reason, gone) = match error {
            // An ordinary event of a watch's life; the list that follows shows whether anything is wrong.
            watcher::Error::WatchError(status) if status.code == 410 => {
                tracing::debug!(kind = watched.as_str(), "watch is too old, listing anew");
                return false;
            }
            watcher::Error::WatchError(status) => (format!("the watch ended: {}", status.message), false),
            watcher::Error::InitialListFailed(error) => (describe(error), false),
            watcher::Error::WatchStartFailed(error) => (
                describe(error),
                matches!(error, kube::Error::Api(status) if status.code == 410),
            ),
            // The broken stream ends next, and kube opens it again from where it was.
            watcher::Error::WatchFailed(error) => (describe(error), false),
            watcher::Error::NoResourceVersion => (error.to_string(), false),
        };
        self.health
            .failed(watched, &format!("{}: {reason}", watched.as_str()));
        gone
    }
}

/// Waits that grow from error to error.
#[derive(Default)]
struct Retry {
    delays: Option<backon::ExponentialBackoff>,
    last: Option<Instant>,
}

impl Retry {
    fn after_error(&mut self) -> Duration {
        let now = Instant::now();
        if self.last.replace(now).is_some_and(|last| now - last > UNRELATED) {
            self.delays = None;
        }
        let delays = self.delays.get_or_insert_with(|| {
            ExponentialBuilder::new()
                .with_min_delay(Duration::from_millis(250))
                .with_max_delay(Duration::from_secs(15))
                .with_jitter()
                .without_max_times()
                .build()
        });
        delays.next().unwrap_or(Duration::from_secs(15))
    }
}
