//! The watcher: knows one Kubernetes cluster and nothing of clouds. It streams the cluster's Services, Nodes and endpoints to the
//! planner, normalized, and writes back what the planner directs: finalizer, labels, status, conditions, events, readiness gates of pods.
//!
//! Called by the binary `clb-watcher`, and by the sandbox and tests, which run one per simulated cluster in their own process.
//!
//! How it flows: [`watches`] → [`slim`] types → [`normalize`] → [`stores`], which note in [`pending`] what has changed; [`stream`]
//! sends that, and hands directives to [`directives`].

mod api_error;
mod directives;
mod epoch;
mod freshness;
mod metrics;
mod normalize;
mod ownership;
mod pending;
mod pods;
mod run;
mod settings;
mod slices;
mod slim;
mod stores;
mod stream;
mod watch_layer;
mod watches;

pub use run::{Environment, RunError, kubernetes_config, run};
pub use settings::{DebounceSettings, KubernetesSettings, StreamSettings, WatcherSettings};
