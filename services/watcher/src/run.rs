//! Puts the watcher together and runs it. `main` calls it once; the sandbox and tests once per cluster, all in one process.

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use clb_model::ClusterId;
use clb_telemetry::{Health, Kind, Metrics, MetricsError};
use clb_tls::{Security, TlsError};
use k8s_openapi::api::core::v1::Namespace;
use kube::client::ClientBuilder;
use kube::{Api, Client, Config};
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api_error::describe;
use crate::directives::{DirectiveQueue, Runner};
use crate::epoch::Epoch;
use crate::freshness::{ApiHealth, Watched};
use crate::metrics::WatcherMetrics;
use crate::pending::Feed;
use crate::settings::{KubernetesSettings, WatcherSettings};
use crate::slim;
use crate::stores::Stores;
use crate::stream::{Link, StreamTiming};
use crate::watch_layer::WatchLayer;
use crate::watches::Watches;

/// The namespace whose UID is the cluster's identity.
const CLUSTER_NAMESPACE: &str = "kube-system";

/// Connecting to the API server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Beyond the time at which a quiet watch ends, for the answer to be slow.
const WATCH_MARGIN: Duration = Duration::from_secs(15);

/// What a watcher is given besides its settings.
pub struct Environment {
    /// How the Kubernetes API is reached, see [`kubernetes_config`].
    pub kubernetes: Config,
    /// How the planner is reached.
    pub security: Security,
    /// Where its metrics go.
    pub metrics: Metrics,
    /// Where its checks go.
    pub health: Health,
}

/// Why a watcher cannot run at all. What may pass (an API server or a planner that is away) is no error: it keeps trying.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The kubeconfig or the ServiceAccount cannot be used.
    #[error("the Kubernetes API cannot be used: {0}")]
    Kubernetes(String),
    /// TLS or `--insecure` does not allow the planner's address.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The metrics are taken.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The settings name no cluster.
    #[error("cluster_id: {0}")]
    Cluster(#[from] clb_model::InvalidText),
}

/// How the Kubernetes API is reached: by the kubeconfig of the settings, else as the pod's ServiceAccount.
///
/// # Errors
/// [`RunError::Kubernetes`] with what is wrong and where.
pub async fn kubernetes_config(settings: &KubernetesSettings) -> Result<Config, RunError> {
    let Some(path) = &settings.kubeconfig else {
        return Config::incluster().map_err(|error| {
            RunError::Kubernetes(format!(
                "{error}; outside of a cluster give a kubeconfig (kubernetes.kubeconfig or KUBECONFIG)"
            ))
        });
    };
    let wrong = |error: &dyn std::fmt::Display| RunError::Kubernetes(format!("{}: {error}", path.display()));
    let kubeconfig = kube::config::Kubeconfig::read_from(path).map_err(|error| wrong(&error))?;
    Config::from_custom_kubeconfig(kubeconfig, &kube::config::KubeConfigOptions::default())
        .await
        .map_err(|error| wrong(&error))
}

/// Runs a watcher until `stop` is cancelled, then ends its stream cleanly and finishes the directives that it has begun.
///
/// # Errors
/// See [`RunError`]; all of them at once at the beginning.
pub async fn run(
    settings: &WatcherSettings,
    environment: Environment,
    stop: CancellationToken,
) -> Result<(), RunError> {
    let cluster = ClusterId::new(settings.cluster_id.as_str())?;
    let metrics = WatcherMetrics::register(&environment.metrics)?;
    let channel = environment.security.endpoint(&settings.planner)?.connect_lazy();
    let watched = watched(&settings.kubernetes);
    let api_health = Arc::new(ApiHealth::new(
        environment.health.check("kubernetes", Kind::Informational),
        &watched,
    ));
    let planner_check = environment.health.check("planner", Kind::Informational);
    let client = kubernetes_client(environment.kubernetes, &settings.kubernetes, &api_health)?;

    let Some(cluster_uid) = unless_stopped(&stop, cluster_uid(&client, &api_health)).await else {
        return Ok(());
    };
    let feed = Arc::new(Feed::new((&settings.debounce).into()));
    let stores = Arc::new(Stores::new(
        settings.cluster_id.clone(),
        settings.load_balancer_class.clone(),
        feed.clone(),
    ));
    let tasks = TaskTracker::new();
    let watches = Watches {
        client: client.clone(),
        health: api_health.clone(),
        metrics: metrics.clone(),
        timeout: settings.kubernetes.watch_timeout,
    };
    let ready = start_watches(&watched, &watches, &stores, &tasks, &stop);
    if unless_stopped(&stop, ready).await.is_some() {
        let directives = Arc::new(DirectiveQueue::default());
        let runner = Runner::new(
            settings.cluster_id.clone(),
            &settings.instance,
            directives.clone(),
            client,
            metrics.clone(),
            settings.directive_concurrency.into(),
        );
        tasks.spawn(runner.run(stop.clone()));
        let gauges = Gauges {
            metrics: metrics.clone(),
            api_health: api_health.clone(),
            stores: stores.clone(),
            feed: feed.clone(),
            directives: directives.clone(),
            longest_silence: settings.kubernetes.watch_timeout + WATCH_MARGIN,
        };
        tasks.spawn(until_stopped(stop.clone(), gauges.run()));
        let link = Link {
            channel,
            cluster,
            cluster_uid,
            instance: settings.instance.clone(),
            epoch: Epoch::of_process_start(),
            stores,
            feed,
            directives,
            api_health,
            check: planner_check,
            metrics,
            timing: StreamTiming {
                heartbeat: settings.stream.heartbeat,
                chunk_bytes: usize::try_from(settings.stream.chunk_bytes).unwrap_or(usize::MAX),
            },
            stop: stop.clone(),
        };
        link.run().await;
    }
    stop.cancelled().await;
    tasks.close();
    tasks.wait().await;
    Ok(())
}

/// What is watched in a cluster with these settings.
fn watched(settings: &KubernetesSettings) -> Vec<Watched> {
    Watched::ALL
        .into_iter()
        .filter(|watched| *watched != Watched::Pods || settings.readiness_gates)
        .collect()
}

fn kubernetes_client(
    mut config: Config,
    settings: &KubernetesSettings,
    health: &Arc<ApiHealth>,
) -> Result<Client, RunError> {
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    // kube sets none, and a list that hangs in the middle would hang for ever. No body is silent for longer than a watch may be.
    config.read_timeout = Some(settings.watch_timeout + WATCH_MARGIN);
    config.reset_reader_on_write = true;
    // Repeating is done where it is counted and said.
    config.default_retry = false;
    let layer = WatchLayer {
        health: health.clone(),
        deadline: settings.answer_timeout,
    };
    let builder = ClientBuilder::try_from(config).map_err(|error| RunError::Kubernetes(describe(&error)))?;
    Ok(builder.with_layer(&layer).build())
}

/// UID of kube-system, asked for until there is an answer.
async fn cluster_uid(client: &Client, health: &ApiHealth) -> String {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let mut delays = ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(250))
        .with_max_delay(Duration::from_secs(15))
        .with_jitter()
        .without_max_times()
        .build();
    loop {
        let reason = match timeout(CONNECT_TIMEOUT * 2, namespaces.get(CLUSTER_NAMESPACE)).await {
            Ok(Ok(namespace)) => match namespace.metadata.uid {
                Some(uid) => return uid,
                None => format!("the namespace {CLUSTER_NAMESPACE} has no UID"),
            },
            Ok(Err(error)) => describe(&error),
            Err(_) => "the API server does not answer".to_owned(),
        };
        health.failed_before_watching(&reason);
        tokio::time::sleep(delays.next().unwrap_or(Duration::from_secs(15))).await;
    }
}

/// Starts all watches; the returned future ends when every one of them has its first list. Nothing may be sent before: a Service
/// without its slices, or nodes, looks like one whose backends are gone.
fn start_watches(
    all: &[Watched],
    watches: &Watches,
    stores: &Arc<Stores>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> impl Future<Output = ()> + use<> {
    let mut lists = Vec::new();
    for watched in all.iter().copied() {
        let (ready, listed) = oneshot::channel();
        lists.push(listed);
        let (watches, store, stop) = (watches.clone(), stores.clone(), stop.clone());
        match watched {
            Watched::Services => tasks.spawn(until_stopped(
                stop,
                watches.run::<slim::Service, _>(watched, store, ready),
            )),
            Watched::Nodes => tasks.spawn(until_stopped(
                stop,
                watches.run::<slim::Node, _>(watched, store, ready),
            )),
            Watched::EndpointSlices => tasks.spawn(until_stopped(
                stop,
                watches.run::<slim::EndpointSlice, _>(watched, store, ready),
            )),
            Watched::Pods => tasks.spawn(until_stopped(
                stop,
                watches.run::<slim::Pod, _>(watched, store, ready),
            )),
        };
    }
    async move {
        for listed in lists {
            // A watch ends only with the watcher.
            if listed.await.is_err() {
                std::future::pending::<()>().await;
            }
        }
        tracing::info!("all kinds are listed");
    }
}

/// Keeps the gauges that nobody else updates.
struct Gauges {
    metrics: WatcherMetrics,
    api_health: Arc<ApiHealth>,
    stores: Arc<Stores>,
    feed: Arc<Feed>,
    directives: Arc<DirectiveQueue>,
    longest_silence: Duration,
}

impl Gauges {
    async fn run(self) {
        let mut tick = interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let gauge = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
            let (services, nodes, pods) = self.stores.counts();
            self.metrics
                .objects
                .with_label_values(&["service"])
                .set(gauge(services));
            self.metrics
                .objects
                .with_label_values(&["node"])
                .set(gauge(nodes));
            self.metrics.objects.with_label_values(&["pod"]).set(gauge(pods));
            self.metrics.pending_objects.set(gauge(self.feed.len()));
            self.metrics.directives_waiting.set(gauge(self.directives.len()));
            self.metrics
                .stalest_watch_seconds
                .set(self.api_health.stalest().as_secs_f64());
            self.api_health.judge_silence(self.longest_silence);
        }
    }
}

async fn until_stopped(stop: CancellationToken, task: impl Future<Output = ()>) {
    // Returns None when stopped, which is the only way these tasks end.
    let _ = unless_stopped(&stop, task).await;
}

async fn unless_stopped<T>(stop: &CancellationToken, task: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        value = task => Some(value),
        () = stop.cancelled() => None,
    }
}
