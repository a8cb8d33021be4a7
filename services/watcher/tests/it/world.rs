//! A simulated cluster with a watcher in it.

use std::net::SocketAddr;
use std::time::Duration;

use clb_settings::Settings as _;
use clb_telemetry::{Health, Metrics};
use clb_tls::Security;
use clb_watcher::{Environment, RunError, WatcherSettings, run};
use kube_sim::resources::{Resource, by_kind};
use kube_sim::{KubeSim, Options};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::planner::{FakePlanner, soon};

pub(crate) struct World {
    pub(crate) kube: KubeSim,
    pub(crate) planner: FakePlanner,
}

impl World {
    /// A fresh cluster and a planner, without a watcher yet.
    pub(crate) async fn new() -> Self {
        crate::traces::recorder();
        Self {
            kube: KubeSim::start(Options::default()).await.unwrap(),
            planner: FakePlanner::start().await,
        }
    }

    /// The same with these objects.
    pub(crate) async fn with(objects: &[Value]) -> Self {
        let world = Self::new().await;
        for object in objects {
            world.create(object);
        }
        world
    }

    pub(crate) fn create(&self, object: &Value) -> Value {
        self.kube.cluster().create(object).unwrap()
    }

    pub(crate) fn patch(&self, kind: &str, name: &str, changes: &Value) -> Value {
        let resource = resource(kind);
        self.kube
            .cluster()
            .merge_patch(resource, namespace(kind), name, changes)
            .unwrap()
    }

    pub(crate) fn patch_status(&self, kind: &str, name: &str, changes: &Value) -> Value {
        let resource = resource(kind);
        self.kube
            .cluster()
            .merge_patch_status(resource, namespace(kind), name, changes)
            .unwrap()
    }

    pub(crate) fn delete(&self, kind: &str, name: &str) {
        self.kube
            .cluster()
            .delete(resource(kind), namespace(kind), name)
            .unwrap();
    }

    pub(crate) fn get(&self, kind: &str, name: &str) -> Option<Value> {
        self.kube.cluster().get(resource(kind), namespace(kind), name)
    }

    /// The events on Services.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.kube
            .cluster()
            .list(by_kind("events.k8s.io/v1", "Event").unwrap(), "default")
    }

    /// A watcher with short waits and these further settings.
    pub(crate) async fn watch_with(&self, more: &str) -> Watcher {
        Watcher::start(&self.kube.kubeconfig(), self.planner.address, more).await
    }

    pub(crate) async fn watch(&self) -> Watcher {
        self.watch_with("").await
    }
}

fn resource(kind: &str) -> &'static Resource {
    let version = if kind == "EndpointSlice" {
        "discovery.k8s.io/v1"
    } else {
        "v1"
    };
    by_kind(version, kind).unwrap()
}

fn namespace(kind: &str) -> &'static str {
    if kind == "Node" { "" } else { "default" }
}

/// A watcher that runs in this process.
pub(crate) struct Watcher {
    pub(crate) health: Health,
    stop: CancellationToken,
    running: JoinHandle<Result<(), RunError>>,
}

impl Watcher {
    /// `kubeconfig` is the file's text, `more` further settings in YAML.
    pub(crate) async fn start(kubeconfig: &str, planner: SocketAddr, more: &str) -> Self {
        clb_tls::install_provider();
        crate::traces::recorder();
        let settings = WatcherSettings::from_yaml(&format!(
            "cluster_id: c-test\ninsecure: true\nplanner: '{planner}'\n\
             debounce: {{endpoints: 10ms, services: 30ms, nodes_leaving: 30ms, nodes_joining_quiet: 50ms, nodes_joining_max: 1s}}\n{more}"
        ))
        .unwrap();
        let kubeconfig = kube::config::Kubeconfig::from_yaml(kubeconfig).unwrap();
        let options = kube::config::KubeConfigOptions::default();
        let metrics = Metrics::new("watcher");
        let health = Health::new(&metrics).unwrap();
        let environment = Environment {
            kubernetes: kube::Config::from_custom_kubeconfig(kubeconfig, &options)
                .await
                .unwrap(),
            security: Security::Insecure,
            metrics,
            health: health.clone(),
        };
        let stop = CancellationToken::new();
        let running = tokio::spawn({
            let stop = stop.clone();
            async move { run(&settings, environment, stop).await }
        });
        Self {
            health,
            stop,
            running,
        }
    }

    /// Waits until the report of `/readyz?verbose` holds this text.
    pub(crate) async fn reports(&self, text: &str) {
        let said = async {
            while !self.health.report().contains(text) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(crate::planner::PATIENCE, said)
            .await
            .is_err()
        {
            panic!("no {text:?} in\n{}", self.health.report());
        }
    }

    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits for its end.
    pub(crate) async fn ended(self) -> Result<(), RunError> {
        soon("the watcher's end", self.running).await.unwrap()
    }
}
